package acr_test

import (
	"fmt"
	"net/http"
	"net/url"
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

// A token request contains the credential, so it stays on its origin, whatever the redirect looks like.
func TestTokenRequestStaysOnItsOrigin(t *testing.T) {
	stranger := acrtest.StartT(t, acrtest.Options{})
	plainStranger := acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
	for _, location := range []string{
		stranger.URL() + "/oauth2/token",
		"//" + stranger.Host() + "/oauth2/token",
		plainStranger.URL() + "/oauth2/token",
		"http://" + home + "/oauth2/token",
		"https://" + home + ":8443/oauth2/token",
		"https://evil.azurecr.io/oauth2/token",
		"https://sub." + home + "/oauth2/token",
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(status, " ", location), func(t *testing.T) {
				registry := startApp(t, acrtest.Options{})
				registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Redirect: location, RedirectStatus: status})
				network := &theNet{to: map[string]string{home + ":443": registry.Host()}, otherwise: stranger.Host()}
				client := newClient(t, registry, at(home, registry, stranger)).DialWith(network.dial)
				faulttest.Want(t, readApp(t, client), fault.BadRedirect, "https://"+home)
				network.wantDialled(t, home+":443")
				wantWire(t, registry, "1/1/0")
			})
		}
	}
	if got := stranger.Connections() + plainStranger.Connections(); got != 0 {
		t.Errorf("the strangers accepted %d connections, want 0", got)
	}
}

// Within the origin a redirect is followed, with the credential.
func TestTokenRequestFollowsARedirectWithinItsOrigin(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			target := "/oauth2/token?scope=repository%3Aapp%3Apull&moved=1&service=" + url.QueryEscape(registry.Host())
			registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Times: 1, Redirect: target, RedirectStatus: status})
			if err := readApp(t, newClient(t, registry)); err != nil {
				t.Fatal(err)
			}
			wantAuthorized(t, registry, "", "Basic", "Basic", "Bearer")
		})
	}
}

// A refresh token is in the body of a POST, which is not sent elsewhere by a redirect either.
func TestRefreshTokenStaysOnItsOrigin(t *testing.T) {
	stranger := acrtest.StartT(t, acrtest.Options{})
	for _, status := range []int{301, 302, 303, 307, 308} {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindToken, Redirect: stranger.URL() + "/oauth2/token", RedirectStatus: status})
		refresh := auth.RefreshToken{Token: secret.New(registry.RefreshToken(acrtest.DefaultUser))}
		client := newClient(t, registry, at(registry.Host(), registry, stranger), func(c *acr.Config) { c.Credential = refresh })
		faulttest.Want(t, readApp(t, client), fault.BadRedirect, registry.URL(), stranger.URL())
	}
	if got := stranger.Connections(); got != 0 {
		t.Errorf("the stranger accepted %d connections, want 0", got)
	}
}

// A manifest may be elsewhere, but the token stops at the registry's origin. No manifest redirect was ever recorded.
func TestRedirectToAnotherOriginGetsNoToken(t *testing.T) {
	stranger := acrtest.StartT(t, acrtest.Options{})
	stranger.Inject(acrtest.Fault{Handler: manifestOf})
	plainStranger := acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
	plainStranger.Inject(acrtest.Fault{Handler: manifestOf})
	for _, test := range []struct {
		name, location string
		to             *acrtest.Registry
	}{
		{"another host", "https://" + stranger.Host() + "/m", stranger},
		{"relative to the scheme", "//" + stranger.Host() + "/m", stranger},
		{"another port", "https://" + home + ":8443/m", stranger},
		{"sub-domain", "https://sub." + home + "/m", stranger},
		{"sibling", "https://evil.azurecr.io/m", stranger},
		{"http of the same host", "http://" + home + "/m", plainStranger},
		{"http at the https port of another host", "http://evil.azurecr.io:443/m", plainStranger},
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			t.Run(fmt.Sprint(test.name, " ", status), func(t *testing.T) {
				test.to.ResetLog()
				registry := startApp(t, acrtest.Options{})
				registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Redirect: test.location, RedirectStatus: status})
				network := &theNet{to: map[string]string{home + ":443": registry.Host()}, otherwise: test.to.Host()}
				// No certificate is valid for all these names, and this does not test certificates.
				client := newClient(t, registry, at(home), func(c *acr.Config) { c.InsecureSkipVerify = true }).DialWith(network.dial)
				if err := readApp(t, client); err != nil {
					t.Fatal(err)
				}
				wantAuthorized(t, registry, "", "Basic", "Bearer")
				wantAuthorized(t, test.to, "")
				for _, request := range test.to.Requests() {
					if cookie, referer := request.Header.Get("Cookie"), request.Header.Get("Referer"); cookie+referer != "" {
						t.Errorf("the stranger was sent Cookie %q and Referer %q, want neither", cookie, referer)
					}
				}
			})
		}
	}
}

