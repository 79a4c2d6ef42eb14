package acrtest_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// manifestOf returns the bytes of a manifest from a registry.
func manifestOf(c *client, reference string) (mediaType, body string) {
	c.t.Helper()
	a := c.get("/v2/app/manifests/"+reference, "Accept", acceptAll)
	wantStatus(c.t, a, 200)
	return a.header.Get("Content-Type"), a.body
}

func TestManifestIsPut(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	image := registry.PutImage("app", "v1", acrtest.Image{})
	index := registry.PutIndex("app", "index", acrtest.Index{Images: []acrtest.Image{{}}})
	docker := registry.PutImage("app", "docker", acrtest.Image{Docker: true})
	list := registry.PutIndex("app", "list", acrtest.Index{Docker: true, Images: []acrtest.Image{{}}})
	for _, d := range []digest.Digest{image, index, docker, list} {
		mediaType, body := manifestOf(c, d.String())
		for _, reference := range []string{"latest", d.String(), url.QueryEscape(d.String())} {
			a := c.write("PUT", "/v2/app/manifests/"+reference, body, "Content-Type", mediaType)
			wantStatus(t, a, 201)
			wantHeader(t, a, "Docker-Content-Digest", d.String())
			wantHeader(t, a, "Location", "/v2/app/manifests/"+d.String())
			wantHeader(t, a, "Content-Length", "0")
			wantHeader(t, a, "Content-Type", "")
			wantHeader(t, a, "OCI-Subject", "")
		}
		gotType, got := manifestOf(c, "latest")
		if gotType != mediaType || got != body {
			t.Errorf("latest is %s\n%s, want %s\n%s", gotType, got, mediaType, body)
		}
	}
	// The bytes are kept, line ends included.
	mediaType, body := manifestOf(c, image.String())
	indented := strings.ReplaceAll(body, ",", ",\r\n")
	a := c.write("PUT", "/v2/app/manifests/latest", indented, "Content-Type", mediaType)
	wantHeader(t, a, "Docker-Content-Digest", digest.FromString(indented).String())
	if _, got := manifestOf(c, "latest"); got != indented {
		t.Errorf("latest is %q", got)
	}
}

