package acr_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// answering is a fault: the resource requests for path get this body and these headers, "Name: value".
func answering(path, body string, headers ...string) acrtest.Fault {
	return acrtest.Fault{Kind: acrtest.KindResource, Path: path, Handler: func(w http.ResponseWriter, _ *http.Request) {
		for _, header := range headers {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Add(name, value)
		}
		_, _ = w.Write([]byte(body))
	}}
}

const (
	anImage = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}`
	asImage = "Content-Type: application/vnd.oci.image.manifest.v1+json"
)

func TestHardening15Digest(t *testing.T) {
	computed := digest.FromString(anImage)
	other := digest.FromString("other")
	sha512 := digest.NewDigestFromBytes(digest.SHA512, func() []byte { sum := sha512.Sum512([]byte(anImage)); return sum[:] }())
	header := func(value string) string { return "Docker-Content-Digest: " + value }
	for _, test := range []struct {
		name, requested, header string
		reason                  fault.Reason // empty: the manifest is good
		says                    []string
	}{
		{"no header", "", "", "", nil},
		{"right header", "", header(computed.String()), "", nil},
		{"right header of sha512", "", header(sha512.String()), "", nil},
		{"requested", computed.String(), "", "", nil},
		{"requested and right header", computed.String(), header(computed.String()), "", nil},
		{"requested by sha512", sha512.String(), header(computed.String()), "", nil},
		{"wrong header", "", header(other.String()), fault.DigestMismatch, []string{computed.String(), other.String()}},
		{"wrong header, requested right", computed.String(), header(other.String()), fault.DigestMismatch, []string{computed.String(), other.String()}},
		{"another than requested", other.String(), "", fault.DigestMismatch, []string{computed.String(), other.String()}},
		{"another than requested, as the header says", other.String(), header(other.String()), fault.DigestMismatch, []string{computed.String(), other.String()}},
		{"another than requested, right header", other.String(), header(computed.String()), fault.DigestMismatch, []string{computed.String(), other.String()}},
		{"malformed header", "", header("not-a-digest"), fault.BadAnswer, []string{"not-a-digest", "Docker-Content-Digest"}},
		{"empty header", "", header(""), fault.BadAnswer, []string{"Docker-Content-Digest"}},
		{"short header", "", header("sha256:abc"), fault.BadAnswer, []string{"sha256:abc"}},
		{"header in capitals", "", header(strings.ToUpper(computed.String())), fault.BadAnswer, []string{"Docker-Content-Digest"}},
		{"unknown algorithm", "", header("md5:d41d8cd98f00b204e9800998ecf8427e"), fault.BadAnswer, []string{"md5:"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(answering("/manifests/", anImage, append([]string{asImage}, test.header)...))
			request := acr.ManifestRequest{Repository: "app", Tag: "v"}
			if test.requested != "" {
				request = acr.ManifestRequest{Repository: "app", Digest: test.requested}
			}
			manifest, err := newClient(t, registry).Manifest(t.Context(), request)
			if test.reason != "" {
				faulttest.Want(t, err, test.reason, test.says...)
				if manifest != nil {
					t.Errorf("a manifest came with the error: %+v", manifest)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := computed
			if test.requested == sha512.String() || strings.Contains(test.header, "sha512") {
				want = sha512
			}
			if manifest.Digest != want || string(manifest.Body) != anImage {
				t.Errorf("digest = %s, want %s; body %s", manifest.Digest, want, manifest.Body)
			}
		})
	}
	for name, injected := range map[string]acrtest.Fault{"flipped bit": {Tamper: true}, "wrong header": {WrongDigest: true}} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			injected.Kind = acrtest.KindResource
			registry.Inject(injected)
			faulttest.Want(t, readApp(t, newClient(t, registry)), fault.DigestMismatch, "sha256:")
		})
	}
}

// The configuration's blob is held to the manifest that names it.
func TestHardening15ConfigBlob(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "/blobs/", Tamper: true})
	config, err := newClient(t, registry).ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.DigestMismatch, "sha256:", "while the manifest says")
	if config != nil {
		t.Error("a configuration came with the error")
	}
}

func TestHardening15Schema1(t *testing.T) {
	const schema1 = `{"schemaVersion":1,"name":"app","tag":"v","architecture":"amd64","fsLayers":[],"history":[],"signatures":[]}`
	for name, contentType := range map[string]string{
		"signed":                  "application/vnd.docker.distribution.manifest.v1+prettyjws",
		"unsigned":                "application/vnd.docker.distribution.manifest.v1+json",
		"as JSON":                 "application/json",
		"as a schema 2 manifest":  acrtest.MediaTypeDockerManifest,
		"with a parameter":        "application/vnd.docker.distribution.manifest.v1+prettyjws; charset=utf-8",
		"with capitals and space": "Application/vnd.docker.distribution.manifest.v1+PrettyJWS ;charset=utf-8",
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(answering("/manifests/", schema1, "Content-Type: "+contentType))
			faulttest.Want(t, readApp(t, newClient(t, registry)), fault.Schema1, "schema 1")
		})
	}
}

// A web page says that something else than a registry answers: a login, a proxy, a portal.
func TestHardening16WebPage(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(answering("/manifests/", "<html><body>Sign in</body></html>", "Content-Type: Text/HTML; charset=utf-8"))
	err := readApp(t, newClient(t, registry))
	faulttest.Want(t, err, fault.NotARegistry, "reading the manifest", "200 OK", "Text/HTML")
	if strings.Contains(err.Error(), "Sign in") {
		t.Errorf("the error quotes the body: %v", err)
	}
}

func TestHardening16ManifestConfusion(t *testing.T) {
	const descriptor = `{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}`
	const image, index = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
	for _, test := range []struct{ name, contentType, body string }{
		{"manifests and layers", index, `{"schemaVersion":2,"manifests":[],"layers":[]}`},
		{"manifests and config", index, `{"schemaVersion":2,"manifests":[` + descriptor + `],"config":` + descriptor + `}`},
		{"manifests and layers as an image", image, `{"schemaVersion":2,"config":` + descriptor + `,"layers":[` + descriptor + `],"manifests":[` + descriptor + `]}`},
		{"mediaType unlike Content-Type", image, `{"schemaVersion":2,"mediaType":"` + index + `","manifests":[]}`},
		{"mediaType of Docker, Content-Type of OCI", image, strings.Replace(anImage, image, acrtest.MediaTypeDockerManifest, 1)},
		{"index sent as an image", image, `{"schemaVersion":2,"manifests":[]}`},
		{"image sent as an index", index, anImage},
		{"duplicate key", image, strings.Replace(anImage, `"layers":[]`, `"layers":[],"layers":[]`, 1)},
		{"duplicate key inside", image, strings.Replace(anImage, `"size":2`, `"size":2,"size":3`, 1)},
		{"duplicate key, escaped", image, strings.Replace(anImage, `"layers":[]`, `"layers":[],"l\u0061yers":[]`, 1)},
		{"HTML as a manifest", image, "<html><body>Sign in</body></html>"},
		{"text", "text/plain", "404 page not found"},
		{"empty body", image, ""},
		{"spaces", image, "   "},
		{"JSON array", image, `[` + anImage + `]`},
		{"JSON string", image, `"sha256"`},
		{"JSON null", image, `null`},
		{"two values", image, anImage + anImage},
		{"cut off", image, anImage[:100]},
		{"10,000 levels of arrays", image, strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)},
		{"10,000 levels inside", image, `{"schemaVersion":2,"x":` + strings.Repeat(`{"x":`, 10_000) + `1` + strings.Repeat("}", 10_001)},
		{"invalid UTF-8", image, strings.Replace(anImage, `"layers"`, "\"a\":\"\xff\",\"layers\"", 1)},
		{"lone surrogate", image, strings.Replace(anImage, `"layers"`, `"a":"\ud800","layers"`, 1)},
		{"byte order mark", image, "\ufeff" + anImage},
		{"UTF-16", image, "\xff\xfe{\x00}\x00"},
		{"layers of another type", image, strings.Replace(anImage, `"layers":[]`, `"layers":{}`, 1)},
		{"layer of another type", image, strings.Replace(anImage, `"layers":[]`, `"layers":["x"]`, 1)},
		{"digest of another type", image, strings.Replace(anImage, `"size":2`, `"size":"2"`, 1)},
		{"digest that is none", image, strings.Replace(anImage, "sha256:44136f", "sha256:../../", 1)},
		{"negative size", image, strings.Replace(anImage, `"size":2`, `"size":-2`, 1)},
		{"size that is too large", image, strings.Replace(anImage, `"size":2`, `"size":1e400`, 1)},
		{"empty object", image, `{}`},
		{"no layers", image, `{"schemaVersion":2,"config":` + descriptor + `}`},
		{"no manifests", index, `{"schemaVersion":2}`},
		{"malformed Content-Type", ";;;", anImage},
		{"binary", "application/octet-stream", anImage},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(answering("/manifests/", test.body, "Content-Type: "+test.contentType))
			err := readApp(t, newClient(t, registry))
			contentType, _, _ := strings.Cut(test.contentType, "; ")
			faulttest.Want(t, err, fault.BadAnswer, "reading the manifest", contentType)
			for _, quoted := range []string{"Sign in", "page not found", "<html"} {
				if strings.Contains(err.Error(), quoted) {
					t.Errorf("the error quotes the body: %v", err)
				}
			}
		})
	}
	t.Run("no content type at all", func(t *testing.T) {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = w.Write([]byte(`{"schemaVersion":2}`))
		}})
		faulttest.Want(t, readApp(t, newClient(t, registry)), fault.BadAnswer, "no content type")
	})
}

// padded gives JSON of exactly size bytes: object, which ends in }, with spaces before the end.
func padded(object string, size int) string {
	return object[:len(object)-1] + strings.Repeat(" ", size-len(object)) + "}"
}

func gzipped(text string) string {
	var out bytes.Buffer
	writer, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	_, _ = writer.Write([]byte(text))
	_ = writer.Close()
	return out.String()
}

// Every limit holds to the byte, with a length announced, without one, and after decompression.
func TestHardening17Limits(t *testing.T) {
	config := `{"architecture":"amd64","os":"linux"}`
	for _, limit := range []struct {
		name string
		size int
		kind acrtest.Kind
		path string
		body string // the shortest one; it is filled up with spaces
		as   string
		ways []string // in which the body is sent
		read func(t *testing.T, client *acr.Client) error
	}{
		{"manifest", 4 << 20, acrtest.KindResource, "/manifests/", anImage, asImage, []string{"Content-Length", "chunked", "gzip"}, readApp},
		{"token", 128 << 10, acrtest.KindToken, "", `{"access_token":"opaque"}`, "Content-Type: application/json", []string{"Content-Length", "chunked", "gzip"}, func(t *testing.T, client *acr.Client) error {
			_, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app"})
			return err
		}},
		{"tag list", 8 << 20, acrtest.KindResource, "/_tags", `{"tags":[]}`, "Content-Type: application/json", []string{"Content-Length", "gzip"}, func(t *testing.T, client *acr.Client) error {
			_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
			return err
		}},
		{"catalog", 8 << 20, acrtest.KindResource, "/_catalog", `{"repositories":[]}`, "Content-Type: application/json", []string{"chunked"}, func(t *testing.T, client *acr.Client) error {
			_, err := client.Repositories(t.Context(), acr.RepositoriesRequest{})
			return err
		}},
	} {
		for _, over := range []int{0, 1} {
			for _, way := range limit.ways {
				t.Run(fmt.Sprintf("%s, %d over, %s", limit.name, over, way), func(t *testing.T) {
					registry := startApp(t, acrtest.Options{PlainHTTP: true})
					body := padded(limit.body, limit.size+over)
					injected := answering(limit.path, body, limit.as)
					switch way {
					case "Content-Length":
						injected = answering(limit.path, body, limit.as, "Content-Length: "+strconv.Itoa(len(body)))
					case "gzip":
						injected = answering(limit.path, gzipped(body), limit.as, "Content-Encoding: gzip")
					}
					injected.Kind = limit.kind
					registry.Inject(injected)
					err := limit.read(t, newClient(t, registry))
					if over == 0 && err != nil {
						t.Errorf("a body at the limit: %v", err)
					}
					if over > 0 {
						faulttest.Want(t, err, fault.TooLarge, fmt.Sprint(limit.size))
					}
				})
			}
		}
	}
	for _, over := range []int{0, 1} {
		t.Run(fmt.Sprintf("config blob, %d over", over), func(t *testing.T) {
			registry := startRegistry(t, acrtest.Options{PlainHTTP: true})
			blob := padded(config, 8<<20+over)
			manifest, err := json.Marshal(ocispec.Manifest{
				Config: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: registry.PutBlob("app", []byte(blob)), Size: int64(len(blob))},
				Layers: []ocispec.Descriptor{},
			})
			if err != nil {
				t.Fatal(err)
			}
			registry.PutManifest("app", "v", ocispec.MediaTypeImageManifest, manifest)
			_, err = newClient(t, registry).ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
			if over == 0 && err != nil {
				t.Errorf("a blob at the limit: %v", err)
			}
			if over > 0 {
				faulttest.Want(t, err, fault.TooLarge, fmt.Sprint(8<<20))
			}
		})
		for _, kind := range allKinds {
			t.Run(fmt.Sprintf("error body of the %s, %d over", kind, over), func(t *testing.T) {
				registry := startApp(t, acrtest.Options{PlainHTTP: true})
				registry.Inject(acrtest.Fault{
					Kind: kind, Status: http.StatusForbidden,
					Body: padded(`{"errors":[{"code":"DENIED","message":"the whole message"}]}`, 8<<10+over),
				})
				err := readApp(t, newClient(t, registry))
				if over == 0 && (err == nil || !strings.Contains(err.Error(), "DENIED: the whole message")) {
					t.Errorf("an error body at the limit is not read: %v", err)
				}
				if over > 0 {
					faulttest.Want(t, err, fault.TooLarge, fmt.Sprint(8<<10))
				}
			})
		}
	}
}

// HTTP/1.1 counts every byte of the header; HTTP/2 adds 32 for each field and leaves room for ten fields.
func TestHardening17HeaderLimit(t *testing.T) {
	rawHeader := func(size int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			head := "HTTP/1.1 200 OK\r\n" + asImage + "\r\nConnection: close\r\nX-Padding: "
			_, _ = conn.Write([]byte(head + strings.Repeat("a", size-len(head)-4) + "\r\n\r\n"))
			_, _ = conn.Write([]byte(anImage))
		}
	}
	for _, test := range []struct {
		name  string
		fault acrtest.Fault
		http2 bool
		large bool
	}{
		{"HTTP/1.1, the limit", acrtest.Fault{Handler: rawHeader(64 << 10)}, false, false},
		{"HTTP/1.1, one byte over", acrtest.Fault{Handler: rawHeader(64<<10 + 1)}, false, true},
		{"HTTP/1.1, 1 MiB", acrtest.Fault{HeaderBytes: 1 << 20}, false, true},
		{"HTTP/2, under the limit", acrtest.Fault{HeaderBytes: 62 << 10}, true, false},
		{"HTTP/2, over the limit", acrtest.Fault{HeaderBytes: 65 << 10}, true, true},
		{"HTTP/2, 1 MiB", acrtest.Fault{HeaderBytes: 1 << 20}, true, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{DisableHTTP2: !test.http2})
			test.fault.Kind = acrtest.KindResource
			registry.Inject(test.fault)
			err := readApp(t, newClient(t, registry))
			if !test.large && err != nil {
				t.Error(err)
			}
			if test.large {
				faulttest.Want(t, err, fault.TooLarge, "headers", "65536")
				wantWire(t, registry, "1/1/1")
			}
		})
	}
}

// A challenge of 1 MiB is refused, however it is cut into lines, and before it costs time.
func TestHardening17LargeChallenge(t *testing.T) {
	for name, lines := range map[string][]string{
		"one line":            {`Bearer realm="` + strings.Repeat("a", 1<<20) + `"`},
		"parameters":          {"Bearer " + strings.Repeat("a=b,", 1<<18)},
		"schemes":             {strings.Repeat("Basic,", 1<<18)},
		"backslashes":         {`Bearer realm="` + strings.Repeat(`\\`, 1<<19)},
		"commas":              {strings.Repeat(",", 1<<20)},
		"just under 64 KiB":   {strings.Repeat("a=,", 20<<10)},
		"many lines of 4 KiB": strings.Split(strings.TrimSuffix(strings.Repeat(strings.Repeat("a", 4<<10)+"|", 256), "|"), "|"),
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{ChallengeHeaders: lines})
			client := newClient(t, registry)
			start := time.Now()
			if err := readApp(t, client); err == nil {
				t.Error("no error")
			}
			wantWithin(t, start, 2*time.Second) // most of it the server's; the parser alone has a benchmark
			wantWire(t, registry, "1/0/0")
		})
	}
}

