package acr_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// If tokens are revoked during a run, one new token replaces them for all.
func TestRevokedTokensCostOneNewToken(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	for i := range 40 {
		registry.PutImage("app", fmt.Sprint("v", i), acrtest.Image{Author: fmt.Sprint(i)})
	}
	client := newClient(t, registry)
	read := func(i int) error {
		_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: fmt.Sprint("v", i)})
		return err
	}
	if err := together(20, parallelism, read); err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/1/20")
	registry.RevokeTokens()
	registry.ResetLog()
	if err := together(20, parallelism, func(i int) error { return read(20 + i) }); err != nil {
		t.Fatal(err)
	}
	if got := registry.Count(acrtest.KindToken); got != 1 {
		t.Errorf("tokens = %d, want 1", got)
	}
	// At most the ten reads under way get a 401.
	if got := registry.Count(acrtest.KindResource); got > 30 {
		t.Errorf("resource requests = %d, want at most 30", got)
	}
}

func TestFailedTokenIsNotRemembered(t *testing.T) {
	for name, injected := range map[string]acrtest.Fault{
		"refused":      {Status: http.StatusUnauthorized},
		"bad request":  {Status: http.StatusBadRequest},
		"no token":     {Status: http.StatusOK, Body: "{}"},
		"too large":    {Oversize: 1 << 20},
		"bad redirect": {Redirect: "ftp://x/"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			injected.Kind, injected.Times = acrtest.KindToken, 1
			registry.Inject(injected)
			client := newClient(t, registry)
			if err := readApp(t, client); err == nil {
				t.Fatal("the first read succeeded")
			}
			if err := readApp(t, client); err != nil {
				t.Fatalf("the second read: %v", err)
			}
			wantWire(t, registry, "1/2/1")
		})
	}
}

// One token is fetched for two callers. The first one gives up, and the other still gets it.
func TestCancellationOfOneReadFailsNoOther(t *testing.T) {
	for _, kind := range []acrtest.Kind{acrtest.KindChallenge, acrtest.KindToken} {
		t.Run("while all wait for the "+string(kind), func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			for i := range 5 {
				registry.PutImage("app", fmt.Sprint("v", i), acrtest.Image{Author: fmt.Sprint(i)})
			}
			reached, pass := make(chan struct{}, 1), make(chan struct{})
			var truth http.HandlerFunc = func(w http.ResponseWriter, _ *http.Request) {
				reached <- struct{}{}
				<-pass
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			registry.Inject(acrtest.Fault{Kind: kind, Times: 1, Handler: truth})
			client := newClient(t, registry).WithoutBackOff()
			first, cancel := context.WithCancel(t.Context())
			cancelled := make(chan error, 1)
			go func() {
				_, err := client.Manifest(first, acr.ManifestRequest{Repository: "app", Tag: "v"})
				cancelled <- err
			}()
			<-reached
			others := make(chan error, 5)
			for i := range 5 {
				go func() {
					_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: fmt.Sprint("v", i)})
					others <- err
				}()
			}
			time.Sleep(20 * time.Millisecond) // for the others to join; if they are late, the test still passes
			cancel()
			faulttest.Want(t, <-cancelled, fault.Canceled)
			close(pass)
			for range 5 {
				if err := <-others; err != nil {
					t.Error(err)
				}
			}
			want := map[acrtest.Kind]string{acrtest.KindChallenge: "2/1/5", acrtest.KindToken: "1/2/5"}
			wantWire(t, registry, want[kind])
		})
	}
}

