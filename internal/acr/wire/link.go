package wire

import (
	"errors"
	"strings"
)

// ErrLink is returned for a Link header that cannot be read: its list cannot be trusted to be complete.
var ErrLink = errors.New("the Link header is malformed or too long")

// ParseLink returns the target of the first link whose rel is next, in one pass over the text:
//
//	Link = #( "<" URI-Reference ">" *( OWS ";" OWS token [ BWS "=" BWS ( token / quoted-string ) ] ) )
func ParseLink(lines []string) (target string, found bool, err error) {
	p := fieldParser{text: strings.Join(lines, ", ")}
	for p.skipListSeparators(); !p.atEnd(); p.skipListSeparators() {
		uri, rel, err := p.link()
		if err != nil {
			return "", false, err
		}
		for relation := range strings.FieldsSeq(rel) {
			if strings.EqualFold(relation, "next") {
				return uri, true, nil
			}
		}
	}
	return "", false, nil
}

// link reads a link and its rel. Of several rel parameters the first counts (RFC 8288 section 3.3).
func (p *fieldParser) link() (uri, rel string, err error) {
	if !p.take('<') {
		return "", "", ErrLink
	}
	end := strings.IndexByte(p.text[p.position:], '>')
	if end < 0 {
		return "", "", ErrLink
	}
	uri = p.text[p.position : p.position+end]
	p.position += end + 1
	for seen := false; ; {
		p.skipSpace()
		if p.atElementEnd() {
			return uri, rel, nil
		}
		if !p.take(';') {
			return "", "", ErrLink
		}
		p.skipSpace()
		name := p.token()
		p.skipSpace()
		if !p.take('=') {
			continue
		}
		p.skipSpace()
		value, err := p.value()
		if err != nil {
			return "", "", ErrLink
		}
		if strings.EqualFold(name, "rel") && !seen {
			rel, seen = value, true
		}
	}
}
