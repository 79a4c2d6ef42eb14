package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/hostile"
)

// Memory stays under 64 MiB, whatever is read within the limits or refused.
func TestHostileBodiesTakeLittleMemory(t *testing.T) {
	const many = 10_000
	readToken := func(body []byte) error {
		_, err := decodeToken(body, time.Now())
		return err
	}
	hostile.WantLittleMemory(t, map[string]hostile.Body{
		"128 KiB of token members": {Read: readToken, Body: hostile.Members(maxTokenBody, many, `{"access_token":"x",`, `1`, "}")},
		"128 KiB of audience":      {Read: readToken, Body: []byte(`{"access_token":"` + jwt(`{"aud":[`+strings.Repeat(`"",`, 30_000)+`""]}`).Reveal() + `"}`)},
		"128 KiB of access":        {Read: readToken, Body: []byte(`{"access_token":"` + jwt(`{"access":[`+strings.Repeat(`{},`, 30_000)+`{}]}`).Reveal() + `"}`)},
		"10,000 levels of a token": {Read: readToken, Body: hostile.Nested(`{"access_token":`, "}", 10_000), Refused: true},
		"128 KiB of dots":          {Read: readToken, Body: []byte(`{"access_token":"` + strings.Repeat(".", maxTokenBody-20) + `"}`)},
	})
}
