package secret

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxExcerpt is the longest text that Clean and Excerpt let through, in characters.
const maxExcerpt = 300

// Redactor replaces secrets in text that came from a server. It holds the forms of the secrets, in lower case.
type Redactor []Text

// maxSpelled is the longest secret that is replaced in every form, in bytes. A longer one does not fit into an error.
const maxSpelled = 4 << 10

// NewRedactor returns a redactor for each secret in the forms in which a server may echo it: raw, base64, URL-encoded
// and JSON-escaped. It ignores secrets under four characters, which occur in ordinary words.
func NewRedactor(secrets ...Text) Redactor {
	var forms Redactor
	for _, s := range secrets {
		secret := s.Reveal()
		if len(secret) < 4 {
			continue
		}
		if len(secret) > maxSpelled {
			forms = append(forms, New(LowerASCII(secret)))
			continue
		}
		quoted, _ := json.Marshal(secret)
		ascii := strconv.QuoteToASCII(secret)
		for _, form := range []string{
			secret,
			base64.StdEncoding.EncodeToString([]byte(secret)),
			base64.RawStdEncoding.EncodeToString([]byte(secret)),
			base64.RawURLEncoding.EncodeToString([]byte(secret)),
			url.QueryEscape(secret),
			url.PathEscape(secret),
			string(quoted[1 : len(quoted)-1]),
			ascii[1 : len(ascii)-1],
		} {
			form = LowerASCII(form)
			if !slices.ContainsFunc(forms, func(other Text) bool { return other.Reveal() == form }) {
				forms = append(forms, New(form))
			}
		}
	}
	return forms
}

func (r Redactor) replace(text string) string {
	for _, form := range r {
		text = replaceFold(text, form.Reveal())
	}
	return text
}

// replaceFold replaces each occurrence of a secret, given in lower case, with the placeholder, whatever the case of its
// letters: the case of host names and of hexadecimal digits (RFC 3986 section 2.1) may change on the way.
func replaceFold(text, secret string) string {
	if len(secret) > len(text) {
		return text
	}
	var b strings.Builder
	folded := LowerASCII(text)
	for i := strings.Index(folded, secret); i >= 0; i = strings.Index(folded, secret) {
		b.WriteString(text[:i] + placeholder)
		text, folded = text[i+len(secret):], folded[i+len(secret):]
	}
	b.WriteString(text)
	return b.String()
}

// holdsJWT reports whether a word holds the beginning of a JSON Web Token: base64url of `{"` and more, up to a dot.
func holdsJWT(word string) bool {
	for {
		i := strings.Index(word, "eyJ")
		if i < 0 {
			return false
		}
		apart := i == 0 || !isBase64URL(word[i-1])
		word = word[i:]
		length := strings.IndexFunc(word, func(c rune) bool { return c > '~' || !isBase64URL(byte(c)) }) //nolint:gosec // it is ASCII by then
		if apart && length > 10 && word[length] == '.' {
			return true
		}
		word = word[3:]
	}
}

func isBase64URL(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_'
}

// Clean prepares a server's text for an error: one line, no control or formatting characters (a terminal would obey
// them), secrets replaced, at most 300 characters.
func (r Redactor) Clean(text string) string { return r.CleanTo(maxExcerpt, text) }

// CleanTo is Clean with another limit, in characters.
func (r Redactor) CleanTo(most int, text string) string {
	words := strings.FieldsFunc(r.replace(text), func(c rune) bool {
		return unicode.IsSpace(c) || !unicode.IsPrint(c) || c == utf8.RuneError
	})
	for i, word := range words {
		// JSON Web Tokens and signed URLs are secrets even when this client never held them.
		if holdsJWT(word) || strings.Contains(strings.ToLower(word), "sig=") {
			words[i] = placeholder
		}
	}
	text = r.replace(strings.Join(words, " ")) // once more: a secret with a space in it may have come over two lines
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return text
}

// Excerpt prepares a value for an error: one line, without characters that a terminal obeys. A long one is omitted, not
// truncated, since the redactor could not recognise half a secret. At its ends a space stays, since it can be what is wrong
// with the value.
func Excerpt(value string) string {
	if len(value) > maxExcerpt {
		return fmt.Sprintf("(%d bytes)", len(value))
	}
	const end = "|" // shields a space from being trimmed
	text := Redactor(nil).CleanTo(maxExcerpt+2*len(end), end+strings.ToValidUTF8(value, "?")+end)
	return strings.TrimSuffix(strings.TrimPrefix(text, end), end)
}

// LowerASCII returns text with A to Z in lower case, at the same length. Letters beyond ASCII stay: strings.ToLower
// turns "İ" into "i", which is another host in the DNS.
func LowerASCII(text string) string {
	lower := []byte(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}
