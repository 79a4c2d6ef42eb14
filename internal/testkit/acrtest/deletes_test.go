package acrtest_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestManifestIsDeletedWithItsTags(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d := registry.PutImage("app", "v1", acrtest.Image{})
	registry.PutImage("app", "latest", acrtest.Image{})
	registry.PutImage("app", "v2", acrtest.Image{OS: "windows"})
	a := c.write("DELETE", "/v2/app/manifests/"+d.String(), "")
	wantStatus(t, a, 202)
	wantBody(t, a, "")
	wantHeader(t, a, "Content-Length", "0")
	wantHeader(t, a, "X-Ms-Ratelimit-Remaining-Calls-Per-Second", "8.000000")
	wantBody(t, c.get("/v2/app/tags/list"), `{"name":"app","tags":["v2"]}`+"\n")
	wantRefusal(t, c.get("/acr/v1/app/_tags/v1"), 404, "TAG_UNKNOWN", "the specified tag does not exist", "")
	wantRefusal(t, c.write("DELETE", "/v2/app/manifests/"+d.String(), ""), 404,
		"MANIFEST_UNKNOWN", "manifest "+d.String()+" is not found", "")
	wantRefusal(t, c.write("DELETE", "/v2/app/manifests/v2", ""), 405,
		"UNSUPPORTED", "A manifest can only be deleted by digest.", "")
}

func TestTagIsRemovedAndItsManifestStays(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d := registry.PutImage("app", "v1", acrtest.Image{})
	a := c.write("DELETE", "/acr/v1/app/_tags/v1", "")
	wantStatus(t, a, 202)
	wantBody(t, a, "")
	wantHeader(t, a, "X-Ms-Int-Docker-Content-Digest", d.String())
	wantRefusal(t, c.write("DELETE", "/acr/v1/app/_tags/v1", ""), 404, "TAG_UNKNOWN", "the specified tag does not exist", "")
	wantBody(t, c.get("/v2/app/tags/list"), `{"name":"app","tags":[]}`+"\n")
	wantStatus(t, c.get("/v2/app/manifests/"+d.String(), "Accept", acceptAll), 200)
}

func TestRepositoryIsDeleted(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	digests := []digest.Digest{registry.PutImage("app", "v1", acrtest.Image{}), registry.PutImage("app", "v2", acrtest.Image{OS: "windows"})}
	a := c.write("DELETE", "/acr/v1/app", "")
	wantStatus(t, a, 202)
	var deleted struct {
		ManifestsDeleted []digest.Digest
		TagsDeleted      []string
	}
	if err := json.Unmarshal([]byte(a.body), &deleted); err != nil {
		t.Fatal(err)
	}
	slices.Sort(digests)
	if !slices.Equal(deleted.ManifestsDeleted, digests) || !slices.Equal(deleted.TagsDeleted, []string{"v1", "v2"}) {
		t.Errorf("deleted %+v", deleted)
	}
	wantBody(t, c.get("/acr/v1/_catalog"), `{"repositories":[]}`+"\n")
	untagged := registry.PutImage("untagged", "", acrtest.Image{}).String()
	wantBody(t, c.write("DELETE", "/acr/v1/untagged", ""), `{"manifestsDeleted":["`+untagged+`"],"tagsDeleted":null}`+"\n")
	wantRefusal(t, c.write("DELETE", "/acr/v1/app", ""), 404,
		"NAME_UNKNOWN", "repository name not known to registry", `{"name":"app"}`)
}

func TestBlobIsDeletedFromOneRepository(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d := registry.PutBlob("app", []byte("hello")).String()
	registry.PutBlob("other", []byte("hello"))
	a := c.write("DELETE", "/v2/app/blobs/"+d, "")
	wantStatus(t, a, 202)
	wantHeader(t, a, "Content-Length", "0")
	wantRefusal(t, c.write("DELETE", "/v2/app/blobs/"+d, ""), 404, "BLOB_UNKNOWN", "blob unknown to registry", "")
	wantBody(t, c.get("/v2/other/blobs/"+d), "hello")
}
