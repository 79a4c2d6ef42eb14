package acr_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// padded returns JSON of exactly size bytes: object, which ends in }, with spaces before the end.
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

// Every limit is exact to the byte, with an announced length, without one, and after decompression.
func TestBodyOverItsLimitIsRefused(t *testing.T) {
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
			registry := acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
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
				if got := err != nil && strings.Contains(err.Error(), "DENIED: the whole message"); got != (over == 0) {
					t.Errorf("error = %v; want the body in it up to the limit, and not beyond", err)
				}
				if err == nil || !strings.Contains(err.Error(), "403 Forbidden") {
					t.Errorf("error = %v, want its status in any case", err)
				}
			})
		}
	}
}

// A gateway's page of many kilobytes does not hide the status or the header.
func TestLargeErrorPageLeavesItsStatus(t *testing.T) {
	page := func(kind acrtest.Kind, status int, header ...string) acrtest.Fault {
		return acrtest.Fault{Kind: kind, Handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<html>" + strings.Repeat("<p>no</p>", 20<<10/9) + "</html>"))
		}}
	}
	for name, test := range map[string]struct {
		injected acrtest.Fault
		want     fault.Reason
	}{
		"401 of a token server":         {page(acrtest.KindToken, 401), fault.WrongCredentials},
		"403 of a token server":         {page(acrtest.KindToken, 403), fault.Denied},
		"401 to a token":                {page(acrtest.KindResource, 401), fault.InvalidToken},
		"401 without a challenge":       {page(acrtest.KindChallenge, 401), fault.NotARegistry},
		"403":                           {page(acrtest.KindResource, 403), fault.Denied},
		"404":                           {page(acrtest.KindResource, 404), fault.NotARegistry},
		"404 of a registry":             {page(acrtest.KindResource, 404, "Docker-Distribution-Api-Version", "registry/2.0"), fault.ManifestNotFound},
		"407":                           {page(acrtest.KindChallenge, 407), fault.ProxyRefused},
		"403 in an encoding of its own": {page(acrtest.KindResource, 403, "Content-Encoding", "br"), fault.Denied},
		"403 that is no gzip":           {page(acrtest.KindResource, 403, "Content-Encoding", "gzip"), fault.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(test.injected)
			faulttest.Want(t, readApp(t, newClient(t, registry)), test.want)
		})
	}
	t.Run("a challenge in the header is answered", func(t *testing.T) {
		registry := startApp(t, acrtest.Options{})
		challenge := fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="%s",scope="repository:app:pull"`, registry.URL(), registry.Host())
		registry.Inject(page(acrtest.KindChallenge, 401, "WWW-Authenticate", challenge))
		if err := readApp(t, newClient(t, registry)); err != nil {
			t.Error(err)
		}
	})
}

// HTTP/1.1 counts every byte of the header; HTTP/2 adds 32 for each field and leaves room for ten fields.
func TestHeaderOverItsLimitIsRefused(t *testing.T) {
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
