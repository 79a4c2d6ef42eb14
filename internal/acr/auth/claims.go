package auth

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// Claims are the claims of a token (RFC 7519 section 4.1, and the access claim of distribution's token specification).
// They are not verified: the registry does that.
type Claims struct {
	Subject   string
	Issuer    string
	Audience  []string
	IssuedAt  time.Time // zero if absent
	ExpiresAt time.Time // zero if absent
	Access    []Access  // nil if the token does not say; empty if it grants nothing
}

// Access is one resource that a token opens.
type Access struct {
	Type    string // "repository" or "registry"
	Name    string // such as "library/alpine" or "catalog"
	Actions []string
}

var errOpaque = errors.New("the token is not a JSON Web Token, so nothing can be read from it")

// ParseClaims parses the claims of a JSON Web Token. It verifies neither signature nor expiry. For an opaque token it
// returns an error, which shows nothing of the token.
func ParseClaims(token secret.Text) (*Claims, error) {
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return nil, errOpaque
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, errOpaque
	}
	var raw struct {
		Subject   wire.LenientString `json:"sub"`
		Issuer    wire.LenientString `json:"iss"`
		Audience  jsontext.Value     `json:"aud"`
		IssuedAt  numericDate        `json:"iat"`
		ExpiresAt numericDate        `json:"exp"`
		Access    jsontext.Value     `json:"access"`
	}
	if err := json.Unmarshal(payload, &raw); err != nil {
		return nil, errOpaque
	}
	return &Claims{
		Subject:   string(raw.Subject),
		Issuer:    string(raw.Issuer),
		Audience:  audience(raw.Audience),
		IssuedAt:  raw.IssuedAt.Time,
		ExpiresAt: raw.ExpiresAt.Time,
		Access:    access(raw.Access),
	}, nil
}

// audience parses a string or an array of strings (RFC 7519 section 4.1.3).
func audience(raw jsontext.Value) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil && one != "" {
		return []string{one}
	}
	var several []string
	if json.Unmarshal(raw, &several) != nil {
		return nil
	}
	return several
}

// maxAccessValues bounds the access claim: several hundred resources.
const maxAccessValues = 5_000

// access returns nil for a claim of another shape, and for one that is too long to be true.
func access(raw jsontext.Value) []Access {
	var entries []struct {
		Type    string   `json:"type"`
		Name    string   `json:"name"`
		Actions []string `json:"actions"`
	}
	if wire.Unmarshal(raw, maxAccessValues, &entries) != nil {
		return nil
	}
	granted := make([]Access, 0, len(entries))
	for _, entry := range entries {
		granted = append(granted, Access(entry))
	}
	return granted
}

// numericDate is RFC 7519 section 2: seconds since 1970, perhaps with a fraction. Any other value becomes the zero
// time, and so does one outside the years that RFC 3339 can write.
type numericDate struct{ time.Time }

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (n *numericDate) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err != nil || value.Kind() != '0' {
		return err
	}
	var seconds float64
	if err := json.Unmarshal(value, &seconds); err != nil || !(seconds > 0 && seconds < maxUnix) {
		return nil
	}
	n.Time = time.Unix(int64(math.Floor(seconds)), 0).UTC()
	return nil
}

// maxUnix is the last second of the year 9999.
const maxUnix = 253402300799
