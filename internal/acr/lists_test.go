package acr_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestLinkToAnotherOriginGetsNoConnection(t *testing.T) {
	stranger := acrtest.StartT(t, acrtest.Options{})
	for _, link := range []string{
		"https://" + stranger.Host() + "/acr/v1/_catalog?last=a",
		"//" + stranger.Host() + "/acr/v1/_catalog?last=a",
		"https://evil.azurecr.io/acr/v1/_catalog?last=a",
		"https://" + home + ":8443/acr/v1/_catalog?last=a",
		"http://" + home + "/acr/v1/_catalog?last=a",
		"https://user@" + home + "/acr/v1/_catalog?last=a",
	} {
		t.Run(link, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Link: "<" + link + `>; rel="next"`})
			network := &theNet{to: map[string]string{home + ":443": registry.Host()}, otherwise: stranger.Host()}
			client := newClient(t, registry, at(home, registry, stranger)).DialWith(network.dial)
			_, err := client.Repositories(t.Context(), acr.RepositoriesRequest{})
			faulttest.Want(t, err, fault.BadAnswer, "the Link to the next page leads from https://"+home+" to ")
			network.wantDialled(t, home+":443")
			wantWire(t, registry, "1/1/1")
		})
	}
	if got := stranger.Connections(); got != 0 {
		t.Errorf("the stranger accepted %d connections, want 0", got)
	}
}

func TestLinkToAPageAlreadyReadIsRefused(t *testing.T) {
	for _, test := range []struct {
		name  string
		next  func(query string) string
		pages int
	}{
		{"to itself", func(query string) string { return "/acr/v1/_catalog?" + query }, 1},
		{"to the page before", func(query string) string {
			return "/acr/v1/_catalog?" + map[bool]string{true: "n=1000", false: "n=1000&last=b"}[strings.Contains(query, "last")]
		}, 2},
		{"to itself by its whole URL", nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, r *http.Request) {
				next := registry.URL() + r.URL.RequestURI()
				if test.next != nil {
					next = test.next(r.URL.RawQuery)
				}
				w.Header().Set("Link", "<"+next+`>; rel="next"`)
				_, _ = w.Write([]byte(`{"repositories":["app"]}`))
			}})
			_, err := newClient(t, registry).Repositories(t.Context(), acr.RepositoriesRequest{})
			faulttest.Want(t, err, fault.BadAnswer, "already read")
			if got := registry.Count(acrtest.KindResource); got != test.pages {
				t.Errorf("pages read = %d, want %d", got, test.pages)
			}
		})
	}
}

func TestListEndsAfterTenThousandPages(t *testing.T) {
	page := 0
	registry := acrtest.StartT(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
	registry.Inject(acrtest.Fault{Handler: func(w http.ResponseWriter, _ *http.Request) {
		page++
		w.Header().Set("Link", fmt.Sprintf(`</acr/v1/_catalog?page=%d>; rel="next"`, page))
		_, _ = fmt.Fprintf(w, `{"repositories":["app%d"]}`, page)
	}})
	_, err := newClient(t, registry).Repositories(t.Context(), acr.RepositoriesRequest{})
	faulttest.Want(t, err, fault.BadAnswer, "over 10000 pages")
	if page != 10_000 {
		t.Errorf("pages read = %d, want 10000", page)
	}
}

// This registry's user interface answers under every path that its API does not have.
func TestListsOfARegistryThatAnswersWithWebPages(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Path: "/acr/v1/", Handler: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html><title>Registry</title>"))
	}})
	client := newClient(t, registry)
	tags, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	if err != nil || len(tags) != 1 || tags[0].Name != "v" {
		t.Errorf("tags = %v, %v; want v", tags, err)
	}
	names, err := client.Repositories(t.Context(), acr.RepositoriesRequest{})
	if err != nil || !slices.Equal(names, []string{"app"}) {
		t.Errorf("repositories = %v, %v; want app", names, err)
	}
	_, err = client.Repository(t.Context(), "app")
	faulttest.Want(t, err, fault.UnsupportedAPI, "200")
}

