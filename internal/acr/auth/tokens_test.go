package auth

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// tokenServer issues numbered tokens that are valid for a minute, or refuses.
type tokenServer struct {
	tokens  *Tokens
	realm   *url.URL
	now     time.Time
	fetches int
	refuses bool
}

func startTokenServer(t *testing.T) *tokenServer {
	t.Helper()
	s := &tokenServer{now: asked}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.fetches++
		if s.refuses {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = fmt.Fprintf(w, `{"token":"token-%d","expires_in":60}`, s.fetches)
	}))
	t.Cleanup(server.Close)
	realm, err := url.Parse(server.URL + "/oauth2/token")
	if err != nil {
		t.Fatal(err)
	}
	s.realm = realm
	sender, err := transport.New(transport.Config{Registry: realm, RequestTimeout: 10 * time.Second, Secrets: &secret.Set{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sender.Close)
	sender.Now = func() time.Time { return s.now }
	s.tokens = NewTokens(Sender{Registry: sender, Secrets: &secret.Set{}}, Anonymous{})
	return s
}

// want requests a token and checks where it came from.
func (s *tokenServer) want(t *testing.T, fresh bool, fetches int, scopes ...string) *Token {
	t.Helper()
	token, isFresh, err := s.tokens.For(t.Context(), Challenge{Realm: s.realm, Service: "r.azurecr.io", Scopes: scopes})
	var refused *Refusal
	if errors.As(err, &refused) != s.refuses || err != nil && !s.refuses {
		t.Fatalf("error = %v, while the server refuses: %t", err, s.refuses)
	}
	if isFresh != fresh || s.fetches != fetches {
		t.Fatalf("fresh = %t after %d fetches, want %t after %d", isFresh, s.fetches, fresh, fetches)
	}
	return token
}

func TestTokenIsRememberedUntilItsRenewal(t *testing.T) {
	s := startTokenServer(t)
	first := s.want(t, true, 1, "a")
	s.now = asked.Add(54*time.Second - 1)
	if again := s.want(t, false, 1, "a"); again != first {
		t.Error("the remembered token is another")
	}
	s.now = asked.Add(54 * time.Second)
	if second := s.want(t, true, 2, "a"); second == first {
		t.Error("the token was not renewed")
	}
}

func TestTokensOfOtherScopesAreKeptApart(t *testing.T) {
	s := startTokenServer(t)
	if s.want(t, true, 1, "a") == s.want(t, true, 2, "b") {
		t.Error("two scopes share a token")
	}
	s.want(t, true, 3, "a", "b")
	s.want(t, false, 3, "a")
}

func TestRefusedTokenIsNotRemembered(t *testing.T) {
	s := startTokenServer(t)
	s.refuses = true
	s.want(t, true, 1, "a")
	s.want(t, true, 2, "a")
	s.refuses = false
	s.want(t, true, 3, "a")
}

func TestDropForgetsOneTokenAlone(t *testing.T) {
	s := startTokenServer(t)
	first := s.want(t, true, 1, "a")
	s.want(t, true, 2, "b")
	s.now = asked.Add(time.Hour)
	second := s.want(t, true, 3, "a")
	s.tokens.Drop(first) // is no longer in the store
	if again := s.want(t, false, 3, "a"); again != second {
		t.Error("a newer token was dropped in place of the old one")
	}
	s.tokens.Drop(second)
	s.want(t, true, 4, "a")
}
