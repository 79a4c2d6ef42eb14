// Package auth fetches tokens: it has the credentials, the challenges that name the token server, and the tokens. It
// decides which host may see a credential.
package auth

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// Credential is one way to authenticate to a token server. Each kind has its own file.
type Credential interface {
	// Validate returns an error for a credential that cannot be sent. It is a *fault.Error and shows no secret.
	Validate() error
	// Request returns the request for a token: to a realm without its query, with the parameters service and scope. It
	// sets Method, Body and Authorization. If it has to fetch something first, it does so via the sender.
	Request(ctx context.Context, via Sender, realm *url.URL, params url.Values) (transport.Request, error)
	// Secrets returns the texts that no error and no log may repeat.
	Secrets() []secret.Text
	// Description says what the token server was sent, in words for an error.
	Description() string
}

// Renewable is a Credential that sends something it fetched itself, and that it can fetch again.
type Renewable interface {
	// Renew receives a request that the token server refused, and reports whether a new one would send something else.
	Renew(refused transport.Request) bool
}

// Sender is how a credential sends its own requests.
type Sender struct {
	Home     transport.Origin     // of the registry
	Registry *transport.Transport // to the registry
	SignIn   *transport.Transport // to the services that sign in, whose certificates are always checked
	Timeout  time.Duration        // bounds what has no transport
	Secrets  *secret.Set          // what no error may repeat
}

// Anonymous asks for tokens without a credential.
type Anonymous struct {
	// Source is where a credential was looked for, in words for an error, such as "the provider block".
	Source string
}

// IsAnonymous reports whether a credential sends the token server nothing.
func IsAnonymous(credential Credential) bool {
	switch credential := credential.(type) {
	case Anonymous:
		return true
	case *Entra:
		return credential.absence() != ""
	default:
		return false
	}
}

// Validate implements Credential.
func (Anonymous) Validate() error { return nil }

// Request implements Credential.
func (Anonymous) Request(_ context.Context, _ Sender, realm *url.URL, params url.Values) (transport.Request, error) {
	return get(realm, params), nil
}

// Secrets implements Credential.
func (Anonymous) Secrets() []secret.Text { return nil }

// Description implements Credential.
func (a Anonymous) Description() string {
	return "no credential, since none was found in " + a.Source
}

// get returns the GET for a token.
func get(realm *url.URL, params url.Values) transport.Request {
	target := *realm
	target.RawQuery = params.Encode()
	return transport.Request{Method: http.MethodGet, URL: &target}
}

// post returns the POST of a form.
func post(target *url.URL, form url.Values) transport.Request {
	return transport.Request{
		Method: http.MethodPost, URL: target, ContentType: "application/x-www-form-urlencoded", Body: secret.New(form.Encode()),
	}
}
