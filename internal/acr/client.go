// Package acr reads the data plane of Azure Container Registry, and of registries that speak the same protocol. It
// knows HTTP, OCI and ACR, and nothing of Terraform. Begin at Client.read: the documented flow of challenge, token and
// request stands there in order.
package acr

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// Config is all that a Client needs.
type Config struct {
	Registry           string        // login server, as ParseRegistry gives it
	Credential         Credential    // zero for anonymous access
	CACertPEM          string        // further certificate authorities, beside the system's
	InsecureSkipVerify bool          // no certificate check
	PlainHTTP          bool          // http in place of https; without a credential, or to a loopback host
	TrustedTokenHosts  []string      // further host[:port] that may be sent the credential
	RequestTimeout     time.Duration // one attempt; 0 for DefaultRequestTimeout
	MaxRetries         int           // further attempts after the first; 0 for none
	UserAgent          string

	// Log is told of every request in plain strings, never of a header, a query or a body. May be nil.
	Log func(ctx context.Context, message string, fields map[string]any)
}

// The defaults of the provider block.
const (
	DefaultRequestTimeout = 30 * time.Second
	DefaultMaxRetries     = 5
)

func (c Config) endpoint() *url.URL {
	scheme := "https"
	if c.PlainHTTP {
		scheme = "http"
	}
	return &url.URL{Scheme: scheme, Host: c.Registry}
}

// Client reads from one registry with one credential. It shares connections, the registry's realm and tokens among all
// its reads, and may be used by many goroutines.
type Client struct {
	config    Config
	transport *transport
	policy    realmPolicy
	tokens    tokenStore
	manifests flights[*Manifest]
	first     flights[discovery] // the first discovery, which all reads wait for

	mu    sync.Mutex
	known discovery // the realm, or that there is none, once an answer told
}

// NewClient checks the configuration and makes a client. It sends nothing. Errors are *Error.
func NewClient(config Config) (*Client, error) {
	registry, err := ParseRegistry(config.Registry)
	if err != nil {
		return nil, err
	}
	config.Registry = registry
	if err := config.Credential.Validate(); err != nil {
		return nil, err
	}
	for _, host := range config.TrustedTokenHosts {
		if err := ValidateTrustedTokenHost(host); err != nil {
			return nil, err
		}
	}
	home := originOf(config.endpoint())
	if config.PlainHTTP && !home.isLoopback() && !config.Credential.IsAnonymous() {
		return nil, fault.Invalid("plain_http", "would send the credential to %s in the clear; only a loopback host may have it over http", home.hostport())
	}
	if config.RequestTimeout <= 0 {
		config.RequestTimeout = DefaultRequestTimeout
	}
	config.MaxRetries = max(config.MaxRetries, 0)
	transport, err := newTransport(config)
	if err != nil {
		return nil, err
	}
	return &Client{config: config, transport: transport, policy: newRealmPolicy(home, config.TrustedTokenHosts)}, nil
}

// Registry gives the login server, host[:port].
func (c *Client) Registry() string { return c.config.Registry }

// Close drops idle connections. The client stays usable.
func (c *Client) Close() { c.transport.base.CloseIdleConnections() }

// resource is something to read from the registry.
type resource struct {
	operation string // for errors: "reading the manifest r.azurecr.io/app:1.0"
	url       *url.URL
	accept    string
	limit     int64       // of a 2xx answer's body, in bytes
	scope     string      // what its challenge is foreseen to name; several are joined by spaces
	token     secret.Text // the caller's own access token, in place of the client's
}

// read gives a resource by the flow that ACR documents:
//
//  1. the request without credentials, answered with a challenge (once for a client: later reads know the realm);
//  2. a token from the challenge's realm, shared by all reads of the same scope;
//  3. the request with the token.
//
// A registry that asks for no token has answered at step 1. A 401 at step 3 is corrected once: the token may have been
// revoked, or the scope foreseen wrongly. Errors are *Error, also for every status but 200.
func (c *Client) read(ctx context.Context, r resource) (*response, error) {
	if !r.token.IsZero() {
		return c.checked(r, c.send(ctx, r, r.token))
	}
	found, err := c.discoveryFor(ctx, r)
	if err != nil || found.challenge == nil {
		return c.checked(r, sent{found.answer, err})
	}
	token, fresh, err := c.tokenFor(ctx, r, *found.challenge)
	if err != nil {
		return nil, err
	}
	asked, last := *found.challenge, c.send(ctx, r, token.Value)
	if corrected := c.correction(asked, fresh, last); corrected != nil {
		if slices.Equal(corrected.scopes, asked.scopes) {
			c.tokens.drop(token)
		}
		asked = *corrected
		if token, _, err = c.tokenFor(ctx, r, asked); err != nil {
			return nil, err
		}
		last = c.send(ctx, r, token.Value)
	}
	if last.answer != nil {
		last.answer.scope = strings.Join(asked.scopes, " ")
	}
	return c.checked(r, last)
}

