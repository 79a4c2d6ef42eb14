package auth

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// acrChallenge is what Azure Container Registry answers to a manifest's GET.
const acrChallenge = `Bearer realm="https://r.azurecr.io/oauth2/token",service="r.azurecr.io",scope="repository:alpine:pull"`

var acrPolicy = NewRealmPolicy(transport.HostOrigin("https", "r.azurecr.io"), nil)

func TestReadChallenge(t *testing.T) {
	const foreign = `Bearer realm="https://evil.example/token",service="r.azurecr.io"`
	for name, test := range map[string]struct {
		lines []string
		want  Challenge // realm left out: it is always the registry's own
	}{
		"Azure Container Registry":     {[]string{acrChallenge}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull"}}},
		"no scope, as /v2/ answers":    {[]string{`Bearer realm="https://r.azurecr.io/oauth2/token",service="r.azurecr.io"`}, Challenge{Service: "r.azurecr.io", Scopes: []string{}}},
		"realm alone":                  {[]string{`Bearer realm="https://r.azurecr.io/oauth2/token"`}, Challenge{Scopes: []string{}}},
		"scheme in any case":           {[]string{`BEARER Realm="https://r.azurecr.io/oauth2/token"`}, Challenge{Scopes: []string{}}},
		"push and pull in one scope":   {[]string{acrChallenge[:len(acrChallenge)-1] + `,push"`}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull,push"}}},
		"several scopes":               {[]string{acrChallenge[:len(acrChallenge)-1] + `  repository:b:pull"`}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull", "repository:b:pull"}}},
		"insufficient_scope":           {[]string{acrChallenge + `,error="insufficient_scope"`}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull"}, Code: "insufficient_scope"}},
		"behind Basic in one line":     {[]string{`Basic realm="Azure Container Registry", ` + acrChallenge}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull"}}},
		"behind Basic in another line": {[]string{`Basic realm="Azure Container Registry"`, acrChallenge}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull"}}},
		"behind a hostile one":         {[]string{foreign, acrChallenge}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull"}}},
		"before a hostile one":         {[]string{acrChallenge, foreign}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull"}}},
		"behind one without realm":     {[]string{"Bearer", `Bearer scope="x"`, acrChallenge}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull"}}},
		"empty elements":               {[]string{`Bearer ,realm="https://r.azurecr.io/oauth2/token",,service="r.azurecr.io",`}, Challenge{Service: "r.azurecr.io", Scopes: []string{}}},
		"unknown parameters":           {[]string{acrChallenge + `,x=y`}, Challenge{Service: "r.azurecr.io", Scopes: []string{"repository:alpine:pull"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadChallenge(test.lines, acrPolicy)
			if err != nil {
				t.Fatal(err)
			}
			if got.Realm.String() != "https://r.azurecr.io/oauth2/token" {
				t.Errorf("realm = %s", got.Realm)
			}
			got.Realm = nil
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("challenge = %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestReadChallengeWithoutAUsableOne(t *testing.T) {
	for name, test := range map[string]struct {
		lines    []string
		noBearer bool
		foreign  bool
		text     string
	}{
		"no header":        {nil, true, false, "no Bearer challenge"},
		"Basic alone":      {[]string{`Basic realm="Azure Container Registry"`}, true, false, "no Bearer challenge: it offers Basic"},
		"several schemes":  {[]string{`Basic realm="x", Negotiate, NTLM YWJj, Basic realm="y"`}, true, false, "it offers Basic, Negotiate, NTLM"},
		"foreign":          {[]string{`Bearer realm="https://evil.example/token"`}, false, true, "https://evil.example"},
		"first foreign":    {[]string{`Bearer realm="https://one.example/",Bearer realm="https://two.example/"`}, false, true, "https://one.example"},
		"no realm":         {[]string{`Bearer service="r.azurecr.io"`}, false, false, "has no realm"},
		"Bearer alone":     {[]string{"Bearer"}, false, false, "has no realm"},
		"realm, no value":  {[]string{"Bearer realm"}, false, false, "has no realm"},
		"empty realm":      {[]string{`Bearer realm=""`}, false, false, "has no realm"},
		"token68":          {[]string{"Bearer YWJj"}, false, false, "has no realm"},
		"relative realm":   {[]string{`Bearer realm="/oauth2/token"`}, false, false, "names no usable token server"},
		"user in a realm":  {[]string{`Bearer realm="https://u@r.azurecr.io/"`}, false, false, "with a user name"},
		"malformed second": {[]string{acrChallenge, `Bearer realm="`}, false, false, "malformed at byte"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadChallenge(test.lines, acrPolicy)
			if err == nil {
				t.Fatal("a challenge was found")
			}
			var foreign *ForeignRealmError
			if errors.Is(err, ErrNoBearer) != test.noBearer || errors.As(err, &foreign) != test.foreign {
				t.Errorf("error %q: no Bearer %t, foreign %t", err, errors.Is(err, ErrNoBearer), errors.As(err, &foreign))
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("error = %q, want %q in it", err, test.text)
			}
		})
	}
}

func TestChallengeKeyTellsWhatIsAskedFor(t *testing.T) {
	realm := &url.URL{Scheme: "https", Host: "r.azurecr.io", Path: "/oauth2/token"}
	base := Challenge{Realm: realm, Service: "r.azurecr.io", Scopes: []string{"repository:a:pull"}}
	same := base
	same.Code = "invalid_token"
	if base.key() != same.key() {
		t.Error("the error code makes a difference")
	}
	other := *realm
	other.Host = "s.azurecr.io"
	keys := map[string]bool{base.key(): true}
	for _, c := range []Challenge{
		base.WithScopes("repository:a:pull", "repository:b:pull"),
		base.WithScopes("repository:a:pull repository:b:pull"),
		base.WithScopes("repository:A:pull"),
		base.WithScopes(),
		{Realm: realm, Scopes: base.Scopes},
		{Realm: &other, Service: base.Service, Scopes: base.Scopes},
	} {
		if keys[c.key()] {
			t.Errorf("%v shares a key with another challenge", c)
		}
		keys[c.key()] = true
	}
}

// FuzzReadChallenge: no challenge leads past the realm policy.
func FuzzReadChallenge(f *testing.F) {
	for _, seed := range []string{
		acrChallenge,
		acrChallenge + `,error="insufficient_scope"`,
		`Basic realm="Azure Container Registry"`,
		`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`,
		`Negotiate YWJj==, Bearer realm = "https://r.azurecr.io:443/x",,scope="a b"`,
		`Bearer realm="https://R.AZURECR.IO@evil.example/"`,
		`Bearer realm="https://r.azurecr.io\\@evil.example/"`,
		`Bearer realm="https://r.azurecr.İo/"`,
		`Bearer realm="x", realm="y"`,
		`Bearer realm="x`,
		", ,",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		ch, err := ReadChallenge([]string{header}, acrPolicy)
		if err != nil {
			return
		}
		if got := transport.OriginOf(ch.Realm).String(); got != "https://r.azurecr.io" {
			t.Errorf("the realm %s is of the origin %s", ch.Realm, got)
		}
		if !strings.EqualFold(ch.Realm.Hostname(), "r.azurecr.io") || ch.Realm.User != nil || ch.Realm.Fragment != "" {
			t.Errorf("the realm %s was let through", ch.Realm)
		}
		for _, scope := range ch.Scopes {
			if scope == "" || strings.ContainsAny(scope, " \t\r\n") {
				t.Errorf("%q is no scope", scope)
			}
		}
	})
}

func BenchmarkReadChallenge(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadChallenge([]string{acrChallenge}, acrPolicy); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadChallengeOf1MiBRefused(b *testing.B) {
	lines := []string{strings.Repeat(`Bearer a="b", `, 1<<20/14)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ReadChallenge(lines, acrPolicy); err == nil {
			b.Fatal("it was read")
		}
	}
}