// Only the refused token is dropped: those for other scopes stay.
func TestRefusedTokenGoesAlone(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.PutImage("other", "v", acrtest.Image{})
	client := newClient(t, registry)
	read := func(repository string) {
		t.Helper()
		if _, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"}); err != nil {
			t.Fatal(err)
		}
	}
	read("app")
	read("other")
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "/app/", Times: 1, Status: http.StatusUnauthorized, Header: http.Header{
		"WWW-Authenticate": {fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="%s",scope="repository:app:pull",error="invalid_token"`, registry.URL(), registry.Host())},
	}})
	registry.ResetLog()
	read("app")
	wantWire(t, registry, "0/1/2")
	read("other")
	wantWire(t, registry, "0/1/3")
}

// Clients for two registries and two users read at once: each registry sees only its own tokens, of the right user and
// for that repository.
func TestTokensAreNotMixed(t *testing.T) {
	users := map[string]string{"alice": "password-of-alice", "bob": "password-of-bob"}
	var registries [2]*acrtest.Registry
	type reader struct {
		client *acr.Client
		user   string
	}
	var readers []reader
	for i := range registries {
		registries[i] = acrtest.StartT(t, acrtest.Options{Users: users})
		for j := range 5 {
			registries[i].PutImage(fmt.Sprint("app", j), "v", acrtest.Image{})
		}
		for user, password := range users {
			client := newClient(t, registries[i], func(c *acr.Config) {
				c.Credential = auth.Basic{Username: user, Password: secret.New(password)}
			})
			readers = append(readers, reader{client, user})
		}
	}
	err := together(15*len(readers), 15*len(readers), func(i int) error {
		r, repository := readers[i%len(readers)], fmt.Sprint("app", i%5)
		if _, err := r.client.Manifest(t.Context(), acr.ManifestRequest{Repository: repository, Tag: "v"}); err != nil {
			return err
		}
		token, err := r.client.Token(t.Context(), acr.TokenRequest{Repository: repository})
		if err == nil && token.Claims.Subject != r.user {
			t.Errorf("a token of %s was handed to %s", token.Claims.Subject, r.user)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, registry := range registries {
		shown := map[string]int{}
		for _, request := range registry.Requests() {
			if request.Kind != acrtest.KindResource {
				continue
			}
			claims, err := auth.ParseClaims(secret.New(strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")))
			if err != nil {
				t.Fatal(err)
			}
			shown[claims.Subject]++
			repository := strings.Split(request.Path, "/")[2]
			if len(claims.Access) != 1 || claims.Access[0].Name != repository || !slices.Equal(claims.Audience, []string{registry.Host()}) {
				t.Errorf("%s was shown a token for %v, %v", request.Path, claims.Audience, claims.Access)
			}
		}
		if shown["alice"] < 5 || shown["bob"] < 5 {
			t.Errorf("reads by user = %v, want both", shown)
		}
	}
}

func TestRevokedTokenIsReplacedOnce(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
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

// RFC 6750 section 3 lets a 401 name an error without a realm; a remembered token may still have been revoked.
func TestRevokedTokenIsReplacedWhateverTheChallenge(t *testing.T) {
	for name, header := range map[string][]string{"error alone": {`Bearer error="invalid_token"`}, "Basic": {`Basic realm="x"`}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
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

// A token is renewed before it expires, by this machine's clock. A tenth of its lifetime, at most five minutes, is left
// for requests under way.
func TestTokenIsRenewedBeforeItEnds(t *testing.T) {
	for _, test := range []struct {
		lifetime    time.Duration // 0 for Azure's 75 minutes
		used, stale time.Duration // since the token was issued
	}{
		{0, 69 * time.Minute, 71 * time.Minute},
		{time.Minute, 53 * time.Second, 55 * time.Second},
	} {
		now := time.Now()
		start, clock := now, func() time.Time { return now }
		registry := startApp(t, acrtest.Options{Clock: clock, TokenLifetime: test.lifetime})
		client := newClient(t, registry)
		client.SetClock(clock)
		for _, step := range []struct {
			at   time.Duration
			want string
		}{{0, "1/1/1"}, {test.used, "1/1/2"}, {test.stale, "1/2/3"}} {
			now = start.Add(step.at)
			if err := readApp(t, client); err != nil {
				t.Fatal(err)
			}
			wantWire(t, registry, step.want)
		}
	}
}

// Other registries than Azure's name the token "token".
func TestTokenOfAnotherNameIsTaken(t *testing.T) {
	registry := startApp(t, acrtest.Options{TokenField: "token"})
	if err := readApp(t, newClient(t, registry)); err != nil {
		t.Fatal(err)
	}
	wantWire(t, registry, "1/1/1")
}
