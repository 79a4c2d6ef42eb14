package acrtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// Which manifest an Accept header gets, by tag and by digest.
func TestAcceptTraps(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	amd64 := acrtest.Image{Docker: true, Labels: map[string]string{"only": "amd64"}}
	child := registry.PutImage("app", "", amd64)
	image := registry.PutImage("app", "docker", acrtest.Image{Docker: true})
	list := registry.PutIndex("app", "list", acrtest.Index{Docker: true, Images: []acrtest.Image{{Architecture: "arm64"}, amd64}})
	arm := registry.PutIndex("app", "arm", acrtest.Index{Docker: true, Images: []acrtest.Image{{Architecture: "arm64"}}})
	oci := registry.PutImage("app", "oci", acrtest.Image{})
	index := registry.PutIndex("app", "index", acrtest.Index{Images: []acrtest.Image{{}}})
	const orasType = "application/vnd.cncf.oras.artifact.manifest.v1+json"
	oras := registry.PutManifest("app", "oras", orasType, []byte(`{"mediaType":"`+orasType+`"}`))

	const (
		docker      = acrtest.MediaTypeDockerManifest
		noOCI       = "OCI manifest found, but accept header does not support OCI manifests"
		noOCIIndex  = "OCI index found, but accept header does not support OCI indexes"
		notFoundArm = `manifest tagged by \"arm\" is not found`
	)
	tests := []struct {
		name, reference, accept string
		mediaType               string        // "" for 404
		digest                  digest.Digest // "" if it differs from the body's
		message                 string
	}{
		{"docker accepted", "docker", acceptAll, docker, image, ""},
		{"docker by digest without Accept", image.String(), "", docker, image, ""},
		{"docker without Accept", "docker", "", acrtest.MediaTypeSchema1, "", ""},
		{"docker with OCI alone", "docker", ocispec.MediaTypeImageManifest, acrtest.MediaTypeSchema1, "", ""},
		{"list accepted", "list", acceptAll, acrtest.MediaTypeDockerList, list, ""},
		{"list with docker alone", "list", docker, docker, child, ""},
		{"list without Accept", "list", "", acrtest.MediaTypeSchema1, "", ""},
		{"list by digest with docker alone", list.String(), docker, acrtest.MediaTypeDockerList, list, ""},
		{"list without linux/amd64", "arm", docker, "", "", notFoundArm},
		{"list without linux/amd64 accepted", "arm", acceptAll, acrtest.MediaTypeDockerList, arm, ""},
		{"OCI accepted", "oci", acceptAll, ocispec.MediaTypeImageManifest, oci, ""},
		{"OCI in odd spelling", "oci", "text/html, Application/vnd.OCI.image.manifest.v1+json;q=0.5", ocispec.MediaTypeImageManifest, oci, ""},
		{"OCI without Accept", "oci", "", "", "", noOCI},
		{"OCI by digest without Accept", oci.String(), "", "", "", noOCI},
		{"OCI with docker alone", "oci", docker, "", "", noOCI},
		{"index accepted", "index", acceptAll, ocispec.MediaTypeImageIndex, index, ""},
		{"index with OCI manifest alone", "index", ocispec.MediaTypeImageManifest, "", "", noOCIIndex},
		{"older artifact", "oras", acceptAll, "", "", noOCI},
		{"older artifact with */*", "oras", acceptAll + ", */*", orasType, oras, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var header []string
			if tt.accept != "" {
				header = []string{"Accept", tt.accept}
			}
			a := c.get("/v2/app/manifests/"+tt.reference, header...)
			if tt.mediaType == "" {
				wantStatus(t, a, 404)
				if !strings.Contains(a.body, `"code":"MANIFEST_UNKNOWN","message":"`+tt.message+`"`) {
					t.Errorf("body %q, want the message %q", a.body, tt.message)
				}
				return
			}
			wantStatus(t, a, 200)
			wantHeader(t, a, "Content-Type", tt.mediaType)
			body := digest.FromString(a.body)
			if tt.digest == "" {
				again := c.get("/v2/app/manifests/"+tt.reference, header...)
				if again.body == a.body || a.header.Get("Docker-Content-Digest") == body.String() {
					t.Error("schema 1 has to be signed anew at every read, under another digest than its bytes'")
				}
				wantHeader(t, again, "Docker-Content-Digest", a.header.Get("Docker-Content-Digest"))
				return
			}
			if body != tt.digest {
				t.Errorf("body of %s, want %s", body, tt.digest)
			}
			wantHeader(t, a, "Docker-Content-Digest", tt.digest.String())
			wantHeader(t, a, "ETag", `"`+tt.digest.String()+`"`)
		})
	}
}

// The signature of schema 1 names its key, as a JSON Web Key.
func TestSchema1NamesItsKey(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{Docker: true})
	var m struct {
		Signatures []struct {
			Header struct {
				Alg string
				JWK struct{ Kty, Crv, Kid, X, Y string }
			}
		}
	}
	read(t, c.get("/v2/app/manifests/v1"), &m)
	header := m.Signatures[0].Header
	if header.Alg != "ES256" || header.JWK.Kty != "EC" || header.JWK.Crv != "P-256" {
		t.Errorf("header %+v", header)
	}
	if key := header.JWK; len(key.Kid) != 59 || strings.Count(key.Kid, ":") != 11 || len(key.X) != 43 || len(key.Y) != 43 {
		t.Errorf("key %+v", key)
	}
}

