package acr_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
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

// The credential goes to the login server's own origin and to trusted hosts, and nobody else is even connected to.
func TestHardening01ForeignRealmGetsNoConnection(t *testing.T) {
	tlsStranger := startRegistry(t, acrtest.Options{})
	plainStranger := startRegistry(t, acrtest.Options{PlainHTTP: true})
	for _, test := range []struct {
		name, realm string
		names       string // the origin that the error has to name beside the registry's
	}{
		{"foreign host", "https://" + tlsStranger.Host() + "/oauth2/token", tlsStranger.URL()},
		{"foreign host over http", "http://" + plainStranger.Host() + "/oauth2/token", plainStranger.URL()},
		{"sibling", "https://evil.azurecr.io/oauth2/token", "https://evil.azurecr.io"},
		{"sub-domain", "https://token." + home + "/oauth2/token", "https://token." + home},
		{"parent", "https://azurecr.io/oauth2/token", "https://azurecr.io"},
		{"longer name", "https://" + home + ".evil.example/oauth2/token", "https://" + home + ".evil.example"},
		{"name with a final dot", "https://" + home + "./oauth2/token", "https://" + home + "."},
		{"look-alike host", "https://hоme.azurecr.io/oauth2/token", "hоme.azurecr.io"},
		{"other port", "https://" + home + ":8443/oauth2/token", "https://" + home + ":8443"},
		{"port of http", "https://" + home + ":80/oauth2/token", "https://" + home + ":80"},
		{"http of the same host", "http://" + home + "/oauth2/token", "http://" + home},
		{"http at the https port", "http://" + home + ":443/oauth2/token", "http://" + home + ":443"},
		{"user information before a foreign host", "https://" + home + "@evil.example/oauth2/token", "https://evil.example"},
		{"user information", "https://user:pass@" + home + "/oauth2/token", "https://" + home},
		{"empty user information", "https://@" + home + "/oauth2/token", "https://" + home},
		{"fragment", "https://" + home + "/oauth2/token#x", "https://" + home},
		{"empty fragment", "https://" + home + "/oauth2/token#", "https://" + home},
		{"instance metadata service", "http://169.254.169.254/metadata/identity/oauth2/token", "http://169.254.169.254"},
		{"instance metadata service over https", "https://169.254.169.254/metadata/identity/oauth2/token", "https://169.254.169.254"},
		{"private address", "https://10.0.0.1/oauth2/token", "https://10.0.0.1"},
		{"loopback address", "https://[::1]/oauth2/token", "https://[::1]"},
		{"localhost", "http://localhost/oauth2/token", "http://localhost"},
		{"relative", "/oauth2/token", ""},
		{"relative to the scheme", "//evil.example/oauth2/token", ""},
		{"relative without a slash", "oauth2/token", ""},
		{"empty", "", ""},
		{"space", " ", ""},
		{"host alone", home, ""},
		{"no slashes", "https:" + home + "/oauth2/token", ""},
		{"one slash", "https:/" + home + "/oauth2/token", ""},
		{"no host", "https:///oauth2/token", ""},
		{"port alone", "https://:443/oauth2/token", ""},
		{"backslash", `https://` + home + `\\@evil.example/oauth2/token`, ""},
		{"space in the host", "https://" + home + " .evil.example/oauth2/token", ""},
		{"port out of range", "https://" + home + ":99999/oauth2/token", ""},
		{"ftp", "ftp://" + home + "/oauth2/token", ""},
		{"file", "file:///etc/passwd", ""},
		{"data", "data:application/json,{}", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := tlsStranger.Connections() + plainStranger.Connections()
			registry := startApp(t, acrtest.Options{ChallengeHeaders: []string{bearer(test.realm)}})
			network := &theNet{to: map[string]string{home + ":443": registry.Host()}, otherwise: tlsStranger.Host()}
			client := newClient(t, registry, at(home, registry, tlsStranger)).DialWith(network.dial)

			faulttest.Want(t, readApp(t, client), fault.ForeignRealm, "https://"+home, test.names)
			_, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app"})
			faulttest.Want(t, err, fault.ForeignRealm, "https://"+home, test.names)

			network.wantDialled(t, home+":443")
			if after := tlsStranger.Connections() + plainStranger.Connections(); after != before {
				t.Errorf("the strangers accepted %d connections, want 0", after-before)
			}
			wantAuthorized(t, registry, "", "")
		})
	}
}

