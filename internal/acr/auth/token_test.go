package auth

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/faulttest"
)

// asked is when the tokens of these tests were requested, on a clock that differs from the registry's.
var asked = time.Date(2026, 3, 1, 12, 0, 0, 500_000_000, time.FixedZone("CET", 3600))

func TestDecodeToken(t *testing.T) {
	var none time.Time
	asWhole := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC)
	quoted := strconv.Quote(jwt(acrClaims).Reveal())
	untilMinute := 54 * time.Second
	for name, test := range map[string]struct {
		body            string
		value           string
		issued, expires time.Time
		renewIn         time.Duration
	}{
		"Azure Container Registry": {`{"access_token":` + quoted + `}`, jwt(acrClaims).Reveal(), time.Unix(1700000000, 0).UTC(), time.Unix(1700004500, 0).UTC(), 4200 * time.Second},
		"opaque":                   {`{"access_token":"opaque"}`, "opaque", none, none, untilMinute},
		"token as a fallback":      {`{"token":"opaque"}`, "opaque", none, none, untilMinute},
		"both":                     {`{"token":"one","access_token":"two"}`, "two", none, none, untilMinute},
		"empty access_token":       {`{"access_token":"","token":"one"}`, "one", none, none, untilMinute},
		"null access_token":        {`{"access_token":null,"token":"one"}`, "one", none, none, untilMinute},
		"number access_token":      {`{"access_token":1,"token":"one"}`, "one", none, none, untilMinute},
		"expires_in":               {`{"token":"x","expires_in":300}`, "x", asWhole, asWhole.Add(5 * time.Minute), 270 * time.Second},
		"expires_in, a fraction":   {`{"token":"x","expires_in":300.9}`, "x", asWhole, asWhole.Add(5 * time.Minute), 270 * time.Second},
		"issued_at":                {`{"token":"x","expires_in":300,"issued_at":"2026-01-01T01:00:00+01:00"}`, "x", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 0, 5, 0, 0, time.UTC), 270 * time.Second},
		"issued_at alone":          {`{"token":"x","issued_at":"2026-01-01T00:00:00Z"}`, "x", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), none, untilMinute},
		"issued_at of no date":     {`{"token":"x","expires_in":300,"issued_at":"today"}`, "x", asWhole, asWhole.Add(5 * time.Minute), 270 * time.Second},
		"issued_at of a number":    {`{"token":"x","expires_in":300,"issued_at":1700000000}`, "x", asWhole, asWhole.Add(5 * time.Minute), 270 * time.Second},
		"issued_at at the end":     {`{"token":"x","expires_in":300,"issued_at":"9999-12-31T23:59:59-01:00"}`, "x", asWhole, asWhole.Add(5 * time.Minute), 270 * time.Second},
		"issued_at in year 0":      {`{"token":"x","expires_in":300,"issued_at":"0000-01-01T00:00:00Z"}`, "x", asWhole, asWhole.Add(5 * time.Minute), 270 * time.Second},
		"expires_in of a day":      {`{"token":"x","expires_in":86400}`, "x", asWhole, asWhole.Add(24 * time.Hour), 24*time.Hour - 5*time.Minute},
		"expires_in 0":             {`{"token":"x","expires_in":0}`, "x", none, none, untilMinute},
		"expires_in negative":      {`{"token":"x","expires_in":-1}`, "x", none, none, untilMinute},
		"expires_in huge":          {`{"token":"x","expires_in":1e18}`, "x", none, none, untilMinute},
		"expires_in beyond range":  {`{"token":"x","expires_in":1e999}`, "x", none, none, untilMinute},
		"expires_in text":          {`{"token":"x","expires_in":"300"}`, "x", asWhole, asWhole.Add(5 * time.Minute), 270 * time.Second},
		"expires_in words":         {`{"token":"x","expires_in":"soon"}`, "x", none, none, untilMinute},
		"expires_in empty text":    {`{"token":"x","expires_in":""}`, "x", none, none, untilMinute},
		"expires_in no number":     {`{"token":"x","expires_in":"NaN"}`, "x", none, none, untilMinute},
		"expires_in null":          {`{"token":"x","expires_in":null}`, "x", none, none, untilMinute},
		"expires_in object":        {`{"token":"x","expires_in":{"a":[]}}`, "x", none, none, untilMinute},
		"claims before expires_in": {`{"access_token":` + quoted + `,"expires_in":1}`, jwt(acrClaims).Reveal(), time.Unix(1700000000, 0).UTC(), time.Unix(1700004500, 0).UTC(), 4200 * time.Second},
		"claims without dates":     {`{"token":` + strconv.Quote(jwt(`{"sub":"x"}`).Reveal()) + `,"expires_in":300}`, jwt(`{"sub":"x"}`).Reveal(), asWhole, asWhole.Add(5 * time.Minute), 270 * time.Second},
		"claims without expiry":    {`{"token":` + strconv.Quote(jwt(`{"iat":1700000000}`).Reveal()) + `,"expires_in":300}`, jwt(`{"iat":1700000000}`).Reveal(), time.Unix(1700000000, 0).UTC(), time.Unix(1700000300, 0).UTC(), 270 * time.Second},
		"expiry without issue":     {`{"token":` + strconv.Quote(jwt(fmt.Sprintf(`{"exp":%d}`, asWhole.Add(time.Hour).Unix())).Reveal()) + `}`, jwt(fmt.Sprintf(`{"exp":%d}`, asWhole.Add(time.Hour).Unix())).Reveal(), none, asWhole.Add(time.Hour), asWhole.Add(time.Hour).Sub(asked) - 5*time.Minute},
		"expired before issued":    {`{"token":` + strconv.Quote(jwt(`{"iat":1700000000,"exp":1600000000}`).Reveal()) + `}`, jwt(`{"iat":1700000000,"exp":1600000000}`).Reveal(), time.Unix(1700000000, 0).UTC(), time.Unix(1600000000, 0).UTC(), untilMinute},
		"unknown members":          {`{"access_token":"x","refresh_token":"y","scope":{"a":1}}`, "x", none, none, untilMinute},
		"white space":              {"\r\n { \"token\" : \"x\" } \n", "x", none, none, untilMinute},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeToken([]byte(test.body), asked)
			if err != nil {
				t.Fatal(err)
			}
			if got.Value.Reveal() != test.value {
				t.Errorf("token = %q, want %q", got.Value.Reveal(), test.value)
			}
			if got.IssuedAt != test.issued || got.ExpiresAt != test.expires {
				t.Errorf("issued %s, expires %s; want %s and %s", got.IssuedAt, got.ExpiresAt, test.issued, test.expires)
			}
			if renewIn := got.renewAt.Sub(asked); renewIn != test.renewIn {
				t.Errorf("renewed after %s, want %s", renewIn, test.renewIn)
			}
		})
	}
}