func TestManifestErrors(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{})
	d := "sha256:" + strings.Repeat("a", 64)
	tests := []struct{ path, body string }{
		{"/v2/app/manifests/v2", `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest tagged by \"v2\" is not found","detail":{"Tag":"v2"}}]}`},
		{"/v2/app/manifests/" + d, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest ` + d + ` is not found"}]}`},
		{"/v2/none/manifests/v1", `{"errors":[{"code":"NAME_UNKNOWN","message":"repository \"none\" is not found"}]}`},
		{"/v2/app/blobs/" + d, `{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry","detail":"` + d + `"}]}`},
		{"/acr/v1/none", `{"errors":[{"code":"NAME_UNKNOWN","message":"repository \"none\" is not found"}]}`},
		{"/acr/v1/app/_tags/v2", `{"errors":[{"code":"TAG_UNKNOWN","message":"the specified tag does not exist"}]}`},
		{"/acr/v1/app/_manifests/" + d, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			a := c.get(tt.path, "Accept", acceptAll)
			wantStatus(t, a, 404)
			wantBody(t, a, tt.body+"\n")
		})
	}
}

func TestHeadHasLengthAndNoBody(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d := registry.PutImage("app", "v1", acrtest.Image{})
	token := c.tokenFor("GET", "/v2/app/manifests/v1")
	a := c.do("HEAD", "/v2/app/manifests/v1", "Authorization", "Bearer "+token, "Accept", acceptAll)
	wantStatus(t, a, 200)
	wantHeader(t, a, "Docker-Content-Digest", d.String())
	if size := registry.Descriptor("app", d).Size; a.length != size || a.body != "" {
		t.Errorf("length %d and body %q, want %d and none", a.length, a.body, size)
	}
}

// Any bytes are returned as they were stored.
func TestManifestBytesAreKept(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	body := "{\r\n  \"mediaType\": \"application\\/vnd.oci.image.manifest.v1+json\",\r\n  \"layers\": [ }\xff"
	d := registry.PutManifest("app", "broken", ocispec.MediaTypeImageManifest, []byte(body))
	a := c.get("/v2/app/manifests/broken", "Accept", acceptAll)
	wantBody(t, a, body)
	wantHeader(t, a, "Docker-Content-Digest", d.String())
}

func TestPutImage(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{
		Architecture: "arm", Variant: "v7", Labels: map[string]string{"a": "b"}, Env: []string{"K=V"},
		Cmd: []string{"run"}, ExposedPorts: []string{"80/tcp"}, Annotations: map[string]string{"x": "y"},
	})
	var m ocispec.Manifest
	read(t, c.get("/v2/app/manifests/v1", "Accept", acceptAll), &m)
	if m.Config.MediaType != ocispec.MediaTypeImageConfig || m.Annotations["x"] != "y" || len(m.Layers) != 1 {
		t.Errorf("manifest %+v", m)
	}
	var config ocispec.Image
	a := c.get("/v2/app/blobs/" + m.Config.Digest.String())
	read(t, a, &config)
	if int64(len(a.body)) != m.Config.Size || digest.FromString(a.body) != m.Config.Digest {
		t.Error("the configuration does not match its descriptor")
	}
	if config.OS != "linux" || config.Architecture != "arm" || config.Variant != "v7" || config.Config.Labels["a"] != "b" ||
		config.Config.Env[0] != "K=V" || config.Config.Cmd[0] != "run" || config.Config.ExposedPorts == nil {
		t.Errorf("configuration %s", a.body)
	}
	layer := c.get("/v2/app/blobs/" + m.Layers[0].Digest.String())
	if digest.FromString(layer.body) != m.Layers[0].Digest {
		t.Error("the layer does not match its descriptor")
	}
}

func TestPutIndex(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutIndex("app", "v1", acrtest.Index{
		Images:      []acrtest.Image{{}, {Architecture: "arm64", Variant: "v8"}},
		Attestation: true,
	})
	var index ocispec.Index
	read(t, c.get("/v2/app/manifests/v1", "Accept", acceptAll), &index)
	var platforms []string
	for _, child := range index.Manifests {
		platforms = append(platforms, child.Platform.OS+"/"+child.Platform.Architecture+"/"+child.Platform.Variant)
		wantStatus(t, c.get("/v2/app/manifests/"+child.Digest.String(), "Accept", acceptAll), 200)
	}
	if got := strings.Join(platforms, " "); got != "linux/amd64/ linux/arm64/v8 unknown/unknown/" {
		t.Errorf("platforms %q", got)
	}
	if got := index.Manifests[2].Annotations["vnd.docker.reference.digest"]; got != index.Manifests[0].Digest.String() {
		t.Errorf("the attestation is for %q", got)
	}
}

func read(t *testing.T, a answer, into any) {
	t.Helper()
	wantStatus(t, a, 200)
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatal(err)
	}
}
