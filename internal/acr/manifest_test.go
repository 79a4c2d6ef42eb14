package acr_test

import (
	"crypto/sha512"
	"fmt"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestManifestWithAnotherDigestIsRefused(t *testing.T) {
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

func TestSchema1IsRefused(t *testing.T) {
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

// A web page means that something other than a registry answers: a login, a proxy, a portal.
func TestWebPageIsNoManifest(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(answering("/manifests/", "<html><body>Sign in</body></html>", "Content-Type: Text/HTML; charset=utf-8"))
	err := readApp(t, newClient(t, registry))
	faulttest.Want(t, err, fault.NotARegistry, "reading the manifest", "200 OK", "Text/HTML")
	if strings.Contains(err.Error(), "Sign in") {
		t.Errorf("the error quotes the body: %v", err)
	}
}

func TestManifestOfTwoMeaningsIsRefused(t *testing.T) {
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
		{"empty object as an index", index, `{}`},
		{"no config", image, `{"schemaVersion":2,"layers":[]}`},
		{"malformed Content-Type", ";;;", anImage},
		{"binary", "application/octet-stream", "\x1f\x8b\x08\x00"},
		{"picture", "image/png", anImage},
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

// If the bytes match their digest, only whoever pushed them is to blame.
func TestMalformedImageBlamesTheImage(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	config := registry.PutBlob("app", []byte(`{"config":{"Env":"A=1"}}`))
	image := func(size int) string {
		return fmt.Sprintf(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%d},"layers":[]}`, config, size)
	}
	for name, test := range map[string]struct{ contentType, body, says string }{
		"key twice":            {"application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[],"manifests":[]}`, "same key twice"},
		"no config":            {"application/vnd.oci.image.manifest.v1+json", `{"schemaVersion":2,"layers":[]}`, "no config"},
		"layer without digest": {"application/vnd.oci.image.manifest.v1+json", `{"schemaVersion":2,"config":null,"layers":[{}]}`, "its layers.0 does not fit"},
		"configuration":        {"application/vnd.oci.image.manifest.v1+json", image(24), "its config.Env is JSON of another shape"},
		"size":                 {"application/vnd.oci.image.manifest.v1+json", image(25), "the configuration has 24 bytes, while the manifest says 25"},
	} {
		t.Run(name, func(t *testing.T) {
			pushed := registry.PutManifest("app", "v", test.contentType, []byte(test.body))
			client := newClient(t, registry)
			for _, request := range []acr.ManifestRequest{{Repository: "app", Tag: "v"}, {Repository: "app", Digest: pushed.String()}} {
				_, err := client.ImageConfig(t.Context(), request)
				faulttest.Want(t, err, fault.MalformedImage, "200 OK", test.says)
			}
		})
	}
}

// Lists that are absent, null or empty are all the same: there is nothing to list.
func TestManifestWithoutItsListIsRead(t *testing.T) {
	const list = "application/vnd.docker.distribution.manifest.list.v2+json"
	registry := acrtest.StartT(t, acrtest.Options{})
	for name, test := range map[string]struct{ contentType, body string }{
		"OCI image without layers":         {"application/vnd.oci.image.manifest.v1+json", strings.Replace(anImage, `,"layers":[]`, "", 1)},
		"OCI image with null layers":       {"application/vnd.oci.image.manifest.v1+json", strings.Replace(anImage, `"layers":[]`, `"layers":null`, 1)},
		"Docker list with null manifests":  {list, `{"schemaVersion":2,"mediaType":"` + list + `","manifests":null}`},
		"Docker list with empty manifests": {list, `{"schemaVersion":2,"mediaType":"` + list + `","manifests":[]}`},
		"OCI index without manifests":      {"application/vnd.oci.image.index.v1+json", `{"schemaVersion":2}`},
	} {
		t.Run(name, func(t *testing.T) {
			pushed := registry.PutManifest("app", "v", test.contentType, []byte(test.body))
			manifest, err := newClient(t, registry).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
			if err != nil {
				t.Fatal(err)
			}
			if manifest.Digest != pushed || string(manifest.Body) != test.body || len(manifest.Layers) > 0 || len(manifest.Manifests) > 0 {
				t.Errorf("manifest = %+v, want %s without lists", manifest, pushed)
			}
		})
	}
}

// What a manifest names by a digest that cannot be verified is refused before it is asked for.
func TestPartOfAnUnknownAlgorithmIsNotAskedFor(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutManifest("app", "index", "application/vnd.oci.image.index.v1+json",
		[]byte(`{"schemaVersion":2,"manifests":[{"digest":"blake3:abcdef","size":2,"platform":{"os":"linux","architecture":"arm64"}}]}`))
	registry.PutManifest("app", "image", "application/vnd.oci.image.manifest.v1+json",
		[]byte(`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"blake3:abcdef","size":2},"layers":[]}`))
	client := newClient(t, registry)
	for _, tag := range []string{"index", "image"} {
		request := acr.ManifestRequest{Repository: "app", Tag: tag, Platform: "linux/arm64"}
		_, err := client.Manifest(t.Context(), request)
		faulttest.Want(t, err, fault.MalformedImage, "unsupported algorithm")
		_, err = client.ImageConfig(t.Context(), request)
		faulttest.Want(t, err, fault.MalformedImage, "unsupported algorithm")
	}
	wantWire(t, registry, "1/1/4")
}

// A schema 1 manifest is recognised under another type, although its bytes do not match its digest.
func TestSchema1IsNamedBeforeItsDigestIsChecked(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.Inject(answering("/manifests/", `{"schemaVersion":1,"name":"app","signatures":[]}`, "Content-Type: application/json",
		"Docker-Content-Digest: sha256:"+strings.Repeat("0", 64)))
	faulttest.Want(t, readApp(t, newClient(t, registry)), fault.Schema1, "schema 1")
}

func TestSameTagAtTheSameTimeIsReadOnce(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry)
	hold := make(chan struct{})
	reached := make(chan struct{}, 1)
	registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Times: 1, Handler: holdHandler(http.StatusBadRequest, reached, hold)})
	var reads sync.WaitGroup
	read := func() { _, _ = client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"}) }
	reads.Go(read)
	<-reached
	for range 4 {
		reads.Go(read)
	}
	close(hold)
	reads.Wait()
	if got := registry.Count(acrtest.KindChallenge); got != 1 {
		t.Errorf("challenges = %d, want 1", got)
	}
}

