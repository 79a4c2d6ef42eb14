package auth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/flight"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
	"github.com/acrkit/terraform-provider-acr/internal/acr/wire"
)

// Entra signs in with Entra ID at the first challenge, exchanges that token at the registry for a refresh token, and
// sends the refresh token in the form of a POST. All reads share one refresh token, until shortly before its end.
// Source: Azure/acr, docs/AAD-OAuth.md.
type Entra struct {
	identity  *entra.Identity
	exchanges flight.Group[*Login]

	mu     sync.Mutex
	login  *Login
	absent string // why an identity that nobody asked for counts as absent; empty while it may exist
}

// Login is a refresh token of the registry, which permits everything that the identity may do: what `az acr login
// --expose-token` prints, as the password of NullUsername.
type Login struct {
	RefreshToken secret.Text
	ExpiresAt    time.Time // UTC; zero if unknown

	service string
	renewAt time.Time // on this machine's clock
}

// clouds has Azure's clouds, by the suffixes of their registries.
var clouds = map[string]string{".azurecr.io": "public", ".azurecr.cn": "china", ".azurecr.us": "usgovernment"}

// CloudOf returns the cloud of a registry, host[:port], as azurerm names it. ofAzure reports whether the name is one of
// Azure's; any other name counts as the public cloud.
func CloudOf(registry string) (cloud string, ofAzure bool) {
	host, _, _ := strings.Cut(registry, ":")
	for suffix, cloud := range clouds {
		if strings.HasSuffix(host, suffix) {
			return cloud, true
		}
	}
	return "public", false
}

// NewEntra returns a credential that has not signed in yet. It belongs to one client.
func NewEntra(identity *entra.Identity) *Entra { return &Entra{identity: identity} }

// Validate implements Credential. The identity was checked when it was made.
func (e *Entra) Validate() error { return nil }

// Secrets implements Credential.
func (e *Entra) Secrets() []secret.Text { return e.identity.Secrets() }

// Description implements Credential.
func (e *Entra) Description() string {
	if absent := e.absence(); absent != "" {
		return "no credential, since none was found in the provider block and the environment, and " + absent
	}
	return "a refresh token, obtained with " + e.identity.String()
}

// Request implements Credential. If nobody asked for the identity and it does not exist, the request is anonymous.
func (e *Entra) Request(ctx context.Context, via Sender, realm *url.URL, params url.Values) (transport.Request, error) {
	if e.absence() != "" {
		return get(realm, params), nil
	}
	login, err := e.loginFor(ctx, via, realm, params.Get("service"))
	if err != nil && e.countsAsNone(err) {
		return get(realm, params), nil
	}
	if err != nil {
		return transport.Request{}, err
	}
	return RefreshToken{Token: login.RefreshToken}.Request(ctx, via, realm, params)
}

// Renew implements Renewable: a registry that is switched to ABAC permissions refuses every older refresh token.
func (e *Entra) Renew(refused transport.Request) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.login != nil && strings.Contains(refused.Body.Reveal(), url.QueryEscape(e.login.RefreshToken.Reveal())) {
		e.login = nil
	}
	return e.absent == ""
}

// countsAsNone reports whether a failure means that an identity nobody asked for does not exist. It remembers that, so
// that `az` is not asked twice.
func (e *Entra) countsAsNone(err error) bool {
	failed, ok := fault.As(err)
	if !ok || !e.identity.Unasked || failed.Reason != fault.AzureCLIMissing && failed.Reason != fault.AzureCLISignedOut {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.absent = "the Azure CLI has no session: " + failed.Detail
	return true
}

func (e *Entra) absence() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.absent
}

// loginFor returns the refresh token for a service, remembered or fetched now.
func (e *Entra) loginFor(ctx context.Context, via Sender, realm *url.URL, service string) (*Login, error) {
	if err := checkHome(via, realm); err != nil {
		return nil, err
	}
	if known := e.remembered(via, service); known != nil {
		return known, nil
	}
	login, _, err := e.exchanges.Do(ctx, service, func(ctx context.Context) (*Login, error) {
		if known := e.remembered(via, service); known != nil {
			return known, nil // another flight has landed meanwhile
		}
		return e.Exchange(ctx, via, realm, service)
	})
	return login, err
}

// remembered returns the refresh token for a service, nil if there is none or it should be renewed.
func (e *Entra) remembered(via Sender, service string) *Login {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.login != nil && e.login.service == service && via.Registry.Now().Before(e.login.renewAt) {
		return e.login
	}
	return nil
}

