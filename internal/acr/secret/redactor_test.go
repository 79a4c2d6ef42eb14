package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// aJWT is a token of three parts, as registries make them.
const aJWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtYWRlIHVwIn0.c2lnbmF0dXJl"

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
		"a JSON Web Token":   {"token " + aJWT + " expired", "token (secret) expired"},
		"a token in quotes":  {`token="` + aJWT + `"`, "(secret)"},
		"a signed URL":       {"see https://x.blob.core.windows.net/a?sv=1&sig=abc%3D&se=2 there", "see (secret) there"},
		"a signed URL, caps": {"https://x.example/?SIG=abc", "(secret)"},
		"empty":              {"", ""},
		"nothing to show":    {"\x00\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Redactor(nil).Clean(test.text); got != test.want {
				t.Errorf("clean = %q, want %q", got, test.want)
			}
		})
	}
}

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
			got := NewRedactor(New(password), New(pair)).Clean("before " + echo + " after")
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
	if got := NewRedactor(New("abc"), Text{}).Clean("the abc of it"); got != "the abc of it" {
		t.Errorf("a secret of three letters was replaced: %q", got)
	}
	if got := NewRedactor(New("abcd")).Clean("xabcdy"); got != "x(secret)y" {
		t.Errorf("clean = %q, want x(secret)y", got)
	}
	// The limit applies after the replacement, so that no secret is cut in half and missed.
	if got := NewRedactor(New("made-up-text")).Clean(strings.Repeat("x", 295) + "made-up-text"); strings.Contains(got, "made") {
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
		got := NewRedactor(New(secret)).Clean(text)
		if utf8.RuneCountInString(got) > maxExcerpt+1 || !utf8.ValidString(got) {
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

// BenchmarkClean cleans the longest error body, with many secrets to search for.
func BenchmarkClean(b *testing.B) {
	var secrets []Text
	for i := range 100 {
		secrets = append(secrets, New(fmt.Sprintf("made-up-%d", i)))
	}
	known := NewRedactor(secrets...)
	text := strings.Repeat("made-up", 8<<10/7)
	for b.Loop() {
		known.Clean(text)
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
	if forms := NewRedactor(New(long)); len(forms) != 1 || forms.replace("a "+long) != "a "+placeholder {
		t.Errorf("a long secret has %d forms, or is not replaced", len(forms))
	}
}

// An error repeats what a person typed, but not at any length, and without characters that a terminal obeys.
func TestExcerpt(t *testing.T) {
	for value, want := range map[string]string{
		"a": "a", "": "", "a\r\nb": "a b", "a\x1b[31mb": "a [31mb", "a\xffb": "a?b", "\u202ea": " a", " a\t": " a ", "a\u200b": "a ", " ": " ", "|": "|", strings.Repeat("x", 300): strings.Repeat("x", 300), strings.Repeat("x", 301): "(301 bytes)",
	} {
		if got := Excerpt(value); got != want {
			t.Errorf("Excerpt(%.20q) = %q, want %q", value, got, want)
		}
	}
}
