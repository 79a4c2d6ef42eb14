package acr_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

func TestReadIsChallengeTokenRequest(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	want := registry.PutImage("team/app", "1.0", acrtest.Image{})
	client := newClient(t, registry)

	manifest, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "team/app", Tag: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	if manifest.Digest != want {
		t.Errorf("digest = %s, want %s", manifest.Digest, want)
	}
	var kinds, schemes []string
	for _, request := range registry.Requests() {
		kinds = append(kinds, string(request.Kind))
		schemes = append(schemes, request.AuthScheme)
	}
	if want := []string{"challenge", "token", "resource"}; !slices.Equal(kinds, want) {
		t.Errorf("requests = %v, want %v", kinds, want)
	}
	if want := []string{"", "Basic", "Bearer"}; !slices.Equal(schemes, want) {
		t.Errorf("authorization = %v, want %v", schemes, want)
	}
	token := registry.Requests()[1]
	if want := "scope=repository%3Ateam%2Fapp%3Apull&service=" + strings.ReplaceAll(registry.Host(), ":", "%3A"); token.RawQuery != want {
		t.Errorf("token query = %s, want %s", token.RawQuery, want)
	}

	if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "team/app", Tag: "1.0"}); err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/1/2")
}

// together runs n functions at once, at most ten at a time as Terraform does.
func together(n int, run func(i int) error) error {
	var group sync.WaitGroup
	slots := make(chan struct{}, 10)
	failures := make([]error, n)
	for i := range n {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			failures[i] = run(i)
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestFiftyTagsShareChallengeAndToken(t *testing.T) {
	for _, proto := range []struct {
		name        string
		options     acrtest.Options
		connections int
	}{
		{"HTTP/1.1", acrtest.Options{DisableHTTP2: true}, 10},
		{"HTTP/2", acrtest.Options{}, 1},
	} {
		t.Run(proto.name, func(t *testing.T) {
			registry := startRegistry(t, proto.options)
			for i := range 50 {
				registry.PutImage("app", fmt.Sprintf("v%d", i), acrtest.Image{Author: fmt.Sprint(i)})
			}
			client := newClient(t, registry)
			err := together(50, func(i int) error {
				_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: fmt.Sprintf("v%d", i)})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			wantWire(t, registry, "1/1/50")
			if got := registry.Connections(); got > proto.connections {
				t.Errorf("connections = %d, want at most %d", got, proto.connections)
			}
		})
	}
}

func TestHundredRepositoriesForeseeTheirScope(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	for i := range 100 {
		registry.PutImage(fmt.Sprintf("app%d", i), "v", acrtest.Image{})
	}
	client := newClient(t, registry)
	err := together(100, func(i int) error {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: fmt.Sprintf("app%d", i), Tag: "v"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/100/100")
}

func TestSameTagAtTheSameTimeIsReadOnce(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry)
	hold := make(chan struct{})
	reached := make(chan struct{}, 1)
	registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Times: 1, Handler: holdHandler(http.StatusBadRequest, reached, hold)})
	failures := make(chan error, 5)
	read := func() {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
		failures <- err
	}
	go read()
	<-reached
	for range 4 {
		go read()
	}
	close(hold)
	for range 5 {
		<-failures
	}
	if got := registry.Count(acrtest.KindChallenge); got != 1 {
		t.Errorf("challenges = %d, want 1", got)
	}
}

func TestAnonymousPull(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{AnonymousPull: true})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry, anonymous)
	if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"}); err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/1/1")
	if scheme := registry.Requests()[1].AuthScheme; scheme != "" {
		t.Errorf("the token was asked for with %s, want no Authorization", scheme)
	}
}

func TestAnonymousOnPrivateRegistry(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry, anonymous)
	_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.NoCredential, "UNAUTHORIZED")
}

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry, withPassword("not-the-password"))
	_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	failed := faulttest.Want(t, err, fault.WrongCredentials, "401", "UNAUTHORIZED", "/oauth2/token", `"admin"`)
	if strings.Contains(failed.Error(), "not-the-password") {
		t.Error("the error shows the password")
	}
	wantWire(t, registry, "1/1/0")
}

func TestOpenRegistryAnswersAtOnce(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{NoAuth: true})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry)
	for range 3 {
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"}); err != nil {
			t.Fatal(err)
		}
	}
	wantWire(t, registry, "3/0/0")

	_, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app"})
	faulttest.Want(t, err, fault.NoTokenNeeded)
	_, err = client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "absent"})
	if !fault.IsMissing(err) {
		t.Errorf("error = %v, want a missing manifest", err)
	}
}

