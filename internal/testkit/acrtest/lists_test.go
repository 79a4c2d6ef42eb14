package acrtest_test

import (
	"fmt"
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
