package acr

import (
	"errors"
	"maps"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// acrChallenge is what Azure Container Registry answers to a manifest's GET.
const acrChallenge = `Bearer realm="https://r.azurecr.io/oauth2/token",service="r.azurecr.io",scope="repository:alpine:pull"`

var acrPolicy = newRealmPolicy(hostOrigin("https", "r.azurecr.io"), nil)

// TestParseChallenges holds the parser to RFC 9110 sections 5.6 and 11, hardening item 4.
func TestParseChallenges(t *testing.T) {
	type params = map[string]string
	bearer := func(p params) authChallenge { return authChallenge{scheme: "Bearer", params: p} }
	basic := authChallenge{scheme: "Basic", params: params{"realm": "x"}}
	for name, test := range map[string]struct {
		lines []string
		want  []authChallenge
	}{
		"no line":          {nil, nil},
		"empty line":       {[]string{""}, nil},
		"only separators":  {[]string{" , ,\t,"}, nil},
		"scheme alone":     {[]string{"Negotiate"}, []authChallenge{{scheme: "Negotiate", params: params{}}}},
		"scheme and space": {[]string{"Negotiate "}, []authChallenge{{scheme: "Negotiate", params: params{}}}},
		"Azure Container Registry": {[]string{acrChallenge}, []authChallenge{bearer(params{
			"realm": "https://r.azurecr.io/oauth2/token", "service": "r.azurecr.io", "scope": "repository:alpine:pull",
		})}},
		"comma in quotes":              {[]string{`Bearer scope="repository:alpine:pull,push",a=b`}, []authChallenge{bearer(params{"scope": "repository:alpine:pull,push", "a": "b"})}},
		"several in one line":          {[]string{`Basic realm="x", Bearer a=b`}, []authChallenge{basic, bearer(params{"a": "b"})}},
		"several lines":                {[]string{`Basic realm="x"`, `Bearer a=b`}, []authChallenge{basic, bearer(params{"a": "b"})}},
		"parameters go on in a line":   {[]string{`Bearer a=b`, `c=d`}, []authChallenge{bearer(params{"a": "b", "c": "d"})}},
		"scheme alone among others":    {[]string{`Negotiate, Basic realm="x"`}, []authChallenge{{scheme: "Negotiate", params: params{}}, basic}},
		"the RFC's example":            {[]string{`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`}, []authChallenge{{scheme: "Basic", params: params{"realm": "simple"}}, {scheme: "Newauth", params: params{"realm": "apps", "type": "1", "title": `Login to "apps"`}}}},
		"token68":                      {[]string{"Negotiate YWJj+/-._~=="}, []authChallenge{{scheme: "Negotiate", token68: "YWJj+/-._~==", params: params{}}}},
		"token68 before a challenge":   {[]string{"NTLM YWJj, Bearer a=b"}, []authChallenge{{scheme: "NTLM", token68: "YWJj", params: params{}}, bearer(params{"a": "b"})}},
		"token68 with space behind":    {[]string{"NTLM YWJj= \t, Bearer a=b"}, []authChallenge{{scheme: "NTLM", token68: "YWJj=", params: params{}}, bearer(params{"a": "b"})}},
		"quoted pairs":                 {[]string{`Bearer a="\"\\\,\x"`}, []authChallenge{bearer(params{"a": `"\,x`})}},
		"bad white space around =":     {[]string{"Bearer a \t= \"b\" , c= d"}, []authChallenge{bearer(params{"a": "b", "c": "d"})}},
		"several spaces":               {[]string{"  Bearer   a=b  "}, []authChallenge{bearer(params{"a": "b"})}},
		"empty list elements":          {[]string{`,, Bearer a=b,, ,c=d, , Basic realm="x",`}, []authChallenge{bearer(params{"a": "b", "c": "d"}), basic}},
		"names in any case":            {[]string{`Bearer REALM="x",ScOpE=y`}, []authChallenge{bearer(params{"realm": "x", "scope": "y"})}},
		"scheme keeps its case":        {[]string{`bEARER a=b`}, []authChallenge{{scheme: "bEARER", params: params{"a": "b"}}}},
		"empty quoted value":           {[]string{`Bearer a=""`}, []authChallenge{bearer(params{"a": ""})}},
		"tab in quotes":                {[]string{"Bearer a=\"x\ty\""}, []authChallenge{bearer(params{"a": "x\ty"})}},
		"bytes over 0x7f in quotes":    {[]string{"Bearer a=\"\xc3\xa9\xff\""}, []authChallenge{bearer(params{"a": "\xc3\xa9\xff"})}},
		"all characters of a token":    {[]string{"Bearer !#$%&'*+-.^_`|~09azAZ=x"}, []authChallenge{bearer(params{"!#$%&'*+-.^_`|~09azaz": "x"})}},
		"same name in two challenges":  {[]string{`Basic realm="x", Bearer realm="y"`}, []authChallenge{basic, bearer(params{"realm": "y"})}},
		"a challenge within quotes":    {[]string{`Basic realm="x, Bearer realm=y"`}, []authChallenge{{scheme: "Basic", params: params{"realm": "x, Bearer realm=y"}}}},
		"scheme with a quoted comma":   {[]string{`Bearer a="b,", Basic realm="x"`}, []authChallenge{bearer(params{"a": "b,"}), basic}},
		"value that looks like a name": {[]string{`Bearer a=Basic, Basic realm="x"`}, []authChallenge{bearer(params{"a": "Basic"}), basic}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseChallenges(test.lines)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("challenges = %#v, want %#v", got, test.want)
			}
		})
	}
}

