package wire

import (
	"errors"
	"fmt"
	"strings"
)

// Challenge is one challenge of a WWW-Authenticate field: a scheme with either a token68 or parameters.
type Challenge struct {
	Scheme  string
	Token68 string
	Params  map[string]string // names in lower case
}

// maxChallengeBytes is the longest text that is parsed: response headers have the same limit.
const maxChallengeBytes = 64 << 10

// ParseChallenges parses all lines of a WWW-Authenticate field as one list (RFC 9110 sections 5.3 and 11.6.1). It takes
// one pass over the text. It refuses a challenge in which a parameter occurs twice (section 11.2), since client and
// registry could differ on which one counts.
func ParseChallenges(lines []string) ([]Challenge, error) {
	p := fieldParser{text: strings.Join(lines, ", ")}
	if len(p.text) > maxChallengeBytes {
		return nil, fmt.Errorf("a WWW-Authenticate header of %d bytes is over the limit of %d", len(p.text), maxChallengeBytes)
	}
	var challenges []Challenge
	for p.skipListSeparators(); !p.atEnd(); p.skipListSeparators() {
		c, err := p.challenge()
		if err != nil {
			return nil, fmt.Errorf("the WWW-Authenticate header is malformed at byte %d: %w", p.position, err)
		}
		challenges = append(challenges, c)
	}
	return challenges, nil
}

// challenge = auth-scheme [ 1*SP ( token68 / #auth-param ) ]; empty elements of the list of parameters are skipped,
// also before the first one (RFC 9110 section 5.6.1.2).
func (p *fieldParser) challenge() (Challenge, error) {
	c := Challenge{Scheme: p.token(), Params: map[string]string{}}
	if c.Scheme == "" {
		return c, errors.New("a scheme is missing")
	}
	if spaced := p.skipSpace(); !spaced && p.atElementEnd() {
		return c, nil
	} else if !spaced {
		return c, errors.New("a scheme holds a character that is not allowed")
	}
	if !p.atElementEnd() {
		if c.Token68 = p.token68(); c.Token68 != "" {
			return c, nil
		}
		if err := p.param(c.Params); err != nil {
			return c, err
		}
	}
	for p.skipListSeparators(); p.atParam(); p.skipListSeparators() {
		if err := p.param(c.Params); err != nil {
			return c, err
		}
	}
	return c, nil
}

// auth-param = token BWS "=" BWS ( token / quoted-string ), up to the end of its list element
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
	p.skipSpace()
	if !p.atElementEnd() {
		return errors.New("a comma is missing")
	}
	return nil
}

// token68 reads a token68 if one comes next and ends the list element: it cannot then be a parameter.
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

// atParam reports whether a parameter comes next, and not the scheme of the next challenge.
func (p *fieldParser) atParam() bool {
	ahead := *p
	if ahead.token() == "" {
		return false
	}
	ahead.skipSpace()
	return ahead.take('=')
}

// isToken68 reports whether a byte may occur in a token68 (RFC 9110 section 11.2), padding excluded.
func isToken68(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("-._~+/", c) >= 0
}
