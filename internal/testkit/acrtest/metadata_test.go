package acrtest_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestTagMetadata(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d := registry.PutImage("app", "v1", acrtest.Image{})
	registry.PutImage("app", "v2", acrtest.Image{})
	registry.SetTagTimes("app", "v2",
		time.Date(2025, 1, 2, 3, 4, 5, 123456700, time.UTC), time.Date(2025, 1, 2, 3, 4, 6, 0, time.UTC))
	registry.SetTagAttributes("app", "v2", acrtest.Attributes{ListEnabled: true})
	registry.SetRepositoryAttributes("app", acrtest.Attributes{ReadEnabled: true})

	var page tagPage
	read(t, c.get("/acr/v1/app/_tags"), &page)
	first, second := page.Tags[0], page.Tags[1]
	if first.Digest != d || first.ChangeableAttributes != (acrtest.Attributes{DeleteEnabled: true, WriteEnabled: true, ReadEnabled: true, ListEnabled: true}) {
		t.Errorf("v1 is %+v", first)
	}
	if fraction := strings.SplitAfter(first.CreatedTime, ".")[1]; len(fraction) != 8 {
		t.Errorf("created %s, want seven fractional digits", first.CreatedTime)
	}
	if second.CreatedTime != "2025-01-02T03:04:05.1234567Z" || second.LastUpdateTime != "2025-01-02T03:04:06Z" ||
		second.ChangeableAttributes != (acrtest.Attributes{ListEnabled: true}) {
		t.Errorf("v2 is %+v", second)
	}

	var repo struct {
		ManifestCount, TagCount int
		ChangeableAttributes    acrtest.Attributes
	}
	read(t, c.get("/acr/v1/app"), &repo)
	if repo.ManifestCount != 1 || repo.TagCount != 2 || repo.ChangeableAttributes != (acrtest.Attributes{ReadEnabled: true}) {
		t.Errorf("repository %+v", repo)
	}
}

func TestManifestMetadata(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	image := registry.PutImage("app", "", acrtest.Image{})
	index := registry.PutIndex("app", "v1", acrtest.Index{Images: []acrtest.Image{{}}})
	var m ocispec.Manifest
	read(t, c.get("/v2/app/manifests/"+image.String(), "Accept", acceptAll), &m)

	var list struct {
		Manifests []struct {
			Digest           digest.Digest
			ImageSize        int64
			Architecture, OS string
			Tags             []string
			References       []any
		}
	}
	read(t, c.get("/acr/v1/app/_manifests?orderby=timeasc"), &list)
	if len(list.Manifests) != 2 {
		t.Fatalf("%d manifests, want 2", len(list.Manifests))
	}
	first, second := list.Manifests[0], list.Manifests[1]
	if first.Digest != image || first.ImageSize != m.Layers[0].Size || first.OS != "linux" || first.Architecture != "amd64" || first.Tags != nil {
		t.Errorf("image %+v", first)
	}
	if second.Digest != index || second.ImageSize != registry.Descriptor("app", image).Size || second.OS != "" ||
		!slices.Equal(second.Tags, []string{"v1"}) || second.References != nil {
		t.Errorf("index %+v", second)
	}
	var one struct {
		Manifest struct {
			References []struct{ Digest digest.Digest }
		}
	}
	read(t, c.get("/acr/v1/app/_manifests/"+index.String()), &one)
	if len(one.Manifest.References) != 1 || one.Manifest.References[0].Digest != image {
		t.Errorf("references %+v", one.Manifest.References)
	}
	newest := c.get("/acr/v1/app/_manifests?orderby=timedesc&n=1")
	if !strings.Contains(newest.body, `"digest":"`+index.String()) || newest.header.Get("Link") == "" {
		t.Errorf("the newest is %s, the link %q", newest.body, newest.header.Get("Link"))
	}
}

func TestManifestAttributes(t *testing.T) {
	registry, c := start(t, acrtest.Options{OmitConfigMediaType: true})
	d := registry.PutImage("app", "v1", acrtest.Image{})
	metadata := func() (m struct{ Manifest map[string]any }) {
		read(t, c.get("/acr/v1/app/_manifests/"+d.String()), &m)
		return m
	}
	bare := metadata().Manifest
	if _, found := bare["configMediaType"]; found {
		t.Errorf("configMediaType is there: %v", bare)
	}
	if attributes := bare["changeableAttributes"].(map[string]any); len(attributes) != 4 {
		t.Errorf("attributes %v, want the four locks", attributes)
	}
	registry.SetQuarantine("app", "v1", "Passed", `{"state":"Scan Failed"}`)
	registry.SetManifestAttributes("app", d.String(), acrtest.Attributes{WriteEnabled: true})
	want := map[string]any{
		"deleteEnabled": false, "writeEnabled": true, "readEnabled": false, "listEnabled": false,
		"quarantineState": "Passed", "quarantineDetails": `{"state":"Scan Failed"}`,
	}
	if got := metadata().Manifest["changeableAttributes"]; !reflect.DeepEqual(got, want) {
		t.Errorf("attributes %v, want %v", got, want)
	}
	for _, reference := range []string{"v1", d.String()} {
		a := c.get("/v2/app/manifests/"+reference, "Accept", acceptAll)
		wantStatus(t, a, 405)
		if !strings.Contains(a.body, `"code":"REGISTRY_DISALLOWED_OPERATION"`) {
			t.Errorf("body %s", a.body)
		}
	}
}