// An error without an excerpt.
func TestDecodeTokenRefuses(t *testing.T) {
	for name, body := range map[string]string{
		"neither":            `{"refresh_token":"made-up-value"}`,
		"both empty":         `{"access_token":"","token":""}`,
		"both null":          `{"access_token":null,"token":null}`,
		"a number":           `{"access_token":123456}`,
		"an object":          `{"access_token":{"made-up-value":1}}`,
		"an array":           `{"access_token":["made-up-value"]}`,
		"true":               `{"token":true}`,
		"another case":       `{"Access_Token":"made-up-value","TOKEN":"made-up-value"}`,
		"a line break":       `{"access_token":"made-up-value\r\nX: y"}`,
		"a space":            `{"access_token":"made-up value"}`,
		"beyond ASCII":       `{"access_token":"made-up-valué"}`,
		"NUL":                `{"access_token":"made-up-value\u0000"}`,
		"both, one unusable": `{"access_token":"made-up value","token":"made-up-value"}`,
		"duplicate keys":     `{"access_token":"made-up-value","access_token":"made-up-value"}`,
		"invalid UTF-8":      "{\"access_token\":\"made-up-value\xff\"}",
		"empty body":         ``,
		"JSON null":          `null`,
		"JSON text":          `"made-up-value"`,
		"JSON array":         `["made-up-value"]`,
		"truncated":          `{"access_token":"made-up-value`,
		"trailing data":      `{"access_token":"made-up-value"}x`,
		"HTML":               `<html>made-up-value</html>`,
		"a form":             `access_token=made-up-value`,
		"garbage":            "\x00\xff\xfe",
		"deep nesting":       strings.Repeat(`{"token":`, 10_001),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeToken([]byte(body), asked)
			if err == nil || got != nil {
				t.Fatalf("token = %+v, error = %v", got, err)
			}
			if strings.Contains(err.Error(), "made-up") || strings.Contains(err.Error(), "123456") || !strings.Contains(err.Error(), "holds no token") {
				t.Errorf("error = %q", err)
			}
		})
	}
}

