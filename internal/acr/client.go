// Package acr reads and writes the data plane of Azure Container Registry, and of registries that speak the same
// protocol. It knows ACR's and OCI's APIs, and nothing of Terraform. Start at Client.do, which has the three steps of
// every read and write: challenge, token, request.
package acr

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/flight"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// Config is all that a Client needs.
type Config struct {
	Registry           string          // login server, as ParseRegistry returns it
	Credential         auth.Credential // nil for anonymous access
	CACertPEM          string          // further certificate authorities, beside the system's
	InsecureSkipVerify bool            // no certificate check
	PlainHTTP          bool            // http instead of https; without a credential, or to a loopback host
	TrustedTokenHosts  []string        // further host[:port] that may be sent the credential
	RequestTimeout     time.Duration   // one attempt; 0 for DefaultRequestTimeout
	MaxRetries         int             // further attempts after the first; 0 for none
	UserAgent          string

	// Log receives every request in plain strings, without headers, query and body. May be nil.
	Log func(ctx context.Context, message string, fields map[string]any)
}

// The defaults of the provider block.
const (
	DefaultRequestTimeout = 30 * time.Second
	DefaultMaxRetries     = 5
)

// MaxRetryAfter is the longest wait that a registry may ask for with Retry-After.
const MaxRetryAfter = transport.MaxRetryAfter

func (c Config) endpoint() *url.URL {
	scheme := "https"
	if c.PlainHTTP {
		scheme = "http"
	}
	return &url.URL{Scheme: scheme, Host: c.Registry}
}

// ParseRegistry checks a login server, `host[:port]`, and returns it in lower case: ACR refuses to authenticate any
// other spelling. For a value with a scheme or a path, the error shows the login server in it. It shows nothing of a
// value with user information.
func ParseRegistry(value string) (string, error) {
	registry := strings.ToLower(value)
	if transport.IsHost(registry) {
		return registry, nil
	}
	if host := transport.BareHost(registry); transport.IsHost(host) && !strings.Contains(value, "@") {
		return "", fault.Invalid("registry", "holds more than the login server %q: a scheme, a path or spaces", host)
	}
	return "", fault.Invalid("registry", "is not a login server, which is host[:port] such as \"example.azurecr.io\"")
}

// Client reads from and writes to one registry with one credential. It shares connections, the registry's realm and
// tokens among all its requests, and may be used by many goroutines.
type Client struct {
	config    Config
	home      transport.Origin
	transport *transport.Transport
	signIn    *transport.Transport // to others than the registry; the same but for insecure_skip_verify
	policy    auth.RealmPolicy
	tokens    *auth.Tokens
	secrets   *secret.Set // what no error may repeat
	manifests flight.Group[*oci.Manifest]
	first     flight.Group[discovery] // the first discovery, which all requests wait for

	probes    flight.Group[struct{}]
	hasOwnAPI atomic.Bool // ACR's; known once an answer has shown it
	written   written
	locked    locked
	uploads   turns // one for each blob on its way

	mu    sync.Mutex
	known discovery // the realm, or that there is none, once an answer has shown it
}

// checked returns the configuration with its defaults, or the error for what cannot be used.
func (c Config) checked() (Config, error) {
	registry, err := ParseRegistry(c.Registry)
	if err != nil {
		return Config{}, err
	}
	c.Registry = registry
	if c.Credential == nil {
		c.Credential = auth.Anonymous{}
	}
	if err := c.Credential.Validate(); err != nil {
		return Config{}, err
	}
	for _, host := range c.TrustedTokenHosts {
		if err := auth.ValidateTrustedTokenHost(host); err != nil {
			return Config{}, err
		}
	}
	if home := transport.OriginOf(c.endpoint()); home.IsHTTP() && !home.IsLoopback() && !auth.IsAnonymous(c.Credential) {
		return Config{}, fault.Invalid("plain_http", "would send the credential to %s in the clear; over http only a loopback host may receive it", home.Hostport())
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = DefaultRequestTimeout
	}
	return c, nil
}

