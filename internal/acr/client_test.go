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

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acrtest"
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
	registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Times: 1, Handler: holdHandler(reached, hold)})
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
	wantError(t, err, acr.NoCredential, "UNAUTHORIZED")
}

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	client := newClient(t, registry, func(c *acr.Config) { c.Credential.Password = acr.NewSecret("not-the-password") })
	_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	failed := wantError(t, err, acr.WrongCredentials, "401", "UNAUTHORIZED", "/oauth2/token", `"admin"`)
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
	wantError(t, err, acr.NoTokenNeeded)
	_, err = client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "absent"})
	if !acr.IsMissing(err) {
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
	wantError(t, err, acr.InsufficientScope, "repository:app:pull")
	wantWire(t, registry, "1/1/1")
}

func TestCancellationReachesTheCaller(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Hang: true})
	client := newClient(t, registry)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Manifest(ctx, acr.ManifestRequest{Repository: "app", Tag: "v"})
	wantError(t, err, acr.Canceled)
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
			wantError(t, err, acr.RepositoryNotFound)
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
	wantError(t, err, acr.UnsupportedAPI, "200")
}

// What the registry forbids it has: the other API is not asked.
func TestDisallowedListsAreNoMissingAPI(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusMethodNotAllowed, Code: "REGISTRY_DISALLOWED_OPERATION"})
	_, err := newClient(t, registry).Tags(t.Context(), acr.TagsRequest{Repository: "app"})
	wantError(t, err, acr.Disallowed, "405")
	wantWire(t, registry, "1/1/1")
}