func TestRevokedTokenIsReplacedOnce(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry)
	read := func() error {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
		return err
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	registry.RevokeTokens()
	registry.ResetLog()
	if err := read(); err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "0/1/2")
}

func TestInsufficientScopeNamesThePermission(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:other:pull"}}})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry)
	_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.InsufficientScope, "repository:app:pull")
	wantWire(t, registry, "1/1/1")
}

func TestCancellationReachesTheCaller(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Hang: true})
	client := newClient(t, registry)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Manifest(ctx, acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.Canceled)
}

func TestTokenHandsOutWhatWasGranted(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{Grants: map[string][]string{acrtest.DefaultUser: {"repository:app:pull"}}})
	client := newClient(t, registry)
	token, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app", Actions: []string{"push", "metadata_read"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"repository:app:pull,metadata_read,push"}; !slices.Equal(token.Scopes, want) {
		t.Errorf("scopes = %v, want %v", token.Scopes, want)
	}
	if want := []string{"repository:app:metadata_read", "repository:app:push"}; !slices.Equal(token.MissingActions(), want) {
		t.Errorf("missing = %v, want %v", token.MissingActions(), want)
	}
	if got := token.ExpiresAt.Sub(token.IssuedAt).Seconds(); got != 4500 {
		t.Errorf("lifetime = %v s, want 4500", got)
	}
	wantWire(t, registry, "1/1/0")
}