// sent is what became of a request: an answer of any status, or an error.
type sent struct {
	answer *response
	err    error
}

// send sends the resource request, with a token where there is one.
func (c *Client) send(ctx context.Context, r resource, token secret.Text) sent {
	req := r.request()
	if !token.IsZero() {
		c.transport.secrets.Add(token)
		req.authorization = secret.New("Bearer " + token.Reveal())
	}
	answer, err := c.transport.do(ctx, req)
	return sent{answer, err}
}

func (r resource) request() request {
	return request{operation: r.operation, method: http.MethodGet, url: r.url, accept: r.accept, limit: r.limit}
}

// url gives the URL of a path such as /v2/app/manifests/1.0. The path is made of validated names.
func (c *Client) url(path string, query url.Values) *url.URL {
	target := c.config.endpoint()
	target.Path = path
	target.RawQuery = query.Encode()
	return target
}

// checked lets a 200 through and makes an error of everything else, a web page included.
func (c *Client) checked(r resource, s sent) (*response, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.answer.status == http.StatusOK && s.answer.isWebPage() {
		failed := c.transport.badAnswer(r.request(), s.answer, fmt.Errorf("a web page, sent as %s", secret.Excerpt(s.answer.header.Get("Content-Type"))))
		failed.Reason = fault.NotARegistry
		return nil, failed
	}
	if s.answer.status == http.StatusOK {
		return s.answer, nil
	}
	failed := c.transport.statusError(r.request(), s.answer)
	authenticated := r.token.IsZero() && c.whatIsKnown().challenge != nil
	if fault.IsMissing(failed) && !s.answer.saysMissing(failed.Code, authenticated) {
		failed.Reason = fault.NotARegistry
	}
	if s.answer.status == http.StatusUnauthorized {
		c.explainRefusal(failed, r, s.answer)
	}
	return nil, failed
}

// explainRefusal says what a last 401 means: its challenge tells a missing permission from a bad token.
func (c *Client) explainRefusal(failed *fault.Error, r resource, answer *response) {
	if answer.elsewhere != "" {
		failed.Reason, failed.Detail = fault.BadRedirect, "a host that the registry redirected to asks for credentials, which it does not get"
		return
	}
	ch, err := readChallenge(answer.header.Values("WWW-Authenticate"), c.policy)
	if err != nil {
		failed.Detail = c.transport.secrets.Redactor().Clean(err.Error())
		return
	}
	if ch.code == "insufficient_scope" || r.token.IsZero() && ch.code == "" {
		failed.Reason = fault.InsufficientScope
		if len(ch.scopes) == 0 {
			ch.scopes = strings.Fields(r.scope)
		}
		failed.Detail = c.transport.secrets.Redactor().Clean("the token lacks " + strings.Join(ch.scopes, " "))
	}
	if failed.Reason == fault.InsufficientScope && r.token.IsZero() && c.config.Credential.IsAnonymous() {
		failed.Reason = fault.NoCredential
		failed.Detail += "; it was asked for with " + c.config.Credential.description()
	}
}

// correction reads a 401 after a token was shown. It gives the challenge to answer, or nil where another token would
// be of no use: the scope asked for is missing from a token that was just made for it. A remembered token may have been
// revoked, so a new one is asked for even if the 401 names nothing: RFC 6750 section 3 lets it name an error alone.
func (c *Client) correction(asked challenge, fresh bool, s sent) *challenge {
	if s.err != nil || s.answer.status != http.StatusUnauthorized || s.answer.elsewhere != "" {
		return nil
	}
	ch, err := readChallenge(s.answer.header.Values("WWW-Authenticate"), c.policy)
	if err != nil && fresh {
		return nil
	}
	if err != nil {
		return &asked
	}
	if len(ch.scopes) == 0 {
		ch.scopes = asked.scopes
	}
	if fresh && ch.code != "invalid_token" && slices.Equal(ch.scopes, asked.scopes) {
		return nil
	}
	return &ch
}

// tokenFor gives the token for a challenge: remembered, shared with who asks for the same, or fetched now.
func (c *Client) tokenFor(ctx context.Context, r resource, ch challenge) (token *Token, fresh bool, err error) {
	token, fresh, err = c.tokens.get(ctx, ch, c.transport.now(), func(ctx context.Context) (*Token, error) {
		return c.fetchToken(ctx, r.operation, ch)
	})
	return token, fresh, relabelled(err, r.operation)
}

// discovery is what a request without credentials told.
type discovery struct {
	url       string     // of the request
	challenge *challenge // nil where the registry asked for no token
	answer    *response  // then: its answer
}