func TestHardening18TokenAnswers(t *testing.T) {
	const token = "opaque-token-sentinel"
	for _, test := range []struct {
		name, body string
		want       string // empty: an error
	}{
		{"access_token", `{"access_token":"` + token + `"}`, token},
		{"token", `{"token":"` + token + `"}`, token},
		{"both", `{"token":"other","access_token":"` + token + `"}`, token},
		{"access_token null, token", `{"access_token":null,"token":"` + token + `"}`, token},
		{"access_token empty, token", `{"access_token":"","token":"` + token + `"}`, token},
		{"access_token number, token", `{"access_token":12,"token":"` + token + `"}`, token},
		{"more keys", `{"refresh_token":"` + token + `","access_token":"` + token + `","x":{"y":[1]}}`, token},
		{"refresh_token alone", `{"refresh_token":"` + token + `"}`, ""},
		{"neither", `{}`, ""},
		{"null", `{"access_token":null}`, ""},
		{"both null", `{"access_token":null,"token":null}`, ""},
		{"number", `{"access_token":12345}`, ""},
		{"object", `{"access_token":{"token":"` + token + `"}}`, ""},
		{"array", `{"access_token":["` + token + `"]}`, ""},
		{"true", `{"access_token":true}`, ""},
		{"empty", `{"access_token":""}`, ""},
		{"line break in the token", `{"access_token":"` + token + `\r\nX-Header: 1"}`, ""},
		{"space in the token", `{"access_token":"` + token + ` x"}`, ""},
		{"letter that no header has", `{"access_token":"` + token + `é"}`, ""},
		{"NUL", `{"access_token":"` + token + `\u0000"}`, ""},
		{"duplicate key", `{"access_token":"` + token + `","access_token":"other"}`, ""},
		{"JSON array", `["` + token + `"]`, ""},
		{"JSON string", `"` + token + `"`, ""},
		{"JSON null", `null`, ""},
		{"nothing", ``, ""},
		{"garbage", "\x00\xff" + token, ""},
		{"HTML", `<html>` + token + `</html>`, ""},
		{"form", `access_token=` + token, ""},
		{"cut off", `{"access_token":"` + token, ""},
		{"two values", `{"access_token":"` + token + `"}{"access_token":"other"}`, ""},
		{"key in capitals", `{"ACCESS_TOKEN":"` + token + `"}`, ""},
		{"100,000 levels", `{"x":` + strings.Repeat("[", 100_000), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			injected := answering("", test.body, "Content-Type: application/json")
			injected.Kind = acrtest.KindToken
			registry.Inject(injected)
			got, err := newClient(t, registry).Token(t.Context(), acr.TokenRequest{Repository: "app"})
			if test.want == "" {
				faulttest.Want(t, err, fault.BadAnswer, "/oauth2/token", "no token")
				wantNoSecret(t, "the error", err.Error(), token)
				wantNoSecret(t, "the error", err.Error(), "other")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Value.Reveal() != test.want {
				t.Errorf("token = %q, want %q", got.Value.Reveal(), test.want)
			}
		})
	}
}

