package acr

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// challenge is what a registry wants before it answers: a token from realm, for service, with the scopes.
type challenge struct {
	realm   *url.URL // checked against the realm policy
	service string   // may be empty
	scopes  []string // such as "repository:alpine:pull"; may be empty
	code    string   // RFC 6750 section 3.1: "insufficient_scope", "invalid_token" or empty
}

// withScopes gives the same challenge for other scopes.
func (c challenge) withScopes(scopes ...string) challenge {
	return challenge{realm: c.realm, service: c.service, scopes: scopes}
}

// errNoBearer says that the registry offers no token flow.
var errNoBearer = errors.New("no Bearer challenge")

// readChallenge finds the first Bearer challenge in the WWW-Authenticate lines whose realm the policy trusts. Errors:
// a malformed header, errNoBearer, or the policy's word on the first realm refused.
func readChallenge(lines []string, policy realmPolicy) (challenge, error) {
	offers, err := parseChallenges(lines)
	if err != nil {
		return challenge{}, err
	}
	var refused error
	for _, offer := range offers {
		if !strings.EqualFold(offer.scheme, "Bearer") {
			continue
		}
		realm, err := policy.check(offer.params["realm"])
		if err == nil && !isScope(offer.params["scope"]) {
			return challenge{}, errors.New("the challenge's scope is no scope, or too long")
		}
		if err == nil {
			return challenge{
				realm:   realm,
				service: offer.params["service"],
				scopes:  strings.Fields(offer.params["scope"]),
				code:    offer.params["error"],
			}, nil
		}
		if refused == nil {
			refused = err
		}
	}
	if refused != nil {
		return challenge{}, &foreignRealmError{refused}
	}
	var schemes []string
	for _, offer := range offers {
		if len(schemes) < 5 && !slices.Contains(schemes, offer.scheme) {
			schemes = append(schemes, offer.scheme)
		}
	}
	if len(schemes) > 0 {
		return challenge{}, fmt.Errorf("%w: it offers %s", errNoBearer, strings.Join(schemes, ", "))
	}
	return challenge{}, errNoBearer
}

// maxScope bounds the scope of a challenge, in bytes: a repository's name has 255.
const maxScope = 2 << 10