func TestManifestIsRefused(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutImage("app", "docker", acrtest.Image{Docker: true})
	registry.PutImage("app", "oci", acrtest.Image{})
	registry.PutIndex("app", "index", acrtest.Index{Images: []acrtest.Image{{OS: "windows"}}})
	dockerType, docker := manifestOf(c, "docker")
	_, oci := manifestOf(c, "oci")
	_, index := manifestOf(c, "index")
	other := strings.Replace(oci, `"digest":"sha256:`, `"digest":"`+missingDigest+`","was":"`, 1)
	unborn := strings.Replace(index, `"digest":"sha256:`, `"digest":"`+missingDigest+`","was":"`, 1)

	const invalid, invalidDetail = "MANIFEST_INVALID", `{"Reason":{}}`
	tests := []struct {
		name, reference, mediaType, body string
		code, message, detail            string
	}{
		{"docker as OCI", "v1", ocispec.MediaTypeImageManifest, docker, invalid, "manifest invalid", invalidDetail},
		{"OCI as docker", "v1", dockerType, oci, invalid, "manifest invalid", invalidDetail},
		{"manifest as index", "v1", ocispec.MediaTypeImageIndex, oci, invalid, "manifest invalid", invalidDetail},
		{"index as manifest", "v1", ocispec.MediaTypeImageManifest, index, invalid, "manifest invalid", invalidDetail},
		{"neither", "v1", ocispec.MediaTypeImageManifest, `{"schemaVersion":2}`, invalid, "manifest invalid", invalidDetail},
		{"both", "v1", ocispec.MediaTypeImageManifest, `{"schemaVersion":2,"config":{},"manifests":[]}`, invalid, "manifest invalid", invalidDetail},
		{"index of layers", "v1", ocispec.MediaTypeImageIndex, `{"schemaVersion":2,"layers":[]}`, invalid, "manifest invalid", invalidDetail},
		{"schema 1", "v1", ocispec.MediaTypeImageManifest, `{"schemaVersion":1,"config":{}}`, invalid, "manifest invalid", invalidDetail},
		{"no JSON", "v1", ocispec.MediaTypeImageManifest, "hello", invalid, "manifest invalid", invalidDetail},
		{"no media type", "v1", "", oci, invalid, "manifest invalid", invalidDetail},
		{"other media type", "v1", "application/json", `{"schemaVersion":2}`, invalid, "manifest invalid", invalidDetail},
		{
			"other digest", missingDigest, ocispec.MediaTypeImageManifest, oci,
			"DIGEST_INVALID", "provided digest did not match uploaded content", `"digest parsing failed"`,
		},
		{
			"missing blob", "v1", ocispec.MediaTypeImageManifest, other,
			"MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", `{"digest":"` + missingDigest + `"}`,
		},
		{
			"missing child", "v1", ocispec.MediaTypeImageIndex, unborn,
			"MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", `{"digest":"` + missingDigest + `"}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := c.write("PUT", "/v2/app/manifests/"+tt.reference, tt.body, "Content-Type", tt.mediaType)
			wantRefusal(t, a, 400, tt.code, tt.message, tt.detail)
			wantStatus(t, c.get("/v2/app/manifests/"+tt.reference, "Accept", acceptAll), 404)
		})
	}
}

// An artifact manifest has no schemaVersion, and a layer with urls may be stored elsewhere.
func TestUnusualManifestIsPut(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	artifact := `{"mediaType":"application/vnd.oci.artifact.manifest.v1+json","artifactType":"a/b"}`
	a := c.write("PUT", "/v2/app/manifests/artifact", artifact, "Content-Type", "application/vnd.oci.artifact.manifest.v1+json")
	wantStatus(t, a, 201)
	config := registry.PutBlob("app", []byte("{}"))
	foreign := `{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"` + config.String() + `","size":2},` +
		`"layers":[{"mediaType":"a/b","digest":"` + missingDigest + `","size":1,"urls":["https://example.com/layer"]}]}`
	wantStatus(t, c.write("PUT", "/v2/app/manifests/foreign", foreign, "Content-Type", ocispec.MediaTypeImageManifest), 201)
}

// A manifest with a subject, which need not exist, becomes its referrer.
func TestReferrerIsPut(t *testing.T) {
	for _, without := range []bool{false, true} {
		registry, c := start(t, acrtest.Options{WithoutReferrersAPI: without})
		config := registry.PutBlob("app", []byte("{}"))
		body, err := json.Marshal(map[string]any{
			"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageManifest, "artifactType": "a/b",
			"config":  map[string]any{"mediaType": ocispec.MediaTypeEmptyJSON, "digest": config, "size": 2},
			"layers":  []any{},
			"subject": map[string]any{"mediaType": ocispec.MediaTypeImageManifest, "digest": missingDigest, "size": 7},
		})
		if err != nil {
			t.Fatal(err)
		}
		a := c.write("PUT", "/v2/app/manifests/"+digest.FromBytes(body).String(), string(body), "Content-Type", ocispec.MediaTypeImageManifest)
		wantStatus(t, a, 201)
		if without {
			wantHeader(t, a, "OCI-Subject", "")
			// Clients maintain the referrers tag, not the registry.
			wantStatus(t, c.get("/v2/app/manifests/"+strings.Replace(missingDigest, ":", "-", 1), "Accept", acceptAll), 404)
			continue
		}
		wantHeader(t, a, "OCI-Subject", missingDigest)
		var referrers ocispec.Index
		read(t, c.get("/v2/app/referrers/"+missingDigest), &referrers)
		if len(referrers.Manifests) != 1 || referrers.Manifests[0].Digest != digest.FromBytes(body) || referrers.Manifests[0].ArtifactType != "a/b" {
			t.Errorf("referrers %+v", referrers.Manifests)
		}
	}
}

// A whole image is pushed to a registry without ACR's own API.
func TestPushWithoutACRAPI(t *testing.T) {
	_, p := startPush(t, acrtest.Options{WithoutACRAPI: true})
	config := p.blob("{}")
	body := `{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"` + config.String() + `","size":2},"layers":[]}`
	wantStatus(t, p.write("PUT", "/v2/app/manifests/v1", body, "Content-Type", ocispec.MediaTypeImageManifest), 201)
	wantBody(t, p.get("/v2/app/tags/list"), `{"name":"app","tags":["v1"]}`+"\n")
	wantStatus(t, p.do("DELETE", "/acr/v1/app/_tags/v1"), 404)
	wantRefusal(t, p.write("DELETE", "/v2/app/manifests/v1", ""), 405, "UNSUPPORTED", "A manifest can only be deleted by digest.", "")
}
