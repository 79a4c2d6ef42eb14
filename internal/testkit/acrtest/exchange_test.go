package acrtest_test

import (
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// entra accepts two access tokens.
func entra(accessToken string) string {
	return map[string]string{"entra-token-one": "one", "entra-token-two": "two"}[accessToken]
}

func (c *client) exchange(service, accessToken string) answer {
	c.t.Helper()
	return c.post("/oauth2/exchange?api-version=2021-07-01", url.Values{
		"grant_type": {"access_token"}, "service": {service}, "access_token": {accessToken},
	})
}

// accessToken asks for a token with a refresh token.
func (c *client) accessToken(service, refreshToken, scope string) answer {
	c.t.Helper()
	return c.post("/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "service": {service}, "scope": {scope}, "refresh_token": {refreshToken},
	})
}

// Each Entra token belongs to its own identity, whose grants every access token has.
func TestEntraTokenIsExchanged(t *testing.T) {
	registry, c := start(t, acrtest.Options{Entra: entra, Grants: map[string][]string{"two": {"repository:app:pull"}}})
	for accessToken, want := range map[string][]access{
		"entra-token-one": {{"repository", "app", []string{"pull", "push"}}},
		"entra-token-two": {{"repository", "app", []string{"pull"}}},
	} {
		exchanged := c.exchange(registry.Host(), accessToken)
		wantStatus(t, exchanged, 200)
		refreshToken := tokenIn(t, exchanged)
		claims := claimsOf(t, refreshToken)
		if claims.GrantType != "refresh_token" || claims.Audience != registry.Host() || claims.Expires-claims.IssuedAt != 11700 {
			t.Errorf("refresh token %+v", claims)
		}
		granted := c.accessToken(registry.Host(), refreshToken, "repository:app:pull,push")
		wantStatus(t, granted, 200)
		claims = claimsOf(t, tokenIn(t, granted))
		if !reflect.DeepEqual(claims.Access, want) || claims.Subject != entra(accessToken) || claims.Expires-claims.IssuedAt != 4500 {
			t.Errorf("access token %+v, want access %v", claims, want)
		}
	}
}

func TestRefusedExchange(t *testing.T) {
	registry, c := start(t, acrtest.Options{Entra: entra})
	tests := []struct {
		name   string
		form   url.Values
		status int
	}{
		{"foreign token", url.Values{"grant_type": {"access_token"}, "service": {registry.Host()}, "access_token": {"foreign"}}, 401},
		{"other service", url.Values{"grant_type": {"access_token"}, "service": {"other"}, "access_token": {"entra-token-one"}}, 401},
		{"no token", url.Values{"grant_type": {"access_token"}, "service": {registry.Host()}}, 400},
		{"no service", url.Values{"grant_type": {"access_token"}, "access_token": {"entra-token-one"}}, 400},
		{"other grant", url.Values{"grant_type": {"refresh_token"}, "service": {registry.Host()}, "access_token": {"entra-token-one"}}, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := c.post("/oauth2/exchange", tt.form)
			wantStatus(t, a, tt.status)
			wantEmpty(t, a)
		})
	}
	wantStatus(t, c.do("GET", "/oauth2/exchange"), 404)
	firewall := acrtest.Firewall()
	firewall.Kind = acrtest.KindExchange
	registry.Inject(firewall)
	wantStatus(t, c.exchange(registry.Host(), "entra-token-one"), 403)
	wantStatus(t, c.do("GET", "/v2/"), 401)
}

func TestRegistryWithoutExchange(t *testing.T) {
	registry, c := start(t, acrtest.Options{Entra: entra, WithoutExchange: true})
	wantStatus(t, c.exchange(registry.Host(), "entra-token-one"), 404)
}

// A refresh token ends when it expires, and with the switch to ABAC.
func TestRefreshTokenEnds(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	registry, c := start(t, acrtest.Options{
		Entra: entra, Clock: func() time.Time { return now }, OpaqueTokens: true,
	})
	refresh := func() string { return tokenIn(t, c.exchange(registry.Host(), "entra-token-one")) }
	status := func(refreshToken string) int {
		return c.accessToken(registry.Host(), refreshToken, "repository:app:pull").status
	}
	old := refresh()
	now = now.Add(11700*time.Second - time.Second)
	if got := status(old); got != 200 {
		t.Errorf("a second before its end: %d", got)
	}
	now = now.Add(time.Second)
	if got := status(old); got != 401 {
		t.Errorf("at its end: %d", got)
	}
	revoked := refresh()
	registry.RevokeTokens()
	if got := status(revoked); got != 401 {
		t.Errorf("after the switch: %d", got)
	}
	if got := status(refresh()); got != 200 {
		t.Errorf("exchanged anew: %d", got)
	}
}

// What was sent for a token can be searched, and the exchange is counted separately.
func TestExchangeIsLogged(t *testing.T) {
	registry, c := start(t, acrtest.Options{Entra: entra})
	refreshToken := tokenIn(t, c.exchange(registry.Host(), "entra-token-one"))
	c.accessToken(registry.Host(), refreshToken, "repository:app:pull")
	if registry.Count(acrtest.KindExchange) != 1 || registry.Count(acrtest.KindToken) != 1 {
		t.Fatalf("%d exchanges and %d requests for a token", registry.Count(acrtest.KindExchange), registry.Count(acrtest.KindToken))
	}
	requests := registry.Requests()
	if got := requests[0].Form.Get("access_token"); got != "entra-token-one" {
		t.Errorf("exchanged %q", got)
	}
	if got := requests[1].Form.Get("refresh_token"); got != refreshToken {
		t.Errorf("sent the refresh token %q", got)
	}
}