// isScope holds a challenge's scope, empty or not, to the characters of RFC 6749 section 3.3: it is sent on, and shown.
func isScope(scope string) bool {
	return len(scope) <= maxScope &&
		!strings.ContainsFunc(scope, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' })
}

// foreignRealmError marks a Bearer challenge whose realm the policy refuses.
type foreignRealmError struct{ error }

// authChallenge is one challenge of a WWW-Authenticate field: a scheme with either a token68 or parameters.
type authChallenge struct {
	scheme  string
	token68 string
	params  map[string]string // names in lower case
}

// maxChallengeBytes bounds what is parsed: response headers are limited to as much.
const maxChallengeBytes = maxHeaderBytes

// parseChallenges parses all lines of a WWW-Authenticate field as one list (RFC 9110 sections 5.3 and 11.6.1). It
// takes one pass over the text. A parameter that occurs twice in a challenge is an error (section 11.2), since client
// and registry could differ on which one counts.
func parseChallenges(lines []string) ([]authChallenge, error) {
	p := fieldParser{text: strings.Join(lines, ", ")}
	if len(p.text) > maxChallengeBytes {
		return nil, fmt.Errorf("a WWW-Authenticate header of %d bytes is over the limit of %d", len(p.text), maxChallengeBytes)
	}
	var challenges []authChallenge
	for p.skipListSeparators(); !p.atEnd(); p.skipListSeparators() {
		c, err := p.challenge()
		if err != nil {
			return nil, fmt.Errorf("the WWW-Authenticate header is malformed at byte %d: %w", p.position, err)
		}
		challenges = append(challenges, c)
	}
	return challenges, nil
}

// fieldParser reads the text of a header field from left to right.
type fieldParser struct {
	text     string
	position int
}

// challenge = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
func (p *fieldParser) challenge() (authChallenge, error) {
	c := authChallenge{scheme: p.token(), params: map[string]string{}}
	if c.scheme == "" {
		return c, errors.New("a scheme is missing")
	}
	if !p.skipSpace() && !p.atElementEnd() {
		return c, errors.New("a scheme holds a character that is not allowed")
	}
	if p.atElementEnd() {
		return c, nil
	}
	if c.token68 = p.token68(); c.token68 != "" {
		return c, nil
	}
	for {
		if err := p.param(c.params); err != nil {
			return c, err
		}
		p.skipSpace()
		if !p.atElementEnd() {
			return c, errors.New("a comma is missing")
		}
		p.skipListSeparators()
		if !p.atParam() {
			return c, nil
		}
	}
}

// auth-param = token BWS "=" BWS ( token / quoted-string )
func (p *fieldParser) param(params map[string]string) error {
	name := strings.ToLower(p.token())
	if name == "" {
		return errors.New("a parameter name is missing")
	}
	p.skipSpace()
	if !p.take('=') {
		return errors.New("a parameter has no value")
	}
	p.skipSpace()
	value, err := p.value()
	if err != nil {
		return err
	}
	if _, twice := params[name]; twice {
		return errors.New("a parameter occurs twice in one challenge")
	}
	params[name] = value
	return nil
}

func (p *fieldParser) value() (string, error) {
	if !p.take('"') {
		value := p.token()
		if value == "" {
			return "", errors.New("a parameter value is missing")
		}
		return value, nil
	}
	var value strings.Builder
	for !p.atEnd() {
		c := p.next()
		switch {
		case c == '"':
			return value.String(), nil
		case c == '\\' && !p.atEnd():
			c = p.next()
		}
		if c < ' ' && c != '\t' || c == 0x7f {
			return "", errors.New("a quoted value holds a control character")
		}
		value.WriteByte(c)
	}
	return "", errors.New("a quoted value has no end")
}

// token68 takes a token68 if one stands here by itself: what ends with the list element cannot be a parameter.
func (p *fieldParser) token68() string {
	end := p.position
	for end < len(p.text) && isToken68(p.text[end]) {
		end++
	}
	for end < len(p.text) && p.text[end] == '=' && end > p.position {
		end++
	}
	rest := fieldParser{text: p.text, position: end}
	rest.skipSpace()
	if !rest.atElementEnd() {
		return ""
	}
	value := p.text[p.position:end]
	p.position = end
	return value
}

// atParam reports whether a parameter stands here, and not the scheme of the next challenge.
func (p *fieldParser) atParam() bool {
	ahead := *p
	if ahead.token() == "" {
		return false
	}
	ahead.skipSpace()
	return ahead.take('=')
}

func (p *fieldParser) token() string {
	start := p.position
	for p.position < len(p.text) && isTokenChar(p.text[p.position]) {
		p.position++
	}
	return p.text[start:p.position]
}

func (p *fieldParser) skipSpace() (skipped bool) {
	for p.take(' ') || p.take('\t') {
		skipped = true
	}
	return skipped
}

// skipListSeparators passes over commas: empty list elements are allowed (RFC 9110 section 5.6.1.2).
func (p *fieldParser) skipListSeparators() {
	for p.skipSpace() || p.take(',') {
	}
}

func (p *fieldParser) take(c byte) bool {
	if p.atEnd() || p.text[p.position] != c {
		return false
	}
	p.position++
	return true
}

func (p *fieldParser) next() byte {
	c := p.text[p.position]
	p.position++
	return c
}

func (p *fieldParser) atEnd() bool { return p.position == len(p.text) }

func (p *fieldParser) atElementEnd() bool { return p.atEnd() || p.text[p.position] == ',' }

// isTokenChar: RFC 9110 section 5.6.2.
func isTokenChar(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// isToken68: RFC 9110 section 11.2, without the padding.
func isToken68(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("-._~+/", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