func TestParseChallengesRefusesMalformed(t *testing.T) {
	for name, test := range map[string]struct{ header, fault string }{
		"duplicate realm, hardening item 4": {`Bearer realm="https://r.azurecr.io/",realm="https://evil.example/"`, "occurs twice"},
		"duplicate in another case":         {`Bearer realm="x",REALM="y"`, "occurs twice"},
		"duplicate of an equal value":       {`Bearer scope=x,scope=x`, "occurs twice"},
		"duplicate behind an empty element": {`Bearer a=b,,a=c`, "occurs twice"},
		"unterminated quote":                {`Bearer realm="https://r.azurecr.io/`, "has no end"},
		"unterminated after a quoted pair":  {`Bearer realm="x\"`, "has no end"},
		"backslash at the end":              {`Bearer realm="x\`, "has no end"},
		"text behind a quoted value":        {`Bearer realm="x"y`, "a comma is missing"},
		"missing comma":                     {`Bearer realm="x" scope="y"`, "a comma is missing"},
		"parameter without value":           {`Bearer realm="x",scope=`, "value is missing"},
		"parameter without name":            {`Bearer ="x"`, "name is missing"},
		"two words":                         {`Bearer a b`, "has no value"},
		"no scheme":                         {`="x"`, "scheme is missing"},
		"quoted scheme":                     {`"Bearer" realm="x"`, "scheme is missing"},
		"parameter first":                   {`realm="https://r.azurecr.io/"`, "not allowed"},
		"slash in scheme":                   {`Bear/er realm="x"`, "not allowed"},
		"letter beyond ASCII in a token":    {"Bearer a=\xc3\xa9", "value is missing"},
		"line feed in quotes":               {"Bearer realm=\"x\ny\"", "control character"},
		"escaped NUL":                       {"Bearer realm=\"x\\\x00\"", "control character"},
		"DEL in quotes":                     {"Bearer realm=\"\x7f\"", "control character"},
		"semicolon for comma":               {`Bearer realm="x";scope="y"`, "a comma is missing"},
		"token68 and parameter":             {`Bearer YWJj==,a=b`, "not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseChallenges([]string{test.header})
			if err == nil {
				t.Fatalf("%q was read as %v", test.header, got)
			}
			if !strings.Contains(err.Error(), test.fault) {
				t.Errorf("error = %q, want %q in it", err, test.fault)
			}
			if strings.Contains(err.Error(), "azurecr") || strings.Contains(err.Error(), "evil") {
				t.Errorf("error %q quotes the header", err)
			}
		})
	}
}

func TestReadChallenge(t *testing.T) {
	const foreign = `Bearer realm="https://evil.example/token",service="r.azurecr.io"`
	for name, test := range map[string]struct {
		lines []string
		want  challenge // realm left out: it is always the registry's own
	}{
		"Azure Container Registry":         {[]string{acrChallenge}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull"}}},
		"no scope, as /v2/ answers":        {[]string{`Bearer realm="https://r.azurecr.io/oauth2/token",service="r.azurecr.io"`}, challenge{service: "r.azurecr.io", scopes: []string{}}},
		"realm alone":                      {[]string{`Bearer realm="https://r.azurecr.io/oauth2/token"`}, challenge{scopes: []string{}}},
		"scheme in any case":               {[]string{`BEARER Realm="https://r.azurecr.io/oauth2/token"`}, challenge{scopes: []string{}}},
		"push and pull in one scope":       {[]string{acrChallenge[:len(acrChallenge)-1] + `,push"`}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull,push"}}},
		"several scopes":                   {[]string{acrChallenge[:len(acrChallenge)-1] + `  repository:b:pull"`}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull", "repository:b:pull"}}},
		"insufficient_scope":               {[]string{acrChallenge + `,error="insufficient_scope"`}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull"}, code: "insufficient_scope"}},
		"behind Basic in one line":         {[]string{`Basic realm="Azure Container Registry", ` + acrChallenge}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull"}}},
		"behind Basic in another line":     {[]string{`Basic realm="Azure Container Registry"`, acrChallenge}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull"}}},
		"behind a hostile one, item 4":     {[]string{foreign, acrChallenge}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull"}}},
		"before a hostile one, item 4":     {[]string{acrChallenge, foreign}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull"}}},
		"behind one without realm, item 4": {[]string{"Bearer", `Bearer scope="x"`, acrChallenge}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull"}}},
		"unknown parameters":               {[]string{acrChallenge + `,x=y`}, challenge{service: "r.azurecr.io", scopes: []string{"repository:alpine:pull"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readChallenge(test.lines, acrPolicy)
			if err != nil {
				t.Fatal(err)
			}
			if got.realm.String() != "https://r.azurecr.io/oauth2/token" {
				t.Errorf("realm = %s", got.realm)
			}
			got.realm = nil
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
		"no realm":         {[]string{`Bearer service="r.azurecr.io"`}, false, true, "names no usable token server"},
		"token68":          {[]string{"Bearer YWJj"}, false, true, "names no usable token server"},
		"malformed second": {[]string{acrChallenge, `Bearer realm="`}, false, false, "malformed at byte"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readChallenge(test.lines, acrPolicy)
			if err == nil {
				t.Fatal("a challenge was found")
			}
			var foreign *foreignRealmError
			if errors.Is(err, errNoBearer) != test.noBearer || errors.As(err, &foreign) != test.foreign {
				t.Errorf("error %q: no Bearer %t, foreign %t", err, errors.Is(err, errNoBearer), errors.As(err, &foreign))
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("error = %q, want %q in it", err, test.text)
			}
		})
	}
}

func TestChallengeKeyTellsWhatIsAskedFor(t *testing.T) {
	realm := &url.URL{Scheme: "https", Host: "r.azurecr.io", Path: "/oauth2/token"}
	base := challenge{realm: realm, service: "r.azurecr.io", scopes: []string{"repository:a:pull"}}
	same := base
	same.code = "invalid_token"
	if base.key() != same.key() {
		t.Error("the error code makes a difference")
	}
	other := *realm
	other.Host = "s.azurecr.io"
	keys := map[string]bool{base.key(): true}
	for _, c := range []challenge{
		base.withScopes("repository:a:pull", "repository:b:pull"),
		base.withScopes("repository:a:pull repository:b:pull"),
		base.withScopes("repository:A:pull"),
		base.withScopes(),
		{realm: realm, scopes: base.scopes},
		{realm: &other, service: base.service, scopes: base.scopes},
	} {
		if keys[c.key()] {
			t.Errorf("%v shares a key with another challenge", c)
		}
		keys[c.key()] = true
	}
}

// hostileChallenges are 64 KiB each, the most that a response header may have.
func hostileChallenges() map[string]string {
	fill := func(start, part string) string {
		return start + strings.Repeat(part, (maxChallengeBytes-len(start))/len(part))
	}
	return map[string]string{
		"commas":            fill("", ","),
		"spaces":            fill("Bearer", " "),
		"schemes":           fill("", "a,"),
		"parameters":        fill("Bearer ", "a=b,"),
		"token68":           fill("Bearer ", "a"),
		"padding":           fill("Bearer a", "="),
		"an open quote":     fill(`Bearer a="`, "x"),
		"quoted pairs":      fill(`Bearer a="`, `\"`),
		"separated schemes": fill("", "a ,"),
		"spaces before =":   fill("Bearer a=b, c", " "),
		"words":             fill("Bearer ", "a "),
		"challenges":        fill("", `B r="x",`),
	}
}

// quick tells linear time, a millisecond or so, from quadratic time on a machine however busy; the benchmarks measure.
const quick = 2 * time.Second

// quickest gives the shortest of up to 20 runs, and stops at one within the limit: a busy machine makes a run slow, but
// not all of them, while work that grows with the square of its input is slow in all.
func quickest(limit time.Duration, run func()) time.Duration {
	best := time.Duration(math.MaxInt64)
	for n := 0; n < 20 && best > limit; n++ {
		started := time.Now()
		run()
		best = min(best, time.Since(started))
	}
	return best
}

// Hardening item 17: parsing is linear, and what is over the limit of all headers is refused unread.
func TestHostileChallengesAreQuick(t *testing.T) {
	const limit = quick
	for name, header := range hostileChallenges() {
		if took := quickest(limit, func() { _, _ = parseChallenges([]string{header}) }); took > limit {
			t.Errorf("%s: %d bytes took %s, want at most %s", name, len(header), took, limit)
		}
	}
	for name, lines := range map[string][]string{
		"one line":   {strings.Repeat("a", 1<<20)},
		"many lines": slices.Repeat([]string{"Bearer a=b"}, 1<<17),
	} {
		var err error
		if took := quickest(limit, func() { _, err = parseChallenges(lines) }); took > limit {
			t.Errorf("%s: took %s to refuse, want at most %s", name, took, limit)
		}
		if err == nil || !strings.Contains(err.Error(), "over the limit of 65536") {
			t.Errorf("%s: error = %v, want the limit in it", name, err)
		}
	}
	atLimit := "Bearer a=" + strings.Repeat("b", maxChallengeBytes-len("Bearer a="))
	if _, err := parseChallenges([]string{atLimit}); err != nil {
		t.Errorf("a header of exactly the limit: %v", err)
	}
	if _, err := parseChallenges([]string{atLimit + "b"}); err == nil {
		t.Error("a header one byte over the limit was read")
	}
}

// FuzzChallenge, hardening item 20: what is read is within the grammar and survives being written and read again, and no
// challenge leads past the realm policy.
func FuzzChallenge(f *testing.F) {
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
		challenges, err := parseChallenges([]string{header})
		if err != nil {
			return
		}
		for _, c := range challenges {
			checkChallenge(t, c)
		}
		again, err := parseChallenges([]string{formatChallenges(challenges)})
		if err != nil || !reflect.DeepEqual(again, challenges) {
			t.Errorf("%q was read as %v, and what that is written as is read as %v (%v)", header, challenges, again, err)
		}
		ch, err := readChallenge([]string{header}, acrPolicy)
		if err != nil {
			return
		}
		if got := originOf(ch.realm).String(); got != "https://r.azurecr.io" {
			t.Errorf("the realm %s is of the origin %s", ch.realm, got)
		}
		if !strings.EqualFold(ch.realm.Hostname(), "r.azurecr.io") || ch.realm.User != nil || ch.realm.Fragment != "" {
			t.Errorf("the realm %s was let through", ch.realm)
		}
		for _, scope := range ch.scopes {
			if scope == "" || strings.ContainsAny(scope, " \t\r\n") {
				t.Errorf("%q is no scope", scope)
			}
		}
	})
}

func checkChallenge(t *testing.T, c authChallenge) {
	t.Helper()
	token := func(text string) bool {
		return text != "" && strings.IndexFunc(text, func(r rune) bool { return r > 0x7f || !isTokenChar(byte(r)) }) < 0
	}
	if !token(c.scheme) {
		t.Errorf("%q is no scheme", c.scheme)
	}
	if c.token68 != "" && len(c.params) > 0 {
		t.Errorf("%v has a token68 and parameters", c)
	}
	for name, value := range c.params {
		if !token(name) || name != strings.ToLower(name) {
			t.Errorf("%q is no parameter name in lower case", name)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			t.Errorf("%q holds a control character", value)
		}
	}
}

// formatChallenges writes challenges as parseChallenges reads them.
func formatChallenges(challenges []authChallenge) string {
	var all []string
	for _, c := range challenges {
		text := c.scheme
		if c.token68 != "" {
			text += " " + c.token68
		}
		var params []string
		for _, name := range slices.Sorted(maps.Keys(c.params)) {
			params = append(params, name+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(c.params[name])+`"`)
		}
		if len(params) > 0 {
			text += " " + strings.Join(params, ", ")
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func BenchmarkReadChallenge(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readChallenge([]string{acrChallenge}, acrPolicy); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadChallengeOf1MiBRefused(b *testing.B) {
	lines := []string{strings.Repeat(`Bearer a="b", `, 1<<20/14)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readChallenge(lines, acrPolicy); err == nil {
			b.Fatal("it was read")
		}
	}
}

func BenchmarkParseHostileChallengesOf64KiB(b *testing.B) {
	for name, header := range hostileChallenges() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(header)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = parseChallenges([]string{header})
			}
		})
	}
}