func TestSeconds(t *testing.T) {
	for raw, want := range map[string]time.Duration{
		"1": time.Second, "1.999": time.Second, "6e1": time.Minute, "31536000": 365 * 24 * time.Hour, `"60"`: time.Minute,
		"": 0, "0": 0, "0.999": 0, "-0": 0, "-1": 0, "31536001": 0, "1e400": 0, "-1e400": 0, `"1y"`: 0, "null": 0, "true": 0, "[60]": 0, `{"a":1}`: 0,
	} {
		got, ok := seconds(jsontext.Value(raw))
		if got != want || ok != (want > 0) {
			t.Errorf("seconds(%s) = %s, %t; want %s", raw, got, ok, want)
		}
	}
}

func TestUntilRenewal(t *testing.T) {
	for lifetime, want := range map[time.Duration]time.Duration{
		0:                54 * time.Second,
		-time.Hour:       54 * time.Second,
		time.Second:      900 * time.Millisecond,
		time.Minute:      54 * time.Second,
		50 * time.Minute: 45 * time.Minute,
		75 * time.Minute: 70 * time.Minute,
		1<<63 - 1:        1<<63 - 1 - 5*time.Minute,
		-1 << 63:         54 * time.Second,
	} {
		if got := untilRenewal(lifetime); got != want {
			t.Errorf("a token that lives %s is used for %s, want %s", lifetime, got, want)
		}
	}
}

func TestMissingActions(t *testing.T) {
	for name, test := range map[string]struct {
		claims string // empty for an opaque token
		scopes []string
		want   []string
	}{
		"all granted":         {acrClaims, []string{"repository:alpine:pull"}, nil},
		"one missing":         {acrClaims, []string{"repository:alpine:pull,push"}, []string{"repository:alpine:push"}},
		"another resource":    {acrClaims, []string{"repository:alpine:pull", "repository:b:pull,push"}, []string{"repository:b:pull", "repository:b:push"}},
		"granted nothing":     {`{"access":[]}`, []string{"repository:alpine:pull"}, []string{"repository:alpine:pull"}},
		"access null":         {`{"access":null}`, []string{"repository:alpine:pull"}, []string{"repository:alpine:pull"}},
		"catalog":             {`{"access":[{"type":"registry","name":"catalog","actions":["*"]}]}`, []string{"registry:catalog:*"}, nil},
		"* in part":           {`{"access":[{"type":"registry","name":"catalog","actions":["read"]}]}`, []string{"registry:catalog:*"}, nil},
		"* for nothing":       {`{"access":[{"type":"registry","name":"catalog","actions":[]}]}`, []string{"registry:catalog:*"}, []string{"registry:catalog:*"}},
		"* grants all":        {`{"access":[{"type":"repository","name":"a","actions":["*"]}]}`, []string{"repository:a:pull,push"}, nil},
		"over two entries":    {`{"access":[{"type":"repository","name":"a","actions":["pull"]},{"type":"repository","name":"a","actions":["push"]}]}`, []string{"repository:a:pull,push"}, nil},
		"type with a class":   {`{"access":[{"type":"repository","class":"plugin","name":"x","actions":["pull"]}]}`, []string{"repository(plugin):x:pull,push"}, []string{"repository(plugin):x:push"}},
		"class in the claim":  {`{"access":[{"type":"repository(plugin)","name":"x","actions":["pull"]}]}`, []string{"repository(plugin):x:pull"}, nil},
		"another type":        {`{"access":[{"type":"registry","name":"alpine","actions":["pull"]}]}`, []string{"repository:alpine:pull"}, []string{"repository:alpine:pull"}},
		"opaque":              {"", []string{"repository:alpine:pull"}, nil},
		"no access claim":     {`{"sub":"x"}`, []string{"repository:alpine:pull"}, nil},
		"unreadable access":   {`{"access":"all"}`, []string{"repository:alpine:pull"}, nil},
		"nothing asked for":   {acrClaims, nil, nil},
		"name with a port":    {`{"access":[{"type":"repository","name":"r.example:5000/a","actions":["pull"]}]}`, []string{"repository:r.example:5000/a:pull"}, nil},
		"prefix is no grant":  {acrClaims, []string{"repository:alp:pull"}, []string{"repository:alp:pull"}},
		"case makes a differ": {acrClaims, []string{"repository:Alpine:pull"}, []string{"repository:Alpine:pull"}},
	} {
		t.Run(name, func(t *testing.T) {
			token := &Token{Scopes: test.scopes}
			if test.claims != "" {
				claims, err := ParseClaims(jwt(test.claims))
				if err != nil {
					t.Fatal(err)
				}
				token.Claims = claims
			}
			if got := token.MissingActions(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("missing = %q, want %q", got, test.want)
			}
		})
	}
}

