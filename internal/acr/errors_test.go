package acr

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// What registries send is in the forms that Azure Container Registry was seen to send, and in those of others.
func TestDecodeErrors(t *testing.T) {
	for name, test := range map[string]struct{ body, code, message string }{
		"challenge":          {`{"errors":[{"code":"UNAUTHORIZED","message":"authentication required, visit https://aka.ms/acr/authorization for more information.","detail":[{"Type":"repository","Name":"alpine","Action":"pull"}]}]}`, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information."},
		"firewall":           {`{"errors":[{"code":"DENIED","message":"client with IP \u00271.2.3.4\u0027 is not allowed access."}]}` + "\n", "DENIED", "client with IP '1.2.3.4' is not allowed access."},
		"detail an object":   {`{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest tagged by \"x\" is not found","detail":{"Tag":"x"}}]}`, "MANIFEST_UNKNOWN", `manifest tagged by "x" is not found`},
		"detail null":        {`{"errors":[{"code":"NAME_UNKNOWN","message":"m","detail":null}]}`, "NAME_UNKNOWN", "m"},
		"detail a text":      {`{"errors":[{"code":"A","message":"m","detail":"d"}]}`, "A", "m"},
		"no message":         {`{"errors":[{"code":"A"}]}`, "A", ""},
		"the first counts":   {`{"errors":[{"code":"A","message":"m"},{"code":"B","message":"n"}]}`, "A", "m"},
		"among other things": {`{"x":1,"errors":[{"code":"A","y":2}]}`, "A", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := decodeErrors([]byte(test.body))
			if !ok || got.Code != test.code || got.Message != test.message {
				t.Errorf("error = %+v, %t; want %s: %s", got, ok, test.code, test.message)
			}
		})
	}
	for name, body := range map[string]string{
		"empty": "", "text": "404 page not found", "HTML": "<html>", "array": "[]", "null": "null", "no errors": "{}", "errors empty": `{"errors":[]}`,
		"errors null": `{"errors":null}`, "errors an object": `{"errors":{"code":"A"}}`, "errors of texts": `{"errors":["A"]}`, "no code": `{"errors":[{"message":"m"}]}`,
		"code a number": `{"errors":[{"code":1}]}`, "truncated": `{"errors":[{"code":"A"`, "duplicate": `{"errors":[{"code":"A","code":"B"}]}`,
		"invalid UTF-8": "{\"errors\":[{\"code\":\"\xff\"}]}", "deep": strings.Repeat("[", maxErrorBody),
	} {
		if got, ok := decodeErrors([]byte(body)); ok || got != (registryError{}) {
			t.Errorf("%s: error = %+v, %t; want none", name, got, ok)
		}
	}
}

// Hardening item 8.
func TestClean(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"plain":              {"manifest unknown", "manifest unknown"},
		"several lines":      {"a\r\nb\n\n\tc ", "a b c"},
		"terminal escapes":   {"\x1b[31mred\x1b[0m \x07bell", "[31mred [0m bell"},
		"C1 escapes":         {"a\u009b31mb", "a 31mb"},
		"right to left":      {"a\u202eb\u2066c\u200bd\ufeffe", "a b c d e"},
		"line separators":    {"a\u2028b\u2029c\u0085d", "a b c d"},
		"invalid UTF-8":      {"a\xff\xfeb", "a b"},
		"other scripts":      {"Übergröße 画像", "Übergröße 画像"},
		"300 characters":     {strings.Repeat("ä", 300), strings.Repeat("ä", 300)},
		"301 characters":     {strings.Repeat("ä", 301), strings.Repeat("ä", 300) + "…"},
		"a JSON Web Token":   {"token " + jwt(acrClaims).Reveal() + " expired", "token (secret) expired"},
		"a token in quotes":  {`token="` + jwt(acrClaims).Reveal() + `"`, "(secret)"},
		"a signed URL":       {"see https://x.blob.core.windows.net/a?sv=1&sig=abc%3D&se=2 there", "see (secret) there"},
		"a signed URL, caps": {"https://x.example/?SIG=abc", "(secret)"},
		"empty":              {"", ""},
		"nothing to show":    {"\x00\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := redactor(nil).clean(test.text); got != test.want {
				t.Errorf("clean = %q, want %q", got, test.want)
			}
		})
	}
}

