package auth

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// Challenge is a registry's demand for a token: from the realm, for the service, with the scopes.
type Challenge struct {
	Realm   *url.URL // checked against the realm policy
	Service string   // may be empty
	Scopes  []string // such as "repository:alpine:pull"; may be empty
	Code    string   // RFC 6750 section 3.1: "insufficient_scope", "invalid_token" or empty
}

// WithScopes returns the same challenge for other scopes.
func (c Challenge) WithScopes(scopes ...string) Challenge {
	return Challenge{Realm: c.Realm, Service: c.Service, Scopes: scopes}
}

// key returns what the token server is asked for: challenges with the same key share a token.
func (c Challenge) key() string {
	return strings.Join(append([]string{c.Realm.String(), c.Service}, c.Scopes...), "\n")
}

// ErrNoBearer is returned for a registry that offers no Bearer challenge.
var ErrNoBearer = errors.New("no Bearer challenge")

// ReadChallenge returns the first Bearer challenge in the WWW-Authenticate lines whose realm the policy trusts. The
// error is about a malformed header, is ErrNoBearer, or is the policy's on the first realm that it refuses.
func ReadChallenge(lines []string, policy RealmPolicy) (Challenge, error) {
	offers, err := wire.ParseChallenges(lines)
	if err != nil {
		return Challenge{}, err
	}
	var refused error
	for _, offer := range offers {
		if !strings.EqualFold(offer.Scheme, "Bearer") {
			continue
		}
		realm, err := policy.check(offer.Params["realm"])
		if err == nil && !isScope(offer.Params["scope"]) {
			return Challenge{}, errors.New("the challenge's scope is malformed or too long")
		}
		if err == nil {
			return Challenge{
				Realm:   realm,
				Service: offer.Params["service"],
				Scopes:  strings.Fields(offer.Params["scope"]),
				Code:    offer.Params["error"],
			}, nil
		}
		if refused == nil {
			refused = err
		}
	}
	if refused != nil {
		return Challenge{}, refused
	}
	var schemes []string
	for _, offer := range offers {
		if len(schemes) < 5 && !slices.Contains(schemes, offer.Scheme) {
			schemes = append(schemes, offer.Scheme)
		}
	}
	if len(schemes) > 0 {
		return Challenge{}, fmt.Errorf("%w: it offers %s", ErrNoBearer, strings.Join(schemes, ", "))
	}
	return Challenge{}, ErrNoBearer
}

// maxScope bounds the scope of a challenge, in bytes: a repository's name has 255.
const maxScope = 2 << 10

// isScope reports whether a challenge's scope has only the characters of RFC 6749 section 3.3, since it is sent on and
// shown. It may be empty.
func isScope(scope string) bool {
	return len(scope) <= maxScope &&
		!strings.ContainsFunc(scope, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' })
}

// ForeignRealmError is returned for a realm on an origin that is not trusted.
type ForeignRealmError struct{ error }
