package wire

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// acrChallenge is what Azure Container Registry answers to a manifest's GET.
const acrChallenge = `Bearer realm="https://r.azurecr.io/oauth2/token",service="r.azurecr.io",scope="repository:alpine:pull"`

func TestParseChallengesRefusesMalformed(t *testing.T) {
	for name, test := range map[string]struct{ header, fault string }{
		"duplicate realm":                   {`Bearer realm="https://r.azurecr.io/",realm="https://evil.example/"`, "occurs twice"},
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
			got, err := ParseChallenges([]string{test.header})
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

// hostileChallenges returns challenges of 64 KiB each, the most that a response header may have.
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

// quick distinguishes linear time, about a millisecond, from quadratic time, even on a busy machine; the benchmarks
// wire.measure.
const quick = 2 * time.Second

// Parsing is linear, and text over the limit of all headers is refused unparsed.
func TestHostileChallengesAreQuick(t *testing.T) {
	const limit = quick
	for name, header := range hostileChallenges() {
		if took := quickest(limit, func() { _, _ = ParseChallenges([]string{header}) }); took > limit {
			t.Errorf("%s: %d bytes took %s, want at most %s", name, len(header), took, limit)
		}
	}
	for name, lines := range map[string][]string{
		"one line":   {strings.Repeat("a", 1<<20)},
		"many lines": slices.Repeat([]string{"Bearer a=b"}, 1<<17),
	} {
		var err error
		if took := quickest(limit, func() { _, err = ParseChallenges(lines) }); took > limit {
			t.Errorf("%s: took %s to refuse, want at most %s", name, took, limit)
		}
		if err == nil || !strings.Contains(err.Error(), "over the limit of 65536") {
			t.Errorf("%s: error = %v, want the limit in it", name, err)
		}
	}
	atLimit := "Bearer a=" + strings.Repeat("b", maxChallengeBytes-len("Bearer a="))
	if _, err := ParseChallenges([]string{atLimit}); err != nil {
		t.Errorf("a header of exactly the limit: %v", err)
	}
	if _, err := ParseChallenges([]string{atLimit + "b"}); err == nil {
		t.Error("a header one byte over the limit was read")
	}
}

func BenchmarkParseHostileChallengesOf64KiB(b *testing.B) {
	for name, header := range hostileChallenges() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(header)))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = ParseChallenges([]string{header})
			}
		})
	}
}

// quickest returns the shortest of up to 20 runs, and stops at one within the limit: a busy machine makes a run slow, but
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

func checkChallenge(t *testing.T, c Challenge) {
	t.Helper()
	token := func(text string) bool {
		return text != "" && strings.IndexFunc(text, func(r rune) bool { return r > 0x7f || !isTokenChar(byte(r)) }) < 0
	}
	if !token(c.Scheme) {
		t.Errorf("%q is no scheme", c.Scheme)
	}
	if c.Token68 != "" && len(c.Params) > 0 {
		t.Errorf("%v has a token68 and parameters", c)
	}
	for name, value := range c.Params {
		if !token(name) || name != strings.ToLower(name) {
			t.Errorf("%q is no parameter name in lower case", name)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			t.Errorf("%q contains a control character", value)
		}
	}
}

