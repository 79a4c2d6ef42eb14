package auth

import (
	"context"
	"net/url"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// RefreshToken sends a refresh token in the form of a POST, by the OAuth 2.0 flow of distribution's token server.
// `docker login` stores such a token as identitytoken.
type RefreshToken struct {
	Token secret.Text
	// Source is where it came from, in words for an error.
	Source string
}

// Validate implements Credential.
func (RefreshToken) Validate() error { return nil }

// Request implements Credential.
func (r RefreshToken) Request(_ context.Context, _ Sender, realm *url.URL, params url.Values) (transport.Request, error) {
	params.Set("grant_type", "refresh_token")
	params.Set("refresh_token", r.Token.Reveal())
	return post(realm, params), nil
}

// Secrets implements Credential.
func (r RefreshToken) Secrets() []secret.Text { return []secret.Text{r.Token} }

// Description implements Credential.
func (r RefreshToken) Description() string { return "the identity token from " + r.Source }