// Hardening items 6 and 8.
func TestRedactor(t *testing.T) {
	const password = `a/b+c=<d> "e"\&ä`
	pair := "user:" + password
	quoted, _ := json.Marshal(password)
	for name, echo := range map[string]string{
		"raw": password, "user and password": pair,
		"base64": base64.StdEncoding.EncodeToString([]byte(pair)), "base64 unpadded": base64.RawStdEncoding.EncodeToString([]byte(pair)),
		"base64 for URLs": base64.URLEncoding.EncodeToString([]byte(pair)), "base64 for URLs unpadded": base64.RawURLEncoding.EncodeToString([]byte(pair)),
		"base64 of the password": base64.StdEncoding.EncodeToString([]byte(password)),
		"form":                   url.QueryEscape(password), "path": url.PathEscape(password), "form in lower case": strings.ToLower(url.QueryEscape(password)),
		"JSON": string(quoted), "twice": password + password,
	} {
		t.Run(name, func(t *testing.T) {
			secrets := Credential{Username: "user", Password: NewSecret(password)}.secrets()
			got := newRedactor(secrets...).clean("before " + echo + " after")
			if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") || !strings.Contains(got, "(secret)") {
				t.Errorf("clean = %q", got)
			}
			for _, part := range []string{"a/b", "c=", "<d>", `"e"`, "%2F", "%2f", "YS9i", `\&`} {
				if strings.Contains(got, part) {
					t.Errorf("clean = %q, which shows %q", got, part)
				}
			}
		})
	}
	if got := newRedactor(NewSecret("abc"), Secret{}).clean("the abc of it"); got != "the abc of it" {
		t.Errorf("a secret of three letters was replaced: %q", got)
	}
	if got := newRedactor(NewSecret("abcd")).clean("xabcdy"); got != "x(secret)y" {
		t.Errorf("clean = %q, want x(secret)y", got)
	}
	// The limit applies behind the replacement, so that no secret is cut in half and missed.
	if got := newRedactor(NewSecret("made-up-text")).clean(strings.Repeat("x", 295) + "made-up-text"); strings.Contains(got, "made") {
		t.Errorf("clean = %q", got)
	}
}

// FuzzClean: whatever a server says becomes one short line without the secret.
func FuzzClean(f *testing.F) {
	f.Add("made-up-text", "the password made-up-text is wrong")
	f.Add("a/b+c=d", "a%2Fb%2Bc%3Dd \x1b[31m \r\n eyJ sig=")
	f.Add("ab ab", "ab\nab")
	f.Add("\xff\xff\xff\xff", "\xff\xff\xff\xff\xff")
	f.Add("made-up-text", "\xff\xff\xff MADE-UP-TEXT")
	f.Fuzz(func(t *testing.T, secret, text string) {
		got := newRedactor(NewSecret(secret)).clean(text)
		if utf8.RuneCountInString(got) > maxMessage+1 || !utf8.ValidString(got) {
			t.Errorf("%d characters: %q", utf8.RuneCountInString(got), got)
		}
		if strings.ContainsAny(got, "\r\n\t\x00\x1b\u202e") || got != strings.TrimSpace(got) {
			t.Errorf("clean = %q", got)
		}
		if len(secret) < 4 || strings.Contains(placeholder, secret) || strings.Contains(secret, "…") {
			return
		}
		for part := range strings.SplitSeq(got, placeholder) {
			if strings.Contains(part, secret) {
				t.Errorf("clean = %q, which shows %q", got, secret)
			}
		}
	})
}

func TestErrorText(t *testing.T) {
	whole := &Error{
		Reason: Denied, Operation: "reading the manifest r.azurecr.io/app:1.0", Step: "asking https://r.azurecr.io/oauth2/token for a token",
		Status: 403, Code: "DENIED", Message: "not allowed", CorrelationID: "00000000-0000-0000-0000-000000000001", Detail: "it was shown no credential",
	}
	for name, test := range map[string]struct {
		failed       *Error
		text, answer string
	}{
		"everything": {whole,
			"reading the manifest r.azurecr.io/app:1.0: asking https://r.azurecr.io/oauth2/token for a token: 403 Forbidden DENIED: not allowed (correlation id 00000000-0000-0000-0000-000000000001): it was shown no credential",
			"403 Forbidden DENIED: not allowed (correlation id 00000000-0000-0000-0000-000000000001)"},
		"no answer":                     {&Error{Operation: "reading", Detail: "no route"}, "reading: no route", ""},
		"status alone":                  {&Error{Operation: "reading", Status: 502}, "reading: 502 Bad Gateway", "502 Bad Gateway"},
		"correlation id in the message": {&Error{Operation: "reading", Status: 401, Code: "UNAUTHORIZED", Message: "no. CorrelationId: 17", CorrelationID: "17"}, "reading: 401 Unauthorized UNAUTHORIZED: no. CorrelationId: 17", "401 Unauthorized UNAUTHORIZED: no. CorrelationId: 17"},
		"an argument":                   {invalid("tag", "%q is none", "x"), `checking tag: "x" is none`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.failed.Error(); got != test.text {
				t.Errorf("text = %q, want %q", got, test.text)
			}
			if got := test.failed.Answer(); got != test.answer {
				t.Errorf("answer = %q, want %q", got, test.answer)
			}
		})
	}
}

