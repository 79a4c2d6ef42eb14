package acrtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestChallengeScope(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d, uuid := "sha256:"+strings.Repeat("a", 64), "682c0fb7-43ba-49cc-a725-32c83878e5dc"
	tests := []struct{ method, path, scope string }{
		{"GET", "/v2/", ""},
		{"GET", "/v2/team/app/manifests/v1", "repository:team/app:pull"},
		{"GET", "/v2/team%2Fapp/manifests/v1", "repository:team/app:pull"},
		{"HEAD", "/v2/app/manifests/" + d, "repository:app:pull"},
		{"PUT", "/v2/app/manifests/v1", "repository:app:pull,push"},
		{"DELETE", "/v2/app/manifests/" + d, "repository:app:delete"},
		{"GET", "/v2/app/blobs/" + d, "repository:app:pull"},
		{"DELETE", "/v2/app/blobs/" + d, "repository:app:delete"},
		{"POST", "/v2/app/blobs/uploads/", "repository:app:pull,push"},
		{"POST", "/v2/app/blobs/uploads/?mount=" + d + "&from=team/base", "repository:team/base:pull repository:app:pull,push"},
		{"PATCH", "/v2/app/blobs/uploads/" + uuid, "repository:app:pull,push"},
		{"PUT", "/v2/app/blobs/uploads/" + uuid + "?digest=" + d, "repository:app:pull,push"},
		{"GET", "/v2/app/referrers/" + d, "repository:app:pull"},
		{"GET", "/v2/app/tags/list", "repository:app:metadata_read"},
		{"GET", "/v2/_catalog", "registry:catalog:*"},
		{"GET", "/acr/v1/_catalog", "registry:catalog:*"},
		{"GET", "/acr/v1/app", "repository:app:metadata_read"},
		{"PATCH", "/acr/v1/app", "repository:app:metadata_write"},
		{"DELETE", "/acr/v1/app", "repository:app:delete"},
		{"GET", "/acr/v1/app/_tags", "repository:app:metadata_read"},
		{"GET", "/acr/v1/app/_tags/v1", "repository:app:metadata_read"},
		{"PATCH", "/acr/v1/app/_tags/v1", "repository:app:metadata_write"},
		{"DELETE", "/acr/v1/app/_tags/v1", "repository:app:delete"},
		{"GET", "/acr/v1/app/_manifests", "repository:app:metadata_read"},
		{"GET", "/acr/v1/app/_manifests/" + d, "repository:app:metadata_read"},
		{"PATCH", "/acr/v1/app/_manifests/" + d, "repository:app:metadata_write"},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			a := c.do(tt.method, tt.path)
			wantStatus(t, a, 401)
			want := `Bearer realm="https://` + registry.Host() + `/oauth2/token",service="` + registry.Host() + `"`
			if tt.scope != "" {
				want += `,scope="` + tt.scope + `"`
			}
			wantHeader(t, a, "WWW-Authenticate", want)
		})
	}
}

func TestMalformedPathsHaveNoChallenge(t *testing.T) {
	_, c := start(t, acrtest.Options{})
	for _, path := range []string{
		"/", "/v1/", "/acr/v1/Upper", "/v2/Upper/manifests/v1", "/v2/app/manifests/-v1", "/v2/a__.b/tags/list",
		"/v2/app/manifests/" + strings.Repeat("t", 129), "/v2/app/blobs/sha256:00", "/v2/app/blobs/latest",
		"/v2/app/referrers/v1", "/acr/v1/app/_manifests/v1", "/v2//manifests/v1",
	} {
		t.Run(path, func(t *testing.T) {
			a := c.do("GET", path)
			wantStatus(t, a, 404)
			wantBody(t, a, "404 page not found\n")
			wantHeader(t, a, "Content-Type", "text/plain; charset=utf-8")
			wantHeader(t, a, "WWW-Authenticate", "")
		})
	}
}

// A mount of something that cannot exist is not a path of the registry either.
func TestMalformedMountHasNoChallenge(t *testing.T) {
	_, c := start(t, acrtest.Options{})
	d := "sha256:" + strings.Repeat("a", 64)
	for _, query := range []string{"mount=&from=base", "mount=v1&from=base", "mount=" + d + "&from=", "mount=" + d + "&from=Upper"} {
		a := c.do("POST", "/v2/app/blobs/uploads/?"+query)
		wantStatus(t, a, 404)
		wantBody(t, a, "404 page not found\n")
	}
}

// The 401 lists every action of every scope, in their order.
func TestChallengeDetail(t *testing.T) {
	_, c := start(t, acrtest.Options{})
	a := c.do("POST", "/v2/app/blobs/uploads/?from=base&mount=sha256:"+strings.Repeat("a", 64))
	want := `"detail":[{"Type":"repository","Name":"base","Action":"pull"},` +
		`{"Type":"repository","Name":"app","Action":"pull"},{"Type":"repository","Name":"app","Action":"push"}]`
	if !strings.Contains(a.body, want) {
		t.Errorf("body %s, want %s in it", a.body, want)
	}
}

