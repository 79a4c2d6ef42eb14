package auth

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// Token is a bearer token and what is known about it.
type Token struct {
	Value     secret.Text
	Realm     string    // the URL that issued it
	Service   string    // as in the challenge
	Scopes    []string  // as requested
	Claims    *Claims   // nil if the token is opaque
	IssuedAt  time.Time // UTC; zero if unknown
	ExpiresAt time.Time // UTC; zero if unknown

	renewAt time.Time // on this machine's clock
}

// MissingActions returns the actions that were requested and not granted, each as `type:name:action`: a token server
// answers 200 all the same. It is empty if the token does not say.
func (t *Token) MissingActions() []string {
	if !t.tellsAccess() {
		return nil
	}
	var missing []string
	for _, scope := range t.Scopes {
		resource, actions := SplitScope(scope)
		for action := range strings.SplitSeq(actions, ",") {
			if !t.grants(resource, action) {
				missing = append(missing, resource+":"+action)
			}
		}
	}
	return missing
}

// Opens reports whether the token was requested with the scopes, alone or among more actions, and was granted them. If
// the token does not say what it grants, it counts as granted.
func (t *Token) Opens(scopes []string) bool {
	for _, scope := range scopes {
		resource, actions := SplitScope(scope)
		for action := range strings.SplitSeq(actions, ",") {
			if !t.askedFor(resource, action) || t.tellsAccess() && !t.grants(resource, action) {
				return false
			}
		}
	}
	return true
}

func (t *Token) askedFor(resource, action string) bool {
	return slices.ContainsFunc(t.Scopes, func(scope string) bool {
		asked, actions := SplitScope(scope)
		return asked == resource && slices.Contains(strings.Split(actions, ","), action)
	})
}

func (t *Token) tellsAccess() bool { return t.Claims != nil && t.Claims.Access != nil }

// grants reports whether the access claim opens resource (`type:name`) for the action. `*` asks for every action. A
// resource's class, as in `repository(plugin):name`, is not part of the type in the claim.
func (t *Token) grants(resource, action string) bool {
	kind, name, _ := strings.Cut(resource, ":")
	kind, _, _ = strings.Cut(kind, "(")
	for _, entry := range t.Claims.Access {
		if granted, _, _ := strings.Cut(entry.Type, "("); granted != kind || entry.Name != name {
			continue
		}
		if slices.Contains(entry.Actions, action) || slices.Contains(entry.Actions, "*") || action == "*" && len(entry.Actions) > 0 {
			return true
		}
	}
	return false
}

var errNoToken = errors.New("the answer holds no token")

// decodeToken decodes a token answer: access_token, or else token (distribution's specification). It uses expires_in
// and issued_at if the token itself has no dates. Errors never show the answer.
func decodeToken(body []byte, asked time.Time) (*Token, error) {
	var answer struct {
		AccessToken wire.LenientString `json:"access_token"`
		Token       wire.LenientString `json:"token"`
		ExpiresIn   jsontext.Value     `json:"expires_in"`
		IssuedAt    wire.LenientString `json:"issued_at"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, errors.New("the answer is not a JSON object, so it holds no token")
	}
	token := &Token{Value: secret.New(string(answer.AccessToken))}
	if token.Value.IsZero() {
		token.Value = secret.New(string(answer.Token))
	}
	if !token.Value.FitsHeader() {
		return nil, errNoToken
	}
	var lifetime time.Duration
	if claims, err := ParseClaims(token.Value); err == nil {
		token.Claims = claims
		token.IssuedAt, token.ExpiresAt = claims.IssuedAt, claims.ExpiresAt
		if !claims.IssuedAt.IsZero() && !claims.ExpiresAt.IsZero() {
			lifetime = claims.ExpiresAt.Sub(claims.IssuedAt)
		} else if !claims.ExpiresAt.IsZero() {
			lifetime = claims.ExpiresAt.Sub(asked)
		}
	}
	stated, dated := issued(string(answer.IssuedAt))
	if dated && token.IssuedAt.IsZero() {
		token.IssuedAt = stated
	}
	if left, ok := seconds(answer.ExpiresIn); ok && token.ExpiresAt.IsZero() {
		lifetime = left
		if token.IssuedAt.IsZero() {
			token.IssuedAt = asked.UTC().Truncate(time.Second)
		}
		token.ExpiresAt = token.IssuedAt.Add(left)
	}
	token.renewAt = asked.Add(untilRenewal(lifetime))
	return token, nil
}

// issued parses issued_at if it makes sense: a date after 1970 that RFC 3339 can still write a year later.
func issued(text string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, text)
	at = at.UTC()
	return at, err == nil && at.Unix() > 0 && at.Year() < 9999
}

// seconds parses expires_in if it makes sense: a number of seconds, more than 0 and at most a year. Some token servers
// write it as a text.
func seconds(raw jsontext.Value) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || !(n >= 1 && n <= 365*24*3600) {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

// untilRenewal returns how long a token is used. Its lifetime is counted from the request for it, on this machine's
// clock, so that a difference from the registry's clock does no harm. A tenth, at most 5 minutes, is left for requests
// under way. If no lifetime is stated, it is 60 s, distribution's default.
func untilRenewal(lifetime time.Duration) time.Duration {
	if lifetime <= 0 {
		lifetime = time.Minute
	}
	return lifetime - min(lifetime/10, 5*time.Minute)
}

// ValidateAccessToken returns an error for a token that cannot stand in an Authorization header. It does not show the
// value.
func ValidateAccessToken(token secret.Text) error {
	if !token.FitsHeader() {
		return fault.Invalid("access_token", "is empty or holds a character that no token has, such as a line break")
	}
	return nil
}
