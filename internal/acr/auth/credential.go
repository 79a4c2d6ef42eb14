// Package auth holds who asks: credentials, the challenges that say where to get a token, and the tokens. It decides which
// host may see a credential.
package auth

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// Credential is one way to ask a token server for a token. Each kind has a file of its own.
type Credential interface {
	// Validate refuses what cannot be sent, before anything is. The error is a *fault.Error and shows no secret.
	Validate() error
	// Request returns the request for a token: to a realm without its query, with the parameters service and scope.
	// Method, Body and Authorization are the credential's to set. What it has to fetch for that goes via the sender.
	Request(ctx context.Context, via Sender, realm *url.URL, params url.Values) (transport.Request, error)
	// Secrets returns what no error and no log may repeat.
	Secrets() []secret.Text
	// Description says in an error what the token server was shown.
	Description() string
}

// Renewable is a Credential that shows what it has fetched itself, and can fetch anew.
type Renewable interface {
	// Renew is told of a request that the token server refused. It reports whether the next one may show something else.
	Renew(refused transport.Request) bool
}

// Sender is what a credential sends requests of its own through.
type Sender struct {
	Home     transport.Origin     // of the registry
	Registry *transport.Transport // to the registry
	SignIn   *transport.Transport // to who signs in, whose certificates are always checked
	Timeout  time.Duration        // bounds what has no transport
	Secrets  *secret.Set          // what no error may repeat
}

// Anonymous asks for tokens without a credential.
type Anonymous struct {
	// Source says where a credential was looked for, in words for an error, such as "the provider block".
	Source string
}

// IsAnonymous reports whether a credential shows the token server nothing.
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