func TestHardening18ExpiresIn(t *testing.T) {
	for _, test := range []struct {
		expires string
		want    time.Duration // 0: unknown
	}{
		{`300`, 5 * time.Minute}, {`3600.5`, time.Hour}, {`1`, time.Second}, {`31536000`, 365 * 24 * time.Hour},
		{`0`, 0}, {`-1`, 0}, {`-1e308`, 0}, {`1e308`, 0}, {`1e999`, 0}, {`9223372036854775808`, 0}, {`31536001`, 0}, {`0.1`, 0},
		{`"300"`, 0}, {`null`, 0}, {`true`, 0}, {`[]`, 0}, {`{}`, 0}, {`""`, 0},
	} {
		t.Run(test.expires, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			injected := answering("", `{"access_token":"opaque","expires_in":`+test.expires+`}`, "Content-Type: application/json")
			injected.Kind = acrtest.KindToken
			registry.Inject(injected)
			token, err := newClient(t, registry).Token(t.Context(), acr.TokenRequest{Repository: "app"})
			if err != nil {
				t.Fatal(err)
			}
			if test.want == 0 && !token.ExpiresAt.IsZero() {
				t.Errorf("expires at %s, want unknown", token.ExpiresAt)
			}
			if test.want > 0 && token.ExpiresAt.Sub(token.IssuedAt) != test.want {
				t.Errorf("lifetime = %s, want %s", token.ExpiresAt.Sub(token.IssuedAt), test.want)
			}
		})
	}
}