// If the registry forbids it, it has the API: the other API is not asked.
func TestDisallowedListsAreNoMissingAPI(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusMethodNotAllowed, Code: "REGISTRY_DISALLOWED_OPERATION"})
	_, err := newClient(t, registry).Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	faulttest.Want(t, err, fault.Disallowed, "405")
	wantWire(t, registry, "1/1/1")
}

// Not every registry lists in order. A limit then counts once all is known.
func TestLimitOfAListOutOfOrder(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{WithoutACRAPI: true})
	registry.PutImage("app", "v", acrtest.Image{})
	pages := func(path, key string, pages ...string) {
		for i, page := range pages {
			injected := acrtest.Fault{Kind: acrtest.KindResource, Path: path + "?", Status: http.StatusOK, Body: `{"` + key + `":[` + page + `]}`}
			if i > 0 {
				injected.Path = path + fmt.Sprintf("?page=%d", i)
			}
			if i < len(pages)-1 {
				injected.Header = http.Header{"Link": {fmt.Sprintf(`<%s?page=%d>; rel="next"`, path, i+1)}}
			}
			if i == 0 {
				injected.Times = 1
			}
			registry.Inject(injected)
		}
	}
	pages("/v2/app/tags/list", "tags", `"c","b","c"`, `"d","a"`)
	pages("/v2/_catalog", "repositories", `"c","b"`, `"a"`)
	client := newClient(t, registry)
	tags, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app", Limit: 2})
	if err != nil || len(tags) != 2 || tags[0].Name != "a" || tags[1].Name != "b" {
		t.Errorf("tags = %v, %v; want a and b", tags, err)
	}
	names, err := client.Repositories(t.Context(), acr.RepositoriesRequest{Limit: 1})
	if err != nil || !slices.Equal(names, []string{"a"}) {
		t.Errorf("repositories = %v, %v; want a", names, err)
	}
}

// JSON of another shape is not an empty list: with that, configurations would remove everything.
func TestAnswersWithoutAListAreErrors(t *testing.T) {
	long := `"` + strings.Repeat("a", 300) + `"`
	for body, want := range map[string]fault.Reason{
		`{}`: fault.NotARegistry, `null`: fault.NotARegistry, `[]`: fault.NotARegistry, ``: fault.NotARegistry, `{"errors":[]}`: fault.NotARegistry,
		`{"tags":[null],"repositories":[null]}`: fault.BadAnswer, `{"tags":[""],"repositories":[""]}`: fault.BadAnswer,
		`{"tags":[` + long + `],"repositories":[` + long + `]}`: fault.BadAnswer, `{"tags":[{"name":` + long + `}],"repositories":{}}`: fault.BadAnswer,
		`{"tags":[`: fault.BadAnswer,
	} {
		registry := acrtest.StartT(t, acrtest.Options{})
		registry.Inject(answering("", body, "Content-Type: application/json"))
		client := newClient(t, registry)
		_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
		faulttest.Want(t, err, want)
		_, err = client.Repositories(t.Context(), acr.RepositoriesRequest{})
		faulttest.Want(t, err, want)
	}
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusOK, Body: `{"tags":null}`})
	if tags, err := newClient(t, registry).Tags(t.Context(), acr.TagsRequest{Repository: "app"}); err != nil || tags == nil || len(tags) != 0 {
		t.Errorf("tags = %v, %v; want none", tags, err)
	}
}

