package acrtest_test

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestPagination(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	for _, name := range []string{"library/busybox", "zoo", "library/alpine"} {
		registry.PutImage(name, "", acrtest.Image{})
	}
	for _, tag := range []string{"b", "a", "c"} {
		registry.PutImage("zoo", tag, acrtest.Image{})
	}
	tests := []struct{ path, body, link string }{
		{
			"/acr/v1/_catalog?n=2", `{"repositories":["library/alpine","library/busybox"]}`,
			`</acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby=>; rel="next"`,
		},
		{"/acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby=", `{"repositories":["zoo"]}`, ""},
		{"/acr/v1/_catalog?last=m", `{"repositories":["zoo"]}`, ""},
		{"/acr/v1/_catalog?last=zoo", `{"repositories":[]}`, ""},
		{
			"/v2/_catalog?n=1", `{"repositories":["library/alpine"]}`,
			`</v2/_catalog?last=library%2Falpine&n=1&orderby=>; rel="next"`,
		},
		{"/v2/zoo/tags/list", `{"name":"zoo","tags":["a","b","c"]}`, ""},
		{"/v2/zoo/tags/list?n=3", `{"name":"zoo","tags":["a","b","c"]}`, ""},
		{
			"/v2/zoo/tags/list?n=1&last=a", `{"name":"zoo","tags":["b"]}`,
			`</v2/zoo/tags/list?last=b&n=1&orderby=>; rel="next"`,
		},
		{"/v2/library/alpine/tags/list", `{"name":"library/alpine","tags":[]}`, ""},
		{
			"/acr/v1/_catalog?n=1&api-version=2021-07-01", `{"repositories":["library/alpine"]}`,
			`</acr/v1/_catalog?last=library%2Falpine&n=1&orderby=>; rel="next"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			a := c.get(tt.path)
			wantStatus(t, a, 200)
			wantBody(t, a, tt.body+"\n")
			wantHeader(t, a, "Link", tt.link)
		})
	}
	for _, n := range []string{"0", "-1", "x"} {
		bad := c.get("/v2/zoo/tags/list?n=" + n)
		wantStatus(t, bad, 400)
		wantBody(t, bad, `{"errors":[{"code":"PAGINATION_NUMBER_INVALID","message":"invalid number of results requested","detail":{"n":"`+n+`"}}]}`+"\n")
	}
}

func TestLinkSpellsTheNameAsAsked(t *testing.T) {
	registry, c := start(t, acrtest.Options{PageSize: 1})
	for _, tag := range []string{"a", "b"} {
		registry.PutImage("team/app", tag, acrtest.Image{})
	}
	for _, path := range []string{"/acr/v1/team/app/_tags", "/acr/v1/team%2Fapp/_tags", "/v2/team%2Fapp/tags/list"} {
		wantHeader(t, c.get(path), "Link", "<"+path+`?last=a&n=1&orderby=>; rel="next"`)
	}
}

func TestLinkAfterFullPage(t *testing.T) {
	registry, c := start(t, acrtest.Options{LinkAfterFullPage: true, PageSize: 2})
	for _, tag := range []string{"a", "b"} {
		registry.PutImage("app", tag, acrtest.Image{})
	}
	full := c.get("/acr/v1/app/_tags")
	wantHeader(t, full, "Link", `</acr/v1/app/_tags?last=b&n=2&orderby=>; rel="next"`)
	tests := []struct{ path, body string }{
		{"/acr/v1/app/_tags?last=b", `{"registry":"` + registry.Host() + `","imageName":"app","tags":null}`},
		{"/acr/v1/_catalog?last=app", `{"repositories":null}`},
		{"/v2/app/tags/list?last=b", `{"name":"app","tags":null}`},
		{"/acr/v1/app/_manifests?last=z", `{"registry":"` + registry.Host() + `","imageName":"app","manifests":null}`},
	}
	for _, tt := range tests {
		a := c.get(tt.path)
		wantBody(t, a, tt.body+"\n")
		wantHeader(t, a, "Link", "")
	}
}

// A list up to 2,048 bytes has a Content-Length; a longer one is chunked.
func TestLongListsAreChunked(t *testing.T) {
	registry, c := start(t, acrtest.Options{PlainHTTP: true})
	for i := range 20 {
		registry.PutImage("app", fmt.Sprintf("v%02d", i), acrtest.Image{})
	}
	short, long := c.get("/acr/v1/app/_tags?n=2"), c.get("/acr/v1/app/_tags")
	if short.length != int64(len(short.body)) || short.coding != nil {
		t.Errorf("%d bytes came with Content-Length %d and coding %q", len(short.body), short.length, short.coding)
	}
	if len(long.body) <= 2048 || long.length != -1 || !slices.Equal(long.coding, []string{"chunked"}) {
		t.Errorf("%d bytes came with Content-Length %d and coding %q", len(long.body), long.length, long.coding)
	}
}

type tagPage struct {
	Tags []struct {
		Name, CreatedTime, LastUpdateTime string
		Digest                            digest.Digest
		ChangeableAttributes              acrtest.Attributes
	}
}

// walk follows the links of a list, and returns the tags and the number of pages.
func walk(t *testing.T, c *client, path string) (tags []string, pages int) {
	token := c.tokenFor("GET", path)
	for path != "" {
		a := c.do("GET", path, "Authorization", "Bearer "+token)
		var page tagPage
		read(t, a, &page)
		for _, tag := range page.Tags {
			tags = append(tags, tag.Name)
		}
		pages++
		path, _, _ = strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">")
	}
	return tags, pages
}

func TestTagOrder(t *testing.T) {
	registry, c := start(t, acrtest.Options{PageSize: 2})
	for _, tag := range []string{"c", "a", "d", "b"} {
		registry.PutImage("app", tag, acrtest.Image{})
	}
	registry.PutImage("app", "a", acrtest.Image{Labels: map[string]string{"moved": "yes"}})
	tests := []struct{ orderBy, want string }{
		{"", "a b c d"}, {"timeasc", "c d b a"}, {"timedesc", "a b d c"},
	}
	for _, tt := range tests {
		t.Run(tt.orderBy, func(t *testing.T) {
			tags, pages := walk(t, c, "/acr/v1/app/_tags?orderby="+tt.orderBy)
			if got := strings.Join(tags, " "); got != tt.want || pages != 2 {
				t.Errorf("%q on %d pages, want %q on 2", got, pages, tt.want)
			}
		})
	}
}

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

func TestDeleteAndUntag(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	first := registry.PutImage("app", "v1", acrtest.Image{})
	second := registry.PutImage("app", "v2", acrtest.Image{OS: "windows"})
	registry.PutImage("app", "latest", acrtest.Image{OS: "windows"})
	manifest := func(reference string) answer { return c.get("/v2/app/manifests/"+reference, "Accept", acceptAll) }

	registry.Untag("app", "v1")
	wantStatus(t, manifest("v1"), 404)
	wantStatus(t, manifest(first.String()), 200)

	registry.Delete("app", "latest")
	wantStatus(t, manifest(second.String()), 404)
	wantBody(t, c.get("/v2/app/tags/list"), `{"name":"app","tags":[]}`+"\n")

	registry.Delete("app", first.String())
	wantBody(t, c.get("/acr/v1/_catalog"), `{"repositories":[]}`+"\n")
}

func TestImpossibleChangesPanic(t *testing.T) {
	registry, _ := start(t, acrtest.Options{})
	registry.PutImage("app", "v1", acrtest.Image{})
	for name, change := range map[string]func(){
		"repository": func() { registry.SetRepositoryAttributes("none", acrtest.Attributes{}) },
		"tag":        func() { registry.Untag("app", "v2") },
		"manifest":   func() { registry.Delete("app", "v2") },
		"subject":    func() { registry.Descriptor("app", digest.FromString("none")) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("the change was accepted")
				}
			}()
			change()
		})
	}
}

func TestTenThousandTags(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	body := []byte(`{"schemaVersion":2}`)
	var want []string
	for i := range 10_000 {
		name := fmt.Sprintf("v%05d", 9_999-i)
		registry.PutManifest("app", name, ocispec.MediaTypeImageManifest, body)
		want = append(want, name)
	}
	begun := time.Now()
	newest, pages := walk(t, c, "/acr/v1/app/_tags?orderby=timeasc&n=1000")
	if !slices.Equal(newest, want) || pages != 10 {
		t.Errorf("%d tags on %d pages in another order", len(newest), pages)
	}
	slices.Sort(want)
	sorted, pages := walk(t, c, "/acr/v1/app/_tags?n=5000") // cut to 1000
	if !slices.Equal(sorted, want) || pages != 10 {
		t.Errorf("%d tags on %d pages in another order", len(sorted), pages)
	}
	t.Logf("two walks over 10,000 tags: %v", time.Since(begun))
}

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
