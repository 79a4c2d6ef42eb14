package acr

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
)

// Reason says in one word why an operation failed. The provider finds the summary and the advice by it.
type Reason string

// The reasons. Each says who has to do something, not which function failed.
const (
	InvalidArgument     Reason = "invalid argument"      // a name or value breaks its grammar; nothing was sent
	Unreachable         Reason = "unreachable"           // unknown host, connection refused or broken
	TimedOut            Reason = "timed out"             // no complete answer within the request time-out
	Canceled            Reason = "cancelled"             // the caller gave up
	CertificateRejected Reason = "certificate rejected"  // TLS failed
	ProxyRefused        Reason = "proxy refused"         // the HTTP proxy did not let the request through
	NotARegistry        Reason = "not a registry"        // the peer does not speak the registry protocol
	NoTokenNeeded       Reason = "no token needed"       // the registry asks for no token
	ForeignRealm        Reason = "foreign realm"         // the challenge names a token server that is not trusted
	BadRedirect         Reason = "bad redirect"          // a redirect that is not followed
	WrongCredentials    Reason = "wrong credentials"     // the token server refused user name and password
	NoCredential        Reason = "no credential"         // anonymous access is refused
	CredentialHelper    Reason = "credential helper"     // the Docker config or its credential helper failed
	InvalidToken        Reason = "invalid token"         // the registry refused the bearer token
	InsufficientScope   Reason = "insufficient scope"    // the token lacks a permission
	Denied              Reason = "denied"                // 403
	Disallowed          Reason = "disallowed"            // locked against reading, or in quarantine
	RepositoryNotFound  Reason = "repository not found"  // 404 NAME_UNKNOWN
	ManifestNotFound    Reason = "manifest not found"    // 404 for a tag or digest
	UnsupportedAPI      Reason = "unsupported API"       // the registry lacks the API
	RateLimited         Reason = "rate limited"          // 429
	RegistryFault       Reason = "registry fault"        // 5xx
	RequestRefused      Reason = "request refused"       // another 4xx
	BadAnswer           Reason = "bad answer"            // an answer that breaks the protocol
	TooLarge            Reason = "answer too large"      // an answer over its limit
	DigestMismatch      Reason = "digest mismatch"       // the bytes are not what their digest says
	Schema1             Reason = "schema 1"              // a Docker schema 1 manifest
	IncompleteImage     Reason = "incomplete image"      // the registry lacks a part that a manifest names
	PlatformNotFound    Reason = "platform not found"    // an image without the platform
	NotAnImage          Reason = "not a container image" // a manifest without an image configuration
)

// Reasons lists every Reason, for the test that holds the documentation to the code.
func Reasons() []Reason {
	return []Reason{
		InvalidArgument, Unreachable, TimedOut, Canceled, CertificateRejected, ProxyRefused, NotARegistry, NoTokenNeeded,
		ForeignRealm, BadRedirect, WrongCredentials, NoCredential, CredentialHelper, InvalidToken, InsufficientScope,
		Denied, Disallowed, RepositoryNotFound, ManifestNotFound, UnsupportedAPI, RateLimited, RegistryFault, RequestRefused,
		BadAnswer, TooLarge, DigestMismatch, Schema1, IncompleteImage, PlatformNotFound, NotAnImage,
	}
}

// Error is every failure of this package. It holds no secret and no raw body: what a server said is cut down to the
// registry's code, message and correlation id.
type Error struct {
	Reason        Reason
	Operation     string        // what was attempted, such as "reading the manifest app:1.0"
	Step          string        // which request of it failed, such as "asking https://r.azurecr.io/oauth2/token for a token"; may be empty
	Status        int           // HTTP status; 0 without an answer
	Code          string        // the registry's error code, such as MANIFEST_UNKNOWN
	Message       string        // the registry's message, one line, at most 300 characters, secrets replaced
	CorrelationID string        // X-Ms-Correlation-Request-Id, for Microsoft's support
	Detail        string        // what this client has to say
	RetryAfter    time.Duration // the wait that the registry asked for; 0 without one
	Argument      string        // with InvalidArgument: the argument at fault, such as "repository"

	missing bool // the registry itself says that there is no such thing
}

// IsMissing reports whether err is a registry's own 404: the repository, tag or digest does not exist. A 404 of anything
// else, such as a proxy's page, is not.
func IsMissing(err error) bool {
	failed, ok := asError(err)
	return ok && failed.missing
}

// Error gives everything in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Operation)
	if e.Step != "" {
		fmt.Fprintf(&b, ": %s", e.Step)
	}
	if answer := e.Answer(); answer != "" {
		fmt.Fprintf(&b, ": %s", answer)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	return b.String()
}

