package acr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxTokenBody bounds a token answer.
const maxTokenBody = 128 << 10

// Token is a bearer token with what is known of it.
type Token struct {
	Value     secret.Text
	Realm     string    // the URL that gave it
	Service   string    // as in the challenge
	Scopes    []string  // as asked for
	Claims    *Claims   // nil where the token is opaque
	IssuedAt  time.Time // UTC; zero where unknown
	ExpiresAt time.Time // UTC; zero where unknown

	renewAt time.Time // on this machine's clock
}

// MissingActions lists what was asked for and not granted, each as `type:name:action`; a token server answers 200 all
// the same. Empty where the token does not say.
func (t *Token) MissingActions() []string {
	if t.Claims == nil || t.Claims.Access == nil {
		return nil
	}
	var missing []string
	for _, scope := range t.Scopes {
		resource, actions := splitScope(scope)
		for action := range strings.SplitSeq(actions, ",") {
			if !t.grants(resource, action) {
				missing = append(missing, resource+":"+action)
			}
		}
	}
	return missing
}

// grants reports whether the access claim opens resource (`type:name`) for the action. `*` asks for whatever there is.
func (t *Token) grants(resource, action string) bool {
	for _, entry := range t.Claims.Access {
		if entry.Type+":"+entry.Name != resource {
			continue
		}
		if slices.Contains(entry.Actions, action) || slices.Contains(entry.Actions, "*") || action == "*" && len(entry.Actions) > 0 {
			return true
		}
	}
	return false
}

// splitScope takes `type:name:actions` apart at the last colon: a name may hold a port.
func splitScope(scope string) (resource, actions string) {
	if i := strings.LastIndexByte(scope, ':'); i >= 0 {
		return scope[:i], scope[i+1:]
	}
	return scope, ""
}

// withActions adds actions to a scope, in sorted order behind those that it has, each once.
func withActions(scope string, actions []string) string {
	resource, has := splitScope(scope)
	var all []string
	for action := range strings.SplitSeq(has, ",") {
		if !slices.Contains(all, action) {
			all = append(all, action)
		}
	}
	for _, action := range slices.Sorted(slices.Values(actions)) {
		if !slices.Contains(all, action) {
			all = append(all, action)
		}
	}
	return resource + ":" + strings.Join(all, ",")
}

// tokenStore shares tokens among the reads of one client, which has one registry and one credential. The key is what
// was asked for: realm, service and scopes. Only successes are remembered.
type tokenStore struct {
	fetches flights[*Token]
	mu      sync.Mutex
	known   map[string]*Token
}

// get gives a remembered token, or the one that fetch brings; fresh tells which.
func (s *tokenStore) get(ctx context.Context, c challenge, now time.Time, fetch func(context.Context) (*Token, error)) (token *Token, fresh bool, err error) {
	key := c.key()
	s.mu.Lock()
	token = s.known[key]
	s.mu.Unlock()
	if token != nil && now.Before(token.renewAt) {
		return token, false, nil
	}
	token, err = s.fetches.do(ctx, key, func(ctx context.Context) (*Token, error) {
		token, err := fetch(ctx)
		if err == nil {
			s.remember(key, token)
		}
		return token, err
	})
	return token, true, err
}

func (s *tokenStore) remember(key string, token *Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]*Token{}
	}
	s.known[key] = token
}

// drop forgets a token that the registry refused, unless a newer one took its place.
func (s *tokenStore) drop(token *Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, known := range s.known {
		if known == token {
			delete(s.known, key)
		}
	}
}

// key tells challenges apart by what the token server would be asked.
func (c challenge) key() string {
	return strings.Join(append([]string{c.realm.String(), c.service}, c.scopes...), "\n")
}

// fetchToken asks the challenge's realm for a token: the second step of ACR's flow.
func (c *Client) fetchToken(ctx context.Context, operation string, ch challenge) (*Token, error) {
	r := c.tokenRequest(operation, ch)
	asked := c.transport.now()
	answer, err := c.transport.do(ctx, r)
	if err != nil {
		return nil, err
	}
	if answer.status != http.StatusOK {
		return nil, c.tokenRefused(r, answer)
	}
	token, err := decodeToken(answer.body, asked)
	if err != nil {
		return nil, c.transport.badAnswer(r, answer, err)
	}
	c.transport.secrets.Add(token.Value)
	token.Realm, token.Service, token.Scopes = ch.realm.String(), ch.service, ch.scopes
	return token, nil
}

// tokenRequest shows a credential as Basic in a GET, an identity token in the form of a POST, and nothing for an
// anonymous client. Scopes are repeated parameters: joined by a space they are not verified to work, and an empty one
// is answered with 400.
func (c *Client) tokenRequest(operation string, ch challenge) request {
	realm := *ch.realm
	params := realm.Query()
	if ch.service != "" {
		params.Set("service", ch.service)
	}
	for _, scope := range ch.scopes {
		params.Add("scope", scope)
	}
	realm.RawQuery = ""
	r := request{
		operation: operation,
		step:      "asking " + originOf(&realm).String() + c.transport.secrets.Redactor().Clean(realm.EscapedPath()) + " for a token",
		method:    http.MethodGet,
		url:       &realm,
		limit:     maxTokenBody,
		confined:  true,
	}
	credential := c.config.Credential
	if !credential.RefreshToken.IsZero() {
		params.Set("grant_type", "refresh_token")
		params.Set("refresh_token", credential.RefreshToken.Reveal())
		r.method, r.form = http.MethodPost, params
		return r
	}
	realm.RawQuery = params.Encode()
	if !credential.IsAnonymous() {
		r.authorization = credential.basic()
	}
	return r
}