// The ways in which registries say that they have no API of ACR's.
func TestListsWithoutTheACRAPIAreReadByTheOther(t *testing.T) {
	for name, injected := range map[string]acrtest.Fault{
		"404":                       {Status: http.StatusNotFound, ContentType: "text/plain"},
		"404 with a code":           {Status: http.StatusNotFound, Code: "NOT_FOUND"},
		"405":                       {Status: http.StatusMethodNotAllowed, ContentType: "text/plain"},
		"406":                       {Status: http.StatusNotAcceptable, ContentType: "text/html"},
		"400 of Nexus":              {Status: http.StatusBadRequest, Body: "<html>Not a Docker request</html>", ContentType: "text/html"},
		"400 with a code":           {Status: http.StatusBadRequest, Code: "UNSUPPORTED"},
		"501":                       {Status: http.StatusNotImplemented, ContentType: "text/plain"},
		"200 with a web page":       {Status: http.StatusOK, Body: "<!doctype html>", ContentType: "text/html"},
		"200 with text":             {Status: http.StatusOK, Body: "Not found", ContentType: "text/plain"},
		"200 with other JSON":       {Status: http.StatusOK, Body: `{"message":"welcome"}`, ContentType: "application/json"},
		"200 with an array of JSON": {Status: http.StatusOK, Body: `[]`, ContentType: "application/json"},
		"200 with nothing":          {Status: http.StatusOK, ContentType: "application/json"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			registry.PutImage("app", "v", acrtest.Image{})
			injected.Path, injected.Kind = "/acr/v1/", acrtest.KindResource
			registry.Inject(injected)
			client := newClient(t, registry)
			tags, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
			if err != nil || len(tags) != 1 || tags[0].Name != "v" || tags[0].Digest != "" {
				t.Errorf("tags = %v, %v; want v, without details", tags, err)
			}
			names, err := client.Repositories(t.Context(), acr.RepositoriesRequest{})
			if err != nil || !slices.Equal(names, []string{"app"}) {
				t.Errorf("repositories = %v, %v; want app", names, err)
			}
			_, err = client.Repository(t.Context(), "app")
			faulttest.Want(t, err, fault.UnsupportedAPI, "only Azure Container Registry has the properties of a repository")
			_, err = client.Tags(t.Context(), acr.TagsRequest{Repository: "app", OrderBy: acr.OrderByTimeDesc})
			faulttest.Want(t, err, fault.UnsupportedAPI, "only Azure Container Registry knows the times of tags")
		})
	}
}

// A registry's user interface or a gateway may guard every path outside /v2/, or take it for a bad name.
func TestListsBehindAGuardedPathAreReadByTheOtherAPI(t *testing.T) {
	for name, injected := range map[string]acrtest.Fault{
		"401 for a browser":       {Status: http.StatusUnauthorized, ContentType: "text/plain", Header: http.Header{"Www-Authenticate": {`Basic realm="x"`}}},
		"401 without a challenge": {Status: http.StatusUnauthorized, ContentType: "text/html", Body: "<html>Sign in</html>"},
		"403 of a gateway":        {Status: http.StatusForbidden, ContentType: "text/html", Body: "<html>Forbidden</html>"},
		"403 with a problem":      {Status: http.StatusForbidden, ContentType: "application/problem+json", Body: `{"title":"Forbidden","status":403}`},
		"400 with a code":         {Status: http.StatusBadRequest, Code: "NAME_INVALID"},
		"415":                     {Status: http.StatusUnsupportedMediaType, ContentType: "text/plain"},
		"422":                     {Status: http.StatusUnprocessableEntity, ContentType: "text/plain"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
			registry.PutImage("app", "v", acrtest.Image{})
			injected.Path = "/acr/v1/"
			registry.Inject(injected)
			client := newClient(t, registry)
			tags, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
			if err != nil || len(tags) != 1 || tags[0].Name != "v" {
				t.Errorf("tags = %v, %v; want v", tags, err)
			}
			names, err := client.Repositories(t.Context(), acr.RepositoriesRequest{})
			if err != nil || !slices.Equal(names, []string{"app"}) {
				t.Errorf("repositories = %v, %v; want app", names, err)
			}
			// Whether the registry has ACR's API is not known: the error is about what came back.
			_, err = client.Repository(t.Context(), "app")
			if failed, ok := fault.As(err); !ok || failed.Reason == fault.UnsupportedAPI || failed.Status != injected.Status {
				t.Errorf("properties of the repository: %v, want the %d", err, injected.Status)
			}
		})
	}
}