// A registry that was honest at first may turn: the challenge after a token is held to the same rule.
func TestHardening01ForeignRealmInALaterChallenge(t *testing.T) {
	stranger := startRegistry(t, acrtest.Options{})
	registry := startApp(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Status: http.StatusUnauthorized, Header: http.Header{
		"WWW-Authenticate": {bearer(stranger.URL()+"/oauth2/token") + `,error="invalid_token"`},
	}})
	client := newClient(t, registry, at(registry.Host(), registry, stranger))
	faulttest.Want(t, readApp(t, client), fault.InvalidToken, registry.URL(), stranger.URL())
	wantWire(t, registry, "1/1/1")
	if got := stranger.Connections(); got != 0 {
		t.Errorf("the stranger accepted %d connections, want 0", got)
	}
}

func TestHardening01OwnOrigin(t *testing.T) {
	for _, realm := range []string{
		"https://" + home + "/oauth2/token",
		"https://" + home + ":443/oauth2/token",
		"https://" + strings.ToUpper(home) + "/oauth2/token",
		"HTTPS://Home.AzureCR.io:443/oauth2/token",
	} {
		t.Run(realm, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{ChallengeHeaders: []string{bearer(realm)}, ServiceName: home})
			network := &theNet{otherwise: registry.Host()}
			client := newClient(t, registry, at(home, registry)).DialWith(network.dial)
			if err := readApp(t, client); err != nil {
				t.Fatal(err)
			}
			wantAuthorized(t, registry, "", "Basic", "Bearer")
		})
	}
}

func TestHardening01TrustedTokenHosts(t *testing.T) {
	tokens := startRegistry(t, acrtest.Options{ServiceName: home})
	plainTokens := startRegistry(t, acrtest.Options{PlainHTTP: true})
	realm := "https://tokens.azurecr.io:8443/oauth2/token"
	for _, test := range []struct {
		name    string
		trusted []string
		realm   string
		asked   bool
	}{
		{"trusted", []string{"other.example", "tokens.azurecr.io:8443"}, realm, true},
		{"trusted in capitals", []string{"TOKENS.azurecr.io:8443"}, realm, true},
		{"nothing trusted", nil, realm, false},
		{"trusted without the port", []string{"tokens.azurecr.io"}, realm, false},
		{"sibling of the trusted", []string{"azurecr.io:8443", "a.tokens.azurecr.io:8443"}, realm, false},
		{"trusted, but over http", []string{plainTokens.Host()}, "http://" + plainTokens.Host() + "/oauth2/token", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{ChallengeHeaders: []string{bearer(test.realm)}, ServiceName: home})
			network := &theNet{to: map[string]string{home + ":443": registry.Host()}, otherwise: tokens.Host()}
			tokens.ResetLog()
			client := newClient(t, registry, at(home, registry, tokens), func(c *acr.Config) { c.TrustedTokenHosts = test.trusted })
			err := readApp(t, client.DialWith(network.dial))
			if test.asked {
				if err != nil {
					t.Fatal(err)
				}
				wantAuthorized(t, tokens, "Basic")
				return
			}
			faulttest.Want(t, err, fault.ForeignRealm, "https://"+home, strings.TrimSuffix(test.realm, "/oauth2/token"))
			network.wantDialled(t, home+":443")
		})
	}
}

