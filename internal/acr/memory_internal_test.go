package acr

import (
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/hostile"
)

// Memory stays under 64 MiB, whatever is read within the limits or refused.
func TestHostileBodiesTakeLittleMemory(t *testing.T) {
	const many = 50_000
	readTags := func(body []byte) error {
		var page struct {
			Tags tagList `json:"tags"`
		}
		return decodePage(&answer{Response: &transport.Response{Body: body}}, &page)
	}
	readNames := func(body []byte) error {
		var page struct {
			Tags []string `json:"tags"`
		}
		return decodePage(&answer{Response: &transport.Response{Body: body}}, &page)
	}
	hostile.WantLittleMemory(t, map[string]hostile.Body{
		"empty tags":                             {Read: readTags, Body: hostile.Repeated(MaxPageBytes, `{"tags":[`, `{}`, "]}", MaxPageBytes), Refused: true},
		"tags with attributes":                   {Read: readTags, Body: hostile.Repeated(MaxPageBytes, `{"tags":[`, `{"name":"a","changeableAttributes":{}}`, "]}", maxPageValues/4-10)},
		"names":                                  {Read: readNames, Body: hostile.Repeated(MaxPageBytes, `{"tags":[`, `"a"`, "]}", maxPageValues-10)},
		"more names than fit":                    {Read: readNames, Body: []byte(`{"tags":[` + strings.Repeat(`"a",`, MaxPageBytes/4-4) + `"a"]}`), Refused: true},
		"members of a tag that are too many":     {Read: readTags, Body: hostile.Members(MaxPageBytes, maxPageValues+10, `{"tags":[{"name":"a",`, `[]`, "}]}"), Refused: true},
		"members of a tag, as many as there may": {Read: readTags, Body: hostile.Members(MaxPageBytes, many, `{"tags":[{"name":"a",`, `1`, "}]}")},
	})
}