// checkHome returns an error for a realm that is not on the registry's own origin, whatever other token servers are
// trusted. Neither the token of Entra ID nor the refresh token is sent anywhere else: each permits everything that the
// identity may do.
func checkHome(via Sender, realm *url.URL) error {
	if to := transport.OriginOf(realm); to != via.Home {
		return &fault.Error{Reason: fault.ForeignRealm, Detail: "the challenge of " + via.Home.String() + " names the token server " + to.String() +
			"; with Entra ID, tokens go to the registry's own origin alone, whatever other token servers are trusted"}
	}
	return nil
}

// Exchange signs in, gets a new refresh token for the challenge's realm and service, and remembers it. Errors are
// *fault.Error.
func (e *Entra) Exchange(ctx context.Context, via Sender, realm *url.URL, service string) (*Login, error) {
	if err := checkHome(via, realm); err != nil {
		return nil, err
	}
	bearer, err := e.identity.Token(ctx, entra.Connection{Transport: lent{via.SignIn}, Timeout: via.Timeout, Secrets: via.Secrets})
	if err != nil {
		return nil, err
	}
	asked := via.Registry.Now()
	r := post(realm.ResolveReference(&url.URL{Path: "/oauth2/exchange"}), url.Values{
		"grant_type": {"access_token"}, "service": {service}, "access_token": {bearer.Reveal()},
	})
	r.Step = "exchanging the token of Entra ID at " + via.Home.String() + "/oauth2/exchange"
	r.Limit, r.Confined = maxTokenBody, true
	answer, err := via.Registry.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, e.exchangeRefused(r, answer)
	}
	login, err := decodeLogin(answer.Body, asked)
	if err != nil {
		return nil, &fault.Error{Reason: fault.BadAnswer, Step: r.Step, Status: answer.Status, Detail: err.Error()}
	}
	via.Secrets.Add(login.RefreshToken)
	login.service = service
	e.mu.Lock()
	defer e.mu.Unlock()
	e.login = login
	return login, nil
}

// exchangeRefused returns the error for a registry that issued no refresh token.
func (e *Entra) exchangeRefused(r transport.Request, answer *transport.Response) error {
	reason := fault.RequestRefused
	switch answer.Status {
	case http.StatusUnauthorized:
		reason = fault.ExchangeRefused
	case http.StatusForbidden:
		reason = fault.Denied
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		reason = fault.NoExchange
	case http.StatusProxyAuthRequired:
		reason = fault.ProxyRefused
	}
	failed := answer.Fault(reason, r.Step)
	switch reason {
	case fault.Denied:
		failed.Reason = fault.ReasonOf403(failed.Message)
	case fault.ExchangeRefused:
		failed.Detail = "it was sent a token obtained with " + e.identity.String()
	}
	return failed
}

// refreshTokenLifetime is the lifetime of a refresh token that does not state it, as recorded.
const refreshTokenLifetime = 11700 * time.Second

// decodeLogin decodes the answer of the exchange. Errors never show the answer.
func decodeLogin(body []byte, asked time.Time) (*Login, error) {
	var answer struct {
		RefreshToken wire.LenientString `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, errors.New("the answer is not a JSON object, so it holds no refresh token")
	}
	login := &Login{RefreshToken: secret.New(string(answer.RefreshToken))}
	if !login.RefreshToken.FitsHeader() {
		return nil, errors.New("the answer holds no refresh token")
	}
	lifetime := refreshTokenLifetime
	if claims, err := ParseClaims(login.RefreshToken); err == nil {
		login.ExpiresAt = claims.ExpiresAt
		if !claims.IssuedAt.IsZero() && claims.ExpiresAt.After(claims.IssuedAt) {
			lifetime = claims.ExpiresAt.Sub(claims.IssuedAt)
		}
	}
	login.renewAt = asked.Add(untilRenewal(lifetime))
	return login, nil
}

// whileUpdated has the statuses of Azure's metadata service while it is updated. Source: Microsoft, "How to use managed
// identities for Azure resources on an Azure VM to acquire an access token", "Error handling".
var whileUpdated = []int{http.StatusNotFound, http.StatusGone}

// lent is the client's transport as azidentity uses it. Redirects stay on the origin: each request holds a secret.
type lent struct{ transport *transport.Transport }

func (l lent) Do(request *http.Request) (*http.Response, error) {
	var body []byte
	if request.Body != nil {
		var err error
		if body, err = io.ReadAll(request.Body); err != nil {
			return nil, err
		}
	}
	r := transport.Request{
		Method: request.Method, URL: request.URL, Header: request.Header, Body: secret.New(string(body)), Limit: maxTokenBody, Confined: true,
	}
	if request.Header.Get("Metadata") == "true" { // it is for Azure's metadata service
		r.Passing = whileUpdated
	}
	answer, err := l.transport.Do(request.Context(), r)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: answer.Status, Status: http.StatusText(answer.Status), Header: answer.Header, Request: request,
		ContentLength: int64(len(answer.Body)), Body: io.NopCloser(bytes.NewReader(answer.Body)),
	}, nil
}