// The same for the blob of an image's configuration, whose redirect is Azure's usual answer: storage there refuses a
// request with Authorization.
func TestBlobStorageGetsNoToken(t *testing.T) {
	registry := startApp(t, acrtest.Options{BlobRedirect: true})
	client := newClient(t, registry)
	if _, err := client.ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"}); err != nil {
		t.Fatal(err)
	}
	if got := registry.Count(acrtest.KindBlob); got != 1 {
		t.Errorf("the storage was asked %d times, want once", got)
	}
	for _, request := range registry.Requests() {
		if request.Kind == acrtest.KindBlob && request.AuthScheme != "" {
			t.Errorf("the storage was shown %s, want nothing", request.AuthScheme)
		}
	}
}

// If a chain leaves the origin and comes back, a stranger has steered it: it gets no token, and its challenge no
// answer.
func TestTokenIsNotSentAgainAfterAnotherOrigin(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.PutImage("other", "v", acrtest.Image{})
	stranger := acrtest.StartT(t, acrtest.Options{})
	stranger.Inject(acrtest.Fault{Redirect: registry.URL() + "/v2/other/manifests/v"})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Redirect: stranger.URL() + "/x"})
	client := newClient(t, registry, at(registry.Host(), registry, stranger))
	faulttest.Want(t, readApp(t, client), fault.BadRedirect, "401")
	wantAuthorized(t, registry, "", "Basic", "Bearer", "")
	wantAuthorized(t, stranger, "")
}

// A challenge met after leaving the origin is not answered, neither with the credential nor with a token, and whether
// it names the stranger's token server or the registry's own.
func TestChallengeOfAnotherOriginIsNotAnswered(t *testing.T) {
	for _, kind := range []acrtest.Kind{acrtest.KindChallenge, acrtest.KindResource} {
		for _, realm := range []string{"stranger", "registry"} {
			t.Run(fmt.Sprintf("at the %s request, realm of the %s", kind, realm), func(t *testing.T) {
				registry := startApp(t, acrtest.Options{})
				stranger := acrtest.StartT(t, acrtest.Options{})
				url := map[string]string{"stranger": stranger.URL(), "registry": registry.URL()}[realm]
				stranger.Inject(acrtest.Fault{Status: http.StatusUnauthorized, Header: http.Header{"WWW-Authenticate": {bearer(url + "/oauth2/token")}}})
				registry.Inject(acrtest.Fault{Kind: kind, Redirect: stranger.URL() + "/v2/app/manifests/v"})
				client := newClient(t, registry, at(registry.Host(), registry, stranger))

				faulttest.Want(t, readApp(t, client), fault.BadRedirect, "401", "redirected")
				wantAuthorized(t, stranger, "")
				if kind == acrtest.KindChallenge {
					wantWire(t, registry, "1/0/0")
				} else {
					wantWire(t, registry, "1/1/1")
				}
			})
		}
	}
}

