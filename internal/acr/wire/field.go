package wire

import (
	"errors"
	"strings"
)

// fieldParser reads the text of a header field from left to right.
type fieldParser struct {
	text     string
	position int
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
			return "", errors.New("a quoted value contains a control character")
		}
		value.WriteByte(c)
	}
	return "", errors.New("a quoted value has no end")
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

// skipListSeparators skips commas: empty list elements are allowed (RFC 9110 section 5.6.1.2).
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

// isTokenChar reports whether a byte may occur in a token (RFC 9110 section 5.6.2).
func isTokenChar(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