// A token allows only what it was granted: push does not include delete, and a mount needs pull on its source.
func TestTokenAllowsWhatItWasGranted(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	d := registry.PutImage("app", "v1", acrtest.Image{})
	mount := "/v2/other/blobs/uploads/?from=app&mount=" + registry.PutBlob("app", []byte("hello")).String()
	tests := []struct {
		method, path string
		scopes       []string
		status       int
	}{
		{"DELETE", "/v2/app/manifests/" + d.String(), []string{"repository:app:pull,push"}, 401},
		{"DELETE", "/acr/v1/app/_tags/v1", []string{"repository:app:pull,push,metadata_write"}, 401},
		{"POST", "/v2/app/blobs/uploads/", []string{"repository:app:pull"}, 401},
		{"POST", "/v2/app/blobs/uploads/", []string{"repository:other:pull,push"}, 401},
		{"POST", mount, []string{"repository:other:pull,push"}, 401},
		{"POST", mount, []string{"repository:app:pull", "repository:other:pull,push"}, 201},
		{"DELETE", "/acr/v1/app/_tags/v1", []string{"repository:app:delete"}, 202},
	}
	for _, tt := range tests {
		token := c.token(acrtest.DefaultUser, acrtest.DefaultPassword, tt.scopes...)
		a := c.do(tt.method, tt.path, "Authorization", "Bearer "+token)
		if a.status != tt.status || (a.status == 401) != strings.HasSuffix(a.header.Get("WWW-Authenticate"), `,error="insufficient_scope"`) {
			t.Errorf("%s %s with %q: %d, want %d; challenge %s", tt.method, tt.path, tt.scopes, a.status, tt.status, a.header.Get("WWW-Authenticate"))
		}
	}
}

func TestUnknownMethod(t *testing.T) {
	_, c := start(t, acrtest.Options{})
	wantRefusal(t, c.do("POST", "/v2/app/manifests/v1"), 405, "UNSUPPORTED", "The operation is unsupported.", "")
}

// Only with a token does the answer show whether a name exists.
func TestExistenceIsHiddenWithoutToken(t *testing.T) {
	registry, c := start(t, acrtest.Options{})
	registry.PutImage("there", "v1", acrtest.Image{})
	there, missing := c.do("GET", "/v2/there/manifests/v1"), c.do("GET", "/v2/where/manifests/v1")
	wantStatus(t, there, 401)
	wantStatus(t, missing, 401)
	wantBody(t, missing, strings.ReplaceAll(there.body, "there", "where"))
	wantStatus(t, c.get("/v2/there/manifests/v1", "Accept", acceptAll), 200)
	wantStatus(t, c.get("/v2/where/manifests/v1", "Accept", acceptAll), 404)
}

func TestChallengeOptions(t *testing.T) {
	const path = "/v2/app/manifests/v1"
	tests := []struct {
		name    string
		options acrtest.Options
		want    []string
	}{
		{
			"realm and service",
			acrtest.Options{Realm: "http://169.254.169.254/token", ServiceName: "other.azurecr.io"},
			[]string{`Bearer realm="http://169.254.169.254/token",service="other.azurecr.io",scope="repository:app:pull"`},
		},
		{
			"verbatim lines",
			acrtest.Options{ChallengeHeaders: []string{"Basic realm=x", `Bearer realm=""`}},
			[]string{"Basic realm=x", `Bearer realm=""`},
		},
		{"no line", acrtest.Options{ChallengeHeaders: []string{}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, c := start(t, tt.options)
			a := c.do("GET", path)
			wantStatus(t, a, 401)
			if got := a.header.Values("WWW-Authenticate"); !slices.Equal(got, tt.want) {
				t.Errorf("challenges %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOpenRegistry(t *testing.T) {
	registry, c := start(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
	registry.PutImage("app", "v1", acrtest.Image{})
	wantStatus(t, c.do("GET", "/v2/"), 200)
	wantStatus(t, c.do("GET", "/v2/app/manifests/v1", "Accept", acceptAll), 200)
	if registry.CAPEM() != "" || !strings.HasPrefix(registry.URL(), "http://127.0.0.1:") {
		t.Errorf("CAPEM %q, URL %q", registry.CAPEM(), registry.URL())
	}
}

func TestRegistryWithoutACRAPI(t *testing.T) {
	_, c := start(t, acrtest.Options{WithoutACRAPI: true})
	a := c.do("GET", "/acr/v1/_catalog")
	wantStatus(t, a, 404)
	wantHeader(t, a, "Content-Type", "text/plain; charset=utf-8")
	wantStatus(t, c.do("GET", "/v2/_catalog"), 401)
}