// Plain http is for this machine: a realm there may be plain as well, of the same origin or trusted.
func TestHardening01PlainHTTP(t *testing.T) {
	tokens := startRegistry(t, acrtest.Options{PlainHTTP: true})
	for _, test := range []struct {
		name    string
		realm   func(registry *acrtest.Registry) string
		trusted []string
		reason  fault.Reason // empty: the read succeeds
	}{
		{"own origin", (*acrtest.Registry).URL, nil, ""},
		{"another port", func(*acrtest.Registry) string { return tokens.URL() }, nil, fault.ForeignRealm},
		{"another port, trusted", func(*acrtest.Registry) string { return tokens.URL() }, []string{tokens.Host()}, ""},
		{"another loopback name", func(r *acrtest.Registry) string { return strings.Replace(r.URL(), "127.0.0.1", "localhost", 1) }, nil, fault.ForeignRealm},
		{"https of the own port", func(r *acrtest.Registry) string { return "https://" + r.Host() }, nil, fault.ForeignRealm},
		{"trusted, but not this machine", func(*acrtest.Registry) string { return "http://tokens.example" }, []string{"tokens.example"}, fault.ForeignRealm},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{PlainHTTP: true})
			realm := test.realm(registry)
			registry.Inject(acrtest.Fault{Kind: acrtest.KindChallenge, Status: http.StatusUnauthorized, Header: http.Header{
				"WWW-Authenticate": {fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="%s",scope="repository:app:pull"`, realm, registry.Host())},
			}})
			network := &theNet{to: map[string]string{registry.Host(): registry.Host()}, otherwise: tokens.Host()}
			client := newClient(t, registry, func(c *acr.Config) { c.TrustedTokenHosts = test.trusted }).DialWith(network.dial)
			err := readApp(t, client)
			if test.reason != "" {
				faulttest.Want(t, err, test.reason)
			} else if err != nil {
				t.Fatal(err)
			}
			if test.reason == fault.ForeignRealm {
				faulttest.Want(t, err, fault.ForeignRealm, registry.URL(), realm)
				network.wantDialled(t, registry.Host())
			}
		})
	}
	_, err := acr.NewClient(acr.Config{
		Registry: "registry.example", PlainHTTP: true,
		Credential: auth.Basic{Username: "user", Password: secret.New("password-of-user")},
	})
	if failed := faulttest.Want(t, err, fault.InvalidArgument, "registry.example"); failed.Argument != "plain_http" {
		t.Errorf("the argument at fault is %q, want plain_http", failed.Argument)
	}
}

// A token request shows the credential, so it stays on its origin whatever the redirect looks like.
func TestHardening02TokenRequestStaysOnItsOrigin(t *testing.T) {
	stranger := startRegistry(t, acrtest.Options{})
	plainStranger := startRegistry(t, acrtest.Options{PlainHTTP: true})
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
func TestHardening02TokenRequestFollowsItsOrigin(t *testing.T) {
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

// A refresh token is in the body of a POST, which no redirect to elsewhere gets either.
func TestHardening02RefreshTokenStaysOnItsOrigin(t *testing.T) {
	stranger := startRegistry(t, acrtest.Options{})
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

// manifestOf serves a manifest of its own to every request, as the host behind a redirect would.
func manifestOf(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/vnd.example+json")
	_, _ = w.Write([]byte(`{"schemaVersion":2}`))
}

// A manifest may be elsewhere, but the token stops at the registry's origin. No manifest redirect was ever recorded.
func TestHardening02AuthorizationStopsAtTheOrigin(t *testing.T) {
	stranger := startRegistry(t, acrtest.Options{})
	stranger.Inject(acrtest.Fault{Handler: manifestOf})
	plainStranger := startRegistry(t, acrtest.Options{PlainHTTP: true})
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
				// No certificate holds for all these names, and it is not what is tested.
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
func TestHardening02BlobStorageGetsNoAuthorization(t *testing.T) {
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

// A chain that leaves the origin and comes back was steered by a stranger: no token, and no answer to the challenge.
func TestHardening02AuthorizationDoesNotComeBack(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	registry.PutImage("other", "v", acrtest.Image{})
	stranger := startRegistry(t, acrtest.Options{})
	stranger.Inject(acrtest.Fault{Redirect: registry.URL() + "/v2/other/manifests/v"})
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Redirect: stranger.URL() + "/x"})
	client := newClient(t, registry, at(registry.Host(), registry, stranger))
	faulttest.Want(t, readApp(t, client), fault.BadRedirect, "401")
	wantAuthorized(t, registry, "", "Basic", "Bearer", "")
	wantAuthorized(t, stranger, "")
}

// A challenge met after leaving the origin is not answered, neither with the credential nor with a token, and whether
// it names the stranger's token server or the registry's own.
func TestHardening02ChallengeAfterLeavingIsNotAnswered(t *testing.T) {
	for _, kind := range []acrtest.Kind{acrtest.KindChallenge, acrtest.KindResource} {
		for _, realm := range []string{"stranger", "registry"} {
			t.Run(fmt.Sprintf("at the %s request, realm of the %s", kind, realm), func(t *testing.T) {
				registry := startApp(t, acrtest.Options{})
				stranger := startRegistry(t, acrtest.Options{})
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

func TestHardening02RedirectsThatLeadNowhere(t *testing.T) {
	location := func(values ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Location"] = values
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	}
	// step redirects from ?step=N to ?step=N+1, so that no URL is met twice.
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
				start := time.Now()
				faulttest.Want(t, readApp(t, client), fault.BadRedirect, registry.URL(), test.says)
				wantWithin(t, start, 2*time.Second)
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

func TestHardening03LinkToAnotherOrigin(t *testing.T) {
	stranger := startRegistry(t, acrtest.Options{})
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

func TestHardening03LinkThatLeadsBack(t *testing.T) {
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

func TestHardening03PagesWithoutEnd(t *testing.T) {
	page := 0
	registry := startRegistry(t, acrtest.Options{NoAuth: true, PlainHTTP: true})
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

func TestHardening04SeveralChallenges(t *testing.T) {
	good := bearer("https://" + home + "/oauth2/token")
	foreign := bearer("https://evil.azurecr.io/oauth2/token")
	for _, test := range []struct {
		name   string
		lines  []string
		reason fault.Reason // empty: the own realm is asked, and nothing else
	}{
		{"Basic before, one line", []string{`Basic realm="x, y", ` + good}, ""},
		{"Basic behind, one line", []string{good + `, Basic realm="x"`}, ""},
		{"Basic before, own line", []string{`Basic realm="x"`, good}, ""},
		{"scheme without parameters before", []string{`Negotiate, ` + good}, ""},
		{"token68 before", []string{`Negotiate YWJj==, ` + good}, ""},
		{"unknown scheme with parameters", []string{`Custom a=b, c="Bearer realm=\"https://evil.azurecr.io/\"", ` + good}, ""},
		{"lower-case scheme, capitals and spaces", []string{`bearer  REALM = "https://` + home + `/oauth2/token" , Service="` + home + `",SCOPE="repository:app:pull"`}, ""},
		{"empty list elements", []string{", ,", good + ",,"}, ""},
		{"quoted pairs", []string{strings.ReplaceAll(good, "oauth2", `oa\uth2`)}, ""},
		{"foreign realm before the own", []string{foreign + ", " + good}, ""},
		{"foreign realm before the own, own line", []string{foreign, good}, ""},
		{"foreign realm alone", []string{foreign}, fault.ForeignRealm},
		{"foreign realm and Basic", []string{`Basic realm="x"`, foreign}, fault.ForeignRealm},
		{"Bearer without a realm", []string{`Bearer service="` + home + `"`}, fault.ForeignRealm},
		{"duplicate realm, both own", []string{good + `,realm="https://` + home + `/oauth2/token"`}, fault.BadAnswer},
		{"duplicate realm, the second foreign", []string{good + `,realm="https://evil.azurecr.io/"`}, fault.BadAnswer},
		{"duplicate realm in capitals", []string{good + `,REALM="https://evil.azurecr.io/"`}, fault.BadAnswer},
		{"duplicate realm in a second challenge", []string{good, foreign + `,realm="x"`}, fault.BadAnswer},
		{"no closing quote", []string{strings.TrimSuffix(good, `"`)}, fault.BadAnswer},
		{"missing comma", []string{`Bearer realm="https://` + home + `/oauth2/token" service="x"`}, fault.BadAnswer},
		{"control character", []string{"Bearer realm=\"https://" + home + "/\x01\""}, fault.BadAnswer},
		{"Basic alone", []string{`Basic realm="Azure Container Registry"`}, fault.NotARegistry},
		{"Digest alone", []string{`Digest realm="x", nonce="y"`}, fault.NotARegistry},
		{"empty", []string{""}, fault.NotARegistry},
		{"no line", []string{}, fault.NotARegistry},
	} {
		t.Run(test.name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{DisableHTTP2: true, ChallengeHeaders: test.lines, ServiceName: home})
			network := &theNet{otherwise: registry.Host()}
			client := newClient(t, registry, at(home, registry)).DialWith(network.dial)
			err := readApp(t, client)
			network.wantDialled(t, home+":443")
			if test.reason == "" {
				if err != nil {
					t.Fatal(err)
				}
				wantAuthorized(t, registry, "", "Basic", "Bearer")
				return
			}
			faulttest.Want(t, err, test.reason)
			wantAuthorized(t, registry, "")
		})
	}
}

// The failed token requests of GET were not recorded; their shape here comes from issue threads.
func TestHardening05WrongCredentialsAreShownOnce(t *testing.T) {
	registry := startApp(t, acrtest.Options{AnonymousPull: true})
	client := newClient(t, registry, withPassword("not-the-password"))
	faulttest.Want(t, readApp(t, client), fault.WrongCredentials, "401", "UNAUTHORIZED", `"admin"`)
	wantAuthorized(t, registry, "", "Basic")
}

func TestHardening05AnonymousSendsNoAuthorization(t *testing.T) {
	registry := startApp(t, acrtest.Options{AnonymousPull: true})
	client := newClient(t, registry, anonymous)
	if err := readApp(t, client); err != nil {
		t.Fatal(err)
	}
	wantAuthorized(t, registry, "", "", "Bearer")
	for _, request := range registry.Requests()[:2] {
		if _, sent := request.Header["Authorization"]; sent {
			t.Errorf("%s was sent an Authorization header", request.Path)
		}
	}
}

func TestHardening05BytesOfTheCredential(t *testing.T) {
	for _, password := range []string{
		"with/slash+plus=equals==", "per%cent%2F", "colon:inside:", " spaces around ", `quote"and\backslash`,
		"пароль-✓", "tab\tinside", "&amp;?#", "\xff\xfe-not-utf8", strings.Repeat("long", 500),
	} {
		t.Run(password[:min(len(password), 20)], func(t *testing.T) {
			registry := startApp(t, acrtest.Options{Users: map[string]string{"us er": password}})
			client := newClient(t, registry, func(c *acr.Config) {
				c.Credential = auth.Basic{Username: "us er", Password: secret.New(password)}
			})
			if err := readApp(t, client); err != nil {
				t.Fatal(err)
			}
			want := "Basic " + base64.StdEncoding.EncodeToString([]byte("us er:"+password))
			if got := registry.Requests()[1].Header.Values("Authorization"); !slices.Equal(got, []string{want}) {
				t.Errorf("Authorization = %q, want %q", got, want)
			}
		})
	}
}

func TestHardening05CredentialsThatBasicCannotCarry(t *testing.T) {
	for _, test := range []struct{ name, username, password, argument string }{
		{"colon in the user name", "user:name", "sentinel-password", "username"},
		{"control character in the user name", "user\nname", "sentinel-password", "username"},
		{"no user name", "", "sentinel-password", "username"},
		{"no password", "user", "", "password"},
		{"line break behind the password", "user", "sentinel-password\n", "password"},
		{"line break in the password", "user", "sentinel\r\nX-Header: password", "password"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := acr.NewClient(acr.Config{
				Registry:   home,
				Credential: auth.Basic{Username: test.username, Password: secret.New(test.password)},
			})
			if failed := faulttest.Want(t, err, fault.InvalidArgument); failed.Argument != test.argument {
				t.Errorf("the argument at fault is %q, want %q", failed.Argument, test.argument)
			}
			if strings.Contains(err.Error(), "sentinel") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}
