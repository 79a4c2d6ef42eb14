package acr

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
)

// RepositoriesPerToken is how many repositories one token is requested for. With names of the greatest length the query
// has 6 KiB, and servers accept 8 KiB for a request's first line (RFC 9110 section 4.1).
const RepositoriesPerToken = 20

// sharedToken is one token for several repositories, or for everything that a write does in one.
type sharedToken struct {
	scopes  []string
	refused atomic.Pointer[auth.Refusal] // nil unless the token server refuses to issue it
}

// newSharedToken returns a token with one scope for each repository.
func newSharedToken(scope string, repositories ...string) *sharedToken {
	shared := &sharedToken{}
	for _, repository := range repositories {
		shared.scopes = append(shared.scopes, strings.ReplaceAll(scope, "{name}", repository))
	}
	return shared
}

// tokenFor returns the token for a request. fresh reports whether it was issued just now. If the request shares a
// token, and the token server refuses that one or grants less than the challenge names, the request gets a token of its
// own. If the token server refuses the credential, it would do so again: all that share the token get that refusal.
func (c *Client) tokenFor(ctx context.Context, r request, challenge auth.Challenge) (token *auth.Token, fresh bool, err error) {
	if r.shared == nil {
		return c.tokens.For(ctx, challenge)
	}
	refused := r.shared.refused.Load()
	if refused == nil {
		token, fresh, err = c.tokens.For(ctx, challenge.WithScopes(r.shared.scopes...))
		switch {
		case errors.As(err, &refused):
			r.shared.refused.Store(refused)
		case err != nil || token.Opens(challenge.Scopes):
			return token, fresh, err
		}
	}
	if refused != nil && refused.Answer.Status == http.StatusUnauthorized && !auth.IsAnonymous(c.config.Credential) {
		return nil, false, refused
	}
	return c.tokens.For(ctx, challenge)
}
