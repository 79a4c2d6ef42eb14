package acr

import (
	"context"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
)

// Login signs in with Entra ID and returns a new refresh token of the registry, so that it has its whole lifetime
// before it. Errors are *fault.Error; NotSignedIn for a client with another kind of credential.
func (c *Client) Login(ctx context.Context) (login *auth.Login, err error) {
	defer c.finish(&err, "signing in to "+c.config.Registry)
	r := c.request(checkVersion, "", "", nil)
	found, err := c.discover(ctx, r)
	if err != nil {
		return nil, err
	}
	if found.challenge == nil {
		return nil, c.noChallenge(r, found)
	}
	return c.tokens.Login(ctx, *found.challenge)
}