// formatChallenges writes challenges as ParseChallenges reads them.
func formatChallenges(challenges []Challenge) string {
	var all []string
	for _, c := range challenges {
		text := c.Scheme
		if c.Token68 != "" {
			text += " " + c.Token68
		}
		var params []string
		for _, name := range slices.Sorted(maps.Keys(c.Params)) {
			params = append(params, name+`="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(c.Params[name])+`"`)
		}
		if len(params) > 0 {
			text += " " + strings.Join(params, ", ")
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// TestParseChallenges checks the parser against RFC 9110 sections 5.6 and 11.
func TestParseChallenges(t *testing.T) {
	type params = map[string]string
	bearer := func(p params) Challenge { return Challenge{Scheme: "Bearer", Params: p} }
	basic := Challenge{Scheme: "Basic", Params: params{"realm": "x"}}
	for name, test := range map[string]struct {
		lines []string
		want  []Challenge
	}{
		"no line":          {nil, nil},
		"empty line":       {[]string{""}, nil},
		"only separators":  {[]string{" , ,\t,"}, nil},
		"scheme alone":     {[]string{"Negotiate"}, []Challenge{{Scheme: "Negotiate", Params: params{}}}},
		"scheme and space": {[]string{"Negotiate "}, []Challenge{{Scheme: "Negotiate", Params: params{}}}},
		"Azure Container Registry": {[]string{acrChallenge}, []Challenge{bearer(params{
			"realm": "https://r.azurecr.io/oauth2/token", "service": "r.azurecr.io", "scope": "repository:alpine:pull",
		})}},
		"comma in quotes":              {[]string{`Bearer scope="repository:alpine:pull,push",a=b`}, []Challenge{bearer(params{"scope": "repository:alpine:pull,push", "a": "b"})}},
		"several in one line":          {[]string{`Basic realm="x", Bearer a=b`}, []Challenge{basic, bearer(params{"a": "b"})}},
		"several lines":                {[]string{`Basic realm="x"`, `Bearer a=b`}, []Challenge{basic, bearer(params{"a": "b"})}},
		"parameters go on in a line":   {[]string{`Bearer a=b`, `c=d`}, []Challenge{bearer(params{"a": "b", "c": "d"})}},
		"scheme alone among others":    {[]string{`Negotiate, Basic realm="x"`}, []Challenge{{Scheme: "Negotiate", Params: params{}}, basic}},
		"the RFC's example":            {[]string{`Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\""`}, []Challenge{{Scheme: "Basic", Params: params{"realm": "simple"}}, {Scheme: "Newauth", Params: params{"realm": "apps", "type": "1", "title": `Login to "apps"`}}}},
		"token68":                      {[]string{"Negotiate YWJj+/-._~=="}, []Challenge{{Scheme: "Negotiate", Token68: "YWJj+/-._~==", Params: params{}}}},
		"token68 before a challenge":   {[]string{"NTLM YWJj, Bearer a=b"}, []Challenge{{Scheme: "NTLM", Token68: "YWJj", Params: params{}}, bearer(params{"a": "b"})}},
		"token68 with space behind":    {[]string{"NTLM YWJj= \t, Bearer a=b"}, []Challenge{{Scheme: "NTLM", Token68: "YWJj=", Params: params{}}, bearer(params{"a": "b"})}},
		"quoted pairs":                 {[]string{`Bearer a="\"\\\,\x"`}, []Challenge{bearer(params{"a": `"\,x`})}},
		"bad white space around =":     {[]string{"Bearer a \t= \"b\" , c= d"}, []Challenge{bearer(params{"a": "b", "c": "d"})}},
		"several spaces":               {[]string{"  Bearer   a=b  "}, []Challenge{bearer(params{"a": "b"})}},
		"empty list elements":          {[]string{`,, Bearer a=b,, ,c=d, , Basic realm="x",`}, []Challenge{bearer(params{"a": "b", "c": "d"}), basic}},
		"names in any case":            {[]string{`Bearer REALM="x",ScOpE=y`}, []Challenge{bearer(params{"realm": "x", "scope": "y"})}},
		"scheme keeps its case":        {[]string{`bEARER a=b`}, []Challenge{{Scheme: "bEARER", Params: params{"a": "b"}}}},
		"empty quoted value":           {[]string{`Bearer a=""`}, []Challenge{bearer(params{"a": ""})}},
		"tab in quotes":                {[]string{"Bearer a=\"x\ty\""}, []Challenge{bearer(params{"a": "x\ty"})}},
		"bytes over 0x7f in quotes":    {[]string{"Bearer a=\"\xc3\xa9\xff\""}, []Challenge{bearer(params{"a": "\xc3\xa9\xff"})}},
		"all characters of a token":    {[]string{"Bearer !#$%&'*+-.^_`|~09azAZ=x"}, []Challenge{bearer(params{"!#$%&'*+-.^_`|~09azaz": "x"})}},
		"same name in two challenges":  {[]string{`Basic realm="x", Bearer realm="y"`}, []Challenge{basic, bearer(params{"realm": "y"})}},
		"a challenge within quotes":    {[]string{`Basic realm="x, Bearer realm=y"`}, []Challenge{{Scheme: "Basic", Params: params{"realm": "x, Bearer realm=y"}}}},
		"scheme with a quoted comma":   {[]string{`Bearer a="b,", Basic realm="x"`}, []Challenge{bearer(params{"a": "b,"}), basic}},
		"value that looks like a name": {[]string{`Bearer a=Basic, Basic realm="x"`}, []Challenge{bearer(params{"a": "Basic"}), basic}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseChallenges(test.lines)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("challenges = %#v, want %#v", got, test.want)
			}
		})
	}
}

// FuzzParseChallenges: parsed challenges are within the grammar, and survive formatting and parsing.
func FuzzParseChallenges(f *testing.F) {
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
		challenges, err := ParseChallenges([]string{header})
		if err != nil {
			return
		}
		for _, c := range challenges {
			checkChallenge(t, c)
		}
		again, err := ParseChallenges([]string{formatChallenges(challenges)})
		if err != nil || !reflect.DeepEqual(again, challenges) {
			t.Errorf("%q was read as %v, and what that is written as is read as %v (%v)", header, challenges, again, err)
		}
	})
}