// TokenRequest says which token is wanted: one for Repository, with Actions beside what the challenge names, or one for
// complete Scopes such as `registry:catalog:*`.
type TokenRequest struct {
	Repository string
	Actions    []string
	Scopes     []string
}

func (r TokenRequest) validate() error {
	if len(r.Scopes) == 0 {
		if err := ValidateRepository(r.Repository); err != nil {
			return err
		}
	}
	for _, action := range r.Actions {
		if err := ValidateAction(action); err != nil {
			return err
		}
	}
	for _, scope := range r.Scopes {
		if err := ValidateScope(scope); err != nil {
			return err
		}
	}
	return nil
}

// tokenResource gives the request whose challenge is discovered. Any tag does: a registry tells what exists only to who
// has a token.
func (c *Client) tokenResource(r TokenRequest) resource {
	if len(r.Scopes) > 0 {
		return resource{
			operation: fmt.Sprintf("getting a token of %s for %s", c.config.Registry, strings.Join(r.Scopes, " ")),
			url:       c.url("/v2/", nil),
			limit:     maxErrorBody,
		}
	}
	return resource{
		operation: fmt.Sprintf("getting a token for %s/%s", c.config.Registry, r.Repository),
		url:       c.url("/v2/"+r.Repository+"/manifests/latest", nil),
		accept:    acceptManifest,
		limit:     maxManifest,
		scope:     "repository:" + r.Repository + ":pull",
	}
}

// scopes gives what to ask for: the complete scopes, else what the challenge names with the actions added to the
// repository's own scope.
func (r TokenRequest) scopes(named []string) []string {
	if len(r.Scopes) > 0 {
		return r.Scopes
	}
	scopes, own := slices.Clone(named), "repository:"+r.Repository
	for i, scope := range scopes {
		if resource, _ := splitScope(scope); resource == own {
			scopes[i] = withActions(scope, r.Actions)
			return scopes
		}
	}
	return append(scopes, withActions(own+":pull", r.Actions))
}

// Token discovers the challenge anew and gets a new token, so that what is handed out has its whole lifetime before
// it. Errors are *Error; NoTokenNeeded for a registry that answers without one.
func (c *Client) Token(ctx context.Context, req TokenRequest) (token *Token, err error) {
	defer c.redact(&err)
	if err := req.validate(); err != nil {
		return nil, err
	}
	r := c.tokenResource(req)
	found, err := c.discover(ctx, r, asOften)
	if err != nil {
		return nil, err
	}
	if found.challenge == nil {
		return nil, c.noChallenge(r, found.answer)
	}
	ch := found.challenge.withScopes(req.scopes(found.challenge.scopes)...)
	if token, err = c.fetchToken(ctx, r.operation, ch); err != nil {
		return nil, err
	}
	c.tokens.remember(ch.key(), token)
	return token, nil
}

// noChallenge says why there is no token to get. A registry that answers 200, or 404 in its own words, is open.
func (c *Client) noChallenge(r resource, answer *response) error {
	_, err := c.checked(r, sent{answer: answer})
	if err == nil || fault.IsMissing(err) {
		return &fault.Error{Reason: fault.NoTokenNeeded, Operation: r.operation, Status: answer.status, Detail: "the registry answers without a token, so there is none to hand out"}
	}
	return err
}

// tokenRefused says why the token server gave no token.
func (c *Client) tokenRefused(r request, answer *response) error {
	failed := c.transport.statusError(r, answer)
	if answer.status == http.StatusUnauthorized || answer.status == http.StatusForbidden && failed.Code != "DENIED" {
		failed.Reason = fault.WrongCredentials
		if c.config.Credential.IsAnonymous() {
			failed.Reason = fault.NoCredential
		}
		failed.Detail = "it was shown " + c.config.Credential.description()
	}
	if answer.status == http.StatusNotFound {
		failed.Reason = fault.NotARegistry
	}
	return failed
}

var errNoToken = errors.New("the answer holds no token")

// decodeToken reads a token answer: access_token, else token (distribution's specification), with expires_in and
// issued_at where the token itself says nothing. Errors never show what came.
func decodeToken(body []byte, asked time.Time) (*Token, error) {
	var answer struct {
		AccessToken lenientString  `json:"access_token"`
		Token       lenientString  `json:"token"`
		ExpiresIn   jsontext.Value `json:"expires_in"`
		IssuedAt    lenientString  `json:"issued_at"`
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

// issued reads issued_at where it makes sense: a date after 1970 to which a year can be added and RFC 3339 still write
// it.
func issued(text string) (time.Time, bool) {
	at, err := time.Parse(time.RFC3339, text)
	at = at.UTC()
	return at, err == nil && at.Unix() > 0 && at.Year() < 9999
}

// seconds reads expires_in where it makes sense: a number of seconds, more than 0 and at most a year.
func seconds(raw jsontext.Value) (time.Duration, bool) {
	var n float64
	if raw.Kind() != '0' || json.Unmarshal(raw, &n) != nil || !(n >= 1 && n <= 365*24*3600) {
		return 0, false
	}
	return time.Duration(n) * time.Second, true
}

// untilRenewal says how long a token is used. Its lifetime is counted from when it was asked for, on this machine's
// clock, so that a clock that differs from the registry's does no harm. A tenth, at most 5 minutes, is left for the
// requests under way. 60 s is distribution's default where no lifetime is stated.
func untilRenewal(lifetime time.Duration) time.Duration {
	if lifetime <= 0 {
		lifetime = time.Minute
	}
	return lifetime - min(lifetime/10, 5*time.Minute)
}