// The first page has shown that the registry has the API: what refuses a later one is no reason to ask another, which knows
// less.
func TestLaterPageThatIsRefusedEndsTheList(t *testing.T) {
	for status, reason := range map[int]fault.Reason{
		http.StatusBadRequest: fault.RequestRefused, http.StatusForbidden: fault.Denied, http.StatusNotFound: fault.ListNotFound,
	} {
		registry := acrtest.StartT(t, acrtest.Options{})
		subject := registry.Descriptor("app", registry.PutImage("app", "v", acrtest.Image{}))
		registry.PutArtifact("app", "", acrtest.Artifact{Subject: &subject})
		registry.Inject(acrtest.Fault{Path: "page=2", Status: status, Body: "<html>Blocked</html>", ContentType: "text/html"})
		registry.Inject(acrtest.Fault{Path: "/app/_tags", Kind: acrtest.KindResource, Link: `</acr/v1/app/_tags?page=2>; rel="next"`})
		registry.Inject(acrtest.Fault{Path: "/_catalog", Kind: acrtest.KindResource, Link: `</acr/v1/_catalog?page=2>; rel="next"`})
		registry.Inject(acrtest.Fault{Path: "/referrers/", Kind: acrtest.KindResource, Link: `<?page=2>; rel="next"`})
		client := newClient(t, registry)
		_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
		faulttest.Want(t, err, reason, strconv.Itoa(status))
		_, err = client.Tags(t.Context(), acr.TagsRequest{Repository: "app", OrderBy: acr.OrderByTimeDesc})
		faulttest.Want(t, err, reason, strconv.Itoa(status))
		_, err = client.Repositories(t.Context(), acr.RepositoriesRequest{})
		faulttest.Want(t, err, reason, strconv.Itoa(status))
		_, err = client.Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.Digest.String()})
		faulttest.Want(t, err, reason, strconv.Itoa(status))
	}
}

// The error for a list's 404 is about a list, whatever code the registry sends.
func TestListThatIsNotFound(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusNotFound, Code: "MANIFEST_UNKNOWN"})
	client := newClient(t, registry)
	_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	faulttest.Want(t, err, fault.ListNotFound, "404", "MANIFEST_UNKNOWN")
	if fault.IsMissing(err) {
		t.Error("a list that is not found counts as a missing manifest")
	}
	_, err = client.Repositories(t.Context(), acr.RepositoriesRequest{})
	faulttest.Want(t, err, fault.ListNotFound, "404")
}

// In 2021 a full last page named a next one, whose list was null.
func TestNullBehindAFullPageEndsTheList(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "_catalog?n=", Status: http.StatusOK, Body: `{"repositories":["a","b"]}`,
		Header: http.Header{"Link": {`</acr/v1/_catalog?last=b&n=1000&orderby=>; rel="next"`}}})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "_catalog?last=", Status: http.StatusOK, Body: `{"repositories":null}`})
	names, err := newClient(t, registry).Repositories(t.Context(), acr.RepositoriesRequest{})
	if err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("repositories = %v, %v; want a and b", names, err)
	}
	wantWire(t, registry, "1/1/2")
}

// A long page for an unknown path is no reason not to ask the other API.
func TestLongPageInPlaceOfTheACRAPI(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Path: "/acr/v1/", Status: http.StatusNotFound, ContentType: "text/html", Body: strings.Repeat("<p>", 5000)})
	tags, err := newClient(t, registry).Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	if err != nil || len(tags) != 1 {
		t.Errorf("tags = %v, %v; want one", tags, err)
	}
}

// A full page may have a Link although it is the last. The page behind it is empty, and its list null.
func TestListEndsWithAnEmptyPage(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{LinkAfterFullPage: true})
	for i := range 1000 {
		registry.PutManifest("app", fmt.Sprintf("v%04d", i), "application/vnd.oci.image.manifest.v1+json", []byte(`{"schemaVersion":2}`))
	}
	tags, err := newClient(t, registry).Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	if err != nil || len(tags) != 1000 || tags[999].Name != "v0999" {
		t.Errorf("%d tags, %v; want 1000", len(tags), err)
	}
	wantWire(t, registry, "1/1/2")
}
