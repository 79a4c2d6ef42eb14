package acr_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestTags(t *testing.T) {
	for _, with := range []struct {
		name    string
		options acrtest.Options
		digests bool
	}{
		{"ACR's own API", acrtest.Options{}, true},
		{"the registry API", acrtest.Options{WithoutACRAPI: true}, false},
	} {
		t.Run(with.name, func(t *testing.T) {
			registry := acrtest.StartT(t, with.options)
			for i := range 10_000 {
				registry.PutManifest("app", fmt.Sprintf("v%04d", i), "application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion":2}`))
			}
			client := newClient(t, registry)
			tags, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
			if err != nil {
				t.Fatal(err)
			}
			if len(tags) != 10_000 || tags[0].Name != "v0000" || tags[9_999].Name != "v9999" {
				t.Fatalf("got %d tags", len(tags))
			}
			if got := tags[0].Digest != ""; got != with.digests {
				t.Errorf("digest known: %v, want %v", got, with.digests)
			}
			registry.ResetLog()
			tags, err = client.Tags(t.Context(), acr.TagsRequest{Repository: "app", NameRegex: regexp.MustCompile(`5$`), Limit: 3})
			if err != nil {
				t.Fatal(err)
			}
			if len(tags) != 3 || tags[2].Name != "v0025" {
				t.Errorf("tags = %v, want three that end with 5", tags)
			}
			_, err = client.Tags(t.Context(), acr.TagsRequest{Repository: "absent"})
			faulttest.Want(t, err, fault.RepositoryNotFound)
		})
	}
}

// A tag that moves while its list is read appears twice; it counts once, also against the limit.
func TestTagsThatComeTwice(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusOK, Body: `{"tags":[` +
		`{"name":"a","lastUpdateTime":"2026-03-03T00:00:00Z"},{"name":"b","lastUpdateTime":"2026-03-02T00:00:00Z"},` +
		`{"name":"a","lastUpdateTime":"2026-03-01T00:00:00Z"},{"name":"c","lastUpdateTime":"2026-02-01T00:00:00Z"}]}`})
	client := newClient(t, registry)
	for limit, want := range map[int]string{0: "a b c", 1: "a", 2: "a b", 3: "a b c"} {
		tags, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app", OrderBy: acr.OrderByTimeDesc, Limit: limit})
		var names []string
		for _, tag := range tags {
			names = append(names, tag.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("with limit %d, tags = %s, %v; want %s", limit, got, err, want)
		}
	}
}

// Tags with the same time are ordered by name.
func TestTagsOfOneTimeComeByName(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	const late, early = `"lastUpdateTime":"2026-03-02T00:00:00Z"`, `"lastUpdateTime":"2026-03-01T00:00:00Z"`
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusOK, Body: `{"tags":[` +
		`{"name":"c",` + late + `},{"name":"x",` + early + `},{"name":"a",` + late + `},{"name":"b",` + late + `},{"name":"w",` + early + `}]}`})
	client := newClient(t, registry)
	for order, want := range map[string]string{acr.OrderByTimeDesc: "a b c w x", acr.OrderByTimeAsc: "w x a b c", acr.OrderByName: "a b c w x"} {
		tags, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app", OrderBy: order})
		var names []string
		for _, tag := range tags {
			names = append(names, tag.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("by %s: %s, %v; want %s", order, got, err, want)
		}
	}
}