// What breaks the grammar is refused on its argument, before a connection is made.
func TestHardening19BadNamesSendNothing(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	client := newClient(t, registry)
	manifest := func(request acr.ManifestRequest) error {
		_, err := client.Manifest(t.Context(), request)
		return err
	}
	check := func(t *testing.T, err error, argument string) {
		t.Helper()
		if failed := faulttest.Want(t, err, fault.InvalidArgument); failed.Argument != argument {
			t.Errorf("the argument at fault is %q, want %q", failed.Argument, argument)
		}
	}
	for _, repository := range []string{
		"", " ", "App", "app ", " app", "app/", "/app", "app//x", "app:v", "app@sha256", "..", "../app", "app/..", "app/../x", "a..b", "a___b", "-app", "app-", ".app",
		"app?x=1", "app#x", "app%2Fx", "app\n", "app\r\nX: y", "app\x00", "app\\x", "ápp", "app/манифест", "app;x", "app&n=1", strings.Repeat("a", 256), "evil.example:443/@app",
	} {
		t.Run("repository "+strconv.Quote(repository)[:min(len(strconv.Quote(repository)), 40)], func(t *testing.T) {
			check(t, manifest(acr.ManifestRequest{Repository: repository, Tag: "v"}), "repository")
			_, err := client.Token(t.Context(), acr.TokenRequest{Repository: repository})
			check(t, err, "repository")
			_, err = client.Tags(t.Context(), acr.TagsRequest{Repository: repository})
			check(t, err, "repository")
			_, err = client.Repository(t.Context(), repository)
			check(t, err, "repository")
			_, err = client.Referrers(t.Context(), acr.ReferrersRequest{Repository: repository, Digest: digest.FromString("").String()})
			check(t, err, "repository")
		})
	}
	for _, tag := range []string{
		"", " ", ".v", "-v", "v ", "v/w", "v?x", "v#x", "v%2F", "../v", "v\n", "v:w", "v@w", "vé", strings.Repeat("v", 129), "sha256:" + strings.Repeat("0", 64),
	} {
		t.Run("tag "+strconv.Quote(tag)[:min(len(strconv.Quote(tag)), 40)], func(t *testing.T) {
			check(t, manifest(acr.ManifestRequest{Repository: "app", Tag: tag}), "tag")
		})
	}
	for _, bad := range []string{
		" ", "v", "sha256:", "sha256:abc", "sha256:" + strings.Repeat("g", 64), "sha256:" + strings.Repeat("0", 63), "sha256:" + strings.Repeat("0", 65),
		"sha256:" + strings.Repeat("A", 64), "md5:" + strings.Repeat("0", 32), "sha256:../" + strings.Repeat("0", 61), "sha256:" + strings.Repeat("0", 64) + "?x", "sha256:" + strings.Repeat("0", 64) + "\n",
	} {
		t.Run("digest "+strconv.Quote(bad)[:min(len(strconv.Quote(bad)), 40)], func(t *testing.T) {
			check(t, manifest(acr.ManifestRequest{Repository: "app", Digest: bad}), "digest")
			_, err := client.Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: bad})
			check(t, err, "digest")
		})
	}
	for _, token := range []string{"a b", "a\nb", "a\r\nX-Header: y", "\x00", "é", " "} {
		t.Run("access token "+strconv.Quote(token), func(t *testing.T) {
			err := manifest(acr.ManifestRequest{Repository: "app", Tag: "v", AccessToken: secret.New(token)})
			check(t, err, "access_token")
		})
	}
	for _, scope := range []string{"", " ", "repository", "repository:app", "repository:app:", ":app:pull", "repository:app:pull push", "repository:app:pull\n", "repository:app:pull&service=x", "repository:app:PULL"} {
		t.Run("scope "+strconv.Quote(scope), func(t *testing.T) {
			_, err := client.Token(t.Context(), acr.TokenRequest{Scopes: []string{scope}})
			check(t, err, "scopes")
		})
	}
	for _, action := range []string{"", " ", "pull,push", "PULL", "pull:push", "pull\n", "pull push"} {
		t.Run("action "+strconv.Quote(action), func(t *testing.T) {
			_, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app", Actions: []string{action}})
			check(t, err, "actions")
		})
	}
	for _, platform := range []string{"linux", "linux/", "/amd64", "linux/amd64/v8/x", "linux amd64", "linux/amd64\n"} {
		t.Run("platform "+strconv.Quote(platform), func(t *testing.T) {
			check(t, manifest(acr.ManifestRequest{Repository: "app", Tag: "v", Platform: platform}), "platform")
		})
	}
	for _, host := range []string{
		"", " ", "https://" + home, home + "/", home + "/app", home + ":", home + ":x", home + ":65536", home + ":443:443", "user@" + home, "user:sentinel-password@" + home, "a b", "-a.io", "a..io", home + "?x", home + "#x", "[::1", "a_b.io\n",
	} {
		t.Run("login server "+strconv.Quote(host), func(t *testing.T) {
			_, err := acr.NewClient(acr.Config{Registry: host})
			check(t, err, "registry")
			if strings.Contains(err.Error(), "sentinel") {
				t.Errorf("the error shows a password: %v", err)
			}
			_, err = acr.NewClient(acr.Config{Registry: home, TrustedTokenHosts: []string{host}})
			check(t, err, "trusted_token_hosts")
		})
	}
	if got := registry.Connections(); got != 0 {
		t.Errorf("connections = %d, want 0", got)
	}
}