func TestRedirectsThatLeadNowhereEnd(t *testing.T) {
	location := func(values ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = values
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}
	// step redirects from ?step=N to ?step=N+1, so that no URL occurs twice.
	step := func(last int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var n int
			_, _ = fmt.Sscan(r.URL.Query().Get("step"), &n)
			if n == last {
				manifestOf(w, r)
				return
			}
			location(fmt.Sprintf("%s?step=%d", r.URL.Path, n+1))(w, r)
		}
	}
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		says    string
	}{
		{"loop of one", func(w http.ResponseWriter, r *http.Request) { location(r.URL.Path)(w, r) }, "circle"},
		{"loop of two", func(w http.ResponseWriter, r *http.Request) {
			location(r.URL.Path+map[bool]string{true: "?again=1"}[r.URL.RawQuery == ""])(w, r)
		}, "circle"},
		{"eleven hops", step(11), "more than 10"},
		{"hops without end", step(-1), "more than 10"},
		{"no Location", location(), "Location"},
		{"empty Location", location(""), "Location"},
		{"two Locations", location("/a", "/b"), "Location"},
		{"malformed escape", location("/v2/%zz"), "Location"},
		{"malformed address", location("https://[::1/v2/"), "Location"},
		{"no host", location("https:///v2/"), "Location"},
		{"user information", location("https://user:pass@" + home + "/v2/"), "Location"},
		{"ftp", location("ftp://" + home + "/v2/"), "neither https nor http"},
		{"file", location("file:///etc/passwd"), "Location"},
		{"javascript", location("javascript:alert(1)"), "Location"},
		{"data", location("data:application/json,{}"), "Location"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, kind := range []acrtest.Kind{acrtest.KindChallenge, acrtest.KindToken, acrtest.KindResource} {
				registry := startApp(t, acrtest.Options{})
				registry.Inject(acrtest.Fault{Kind: kind, Handler: test.handler})
				client := newClient(t, registry)
				faulttest.Want(t, readApp(t, client), fault.BadRedirect, registry.URL(), test.says)
				if got := registry.Count(kind); got > 11 {
					t.Errorf("%s requests = %d, want at most 11: nothing is tried again", kind, got)
				}
			}
		})
	}
	t.Run("ten hops are followed", func(t *testing.T) {
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: step(10)})
		if err := readApp(t, newClient(t, registry)); err != nil {
			t.Fatal(err)
		}
		if got := registry.Count(acrtest.KindResource); got != 11 {
			t.Errorf("resource requests = %d, want 11, each with the token", got)
		}
	})
}

// If a redirect leads to a host that fails, the error names that host.
func TestErrorNamesTheHostBehindARedirect(t *testing.T) {
	for name, test := range map[string]struct {
		location string
		reason   fault.Reason
		says     string
	}{
		"refuses":    {"https://127.0.0.1:1/data?sig=sentinel", fault.Unreachable, "after a redirect to https://127.0.0.1:1: the connection was refused"},
		"no port":    {"https://127.0.0.1:99999/data", fault.BadRedirect, "a Location that is not a URL to follow"},
		"not a port": {"https://127.0.0.1:0x1/data", fault.BadRedirect, "a Location that is not a URL to follow"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Redirect: test.location})
			err := faulttest.Want(t, readApp(t, newClient(t, registry).WithoutBackOff()), test.reason, test.says)
			if strings.Contains(err.Error(), "sentinel") {
				t.Errorf("the error shows a signature: %v", err)
			}
		})
	}
	t.Run("is silent", func(t *testing.T) {
		silent := acrtest.StartT(t, acrtest.Options{})
		silent.Inject(acrtest.Fault{Hang: true})
		registry := startApp(t, acrtest.Options{})
		registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Redirect: silent.URL() + "/data"})
		client := newClient(t, registry, at(registry.Host(), registry, silent), func(config *acr.Config) { config.RequestTimeout = 300 * time.Millisecond })
		faulttest.Want(t, readApp(t, client.WithoutBackOff()), fault.TimedOut, "after a redirect to "+silent.URL()+": no complete answer within 300ms")
	})
}

// The body of a redirect is skipped, and its connection used again.
func TestRedirectWithABodyCostsNoConnection(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{DisableHTTP2: true})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Path: "/blobs/", Handler: func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" {
			_, _ = w.Write([]byte("{}"))
			return
		}
		w.Header().Set("Location", r.URL.Path+"?again")
		w.WriteHeader(http.StatusTemporaryRedirect)
		_, _ = w.Write([]byte("<a href=\"?again\">Temporary Redirect</a>"))
	}})
	client := newClient(t, registry)
	for range 20 {
		_, _ = client.ImageConfig(t.Context(), acr.ManifestRequest{Repository: "app", Tag: "v"})
	}
	if got := registry.Connections(); got != 1 {
		t.Errorf("connections = %d, want 1", got)
	}
	if got := registry.Count(acrtest.KindResource); got != 60 {
		t.Errorf("requests = %d, want 60: manifest, redirect and blob, 20 times", got)
	}
}
