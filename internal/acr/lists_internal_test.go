package acr

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// pageURL returns the URL of thisPage.
func pageURL(t testing.TB) *url.URL {
	t.Helper()
	u, err := url.Parse(thisPage)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

const thisPage = "https://r.azurecr.io/acr/v1/_catalog?n=2"

// TestNextPage checks the reader against RFC 8288 section 3.
func TestNextPage(t *testing.T) {
	const want = "https://r.azurecr.io/acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby="
	const target = "</acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby=>"
	for name, lines := range map[string][]string{
		"Azure Container Registry": {target + `; rel="next"`},
		"token for a value":        {target + `;rel=next`},
		"absolute":                 {"<" + want + `>; rel="next"`},
		"absolute with port":       {"<HTTPS://R.azurecr.io:443/acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby=>; rel=next"},
		"relative to the scheme":   {`<//r.azurecr.io/acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby=>; rel=next`},
		"query alone":              {`<?last=library%2Fbusybox&n=2&orderby=>; rel=next`},
		"last segment":             {`<_catalog?last=library%2Fbusybox&n=2&orderby=>; rel=next`},
		"any case":                 {target + `; REL="NEXT"`},
		"several relations":        {target + `; rel="first next"`},
		"white space":              {" \t" + target + " \t; \trel = \"next\" "},
		"second link":              {`</x>; rel="prev", ` + target + `; rel="next"`},
		"second line":              {`</x>; rel="prev"`, target + `; rel="next"`},
		"first of two":             {target + `; rel="next", </x>; rel="next"`},
		"comma in a target":        {`</a,b>; rel="prev", ` + target + `; rel="next"`},
		"comma and > in quotes":    {`</x>; title="a, <b>; rel=next"; rel=prev, ` + target + `; rel=next`},
		"parameters around":        {target + `; title="a;b"; rel="next"; type=x`},
		"parameter without value":  {target + `; crossorigin; rel=next`},
		"the first rel counts":     {`</x>; rel=prev; rel=next, ` + target + `; rel=next; rel=prev`},
		"empty elements":           {", ," + target + "; ; rel=next;,,"},
		"fragment":                 {"</acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby=#x>; rel=next"},
		"quoted pairs":             {target + `; rel="n\ext"`},
	} {
		t.Run(name, func(t *testing.T) {
			next, err := nextPage(pageURL(t), http.Header{"Link": lines})
			if err != nil {
				t.Fatal(err)
			}
			if next == nil || transport.OriginOf(next).String()+next.RequestURI() != want || next.Fragment != "" {
				t.Errorf("next = %v, want %s", next, want)
			}
		})
	}
}

func TestNextPageWithoutOne(t *testing.T) {
	for name, lines := range map[string][]string{
		"no header":         nil,
		"empty":             {""},
		"another relation":  {`</x>; rel="prev"`},
		"relation by parts": {`</x>; rel="nextpage", </y>; rel="next-archive"`},
		"no relation":       {`</x>`},
		"rel without value": {`</x>; rel`},
		"next as a name":    {`</x>; next`},
		"empty relation":    {`</x>; rel=""`},
		"next in a title":   {`</x>; title="next"`},
	} {
		t.Run(name, func(t *testing.T) {
			next, err := nextPage(pageURL(t), http.Header{"Link": lines})
			if next != nil || err != nil {
				t.Errorf("next = %v, %v; want neither", next, err)
			}
		})
	}
}

func TestNextPageRefusesMalformed(t *testing.T) {
	for name, link := range map[string]string{
		"no brackets":         `/x; rel="next"`,
		"no end of target":    `</x; rel="next"`,
		"unterminated quote":  `</x>; rel="next`,
		"missing semicolon":   `</x> rel="next"`,
		"missing value":       `</x>; rel=`,
		"text behind a value": `</x>; rel="next"y`,
		"control character":   "</x>; rel=\"next\x00\"",
		"bad escape":          `<https://r.azurecr.io/%zz>; rel=next`,
		"no host":             `<https:///x>; rel=next`,
		"opaque":              `<mailto:x@example.com>; rel=next`,
		"script":              `<javascript:x>; rel=next`,
	} {
		t.Run(name, func(t *testing.T) {
			next, err := nextPage(pageURL(t), http.Header{"Link": {link}})
			if !errors.Is(err, wire.ErrLink) {
				t.Errorf("next = %v, error = %v; want %v", next, err, wire.ErrLink)
			}
		})
	}
}

func TestNextPageRefusesAnotherOrigin(t *testing.T) {
	for link, origin := range map[string]string{
		"https://evil.example/x":              "https://evil.example",
		"//evil.example/x":                    "https://evil.example",
		"http://r.azurecr.io/x":               "http://r.azurecr.io",
		"https://r.azurecr.io:8443/x":         "https://r.azurecr.io:8443",
		"https://a.r.azurecr.io/x":            "https://a.r.azurecr.io",
		"https://r.azurecr.io@evil.example/x": "https://evil.example",
		"https://user@r.azurecr.io/x":         "https://r.azurecr.io",
		"https://r.azurecr.\u0130o/x":         "https://r.azurecr.\u0130o",
		"ftp://r.azurecr.io/x":                "ftp://r.azurecr.io",
	} {
		next, err := nextPage(pageURL(t), http.Header{"Link": {"<" + link + `>; rel="next"`}})
		if err == nil {
			t.Errorf("%s was followed as %s", link, next)
			continue
		}
		if want := "from https://r.azurecr.io to " + origin; !strings.Contains(err.Error(), want) {
			t.Errorf("error = %q, want %q in it", err, want)
		}
		if strings.Contains(err.Error(), "/x") || strings.Contains(err.Error(), "user") {
			t.Errorf("error %q quotes more than origins", err)
		}
	}
}

// A next page is always of the same origin, and never more than a URL to ask for.
func FuzzLink(f *testing.F) {
	for _, seed := range []string{
		`</acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby=>; rel="next"`,
		`</v2/app/tags/list?last=v1&n=2&orderby=>; rel="next"`,
		`<https://r.azurecr.io:443/x>; rel="prev next"; title="a,\"b\""`,
		`</x>; rel="prev", <//evil.example/x>; rel=next`,
		`<https://r.azurecr.io@evil.example/>;rel=next`,
		`<https://r.azurecr.İo/>;rel=next`,
		`<x#y>;;rel = next , `,
		`<>; rel=next`,
		`<`,
	} {
		f.Add(seed)
	}
	here := pageURL(f)
	f.Fuzz(func(t *testing.T, link string) {
		next, err := nextPage(here, http.Header{"Link": {link}})
		if err != nil {
			if next != nil {
				t.Errorf("an error with the page %s", next)
			}
			return
		}
		if next == nil {
			return
		}
		if !strings.EqualFold(next.Scheme, "https") || !strings.EqualFold(next.Hostname(), "r.azurecr.io") || next.User != nil || next.Fragment != "" {
			t.Errorf("%q leads to %s", link, next)
		}
		again, err := nextPage(here, http.Header{"Link": {"<" + next.String() + `>; rel="next"`}})
		if err != nil || again == nil || again.String() != next.String() {
			t.Errorf("%s written as a link leads to %v (%v)", next, again, err)
		}
	})
}

// pageOfTags returns a page of ACR's own API with n tags.
func pageOfTags(n int) []byte {
	const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf(`{"name":"v1.%d","digest":%q,"createdTime":"2023-02-01T09:30:00.1234567Z",`+
			`"lastUpdateTime":"2023-02-01T09:30:00.1234567Z","signed":false,"changeableAttributes":`+
			`{"deleteEnabled":true,"writeEnabled":true,"readEnabled":true,"listEnabled":true}}`, i, digest)
	}
	return []byte(`{"registry":"r.azurecr.io","imageName":"app","tags":[` + strings.Join(tags, ",") + `]}`)
}

