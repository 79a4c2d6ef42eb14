package acrtest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestReferrers(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	subject := registry.PutImage("app", "v1", acrtest.Image{})
	about := registry.Descriptor("app", subject)
	sbom := registry.PutArtifact("app", "", acrtest.Artifact{
		ArtifactType: "application/spdx+json", Subject: &about, Body: []byte("{}"), Annotations: map[string]string{"a": "b"},
	})
	signature := registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: "application/x.signature", Subject: &about})
	image := registry.PutImage("app", "", acrtest.Image{Subject: &about})
	path := "/v2/app/referrers/" + subject.String()

	var all ocispec.Index
	a := c.get(path)
	read(t, a, &all)
	wantHeader(t, a, "Content-Type", ocispec.MediaTypeImageIndex)
	wantHeader(t, a, "OCI-Filters-Applied", "")
	want := map[digest.Digest]string{
		sbom: "application/spdx+json", signature: "application/x.signature", image: ocispec.MediaTypeImageConfig,
	}
	if len(all.Manifests) != len(want) {
		t.Fatalf("%d referrers, want %d", len(all.Manifests), len(want))
	}
	for _, referrer := range all.Manifests {
		if referrer.ArtifactType != want[referrer.Digest] {
			t.Errorf("%s has the type %q, want %q", referrer.Digest, referrer.ArtifactType, want[referrer.Digest])
		}
	}

	var filtered ocispec.Index
	a = c.get(path + "?artifactType=" + url.QueryEscape("application/spdx+json"))
	read(t, a, &filtered)
	wantHeader(t, a, "OCI-Filters-Applied", "artifactType")
	if len(filtered.Manifests) != 1 || filtered.Manifests[0].Digest != sbom || filtered.Manifests[0].Annotations["a"] != "b" {
		t.Errorf("filtered %+v", filtered.Manifests)
	}

	var page ocispec.Index
	a = c.get(path + "?n=2")
	read(t, a, &page)
	next, _, _ := strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">")
	var rest ocispec.Index
	read(t, c.get(next), &rest)
	if len(page.Manifests) != 2 || len(rest.Manifests) != 1 || rest.Manifests[0].Digest != all.Manifests[2].Digest {
		t.Errorf("pages of %d and %d", len(page.Manifests), len(rest.Manifests))
	}

	// The next page of a filtered list is filtered too.
	registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: "application/spdx+json", Subject: &about, Body: []byte("[]")})
	a = c.get(path + "?n=1&artifactType=" + url.QueryEscape("application/spdx+json"))
	if link := a.header.Get("Link"); !strings.Contains(link, "?artifactType=application%2Fspdx%2Bjson&last=sha256%3A") {
		t.Errorf("Link %q", link)
	}

	var none ocispec.Index
	read(t, c.get("/v2/app/referrers/"+sbom.String()), &none)
	if none.Manifests == nil || len(none.Manifests) != 0 {
		t.Errorf("referrers of an artifact: %v, want an empty list", none.Manifests)
	}
	wantStatus(t, c.get("/v2/none/referrers/"+sbom.String()), 404)
}

func TestReferrersTagSchema(t *testing.T) {
	registry, c := start(t, acrtest.Options{WithoutReferrersAPI: true})
	subject := registry.PutImage("app", "v1", acrtest.Image{})
	about := registry.Descriptor("app", subject)
	first := registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: "a/first", Subject: &about})
	second := registry.PutArtifact("app", "", acrtest.Artifact{ArtifactType: "a/second", Subject: &about})

	wantStatus(t, c.do("GET", "/v2/app/referrers/"+subject.String()), 404)
	var index ocispec.Index
	read(t, c.get("/v2/app/manifests/sha256-"+subject.Encoded(), "Accept", acceptAll), &index)
	types := map[digest.Digest]string{}
	for _, referrer := range index.Manifests {
		types[referrer.Digest] = referrer.ArtifactType
	}
	if len(types) != 2 || types[first] != "a/first" || types[second] != "a/second" {
		t.Errorf("referrers %v", types)
	}
}