// A missing part does not count as a missing image.
func TestMissingPartsOfAnImage(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	index := registry.PutIndex("app", "index", acrtest.Index{Images: []acrtest.Image{{OS: "linux", Architecture: "arm64"}}})
	registry.PutImage("app", "image", acrtest.Image{OS: "linux", Architecture: "arm64"})
	registry.Inject(acrtest.Fault{Path: "/blobs/", Kind: acrtest.KindResource, Status: http.StatusNotFound, Code: "BLOB_UNKNOWN"})
	registry.Inject(acrtest.Fault{Path: "/manifests/sha256:", Kind: acrtest.KindResource, Status: http.StatusNotFound, Code: "MANIFEST_UNKNOWN"})
	client := newClient(t, registry)
	for _, tag := range []string{"index", "image"} {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: tag, Platform: "linux/arm64"})
		faulttest.Want(t, err, fault.IncompleteImage, "404", "the registry does not have it")
		if fault.IsMissing(err) {
			t.Errorf("app:%s is there, but counts as missing", tag)
		}
	}
	if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Digest: index.String()}); !fault.IsMissing(err) {
		t.Errorf("error = %v, want that of a missing manifest", err)
	}
}

func TestPlatformOfAConfigurationThatNamesNone(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	content := []byte(`{"config":{}}`)
	registry.PutManifest("app", "v", "application/vnd.oci.image.manifest.v1+json", fmt.Appendf(nil,
		`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[]}`,
		registry.PutBlob("app", content), len(content)))
	_, err := newClient(t, registry).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v", Platform: "linux/amd64"})
	faulttest.Want(t, err, fault.PlatformNotFound, "names no platform", "cannot be known")
}

// The caller's own token is sent, and never replaced.
func TestOwnTokenThatIsRefused(t *testing.T) {
	const realm = `Bearer realm="https://` + home + `/oauth2/token",service="` + home + `",scope="repository:app:pull"`
	for challenge, test := range map[string]struct {
		reason fault.Reason
		says   string
	}{
		"":                                    {fault.InvalidToken, "no Bearer challenge"},
		realm:                                 {fault.InvalidToken, "401"},
		realm + `,error="invalid_token"`:      {fault.InvalidToken, "401"},
		realm + `,error="insufficient_scope"`: {fault.InsufficientScope, "the token does not cover repository:app:pull"},
	} {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, _ *http.Request) {
			if challenge != "" {
				w.Header().Set("WWW-Authenticate", challenge)
			}
			w.WriteHeader(http.StatusUnauthorized)
		}})
		network := &theNet{otherwise: registry.Host()}
		client := newClient(t, registry, at(home, registry)).DialWith(network.dial)
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v", AccessToken: secret.New("own")})
		faulttest.Want(t, err, test.reason, test.says)
		wantWire(t, registry, "0/0/1")
	}
}

// With a platform the configuration is read as well, also with the caller's own token.
func TestOwnTokenReadsTheConfigurationToo(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	client := newClient(t, registry)
	token, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app"})
	if err != nil {
		t.Fatal(err)
	}
	registry.ResetLog()
	_, err = newClient(t, registry, anonymous).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v", Platform: "linux/amd64", AccessToken: token.Value})
	if err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "0/0/2")
}