// discoveryFor gives the challenge for a resource. While nothing is known of the registry one read finds out and the
// others wait for it; after that the scope is foreseen and nothing is sent. A registry that asks for no token gives
// its answer to the resource.
func (c *Client) discoveryFor(ctx context.Context, r resource) (discovery, error) {
	known := c.whatIsKnown()
	if known.url == "" {
		var err error
		known, err = c.first.do(ctx, "", func(ctx context.Context) (discovery, error) { return c.discover(ctx, r, asOften) })
		if err != nil && concernsAnother(err, r) {
			return c.discover(ctx, r, onlyOnce) // the other has tried for both
		}
		if err != nil {
			return discovery{}, relabelled(err, r.operation)
		}
		if known.url == r.url.String() {
			return known, nil
		}
	}
	if known.challenge == nil {
		return c.discover(ctx, r, asOften)
	}
	foreseen := known.challenge.withScopes(strings.Fields(r.scope)...)
	return discovery{challenge: &foreseen}, nil
}

// concernsAnother reports whether a shared discovery failed by what another read asked for. That the host cannot be
// reached, is silent or limits its callers, concerns all.
func concernsAnother(err error, r resource) bool {
	failed, ok := fault.As(err)
	if !ok || failed.Operation == r.operation {
		return false
	}
	switch failed.Reason {
	case fault.Unreachable, fault.TimedOut, fault.CertificateRejected, fault.ProxyRefused, fault.RateLimited:
		return false
	}
	return true
}

// discover sends the request without credentials: the first step of ACR's flow. Credentials sent unasked would be
// answered with a Basic challenge when they are wrong, and with no word on the scope.
func (c *Client) discover(ctx context.Context, r resource, tries tries) (discovery, error) {
	req := r.request()
	req.tries = tries
	req.step = "asking " + originOf(req.url).String() + " without credentials"
	answer, err := c.transport.do(ctx, req)
	if err != nil {
		return discovery{}, err
	}
	found := discovery{url: req.url.String(), answer: answer}
	if answer.status == http.StatusUnauthorized && answer.elsewhere == "" {
		ch, err := readChallenge(answer.header.Values("WWW-Authenticate"), c.policy)
		if err != nil {
			return discovery{}, c.challengeError(req, answer, err)
		}
		if len(ch.scopes) == 0 && r.scope != "" {
			ch.scopes = strings.Fields(r.scope)
		}
		found.challenge = &ch
	}
	if found.challenge != nil || answer.status == http.StatusOK && !answer.isWebPage() {
		c.learn(found)
	}
	return found, nil
}

// challengeError says why a 401 holds no challenge to answer.
func (c *Client) challengeError(req request, answer *response, err error) *fault.Error {
	failed := c.transport.statusError(req, answer)
	failed.Detail = c.transport.secrets.Redactor().Clean(err.Error())
	var foreign *foreignRealmError
	switch {
	case errors.As(err, &foreign):
		failed.Reason = fault.ForeignRealm
	case errors.Is(err, errNoBearer):
		failed.Reason = fault.NotARegistry
	default:
		failed.Reason = fault.BadAnswer
	}
	return failed
}

func (c *Client) whatIsKnown() discovery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known
}

// learn remembers where tokens are had, or that none is asked for; the answer itself is not kept.
func (c *Client) learn(found discovery) {
	found.answer = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = found
}

// redact is the way out of the client for every error: a registry knows what it was shown, and may have put it into
// what an error says of its answer. Operation and Step are the client's own words.
func (c *Client) redact(err *error) {
	failed, ok := fault.As(*err)
	if !ok {
		return
	}
	clean := *failed
	clean.Detail = c.transport.secrets.Redactor().CleanTo(600, failed.Detail)
	*err = &clean
}

// saysMissing reports whether a 404 is the registry's own word on a name, and not a proxy's or a web server's page: it
// has a registry's error code or header, or it came after the registry had taken the client's token. Registries also
// send 404 with text/plain or with no body at all.
func (r *response) saysMissing(code string, authenticated bool) bool {
	if r.status != http.StatusNotFound || r.elsewhere != "" {
		return false
	}
	return code != "" || r.header.Get("Docker-Distribution-Api-Version") != "" || authenticated && !r.isWebPage()
}

// isWebPage tells a person's page, such as that of a login or of a registry's own user interface, from an API's answer.
func (r *response) isWebPage() bool {
	return strings.Contains(strings.ToLower(r.header.Get("Content-Type")), "html")
}

// relabelled gives a shared failure the operation of the caller that it reaches.
func relabelled(err error, operation string) error {
	failed, ok := fault.As(err)
	if !ok {
		if err == nil {
			return nil
		}
		return &fault.Error{Reason: fault.Canceled, Operation: operation, Detail: "cancelled before an answer came"}
	}
	mine := *failed
	mine.Operation = operation
	return &mine
}