func TestTokenOpensWhatItWasAskedForAndGranted(t *testing.T) {
	const a, b = "repository:a:pull", "repository:b:pull"
	for name, test := range map[string]struct {
		claims string // empty for an opaque token
		scopes []string
		want   bool
	}{
		"granted":        {`{"access":[{"type":"repository","name":"a","actions":["pull"]}]}`, []string{a}, true},
		"left out":       {`{"access":[{"type":"repository","name":"a","actions":["pull"]}]}`, []string{b}, false},
		"one of two":     {`{"access":[{"type":"repository","name":"a","actions":["pull"]}]}`, []string{a, b}, false},
		"too little":     {`{"access":[{"type":"repository","name":"a","actions":["metadata_read"]}]}`, []string{a}, false},
		"not asked for":  {`{"access":[{"type":"repository","name":"c","actions":["pull"]}]}`, []string{"repository:c:pull"}, false},
		"opaque":         {"", []string{a, b}, true},
		"without access": {`{"sub":"x"}`, []string{a}, true},
	} {
		t.Run(name, func(t *testing.T) {
			token := &Token{Scopes: []string{a, b}}
			if test.claims != "" {
				claims, err := ParseClaims(jwt(test.claims))
				if err != nil {
					t.Fatal(err)
				}
				token.Claims = claims
			}
			if got := token.Opens(test.scopes); got != test.want {
				t.Errorf("opens %q: %t, want %t", test.scopes, got, test.want)
			}
		})
	}
}

// The decoded token fits into a header, is the text in the JSON, and has dates that RFC 3339 can write.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"` + jwt(acrClaims).Reveal() + `"}`,
		`{"token":"` + jwt(`{"iat":1700000000,"aud":["a"],"access":[]}`).Reveal() + `","expires_in":300}`,
		`{"token":"x","access_token":"y","expires_in":3.5e2,"issued_at":"2026-01-01T01:00:00+01:00"}`,
		`{"token":"x","expires_in":1e999,"issued_at":"9999-12-31T23:59:59-01:00"}`,
		`{"access_token":null,"token":[]}`,
		`{"access_token":"a\r\nb"}`,
		`{"access_token":"a.e30.c"}`,
		`[]`,
		``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := decodeToken(body, asked)
		if err != nil {
			if token != nil {
				t.Error("an error and a token")
			}
			return
		}
		checkToken(t, token)
		again, err := decodeToken([]byte(`{"token":`+strconv.Quote(token.Value.Reveal())+`}`), asked)
		if err != nil || again.Value.Reveal() != token.Value.Reveal() || !reflect.DeepEqual(again.Claims, token.Claims) {
			t.Errorf("the token %q is read as %v (%v)", token.Value.Reveal(), again, err)
		}
	})
}

func checkToken(t *testing.T, token *Token) {
	t.Helper()
	if text := token.Value.Reveal(); text == "" || strings.IndexFunc(text, func(r rune) bool { return r < '!' || r > '~' }) >= 0 {
		t.Errorf("%q cannot stand in a header", text)
	}
	for _, at := range []time.Time{token.IssuedAt, token.ExpiresAt} {
		if !at.IsZero() && (at.Year() < 1970 || at.Year() > 9999 || at.Location() != time.UTC) {
			t.Errorf("%s is no date for RFC 3339", at)
		}
	}
	if !token.renewAt.After(asked) {
		t.Errorf("renewed at %s, before it was asked for", token.renewAt)
	}
	if missing := token.MissingActions(); len(missing) > 0 {
		t.Errorf("%q is missing of nothing", missing)
	}
}

func BenchmarkDecodeToken(b *testing.B) {
	body := []byte(`{"access_token":"` + jwt(acrClaims).Reveal() + `"}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeToken(body, asked); err != nil {
			b.Fatal(err)
		}
	}
}

func TestValidateAccessToken(t *testing.T) {
	faulttest.WantArgument(t, ValidateAccessToken(secret.New("opaque")), "")
	faulttest.WantArgument(t, ValidateAccessToken(jwt(acrClaims)), "")
	for _, token := range []string{"", "made-up\n", "made up", "made-üp"} {
		err := ValidateAccessToken(secret.New(token))
		faulttest.WantArgument(t, err, "access_token")
		if err != nil && strings.Contains(err.Error(), "made") {
			t.Errorf("error %q shows the token", err)
		}
	}
}
