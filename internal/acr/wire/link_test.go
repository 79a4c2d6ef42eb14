package wire

import (
	"strings"
	"testing"
	"time"
)

func TestHostileLinksAreQuick(t *testing.T) {
	for name, part := range map[string]string{
		"links": "<a>,", "brackets": "<", "parameters": "; a=b", "semicolons": ";", "quotes": `;a="`, "relations": "a ",
	} {
		link := "<a>; rel=\"" + strings.Repeat(part, maxChallengeBytes/len(part))
		if name != "relations" {
			link = "<a>" + link[len(`<a>; rel="`):]
		}
		started := time.Now()
		_, _, _ = ParseLink([]string{link})
		if took := time.Since(started); took > quick {
			t.Errorf("%s: took %s, want next to none", name, took)
		}
	}
}

func TestParseLink(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  string // empty for none
		bad   bool
	}{
		"no line":                    {nil, "", false},
		"empty":                      {[]string{" , "}, "", false},
		"Azure Container Registry":   {[]string{`</acr/v1/_catalog?last=b&n=2&orderby=>; rel="next"`}, "/acr/v1/_catalog?last=b&n=2&orderby=", false},
		"rel as a token":             {[]string{`<a>;rel=next`}, "a", false},
		"capitals and space":         {[]string{`<a> ; REL = "NEXT"`}, "a", false},
		"one of several relations":   {[]string{`<a>; rel="prev next"`}, "a", false},
		"the second link":            {[]string{`<a>; rel=prev, <b>; rel=next, <c>; rel=next`}, "b", false},
		"the second line":            {[]string{`<a>; rel=prev`, `<b>; rel=next`}, "b", false},
		"another relation":           {[]string{`<a>; rel=nextish`}, "", false},
		"no relation":                {[]string{`<a>`}, "", false},
		"first rel counts":           {[]string{`<a>; rel=prev; rel=next`}, "", false},
		"first rel counts, reversed": {[]string{`<a>; rel=next; rel=prev`}, "a", false},
		"parameter without value":    {[]string{`<a>; x; rel=next`}, "a", false},
		"empty parameter":            {[]string{`<a>;; rel=next`}, "a", false},
		"comma and semicolon inside": {[]string{`<a,b;c>; title="x, <y>; rel=z"; rel=next`}, "a,b;c", false},
		"no bracket":                 {[]string{`a; rel=next`}, "", true},
		"no closing bracket":         {[]string{`<a; rel=next`}, "", true},
		"text behind the bracket":    {[]string{`<a>b; rel=next`}, "", true},
		"no value":                   {[]string{`<a>; rel=`}, "", true},
		"no closing quote":           {[]string{`<a>; rel="next`}, "", true},
		"bad link before a good one": {[]string{`<a>; rel=, <b>; rel=next`}, "", true},
	} {
		got, found, err := ParseLink(test.lines)
		if got != test.want || found != (test.want != "") || (err != nil) != test.bad {
			t.Errorf("%s: %q, %t, %v; want %q, malformed %t", name, got, found, err, test.want, test.bad)
		}
	}
}