func BenchmarkPageOf1000Tags(b *testing.B) {
	answer := &answer{Response: &transport.Response{Body: pageOfTags(1000)}}
	b.SetBytes(int64(len(answer.Body)))
	b.ReportAllocs()
	for b.Loop() {
		var page struct {
			Tags tagList `json:"tags"`
		}
		if err := decodePage(answer, &page); err != nil || len(page.Tags) != 1000 {
			b.Fatal(len(page.Tags), err)
		}
	}
}

func BenchmarkNextPage(b *testing.B) {
	here := pageURL(b)
	header := http.Header{"Link": {`</acr/v1/_catalog?last=library%2Fbusybox&n=2&orderby=>; rel="next"`}}
	b.ReportAllocs()
	for b.Loop() {
		if next, err := nextPage(here, header); next == nil || err != nil {
			b.Fatal(next, err)
		}
	}
}

// A limit also bounds what is kept of a list without any order.
func TestSelectionOutOfOrder(t *testing.T) {
	names := selection[string]{
		limit: 3, name: func(name string) string { return name },
		wanted: func(string) bool { return true }, compare: strings.Compare,
	}
	for page := range 50 {
		var entries []string
		for i := range 1000 {
			entries = append(entries, fmt.Sprintf("%05d", 60_000-page*1000-i))
		}
		if more, err := names.add(append(entries, entries[0])); !more || err != nil {
			t.Fatalf("page %d: more = %t, %v", page, more, err)
		}
		if len(names.kept) > MaxPageEntries+2000 || len(names.names) != len(names.kept) {
			t.Fatalf("%d entries are kept, and %d names", len(names.kept), len(names.names))
		}
	}
	if got := names.result(); !slices.Equal(got, []string{"10001", "10002", "10003"}) {
		t.Errorf("result = %v", got)
	}
}

func TestSelectionThatIsTooLong(t *testing.T) {
	names := selection[int]{name: strconv.Itoa, wanted: func(int) bool { return true }, compare: func(a, b int) int { return a - b }}
	var err error
	for i := 0; i <= MaxListEntries && err == nil; i++ {
		_, err = names.add([]int{i})
	}
	if len(names.kept) != MaxListEntries+1 || !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("with %d entries, error = %v", len(names.kept), err)
	}
}

func TestNextPageRefusesALongTarget(t *testing.T) {
	header := http.Header{"Link": {"</v2/_catalog?last=" + strings.Repeat("a", maxLink) + `>; rel="next"`}}
	if next, err := nextPage(pageURL(t), header); !errors.Is(err, wire.ErrLink) {
		t.Errorf("next = %v, %v; want an error", next, err)
	}
}