// A name that is allowed reaches the URL as it is, in path and query.
func TestHardening19NamesInTheURL(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	want := registry.PutImage("a/b-c/d_e.f/g__h", "V1.0_x-y", acrtest.Image{})
	client := newClient(t, registry)
	manifest, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "a/b-c/d_e.f/g__h", Tag: "V1.0_x-y"})
	if err != nil || manifest.Digest != want {
		t.Fatalf("digest = %v, error %v; want %s", manifest, err, want)
	}
	requests := registry.Requests()
	if path := requests[0].Path; path != "/v2/a/b-c/d_e.f/g__h/manifests/V1.0_x-y" {
		t.Errorf("path = %q", path)
	}
	if query := requests[1].RawQuery; !strings.Contains(query, "scope=repository%3Aa%2Fb-c%2Fd_e.f%2Fg__h%3Apull&") {
		t.Errorf("query = %q", query)
	}
}

// Run with -race in CI.
func TestHardening21TwoHundredReads(t *testing.T) {
	for protocol, options := range protocols {
		t.Run(protocol, func(t *testing.T) {
			registry := startRegistry(t, options)
			for i := range 20 {
				registry.PutImage(fmt.Sprint("app", i), "v", acrtest.Image{})
			}
			client := newClient(t, registry, func(c *acr.Config) { c.RequestTimeout = time.Minute })
			err := allAtOnce(200, func(i int) error {
				repository := fmt.Sprint("app", i%20)
				switch i % 4 {
				case 0:
					_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: repository})
					return err
				case 1:
					_, err := client.ImageConfig(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"})
					return err
				default:
					_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"})
					return err
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := registry.Connections(); got > 10 {
				t.Errorf("connections = %d, want at most 10", got)
			}
			if got := registry.Count(acrtest.KindChallenge); got != 1 {
				t.Errorf("challenges = %d, want 1", got)
			}
		})
	}
}

// Readers that share one answer do not share what they make of it. Referrers were not recorded: they follow the OCI
// distribution spec.
func TestHardening21SharedReferrers(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{WithoutReferrersAPI: true})
	subject := registry.PutImage("app", "v", acrtest.Image{})
	about := registry.Descriptor("app", subject)
	for i := range 10 {
		registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: fmt.Sprint("example/", i%2), Subject: &about, Body: []byte(fmt.Sprint(i))})
	}
	client := newClient(t, registry)
	err := allAtOnce(60, func(i int) error {
		wanted := []string{"", "example/0", "example/1"}[i%3]
		referrers, err := client.Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.String(), ArtifactType: wanted})
		if want := map[bool]int{true: 10, false: 5}[wanted == ""]; err == nil && len(referrers) != want {
			t.Errorf("%d referrers of the type %q, want %d", len(referrers), wanted, want)
		}
		for _, referrer := range referrers {
			if referrer.Digest == "" || wanted != "" && referrer.ArtifactType != wanted {
				t.Errorf("a referrer of the type %q is %+v", wanted, referrer)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a manifest names by a digest that cannot be verified is refused before it is asked for.
func TestHardening15PartsOfAnUnknownAlgorithm(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutManifest("app", "index", "application/vnd.oci.image.index.v1+json",
		[]byte(`{"schemaVersion":2,"manifests":[{"digest":"blake3:abcdef","size":2,"platform":{"os":"linux","architecture":"arm64"}}]}`))
	registry.PutManifest("app", "image", "application/vnd.oci.image.manifest.v1+json",
		[]byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"blake3:abcdef","size":2},"layers":[]}`))
	client := newClient(t, registry)
	for _, tag := range []string{"index", "image"} {
		request := acr.ManifestRequest{Repository: "app", Tag: tag, Platform: "linux/arm64"}
		_, err := client.Manifest(t.Context(), request)
		faulttest.Want(t, err, fault.BadAnswer, "algorithm that is not known here")
		_, err = client.ImageConfig(t.Context(), request)
		faulttest.Want(t, err, fault.BadAnswer, "algorithm that is not known here")
	}
	wantWire(t, registry, "1/1/4")
}

// A schema 1 manifest is recognised under another type, although its bytes are not what its digest says.
func TestHardening15Schema1UnderAnotherType(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(answering("/manifests/", `{"schemaVersion":1,"name":"app","signatures":[]}`, "Content-Type: application/json",
		"Docker-Content-Digest: sha256:"+strings.Repeat("0", 64)))
	faulttest.Want(t, readApp(t, newClient(t, registry)), fault.Schema1, "schema 1")
}

// A scope that no registry sends is refused before it is sent on or shown.
func TestHardening17ScopeOfAChallenge(t *testing.T) {
	for name, scope := range map[string]string{
		"too long":        "repository:app:" + strings.Repeat("a,", 1100) + "pull",
		"no ASCII":        "repository:app\u202e:pull",
		"control (C1)":    "repository:app\u009b:pull",
		"no UTF-8":        "repository:app\xff:pull",
		"a quote":         `repository:app\":pull`,
		"a backslash":     `repository:app\\:pull`,
		"a tab in a list": "repository:app:pull\trepository:b:pull",
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(acrtest.Fault{Kind: acrtest.KindChallenge, Status: http.StatusUnauthorized, Header: http.Header{
				"Www-Authenticate": {fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="s",scope="%s"`, registry.URL(), scope)},
			}})
			_, err := newClient(t, registry).Token(t.Context(), acr.TokenRequest{Repository: "app"})
			faulttest.Want(t, err, fault.BadAnswer, "scope")
			wantWire(t, registry, "1/0/0")
		})
	}
}

// Of thousands of schemes an error names a few.
func TestHardening17SchemesOfAChallenge(t *testing.T) {
	var schemes strings.Builder
	for i := range 9_000 {
		fmt.Fprintf(&schemes, "s%x,", i)
	}
	registry := startApp(t, acrtest.Options{ChallengeHeaders: []string{schemes.String()}})
	err := faulttest.Want(t, readApp(t, newClient(t, registry)), fault.NotARegistry, "it offers s0, s1, s2, s3, s4")
	if strings.Contains(err.Error(), "s5") {
		t.Errorf("error = %v, want five schemes in it", err)
	}
}
