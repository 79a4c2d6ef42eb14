package acr

import (
	"context"
	"net/http"
	"slices"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// discovery is what a request without credentials has shown.
type discovery struct {
	request   string              // its name; empty if no request has shown anything yet
	challenge *auth.Challenge     // nil if the registry asked for no token
	answer    *transport.Response // the registry's answer, if it asked for no token
}

// discoveryFor returns the challenge for a request. The first request asks the registry, and the others wait for it.
// Later ones predict their scope and send nothing. A registry that needs no token has answered the request itself:
// identical reads share that answer, writes never do.
func (c *Client) discoveryFor(ctx context.Context, r request) (discovery, error) {
	known := c.whatIsKnown()
	if known.request == "" {
		found, led, err := c.first.Do(ctx, "", func(ctx context.Context) (discovery, error) {
			if known := c.whatIsKnown(); known.request != "" {
				return known, nil // another flight has landed meanwhile
			}
			return c.discover(ctx, r)
		})
		switch {
		case err != nil && !led && !concernsAll(err):
			r.Once = true // the leader has already retried
			return c.discover(ctx, r)
		case err != nil || found.answer != nil && (led || r.isRead() && found.request == r.name()):
			return found, err
		}
		known = found
	}
	if known.challenge == nil {
		return c.discover(ctx, r)
	}
	foreseen := known.challenge.WithScopes(r.scopes...)
	return discovery{challenge: &foreseen}, nil
}

// concernsAll reports whether a discovery failed for a reason that every request would meet: the host is unreachable,
// silent, or limits its callers. Any other failure may be due to the request itself.
func concernsAll(err error) bool {
	failed, ok := fault.As(err)
	if !ok {
		return true // the context ended
	}
	switch failed.Reason {
	case fault.Unreachable, fault.TimedOut, fault.CertificateRejected, fault.ProxyRefused, fault.RateLimited:
		return true
	}
	return false
}

// discover sends the request without credentials, the first step of ACR's flow. If it sent credentials unasked and they
// were wrong, the registry would answer with a Basic challenge and name no scope.
func (c *Client) discover(ctx context.Context, r request) (discovery, error) {
	r.Step = "asking " + c.home.String() + " without credentials"
	res, err := c.transport.Do(ctx, r.Request)
	if err != nil {
		return discovery{}, err
	}
	found := discovery{request: r.name(), answer: res}
	if res.Status == http.StatusUnauthorized && res.Elsewhere == "" {
		ch, err := auth.ReadChallenge(res.Header.Values("WWW-Authenticate"), c.policy)
		if err != nil {
			return discovery{}, challengeRefused(r, res, err)
		}
		if len(ch.Scopes) == 0 {
			ch.Scopes = r.scopes
		}
		found.challenge = &ch
	}
	if found.challenge != nil || r.accepts(res.Status) && !res.IsWebPage() {
		c.learn(found)
	}
	return found, nil
}

// correction reads a 401 that came in spite of a token. It returns the challenge to answer, or nil if another token
// would not help: a token that was just issued for the scope does not grant it. A remembered token may have been
// revoked, so it is replaced even if the 401 names no realm (RFC 6750 section 3 lets it name an error alone).
func (c *Client) correction(asked auth.Challenge, token *auth.Token, fresh bool, res *transport.Response, err error) *auth.Challenge {
	if err != nil || res.Status != http.StatusUnauthorized || res.Elsewhere != "" {
		return nil
	}
	ch, err := auth.ReadChallenge(res.Header.Values("WWW-Authenticate"), c.policy)
	if err != nil && fresh {
		return nil
	}
	if err != nil {
		return &asked
	}
	wasRevoked := !fresh && ch.Code == "invalid_token" && token.Opens(ch.Scopes)
	if len(ch.Scopes) == 0 || wasRevoked { // the new token may be for several repositories, as the old one was
		ch.Scopes = asked.Scopes
	}
	if fresh && ch.Code != "invalid_token" && sameScopes(ch, asked) {
		return nil
	}
	return &ch
}

func sameScopes(a, b auth.Challenge) bool { return slices.Equal(a.Scopes, b.Scopes) }

func (c *Client) whatIsKnown() discovery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known
}

// learn remembers where tokens come from, or that none is needed. It does not keep the answer.
func (c *Client) learn(found discovery) {
	found.answer = nil
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = found
}
