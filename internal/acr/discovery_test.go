package acr_test

import (
	"fmt"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// The credential goes to the login server's own origin and to trusted hosts. No other host even gets a connection.
func TestRealmOfAnotherOriginGetsNoConnection(t *testing.T) {
	tlsStranger := acrtest.StartT(t, acrtest.Options{})
	plainStranger := acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
	for _, test := range []struct {
		name, realm string
		names       string // the origin that the error must name beside the registry's
		want        fault.Reason
	}{
		{"foreign host", "https://" + tlsStranger.Host() + "/oauth2/token", tlsStranger.URL(), fault.ForeignRealm},
		{"foreign host over http", "http://" + plainStranger.Host() + "/oauth2/token", plainStranger.URL(), fault.ForeignRealm},
		{"sibling", "https://evil.azurecr.io/oauth2/token", "https://evil.azurecr.io", fault.ForeignRealm},
		{"sub-domain", "https://token." + home + "/oauth2/token", "https://token." + home, fault.ForeignRealm},
		{"parent", "https://azurecr.io/oauth2/token", "https://azurecr.io", fault.ForeignRealm},
		{"longer name", "https://" + home + ".evil.example/oauth2/token", "https://" + home + ".evil.example", fault.ForeignRealm},
		{"name with a final dot", "https://" + home + "./oauth2/token", "https://" + home + ".", fault.ForeignRealm},
		{"look-alike host", "https://hоme.azurecr.io/oauth2/token", "hоme.azurecr.io", fault.ForeignRealm},
		{"other port", "https://" + home + ":8443/oauth2/token", "https://" + home + ":8443", fault.ForeignRealm},
		{"port of http", "https://" + home + ":80/oauth2/token", "https://" + home + ":80", fault.ForeignRealm},
		{"http of the same host", "http://" + home + "/oauth2/token", "http://" + home, fault.ForeignRealm},
		{"http at the https port", "http://" + home + ":443/oauth2/token", "http://" + home + ":443", fault.ForeignRealm},
		{"user information before a foreign host", "https://" + home + "@evil.example/oauth2/token", "https://evil.example", fault.BadAnswer},
		{"user information", "https://user:pass@" + home + "/oauth2/token", "https://" + home, fault.BadAnswer},
		{"empty user information", "https://@" + home + "/oauth2/token", "https://" + home, fault.BadAnswer},
		{"fragment", "https://" + home + "/oauth2/token#x", "https://" + home, fault.BadAnswer},
		{"empty fragment", "https://" + home + "/oauth2/token#", "https://" + home, fault.BadAnswer},
		{"instance metadata service", "http://169.254.169.254/metadata/identity/oauth2/token", "http://169.254.169.254", fault.ForeignRealm},
		{"instance metadata service over https", "https://169.254.169.254/metadata/identity/oauth2/token", "https://169.254.169.254", fault.ForeignRealm},
		{"private address", "https://10.0.0.1/oauth2/token", "https://10.0.0.1", fault.ForeignRealm},
		{"loopback address", "https://[::1]/oauth2/token", "https://[::1]", fault.ForeignRealm},
		{"localhost", "http://localhost/oauth2/token", "http://localhost", fault.ForeignRealm},
		{"relative", "/oauth2/token", "", fault.BadAnswer},
		{"relative to the scheme", "//evil.example/oauth2/token", "", fault.BadAnswer},
		{"relative without a slash", "oauth2/token", "", fault.BadAnswer},
		{"empty", "", "", fault.BadAnswer},
		{"space", " ", "", fault.BadAnswer},
		{"host alone", home, "", fault.BadAnswer},
		{"no slashes", "https:" + home + "/oauth2/token", "", fault.BadAnswer},
		{"one slash", "https:/" + home + "/oauth2/token", "", fault.BadAnswer},
		{"no host", "https:///oauth2/token", "", fault.BadAnswer},
		{"port alone", "https://:443/oauth2/token", "", fault.BadAnswer},
		{"backslash", `https://` + home + `\\@evil.example/oauth2/token`, "", fault.BadAnswer},
		{"space in the host", "https://" + home + " .evil.example/oauth2/token", "", fault.BadAnswer},
		{"port out of range", "https://" + home + ":99999/oauth2/token", "", fault.BadAnswer},
		{"ftp", "ftp://" + home + "/oauth2/token", "", fault.BadAnswer},
		{"file", "file:///etc/passwd", "", fault.BadAnswer},
		{"data", "data:application/json,{}", "", fault.BadAnswer},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := tlsStranger.Connections() + plainStranger.Connections()
			registry := startApp(t, acrtest.Options{ChallengeHeaders: []string{bearer(test.realm)}})
			network := &theNet{to: map[string]string{home + ":443": registry.Host()}, otherwise: tlsStranger.Host()}
			client := newClient(t, registry, at(home, registry, tlsStranger)).DialWith(network.dial)

			faulttest.Want(t, readApp(t, client), test.want, "https://"+home, test.names)
			_, err := client.Token(t.Context(), acr.TokenRequest{Repository: "app"})
			faulttest.Want(t, err, test.want, "https://"+home, test.names)

			network.wantDialled(t, home+":443")
			if after := tlsStranger.Connections() + plainStranger.Connections(); after != before {
				t.Errorf("the strangers accepted %d connections, want 0", after-before)
			}
			wantAuthorized(t, registry, "", "")
		})
	}
}