func TestStatusReason(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		want   Reason
	}{
		{401, "UNAUTHORIZED", InvalidToken}, {403, "DENIED", Denied}, {405, "REGISTRY_DISALLOWED_OPERATION", Disallowed}, {405, "UNSUPPORTED", RequestRefused}, {404, "NAME_UNKNOWN", RepositoryNotFound}, {404, "MANIFEST_UNKNOWN", ManifestNotFound},
		{404, "", ManifestNotFound}, {407, "", ProxyRefused}, {429, "TOOMANYREQUESTS", RateLimited}, {500, "", RegistryFault}, {503, "", RegistryFault},
		{501, "", RegistryFault}, {400, "", RequestRefused}, {405, "", RequestRefused}, {424, "", RequestRefused}, {204, "", BadAnswer}, {301, "", BadAnswer}, {206, "", BadAnswer},
	} {
		if got := statusReason(test.status, test.code); got != test.want {
			t.Errorf("%d %s = %q, want %q", test.status, test.code, got, test.want)
		}
	}
}

func TestReasonsAreAllDifferent(t *testing.T) {
	reasons := Reasons()
	slices.Sort(reasons)
	if compact := slices.Compact(slices.Clone(reasons)); len(compact) != len(reasons) || len(reasons) == 0 || reasons[0] == "" {
		t.Errorf("reasons = %q", reasons)
	}
}

func TestIsMissing(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {errors.New("x"), false}, {&Error{Status: http.StatusNotFound}, false}, {&Error{missing: true}, true}, {fmt.Errorf("x: %w", &Error{missing: true}), true},
	} {
		if got := IsMissing(test.err); got != test.want {
			t.Errorf("IsMissing(%v) = %t, want %t", test.err, got, test.want)
		}
	}
}

// Hardening item 17: the whole of the longest error body, with many secrets to look for, takes no time to speak of.
func TestCleanIsQuick(t *testing.T) {
	var secrets []Secret
	for i := range 100 {
		secrets = append(secrets, NewSecret(fmt.Sprintf("made-up-%d", i)))
	}
	known := newRedactor(secrets...)
	started := time.Now()
	known.clean(strings.Repeat("made-up", maxErrorBody/7))
	if took := time.Since(started); took > quick {
		t.Errorf("took %s, want next to none", took)
	}
}

func TestHoldsJWT(t *testing.T) {
	for word, want := range map[string]bool{
		"eyJhbGciOiJSUzI1NiJ9.eyJzdWIi.x": true, "token=eyJhbGciOiJSUzI1NiJ9.": true, "(eyJhbGciOiJSUzI1NiJ9.x)": true,
		"MonkeyJar-1.2": false, "application/vnd.acme.keyJournal+json": false, "eyJ": false, "eyJar.x": false, "": false,
		"keyJhbGciOiJSUzI1NiJ9.x": false, "eyJhbGciOiJSUzI1NiJ9": false, "eyJéhbGciOiJSUzI1NiJ9.": false,
	} {
		if got := holdsJWT(word); got != want {
			t.Errorf("%q holds a token = %t, want %t", word, got, want)
		}
	}
}

func TestRedactorKnowsALongSecretInOneForm(t *testing.T) {
	long := strings.Repeat("Long", maxSpelled)
	if forms := newRedactor(NewSecret(long)); len(forms) != 1 || forms.replace("a "+long) != "a "+placeholder {
		t.Errorf("a long secret has %d forms, or is not replaced", len(forms))
	}
}
