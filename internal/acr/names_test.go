package acr_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// A name that breaks the grammar is refused on its argument, before a connection is made.
func TestBadNamesSendNothing(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	client := newClient(t, registry)
	manifest := func(request acr.ManifestRequest) error {
		_, err := client.Manifest(t.Context(), request)
		return err
	}
	check := func(t *testing.T, err error, argument string) {
		t.Helper()
		if failed := faulttest.Want(t, err, fault.InvalidArgument); failed.Argument != argument {
			t.Errorf("the argument at fault is %q, want %q", failed.Argument, argument)
		}
	}
	for _, repository := range []string{
		"", " ", "App", "app ", " app", "app/", "/app", "app//x", "app:v", "app@sha256", "..", "../app", "app/..", "app/../x", "a..b", "a___b", "-app", "app-", ".app",
		"app?x=1", "app#x", "app%2Fx", "app\n", "app\r\nX: y", "app\x00", "app\\x", "ápp", "app/манифест", "app;x", "app&n=1", strings.Repeat("a", 256), "evil.example:443/@app",
	} {
		t.Run("repository "+strconv.Quote(repository)[:min(len(strconv.Quote(repository)), 40)], func(t *testing.T) {
			check(t, manifest(acr.ManifestRequest{Repository: repository, Tag: "v"}), "repository")
			_, err := client.Token(t.Context(), acr.TokenRequest{Repository: repository})
			check(t, err, "repository")
			_, err = client.Tags(t.Context(), acr.TagsRequest{Repository: repository})
			check(t, err, "repository")
			_, err = client.Repository(t.Context(), repository)
			check(t, err, "repository")
			_, err = client.Referrers(t.Context(), acr.ReferrersRequest{Repository: repository, Digest: digest.FromString("").String()})
			check(t, err, "repository")
		})
	}
	for _, tag := range []string{
		"", " ", ".v", "-v", "v ", "v/w", "v?x", "v#x", "v%2F", "../v", "v\n", "v:w", "v@w", "vé", strings.Repeat("v", 129), "sha256:" + strings.Repeat("0", 64),
	} {
		t.Run("tag "+strconv.Quote(tag)[:min(len(strconv.Quote(tag)), 40)], func(t *testing.T) {
			check(t, manifest(acr.ManifestRequest{Repository: "app", Tag: tag}), "tag")
		})
	}
	check(t, manifest(acr.ManifestRequest{Repository: "app"}), "tag")
	for _, bad := range []string{
		" ", "v", "sha256:", "sha256:abc", "sha256:" + strings.Repeat("g", 64), "sha256:" + strings.Repeat("0", 63), "sha256:" + strings.Repeat("0", 65),
		"sha256:" + strings.Repeat("A", 64), "md5:" + strings.Repeat("0", 32), "sha256:../" + strings.Repeat("0", 61), "sha256:" + strings.Repeat("0", 64) + "?x", "sha256:" + strings.Repeat("0", 64) + "\n",
	} {
		t.Run("digest "+strconv.Quote(bad)[:min(len(strconv.Quote(bad)), 40)], func(t *testing.T) {
			check(t, manifest(acr.ManifestRequest{Repository: "app", Digest: bad}), "digest")
			_, err := client.Referrers(t.Context(), acr.ReferrersRequest{Repository: "app", Digest: bad})
			check(t, err, "digest")
		})
	}
	for _, token := range []string{"a b", "a\nb", "a\r\nX-Header: y", "\x00", "é", " "} {
		t.Run("access token "+strconv.Quote(token), func(t *testing.T) {
			err := manifest(acr.ManifestRequest{Repository: "app", Tag: "v", AccessToken: secret.New(token)})
			check(t, err, "access_token")
		})
	}
	for _, scope := range []string{"", " ", "repository", "repository:app", "repository:app:", ":app:pull", "repository:app:pull push", "repository:app:pull\n", "repository:app:pull&service=x", "repository:app:PULL"} {
		t.Run("scope "+strconv.Quote(scope), func(t *testing.T) {
			_, err := client.Token(t.Context(), acr.TokenRequest{Scopes: []string{scope}})
			check(t, err, "scopes")
		})
	}
	for _, action := range []string{"", " ", "pull,push", "PULL", "pull:push", "pull\n", "pull push"} {
		t.Run("action "+strconv.Quote(action), func(t *testing.T) {
			_, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app", Actions: []string{action}})
			check(t, err, "actions")
		})
	}
	for _, platform := range []string{"linux", "linux/", "/amd64", "linux/amd64/v8/x", "linux amd64", "linux/amd64\n"} {
		t.Run("platform "+strconv.Quote(platform), func(t *testing.T) {
			check(t, manifest(acr.ManifestRequest{Repository: "app", Tag: "v", Platform: platform}), "platform")
		})
	}
	for _, host := range []string{
		"", " ", "https://" + home, home + "/", home + "/app", home + ":", home + ":x", home + ":65536", home + ":443:443", "user@" + home, "user:sentinel-password@" + home, "a b", "-a.io", "a..io", home + "?x", home + "#x", "[::1", "a_b.io\n",
	} {
		t.Run("login server "+strconv.Quote(host), func(t *testing.T) {
			_, err := acr.NewClient(acr.Config{Registry: host})
			check(t, err, "registry")
			if strings.Contains(err.Error(), "sentinel") {
				t.Errorf("the error shows a password: %v", err)
			}
			_, err = acr.NewClient(acr.Config{Registry: home, TrustedTokenHosts: []string{host}})
			check(t, err, "trusted_token_hosts")
		})
	}
	if got := registry.Connections(); got != 0 {
		t.Errorf("connections = %d, want 0", got)
	}
}

// A name that is allowed reaches the URL as it is, in path and query.
func TestNamesReachTheURLUnchanged(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	want := registry.PutImage("a/b-c/d_e.f/g__h", "V1.0_x-y", acrtest.Image{})
	client := newClient(t, registry)
	manifest, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "a/b-c/d_e.f/g__h", Tag: "V1.0_x-y"})
	if err != nil || manifest.Digest != want {
		t.Fatalf("digest = %v, error %v; want %s", manifest, err, want)
	}
	requests := registry.Requests()
	if path := requests[0].Path; path != "/v2/a/b-c/d_e.f/g__h/manifests/V1.0_x-y" {
		t.Errorf("path = %q", path)
	}
	if query := requests[1].RawQuery; !strings.Contains(query, "scope=repository%3Aa%2Fb-c%2Fd_e.f%2Fg__h%3Apull&") {
		t.Errorf("query = %q", query)
	}
}