// Answer gives what came back in one line: status, registry code, message and correlation id. Empty without an answer.
func (e *Error) Answer() string {
	if e.Status == 0 {
		return ""
	}
	answer := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		answer += " " + e.Code
	}
	if e.Message != "" {
		answer += ": " + e.Message
	}
	if e.CorrelationID != "" && !strings.Contains(e.Message, e.CorrelationID) {
		answer += " (correlation id " + e.CorrelationID + ")"
	}
	return answer
}

func invalid(argument, format string, values ...any) *Error {
	return &Error{
		Reason: InvalidArgument, Operation: "checking " + argument, Argument: argument, Detail: fmt.Sprintf(format, values...),
	}
}

// registryError is one element of the error body that the OCI distribution spec defines ("Error Codes").
type registryError struct {
	Code    string
	Message string
}

// decodeErrors reads `{"errors":[{"code","message","detail"}]}` as far as it is well formed. The detail may be of any
// type and is left alone.
func decodeErrors(body []byte) (first registryError, ok bool) {
	var answer struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if err := jsonv2.Unmarshal(body, &answer); err != nil || len(answer.Errors) == 0 || answer.Errors[0].Code == "" {
		return registryError{}, false
	}
	return registryError(answer.Errors[0]), true
}

// codeDisallowed is what ACR answers, with 405, about content that is locked or in quarantine. Source:
// https://github.com/Azure/azure-sdk-for-net/issues/22827.
const codeDisallowed = "REGISTRY_DISALLOWED_OPERATION"

// statusReason tells what an answer's status and code mean once no further request can mend it.
func statusReason(status int, code string) Reason {
	switch {
	case status == http.StatusUnauthorized:
		return InvalidToken
	case code == codeDisallowed:
		return Disallowed
	case status == http.StatusForbidden:
		return Denied
	case status == http.StatusNotFound && code == "NAME_UNKNOWN":
		return RepositoryNotFound
	case status == http.StatusNotFound:
		return ManifestNotFound
	case status == http.StatusProxyAuthRequired:
		return ProxyRefused
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status >= 500:
		return RegistryFault
	case status >= 400:
		return RequestRefused
	default:
		return BadAnswer
	}
}

// The longest texts of an error, in characters.
const (
	maxMessage = 300 // what a server said
	maxDetail  = 600 // what this client says, with words of the server's in it
)

// redactor replaces secrets in text that came from a server. It holds the forms of the secrets, in lower case.
type redactor []Secret

// maxSpelled is the longest secret that is known in every form, in bytes. Any longer one is longer than all that an error
// repeats.
const maxSpelled = 4 << 10

// newRedactor knows each secret in the forms in which a server may echo it: raw, base64, URL-encoded and
// JSON-escaped. Secrets under four characters are too common as parts of words to be replaced.
func newRedactor(secrets ...Secret) redactor {
	var forms redactor
	for _, s := range secrets {
		secret := s.Reveal()
		if len(secret) < 4 {
			continue
		}
		if len(secret) > maxSpelled {
			forms = append(forms, NewSecret(lowerASCII(secret)))
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
			form = lowerASCII(form)
			if !slices.ContainsFunc(forms, func(other Secret) bool { return other.Reveal() == form }) {
				forms = append(forms, NewSecret(form))
			}
		}
	}
	return forms
}

func (r redactor) replace(text string) string {
	for _, form := range r {
		text = replaceFold(text, form.Reveal())
	}
	return text
}

// replaceFold puts the placeholder in place of each occurrence of a secret, which is in lower case, in whichever case
// its letters are: those of a host name and of hexadecimal digits (RFC 3986 section 2.1) change on the way.
func replaceFold(text, secret string) string {
	if len(secret) > len(text) {
		return text
	}
	var b strings.Builder
	folded := lowerASCII(text)
	for i := strings.Index(folded, secret); i >= 0; i = strings.Index(folded, secret) {
		b.WriteString(text[:i] + placeholder)
		text, folded = text[i+len(secret):], folded[i+len(secret):]
	}
	b.WriteString(text)
	return b.String()
}

// holdsJWT finds the beginning of a JSON Web Token: base64url of `{"` and more, up to a dot.
func holdsJWT(word string) bool {
	for {
		i := strings.Index(word, "eyJ")
		if i < 0 {
			return false
		}
		apart := i == 0 || !isBase64URL(word[i-1])
		word = word[i:]
		length := strings.IndexFunc(word, func(c rune) bool { return c > '~' || !isBase64URL(byte(c)) })
		if apart && length > 10 && word[length] == '.' {
			return true
		}
		word = word[3:]
	}
}

func isBase64URL(c byte) bool { return isAlphanumeric(c) || c == '-' || c == '_' }

// clean makes server text fit for an error: one line, no control or formatting characters (a terminal would obey
// them), secrets replaced, at most maxMessage characters.
func (r redactor) clean(text string) string { return r.cleanTo(maxMessage, text) }

func (r redactor) cleanTo(most int, text string) string {
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