// A registry may turn hostile later: the same rule applies to the challenge after a token.
func TestLaterRealmOfAnotherOriginGetsNoConnection(t *testing.T) {
	stranger := acrtest.StartT(t, acrtest.Options{})
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

func TestRealmOfTheOwnOriginIsAsked(t *testing.T) {
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

func TestTrustedTokenHostIsAsked(t *testing.T) {
	tokens := acrtest.StartT(t, acrtest.Options{ServiceName: home})
	plainTokens := acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
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

// Plain http is for this machine: a realm there may use it too, on the same origin or on a trusted one.
func TestPlainRealmIsForThisMachineAlone(t *testing.T) {
	tokens := acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
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

func TestFirstUsableChallengeIsAnswered(t *testing.T) {
	good := bearer("https://" + home + "/oauth2/token")
	foreign := bearer("https://evil.azurecr.io/oauth2/token")
	for _, test := range []struct {
		name   string
		lines  []string
		reason fault.Reason // empty: only the registry's own realm is asked
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
		{"Bearer without a realm", []string{`Bearer service="` + home + `"`}, fault.BadAnswer},
		{"empty elements between parameters", []string{strings.NewReplacer("Bearer ", "Bearer ,", ",service", ",,service").Replace(good)}, ""},
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

// A challenge of 1 MiB is refused, however it is split into lines, and not requested again.
func TestHugeChallengeIsRefusedAtOnce(t *testing.T) {
	for name, lines := range map[string][]string{
		"one line":            {`Bearer realm="` + strings.Repeat("a", 1<<20) + `"`},
		"parameters":          {"Bearer " + strings.Repeat("a=b,", 1<<18)},
		"schemes":             {strings.Repeat("Basic,", 1<<18)},
		"backslashes":         {`Bearer realm="` + strings.Repeat(`\\`, 1<<19)},
		"commas":              {strings.Repeat(",", 1<<20)},
		"just under 64 KiB":   {strings.Repeat("a=,", 20<<10)},
		"many lines of 4 KiB": strings.Split(strings.TrimSuffix(strings.Repeat(strings.Repeat("a", 4<<10)+"|", 256), "|"), "|"),
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{ChallengeHeaders: lines})
			client := newClient(t, registry)
			if err := readApp(t, client); err == nil {
				t.Error("no error")
			}
			wantWire(t, registry, "1/0/0")
		})
	}
}

// A scope that no registry sends is refused before it is sent on or shown.
func TestMalformedScopeIsNotSentOn(t *testing.T) {
	for name, scope := range map[string]string{
		"too long":        "repository:app:" + strings.Repeat("a,", 1100) + "pull",
		"no ASCII":        "repository:app\u202e:pull",
		"control (C1)":    "repository:app\u009b:pull",
		"no UTF-8":        "repository:app\xff:pull",
		"a quote":         `repository:app\":pull`,
		"a backslash":     `repository:app\\:pull`,
		"a tab in a list": "repository:app:pull\trepository:b:pull",
	} {
		t.Run(name, func(t *testing.T) {
			registry := startApp(t, acrtest.Options{})
			registry.Inject(acrtest.Fault{Kind: acrtest.KindChallenge, Status: http.StatusUnauthorized, Header: http.Header{
				"Www-Authenticate": {fmt.Sprintf(`Bearer realm="%s/oauth2/token",service="s",scope="%s"`, registry.URL(), scope)},
			}})
			_, err := newClient(t, registry).Token(t.Context(), acr.TokenRequest{Repository: "app"})
			faulttest.Want(t, err, fault.BadAnswer, "scope")
			wantWire(t, registry, "1/0/0")
		})
	}
}

// An error names only a few of thousands of schemes.
func TestErrorNamesFiveSchemesAtMost(t *testing.T) {
	var schemes strings.Builder
	for i := range 9_000 {
		fmt.Fprintf(&schemes, "s%x,", i)
	}
	registry := startApp(t, acrtest.Options{ChallengeHeaders: []string{schemes.String()}})
	err := faulttest.Want(t, readApp(t, newClient(t, registry)), fault.NotARegistry, "it offers s0, s1, s2, s3, s4")
	if strings.Contains(err.Error(), "s5") {
		t.Errorf("error = %v, want five schemes in it", err)
	}
}

// The first read that reaches a registry finds the realm for all. If it fails because of what it asks for, the others
// find the realm themselves.
func TestOneBadRepositoryFailsNoOther(t *testing.T) {
	for name, injected := range map[string]acrtest.Fault{
		"fault of the registry": {Status: http.StatusInternalServerError},
		"oversized answer":      {Status: http.StatusOK, Body: strings.Repeat(" ", 5<<20)},
		"circular redirect":     {Redirect: "/v2/bad/manifests/v"},
	} {
		t.Run(name, func(t *testing.T) {
			registry := acrtest.StartT(t, acrtest.Options{})
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

// A scope that was predicted wrongly is corrected once, not at each page, and the token for it is kept.
func TestCorrectedScopeIsRemembered(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
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

// If a registry is down, the first read retries, and the others do not.
func TestRegistryThatIsDownIsNotStormed(t *testing.T) {
	for status, most := range map[int]int{http.StatusServiceUnavailable: 6 + 9, http.StatusTooManyRequests: 6} {
		registry := acrtest.StartT(t, acrtest.Options{})
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

// A registry that names another scope than predicted is followed once, but not if it names another one each time.
func TestScopeIsCorrectedOnce(t *testing.T) {
	registry := startApp(t, acrtest.Options{})
	var asked atomic.Int32
	registry.Inject(acrtest.Fault{Kind: acrtest.KindResource, Handler: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(
			`Bearer realm="%s/oauth2/token",service="%s",scope="repository:app%d:pull",error="insufficient_scope"`, registry.URL(), registry.Host(), asked.Add(1)))
		w.WriteHeader(http.StatusUnauthorized)
	}})
	faulttest.Want(t, readApp(t, newClient(t, registry)), fault.InsufficientScope, "repository:app2:pull")
	wantWire(t, registry, "1/2/2")
}

// Readers of an open registry that wait for one discovery each get what they requested, not what the discovery happened
// to read.
func TestReadersThatShareADiscoveryGetTheirOwn(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{NoAuth: true})
	want := map[string]digest.Digest{}
	for _, tag := range []string{"a", "b", "c"} {
		want[tag] = registry.PutImage("app", tag, acrtest.Image{Author: tag})
	}
	reached, hold := make(chan struct{}, 1), make(chan struct{})
	registry.Inject(acrtest.Fault{Times: 1, Handler: holdHandler(http.StatusServiceUnavailable, reached, hold)})
	client := newClient(t, registry).WithoutBackOff()
	tags := []string{"a", "b", "c", "a"}
	var group errgroup.Group
	for _, tag := range tags {
		group.Go(func() error {
			manifest, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: tag})
			if err == nil && manifest.Digest != want[tag] {
				t.Errorf("%s has the digest %s, want %s", tag, manifest.Digest, want[tag])
			}
			return err
		})
	}
	<-reached
	client.AwaitFirstDiscoveryBy(t, 3) // the two readers of a share one manifest
	close(hold)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// A page says nothing of whether a registry asks for tokens: the reads after it still share one discovery.
func TestWebPageIsNotLearntFrom(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "v", acrtest.Image{})
	registry.PutImage("app", "w", acrtest.Image{})
	registry.Inject(acrtest.Fault{Times: 1, Status: http.StatusOK, Body: "<html></html>", ContentType: "text/html"})
	client := newClient(t, registry).WithoutBackOff()
	faulttest.Want(t, readApp(t, client), fault.NotARegistry)

	reached, hold := make(chan struct{}, 1), make(chan struct{})
	registry.Inject(acrtest.Fault{Times: 1, Handler: holdHandler(http.StatusServiceUnavailable, reached, hold)})
	var group errgroup.Group
	for _, tag := range []string{"v", "w"} {
		group.Go(func() error {
			_, err := client.Manifest(t.Context(), acr.ManifestRequest{Repository: "app", Tag: tag})
			return err
		})
	}
	<-reached
	client.AwaitFirstDiscoveryBy(t, 2)
	close(hold)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
