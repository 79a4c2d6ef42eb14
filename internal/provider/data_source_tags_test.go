package provider_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestTags(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{PageSize: 2})
	start := time.Date(2025, 3, 1, 12, 0, 0, 123456700, time.UTC)
	image := registry.PutImage("team/app", "v1", acrtest.Image{})
	for i, tag := range []string{"v1", "v3", "v2", "latest"} {
		registry.PutImage("team/app", tag, acrtest.Image{})
		registry.SetTagTimes("team/app", tag, start, start.Add(time.Duration(i)*time.Hour))
	}
	registry.SetTagAttributes("team/app", "v1", acrtest.Attributes{ReadEnabled: true, ListEnabled: true})
	applyTwice(t, providerBlock(registry)+`
		data "acr_tags" "all" {
		  repository = "team/app"
		}
		data "acr_tags" "newest" {
		  repository = "team/app"
		  order_by   = "time_desc"
		  name_regex = "^v"
		  limit      = 2
		}
		data "acr_tags" "oldest" {
		  repository = "team/app"
		  order_by   = "time_asc"
		}
		data "acr_tags" "none" {
		  repository = "team/app"
		  name_regex = "^x"
		}`,
		attributes("data.acr_tags.all", object{
			"names": list("latest", "v1", "v2", "v3"),
			"tags": knownvalue.ListPartial(map[int]knownvalue.Check{1: knownvalue.ObjectExact(object{
				"name": str("v1"), "digest": str(image.String()),
				"created_time": str("2025-03-01T12:00:00.1234567Z"), "last_update_time": str("2025-03-01T12:00:00.1234567Z"),
				"delete_enabled": boolean(false), "write_enabled": boolean(false), "read_enabled": boolean(true), "list_enabled": boolean(true),
			})}),
		}),
		attributes("data.acr_tags.newest", object{"names": list("v2", "v3"), "tags": knownvalue.ListSizeExact(2)}),
		attributes("data.acr_tags.oldest", object{"names": list("v1", "v3", "v2", "latest")}),
		attributes("data.acr_tags.none", object{"names": list(), "tags": knownvalue.ListSizeExact(0)}),
	)
}

// On a registry without ACR's own API, tags have names, and null for the rest.
func TestTagsWithoutDetails(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{WithoutACRAPI: true})
	registry.PutImage("app", "1.0", acrtest.Image{})
	state := configuredFor(t, defaultUser(registry)).mustRead("acr_tags", values{"repository": "app"})
	var tags []tftypes.Value
	var tag map[string]tftypes.Value
	if err := state["tags"].As(&tags); err != nil || len(tags) != 1 {
		t.Fatalf("%d tags, %v", len(tags), err)
	}
	if err := tags[0].As(&tag); err != nil {
		t.Fatal(err)
	}
	for attribute, value := range tag {
		if value.IsNull() == (attribute == "name") {
			t.Errorf("%s = %s", attribute, value)
		}
	}
}

// A long list is read to its end, a thousand tags per request.
func TestTenThousandTags(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	for i := range 10_000 {
		registry.PutManifest("app", fmt.Sprintf("v%04d", i), "application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion":2}`))
	}
	registry.ResetLog()
	state := configuredFor(t, defaultUser(registry)).mustRead("acr_tags", values{"repository": "app"})
	var names, tags []tftypes.Value
	if err := errors.Join(state["names"].As(&names), state["tags"].As(&tags)); err != nil {
		t.Fatal(err)
	}
	if len(names) != 10_000 || len(tags) != 10_000 || text(names[0]) != "v0000" || text(names[9_999]) != "v9999" {
		t.Errorf("there are %d names and %d tags", len(names), len(tags))
	}
	if got := len(registry.Requests()); got != 12 {
		t.Errorf("requests = %d, want a challenge, a token and 10 pages", got)
	}
}

func TestTagsRefuses(t *testing.T) {
	refused{
		"a repository that climbs": {
			values{"repository": "app/../other"},
			wanted{attribute: "repository", summary: "Invalid value", says: []string{`"app/../other"`}},
		},
		"an unknown order": {
			values{"repository": "app", "order_by": "size"},
			wanted{attribute: "order_by", summary: "Invalid Attribute Value Match", says: []string{`"size"`, "time_desc"}},
		},
		"a regular expression that is none": {
			values{"repository": "app", "name_regex": "("},
			wanted{attribute: "name_regex", summary: "Invalid value", says: []string{"missing closing )"}},
		},
	}.check(t, "acr_tags")
}

func TestTagsFails(t *testing.T) {
	failing{
		"tags of a repository that does not exist": {
			arguments: values{"repository": "missing"},
			want:      wanted{attribute: "repository", summary: "Repository not found", says: []string{"listing the tags of ", "/missing", "404"}},
		},
		"an order by time where no times are known": {
			options:   acrtest.Options{WithoutACRAPI: true},
			arguments: values{"repository": "app", "order_by": "time_desc"},
			want:      wanted{summary: "Not offered by this registry", says: []string{"order_by", "times"}},
		},
	}.check(t, "acr_tags")
}
