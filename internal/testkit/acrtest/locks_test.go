package acrtest_test

import (
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

var unlocked = acrtest.Attributes{DeleteEnabled: true, WriteEnabled: true, ReadEnabled: true, ListEnabled: true}

// A lock that is not named keeps its value, and the answer is the same as for GET.
func TestPatchChangesWhatItNames(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d := registry.PutImage("app", "v1", acrtest.Image{}).String()
	for _, path := range []string{"/acr/v1/app", "/acr/v1/app/_tags/v1", "/acr/v1/app/_manifests/" + d} {
		before := c.get(path).body
		a := c.write("PATCH", path, `{"writeEnabled":false}`, "Content-Type", "application/json")
		wantStatus(t, a, 200)
		wantBody(t, a, strings.Replace(before, `"writeEnabled":true`, `"writeEnabled":false`, 1))
		c.write("PATCH", path, `{"deleteEnabled":false,"readEnabled":false,"listEnabled":false}`)
		off := c.get(path)
		if strings.Count(off.body, `Enabled":false`) != 4 {
			t.Errorf("%s: %s", path, off.body)
		}
		// Any lock can be removed.
		on := c.write("PATCH", path, `{"deleteEnabled":true,"writeEnabled":true,"readEnabled":true,"listEnabled":true}`)
		wantBody(t, on, before)
	}
}

func TestPatchOfUnknown(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{})
	tests := []struct{ path, code, message string }{
		{"/acr/v1/none", "NAME_UNKNOWN", `repository \"none\" is not found`},
		{"/acr/v1/app/_tags/v2", "TAG_UNKNOWN", "the specified tag does not exist"},
		{"/acr/v1/app/_manifests/" + missingDigest, "MANIFEST_UNKNOWN", "manifest unknown"},
		{"/acr/v1/app/_manifests/sha256:abcdef", "MANIFEST_UNKNOWN", "manifest unknown"},
	}
	for _, tt := range tests {
		wantRefusal(t, c.write("PATCH", tt.path, `{"writeEnabled":false}`), 404, tt.code, tt.message, "")
	}
	wantStatus(t, c.write("PATCH", "/acr/v1/app", `{"writeEnabled":"no"}`), 400)
}

// What each lock at each level prevents, by documentation: none inherits.
func TestLocks(t *testing.T) {
	noWrite, noDelete, noRead := unlocked, unlocked, unlocked
	noWrite.WriteEnabled, noDelete.DeleteEnabled, noRead.ReadEnabled = false, false, false
	tests := []struct {
		level      string
		attributes acrtest.Attributes
		refused    string
	}{
		{"repository", noWrite, "upload,mount,new tag,same tag,digest,untag,manifest,blob,repository"},
		{"repository", noDelete, "untag,manifest,blob,repository"},
		{"repository", noRead, "read tag,read digest"},
		{"manifest", noWrite, "digest,manifest,repository"},
		{"manifest", noDelete, "manifest,repository"},
		{"manifest", noRead, "read tag,read digest"},
		{"tag", noWrite, "same tag,untag,manifest,repository"},
		{"tag", noDelete, "untag,manifest,repository"},
		{"tag", noRead, "read tag"},
	}
	for _, tt := range tests {
		t.Run(tt.level+" "+tt.refused, func(t *testing.T) {
			for _, name := range []string{
				"read tag", "read digest", "upload", "mount", "new tag", "same tag", "digest", "untag", "manifest", "blob", "repository",
			} {
				registry, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
				d := registry.PutImage("app", "v1", acrtest.Image{}).String()
				blob := registry.PutBlob("app", []byte("hello")).String()
				registry.PutBlob("base", []byte("base"))
				manifest := c.do("GET", "/v2/app/manifests/"+d, "Accept", acceptAll)
				switch tt.level {
				case "repository":
					registry.SetRepositoryAttributes("app", tt.attributes)
				case "manifest":
					registry.SetManifestAttributes("app", d, tt.attributes)
				case "tag":
					registry.SetTagAttributes("app", "v1", tt.attributes)
				}
				requests := map[string]struct{ method, path, body string }{
					"read tag":    {"GET", "/v2/app/manifests/v1", ""},
					"read digest": {"GET", "/v2/app/manifests/" + d, ""},
					"upload":      {"POST", "/v2/app/blobs/uploads/", ""},
					"mount":       {"POST", "/v2/app/blobs/uploads/?from=base&mount=" + blob, ""},
					"new tag":     {"PUT", "/v2/app/manifests/v2", manifest.body},
					"same tag":    {"PUT", "/v2/app/manifests/v1", manifest.body},
					"digest":      {"PUT", "/v2/app/manifests/" + d, manifest.body},
					"untag":       {"DELETE", "/acr/v1/app/_tags/v1", ""},
					"manifest":    {"DELETE", "/v2/app/manifests/" + d, ""},
					"blob":        {"DELETE", "/v2/app/blobs/" + blob, ""},
					"repository":  {"DELETE", "/acr/v1/app", ""},
				}
				request := requests[name]
				a := c.send(request.method, request.path, request.body, "Content-Type", manifest.header.Get("Content-Type"), "Accept", acceptAll)
				if strings.Contains(","+tt.refused+",", ","+name+",") {
					wantDisallowed(t, a)
				} else if a.status >= 400 {
					t.Errorf("%s: status %d, want it let through; body %s", name, a.status, a.body)
				}
			}
		})
	}
}

// listEnabled false hides from lists, and from nothing else.
func TestUnlistedIsHidden(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d := registry.PutImage("app", "v1", acrtest.Image{})
	hidden := unlocked
	hidden.ListEnabled = false
	registry.SetTagAttributes("app", "v1", hidden)
	registry.SetManifestAttributes("app", "v1", hidden)
	registry.SetRepositoryAttributes("app", hidden)
	for path, body := range map[string]string{
		"/acr/v1/_catalog":       `{"repositories":[]}`,
		"/v2/app/tags/list":      `{"name":"app","tags":[]}`,
		"/acr/v1/app/_tags":      `{"registry":"` + registry.Host() + `","imageName":"app","tags":[]}`,
		"/acr/v1/app/_manifests": `{"registry":"` + registry.Host() + `","imageName":"app","manifests":[]}`,
	} {
		wantBody(t, c.get(path), body+"\n")
	}
	for _, path := range []string{"/acr/v1/app", "/acr/v1/app/_tags/v1", "/acr/v1/app/_manifests/" + d.String(), "/v2/app/manifests/v1"} {
		wantStatus(t, c.get(path, "Accept", acceptAll), 200)
	}
}

func TestWritesDisallowed(t *testing.T) {
	registry, c := start(t, acrtest.Options{WritesDisallowed: true})
	d := registry.PutImage("app", "v1", acrtest.Image{}).String()
	for _, request := range []struct{ method, path string }{
		{"PUT", "/v2/app/manifests/v1"},
		{"DELETE", "/v2/app/manifests/" + d},
		{"POST", "/v2/app/blobs/uploads/"},
		{"PATCH", "/acr/v1/app"},
		{"DELETE", "/acr/v1/app/_tags/v1"},
	} {
		wantDisallowed(t, c.write(request.method, request.path, ""))
	}
	wantStatus(t, c.get("/v2/app/manifests/v1", "Accept", acceptAll), 200)
}
