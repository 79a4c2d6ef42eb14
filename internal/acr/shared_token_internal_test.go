package acr

import (
	"errors"
	"net/http"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// A 401 is about the credential, so another scope would not help. Without a credential, it is about what everyone may
// read, which differs between repositories.
func TestRefusalCountsForAllWhoShareTheToken(t *testing.T) {
	basic := auth.Basic{Username: "user", Password: secret.New("acrtest-wrong")}
	for name, test := range map[string]struct {
		credential auth.Credential
		status     int
		requests   int // for a token, by two reads one after another
	}{
		"wrong password":            {basic, http.StatusUnauthorized, 1},
		"scopes that are not taken": {basic, http.StatusBadRequest, 3},
		"scopes that are forbidden": {basic, http.StatusForbidden, 3},
		"no credential":             {auth.Anonymous{}, http.StatusUnauthorized, 3},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
			registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Status: test.status})
			client, err := NewClient(Config{Registry: registry.Host(), PlainHTTP: true, Credential: test.credential})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			shared := newSharedToken(scopePull, "app", "other")
			for range 2 {
				r := client.request(getManifest, "app", "v", nil)
				r.shared = shared
				found, err := client.discoveryFor(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				_, _, err = client.tokenFor(t.Context(), r, *found.challenge)
				var refused *auth.Refusal
				if !errors.As(err, &refused) || refused.Answer.Status != test.status {
					t.Errorf("error = %v, want the refusal with %d", err, test.status)
				}
			}
			if got := registry.Count(acrtest.KindToken); got != test.requests {
				t.Errorf("%d requests for a token, want %d", got, test.requests)
			}
		})
	}
}