// NewClient checks the configuration and returns a client. It sends nothing. Errors are *fault.Error.
func NewClient(config Config) (*Client, error) {
	config, err := config.checked()
	if err != nil {
		return nil, err
	}
	secrets := &secret.Set{}
	how := transport.Config{
		Registry:           config.endpoint(),
		CACertPEM:          config.CACertPEM,
		InsecureSkipVerify: config.InsecureSkipVerify,
		RequestTimeout:     config.RequestTimeout,
		MaxRetries:         max(config.MaxRetries, 0),
		UserAgent:          config.UserAgent,
		Secrets:            secrets,
		Log:                config.Log,
	}
	sender, err := transport.New(how)
	if err != nil {
		return nil, err
	}
	signIn := sender
	if how.InsecureSkipVerify {
		how.InsecureSkipVerify = false
		if signIn, err = transport.New(how); err != nil {
			return nil, err
		}
	}
	home := transport.OriginOf(config.endpoint())
	return &Client{
		config:    config,
		home:      home,
		transport: sender,
		signIn:    signIn,
		policy:    auth.NewRealmPolicy(home, config.TrustedTokenHosts),
		tokens: auth.NewTokens(auth.Sender{
			Home: home, Registry: sender, SignIn: signIn, Timeout: config.RequestTimeout, Secrets: secrets,
		}, config.Credential),
		secrets: secrets,
		uploads: make(turns, maxUploads),
	}, nil
}

// Registry returns the login server, host[:port].
func (c *Client) Registry() string { return c.config.Registry }

// Close drops idle connections. The client stays usable.
func (c *Client) Close() {
	c.transport.Close()
	c.signIn.Close()
}

// answer is what do returns: an answer with a status that the request accepts, and the scopes of its token.
type answer struct {
	*transport.Response
	scopes []string // empty without a token, or with the caller's own
}

// do sends a request in the three steps that ACR documents. Each step sends the body, since a registry that answers 401
// has not acted on it. A registry that needs no token answers at step 1. A 401 at step 3 is corrected once: the token
// may have been revoked, or the scope predicted wrongly. A status that the request does not accept is returned as an
// error. Errors are *fault.Error, or the context's.
func (c *Client) do(ctx context.Context, r request) (*answer, error) {
	if !r.token.IsZero() {
		res, err := c.send(ctx, r, r.token)
		return c.accept(r, res, err, nil)
	}

	// 1. Send the request without credentials and receive a challenge. Once per client: later requests know the realm.
	found, err := c.discoveryFor(ctx, r)
	if err != nil || found.challenge == nil {
		return c.accept(r, found.answer, err, nil)
	}

	// 2. Get a token from the challenge's realm. All requests with the same scope share it.
	token, fresh, err := c.tokenFor(ctx, r, *found.challenge)
	if err != nil {
		return nil, c.tokenRefused(err)
	}
	challenge := found.challenge.WithScopes(token.Scopes...)

	// 3. Send the request with the token.
	res, err := c.send(ctx, r, token.Value)
	if corrected := c.correction(challenge, token, fresh, res, err); corrected != nil {
		if corrected.Code == "invalid_token" || sameScopes(*corrected, challenge) {
			c.tokens.Drop(token)
		}
		if r.Content != nil { // it has been read; the caller starts again
			return c.accept(r, res, err, nil)
		}
		challenge = *corrected
		if token, _, err = c.tokens.For(ctx, challenge); err != nil {
			return nil, c.tokenRefused(err)
		}
		res, err = c.send(ctx, r, token.Value)
	}
	return c.accept(r, res, err, challenge.Scopes)
}

// send sends a request with a token.
func (c *Client) send(ctx context.Context, r request, token secret.Text) (*transport.Response, error) {
	c.secrets.Add(token)
	r.Authorization = secret.New("Bearer " + token.Reveal())
	return c.transport.Do(ctx, r.Request)
}

// repeat is the transport's Repeat for requests that need a token. A failure to get one does not count as a break: Do has
// already retried that.
func (c *Client) repeat(ctx context.Context, run func() (broke bool, err error)) error {
	return c.transport.Repeat(ctx, func() (bool, error) {
		broke, err := run()
		return broke && !errors.As(err, new(unsent)), err
	})
}

// maxDetail is the longest Detail of an error, in characters.
const maxDetail = 600

// finish ends every exported method: it names the operation in the error and removes secrets from it. A registry knows
// the secrets it was sent, and may repeat them in its answer.
func (c *Client) finish(err *error, operation string) {
	if *err == nil {
		return
	}
	clean := fault.Error{Reason: fault.Canceled, Detail: "cancelled before an answer came"} // for the context's own error
	if failed, ok := fault.As(*err); ok {
		clean = *failed
	}
	if clean.Operation == "" {
		clean.Operation = operation
	}
	redactor := c.secrets.Redactor()
	clean.Step = redactor.CleanTo(maxDetail, clean.Step)
	clean.Code = redactor.Clean(clean.Code)
	clean.Message = redactor.Clean(clean.Message)
	clean.CorrelationID = redactor.Clean(clean.CorrelationID)
	clean.Detail = redactor.CleanTo(maxDetail, clean.Detail)
	*err = &clean
}
