package acr

import (
	"context"
	"errors"
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
	refused atomic.Bool // the token server refuses to issue it
}

func newSharedToken(repositories []string) *sharedToken {
	shared := &sharedToken{}
	for _, repository := range repositories {
		shared.scopes = append(shared.scopes, strings.ReplaceAll(pull, "{name}", repository))
	}
	return shared
}

// newPushToken returns the shared token of all requests of a push to a repository, including its reads.
func newPushToken(repository string) *sharedToken {
	return &sharedToken{scopes: []string{strings.ReplaceAll(push, "{name}", repository)}}
}

// newUntagToken returns the shared token of all requests that remove a tag from a repository, including its reads.
func newUntagToken(repository string) *sharedToken {
	return &sharedToken{scopes: []string{strings.ReplaceAll(untag, "{name}", repository)}}
}

// tokenFor returns the token for a request. fresh reports whether it was issued just now. If the request shares a
// token, and the token server refuses that one or grants less than the challenge names, the request gets a token of its
// own.
func (c *Client) tokenFor(ctx context.Context, r request, challenge auth.Challenge) (token *auth.Token, fresh bool, err error) {
	if r.shared == nil || r.shared.refused.Load() {
		return c.tokens.For(ctx, challenge)
	}
	token, fresh, err = c.tokens.For(ctx, challenge.WithScopes(r.shared.scopes...))
	var refusal *auth.Refusal
	switch {
	case errors.As(err, &refusal):
		r.shared.refused.Store(true)
	case err != nil || token.Opens(challenge.Scopes):
		return token, fresh, err
	}
	return c.tokens.For(ctx, challenge)
}
