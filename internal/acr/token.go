package acr

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// TokenRequest asks for a token: for Repository, with Actions in addition to those of the challenge, or for complete
// Scopes such as `registry:catalog:*`.
type TokenRequest struct {
	Repository string
	Actions    []string
	Scopes     []string
}

func (r TokenRequest) validate() error {
	if len(r.Scopes) == 0 {
		if err := oci.ValidateRepository(r.Repository); err != nil {
			return err
		}
	}
	for _, action := range r.Actions {
		if err := auth.ValidateAction(action); err != nil {
			return err
		}
	}
	for _, scope := range r.Scopes {
		if err := auth.ValidateScope(scope); err != nil {
			return err
		}
	}
	return nil
}

// tokenRequest returns the request whose challenge is discovered. Any tag will do: without a token, a registry does not
// say what exists.
func (c *Client) tokenRequest(r TokenRequest) request {
	if len(r.Scopes) > 0 {
		return c.request(checkVersion, "", "", nil)
	}
	return c.request(getManifest, r.Repository, "latest", nil)
}

func (c *Client) gettingToken(r TokenRequest) string {
	if len(r.Scopes) > 0 {
		return fmt.Sprintf("getting a token of %s for %s", c.config.Registry, strings.Join(r.Scopes, " "))
	}
	return fmt.Sprintf("getting a token for %s/%s", c.config.Registry, r.Repository)
}

// scopes returns the scopes to ask for: the complete ones, or else those of the challenge, verbatim. Actions are added
// to the repository's own scope, which is appended if the challenge does not name it.
func (r TokenRequest) scopes(named []string) []string {
	switch {
	case len(r.Scopes) > 0:
		return r.Scopes
	case len(r.Actions) == 0 && len(named) > 0:
		return named
	}
	scopes, own := slices.Clone(named), "repository:"+r.Repository
	for i, scope := range scopes {
		if resource, _ := auth.SplitScope(scope); resource == own {
			scopes[i] = auth.WithActions(scope, r.Actions)
			return scopes
		}
	}
	return append(scopes, auth.WithActions(own+":pull", r.Actions))
}

// Token discovers the challenge again and fetches a new token, so that the token has its whole lifetime before it.
// Errors are *fault.Error, with the reason NoTokenNeeded for a registry that answers without one.
func (c *Client) Token(ctx context.Context, req TokenRequest) (token *auth.Token, err error) {
	defer c.finish(&err, c.gettingToken(req))
	if err := req.validate(); err != nil {
		return nil, err
	}
	r := c.tokenRequest(req)
	found, err := c.discover(ctx, r)
	if err != nil {
		return nil, err
	}
	if found.challenge == nil {
		return nil, c.noChallenge(r, found)
	}
	token, err = c.tokens.Fetch(ctx, found.challenge.WithScopes(req.scopes(found.challenge.Scopes)...))
	return token, c.tokenRefused(err)
}

// noChallenge returns the error for a registry that asked for no token. One that answers 200, or with a registry's own
// 404, is open.
func (c *Client) noChallenge(r request, found discovery) error {
	_, err := c.accept(r, found.answer, nil, nil)
	if err == nil || fault.IsMissing(err) {
		return &fault.Error{Reason: fault.NoTokenNeeded, Status: found.answer.Status, Detail: "the registry answers without a token, so there is none to get"}
	}
	return err
}