func TestTokenForWholeScopes(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	client := newClient(t, registry)
	token, err := client.Token(t.Context(), acr.TokenRequest{Scopes: []string{"registry:catalog:*", "repository:app:pull"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(token.MissingActions()) != 0 || len(token.Claims.Access) != 2 {
		t.Errorf("access = %+v, missing %v; want both scopes", token.Claims.Access, token.MissingActions())
	}
	if path := registry.Requests()[0].Path; path != "/v2/" {
		t.Errorf("the challenge was asked of %s, want /v2/", path)
	}
}

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
			registry := startRegistry(t, with.options)
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

// A registry whose user interface answers under every path that its API does not know.
func TestListsOfARegistryThatAnswersWithWebPages(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
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

// What the registry forbids it has: the other API is not asked.
func TestDisallowedListsAreNoMissingAPI(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusMethodNotAllowed, Code: "REGISTRY_DISALLOWED_OPERATION"})
	_, err := newClient(t, registry).Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	faulttest.Want(t, err, fault.Disallowed, "405")
	wantWire(t, registry, "1/1/1")
}

// The first read that reaches a registry finds the realm for all; where it fails by what it asks for itself, the others
// find out on their own.
func TestOneBadRepositoryFailsNoOther(t *testing.T) {
	for name, injected := range map[string]acrtest.Fault{
		"fault of the registry": {Status: http.StatusInternalServerError},
		"oversized answer":      {Status: http.StatusOK, Body: strings.Repeat(" ", 5<<20)},
		"circular redirect":     {Redirect: "/v2/bad/manifests/v"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := startRegistry(t, acrtest.Options{})
			registry.PutImage("good", "v", acrtest.Image{})
			reached, hold := make(chan struct{}, 1), make(chan struct{})
			registry.Inject(acrtest.Fault{Path: "/bad/", Times: 1, Handler: holdHandler(http.StatusServiceUnavailable, reached, hold)})
			injected.Path = "/bad/"
			registry.Inject(injected)
			client := newClient(t, registry).WithoutBackOff()
			failures := make(chan error, 2)
			read := func(repository string) {
				_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"})
				failures <- err
			}
			go read("bad")
			<-reached
			go read("good")
			client.AwaitFirstDiscoveryBy(t, 2)
			close(hold)
			var failed int
			for range 2 {
				if err := <-failures; err != nil {
					failed++
					if !strings.Contains(err.Error(), "/bad:v") {
						t.Errorf("error = %v, want one about the bad repository", err)
					}
				}
			}
			if failed != 1 {
				t.Errorf("%d reads failed, want one", failed)
			}
		})
	}
}

// A scope that was foreseen wrongly is learnt once, not at each page, and the token for it is not thrown away.
func TestCorrectedScopeIsRemembered(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Path: "/acr/v1/", Kind: acrtest.KindResource, Status: http.StatusNotFound, Body: "404 page not found", ContentType: "text/plain"})
	registry.Inject(acrtest.Fault{Path: "/tags/list", Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, r *http.Request) {
		claims, err := auth.ParseClaims(secret.New(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")))
		if err != nil || !slices.Contains(claims.Access[0].Actions, "delete") {
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="%s",scope="repository:app:delete",error="insufficient_scope"`, registry.URL(), registry.Host()))
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		page := len(r.URL.Query().Get("last"))
		if page < 3 {
			w.Header().Set("Link", fmt.Sprintf(`</v2/app/tags/list?last=%s>; rel="next"`, strings.Repeat("x", page+1)))
		}
		fmt.Fprintf(w, `{"tags":["v%d"]}`, page)
	}})
	client := newClient(t, registry)
	read := func() {
		t.Helper()
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"}); err != nil {
			t.Fatal(err)
		}
	}
	read()
	registry.ResetLog()
	tags, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	if err != nil || len(tags) != 4 {
		t.Fatalf("tags = %v, %v; want four", tags, err)
	}
	// A token for ACR's own API and its 404; the refusal of the remembered token, another token, and four pages.
	wantWire(t, registry, "0/2/6")
	registry.ResetLog()
	read()
	wantWire(t, registry, "0/0/1")
}

// RFC 6750 section 3 lets a 401 name an error without a realm; a remembered token may have been revoked all the same.
func TestRevokedTokenIsReplacedWhateverTheChallenge(t *testing.T) {
	for name, header := range map[string][]string{"error alone": {`Bearer error="invalid_token"`}, "Basic": {`Basic realm="x"`}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			registry := startRegistry(t, acrtest.Options{})
			registry.PutImage("app", "v", acrtest.Image{})
			client := newClient(t, registry)
			read := func() error {
				_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
				return err
			}
			if err := read(); err != nil {
				t.Fatal(err)
			}
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Times: 1, Status: http.StatusUnauthorized, Header: http.Header{"Www-Authenticate": header}})
			registry.ResetLog()
			if err := read(); err != nil {
				t.Fatal(err)
			}
			wantWire(t, registry, "0/1/2")
		})
	}
}

func TestInsufficientScopeWithoutAScopeNamesWhatIsNeeded(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusUnauthorized, Header: http.Header{
		"Www-Authenticate": {fmt.Sprintf(`Bearer realm="%s/oauth2/token",error="insufficient_scope"`, registry.URL())},
	}})
	_, err := newClient(t, registry).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.InsufficientScope, "the token lacks repository:app:pull")
}

// Not every registry lists in order. A limit then counts once all is known.
func TestLimitOfAListOutOfOrder(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{WithoutACRAPI: true})
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

// A tag that moves while its list is read comes twice; it counts once, against the limit too.
func TestTagsThatComeTwice(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
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

// JSON of another shape is no empty list: configurations would take everything away by it.
func TestAnswersWithoutAListAreErrors(t *testing.T) {
	long := `"` + strings.Repeat("a", 300) + `"`
	for _, body := range []string{`{}`, `null`, `{"errors":[]}`, `{"tags":[null],"repositories":[null]}`, `{"tags":[""],"repositories":[""]}`,
		`{"tags":[` + long + `],"repositories":[` + long + `]}`, `{"tags":[{"name":` + long + `}],"repositories":{}}`} {
		registry := startRegistry(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusOK, Body: body})
		client := newClient(t, registry)
		_, err := client.Tags(t.Context(), acr.TagsRequest{Repository: "app"})
		faulttest.Want(t, err, fault.BadAnswer)
		_, err = client.Repositories(t.Context(), acr.RepositoriesRequest{})
		faulttest.Want(t, err, fault.BadAnswer)
		_, err = client.Repository(t.Context(), "app")
		faulttest.Want(t, err, fault.BadAnswer)
	}
	registry := startRegistry(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusOK, Body: `{"tags":null}`})
	if tags, err := newClient(t, registry).Tags(t.Context(), acr.TagsRequest{Repository: "app"}); err != nil || tags == nil || len(tags) != 0 {
		t.Errorf("tags = %v, %v; want none", tags, err)
	}
}

// A long page for an unknown path is no reason not to ask the other API.
func TestLongPageInPlaceOfTheACRAPI(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Path: "/acr/v1/", Status: http.StatusNotFound, ContentType: "text/html", Body: strings.Repeat("<p>", 5000)})
	tags, err := newClient(t, registry).Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	if err != nil || len(tags) != 1 {
		t.Errorf("tags = %v, %v; want one", tags, err)
	}
}

// A part that is missing is no missing image.
func TestMissingPartsOfAnImage(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	index := registry.PutIndex("app", "index", acrtest.Index{Images: []acrtest.Image{{OS: "linux", Architecture: "arm64"}}})
	registry.PutImage("app", "image", acrtest.Image{OS: "linux", Architecture: "arm64"})
	registry.Inject(acrtest.Fault{Path: "/blobs/", Kind: acrtest.KindResource, Status: http.StatusNotFound, Code: "BLOB_UNKNOWN"})
	registry.Inject(acrtest.Fault{Path: "/manifests/sha256:", Kind: acrtest.KindResource, Status: http.StatusNotFound, Code: "MANIFEST_UNKNOWN"})
	client := newClient(t, registry)
	for _, tag := range []string{"index", "image"} {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: tag, Platform: "linux/arm64"})
		faulttest.Want(t, err, fault.IncompleteImage, "404", "the registry does not have it")
		if fault.IsMissing(err) {
			t.Errorf("app:%s is there, but counts as missing", tag)
		}
	}
	if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Digest: index.String()}); !fault.IsMissing(err) {
		t.Errorf("error = %v, want that of a missing manifest", err)
	}
}

func TestReferrersFallBackOnAnyNotFound(t *testing.T) {
	for _, code := range []string{"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND", ""} {
		registry := startRegistry(t, acrtest.Options{})
		subject := registry.Descriptor("app", registry.PutImage("app", "v", acrtest.Image{}))
		registry.PutManifest("app", strings.Replace(subject.Digest.String(), ":", "-", 1), "application/vnd.oci.image.index.v1+json",
			[]byte(`{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"`+subject.Digest.String()+`","size":2}]}`))
		registry.Inject(acrtest.Fault{Path: "/referrers/", Kind: acrtest.KindResource, Status: http.StatusNotFound, Code: code})
		referrers, err := newClient(t, registry).Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: subject.Digest.String()})
		if err != nil || len(referrers) != 1 {
			t.Errorf("after 404 %s, referrers = %v, %v; want one", code, referrers, err)
		}
	}
}

func TestPlatformOfAConfigurationThatNamesNone(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	content := []byte(`{"config":{}}`)
	registry.PutManifest("app", "v", "application/vnd.oci.image.manifest.v1+json", fmt.Appendf(nil,
		`{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[]}`,
		registry.PutBlob("app", content), len(content)))
	_, err := newClient(t, registry).Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v", Platform: "linux/amd64"})
	faulttest.Want(t, err, fault.PlatformNotFound, "names no platform", "cannot be known")
}

// A registry that is down is not asked as often by each read as by the first.
func TestRegistryThatIsDownIsNotStormed(t *testing.T) {
	for status, most := range map[int]int{http.StatusServiceUnavailable: 6 + 9, http.StatusTooManyRequests: 6} {
		registry := startRegistry(t, acrtest.Options{})
		reached, hold := make(chan struct{}, 1), make(chan struct{})
		registry.Inject(acrtest.Fault{Times: 1, Handler: holdHandler(http.StatusServiceUnavailable, reached, hold)})
		registry.Inject(acrtest.Fault{Status: status})
		client := newClient(t, registry).WithoutBackOff()
		done := make(chan error, 10)
		for i := range 10 {
			go func() {
				_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: fmt.Sprintf("app%d", i), Tag: "v"})
				done <- err
			}()
		}
		client.AwaitFirstDiscoveryBy(t, 10)
		close(hold)
		for range 10 {
			if err := <-done; err == nil {
				t.Errorf("with %d there is no error", status)
			}
		}
		if got := len(registry.Requests()); got > most {
			t.Errorf("with %d there were %d requests, want at most %d", status, got, most)
		}
	}
}

// The storage that a blob is redirected to may have lost it.
func TestMissingBlobBehindTheRedirect(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{BlobRedirect: true})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindBlob, Status: http.StatusNotFound})
	_, err := newClient(t, registry).ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.IncompleteImage, "404", "the registry does not have it")
}

// An error from behind a redirect names the host.
func TestRefusalBehindTheRedirect(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{BlobRedirect: true})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindBlob, Status: http.StatusForbidden})
	_, err := newClient(t, registry).ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	faulttest.Want(t, err, fault.Denied, "403", "after a redirect to https://"+registry.BlobHost())
}

// A token is renewed before it ends, on the clock of this machine.
func TestTokenIsRenewedBeforeItEnds(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	registry := startRegistry(t, acrtest.Options{Clock: clock})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry)
	client.SetClock(clock)
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "1/1/1"}, {69 * time.Minute, "1/1/2"}, {2 * time.Minute, "1/2/3"}} { // it lasts 75 minutes; five are left for requests under way
		now = now.Add(step.after)
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"}); err != nil {
			t.Fatal(err)
		}
		wantWire(t, registry, step.want)
	}
}
