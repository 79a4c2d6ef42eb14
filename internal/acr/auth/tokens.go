package auth

import (
	"context"
	"net/http"
	"sync"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/flight"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// maxTokenBody bounds a token answer, in bytes.
const maxTokenBody = 128 << 10

// Tokens fetches tokens for challenges with one credential of one registry, and shares them. For each realm, service
// and scopes there is one token until shortly before its end. Failures are not remembered.
type Tokens struct {
	via        Sender
	credential Credential
	fetches    flight.Group[*Token]

	mu    sync.Mutex
	known map[string]*Token
}

// NewTokens returns an empty store. It adds each token to the sender's secrets.
func NewTokens(via Sender, credential Credential) *Tokens {
	via.Secrets.Add(credential.Secrets()...)
	return &Tokens{via: via, credential: credential, known: map[string]*Token{}}
}

// Refusal is a token server's answer without a token. Its text quotes nothing of the answer.
type Refusal struct {
	Step   string // which request was refused
	Answer *transport.Response
	Cause  error // with status 200: what is wrong with the answer; quotes nothing of it
}

// Error implements error.
func (r *Refusal) Error() string { return "the token server gave no token" }

// For returns the token for a challenge: remembered, shared with others that ask for the same, or fetched now. fresh
// reports whether it was fetched. Errors are *Refusal, *fault.Error, or the context's error.
func (t *Tokens) For(ctx context.Context, c Challenge) (token *Token, fresh bool, err error) {
	if token = t.remembered(c); token != nil {
		return token, false, nil
	}
	token, _, err = t.fetches.Do(ctx, c.key(), func(ctx context.Context) (*Token, error) {
		if token := t.remembered(c); token != nil {
			return token, nil // another flight has landed meanwhile
		}
		return t.Fetch(ctx, c)
	})
	return token, true, err
}

// remembered returns the token for a challenge, nil if there is none or it should be renewed.
func (t *Tokens) remembered(c Challenge) *Token {
	t.mu.Lock()
	defer t.mu.Unlock()
	if token := t.known[c.key()]; token != nil && t.via.Registry.Now().Before(token.renewAt) {
		return token
	}
	return nil
}

// Fetch gets a new token for a challenge, the second step of ACR's flow, and remembers it. Errors are *Refusal or
// *fault.Error.
func (t *Tokens) Fetch(ctx context.Context, c Challenge) (*Token, error) {
	asked := t.via.Registry.Now()
	r, answer, err := t.ask(ctx, c)
	if err != nil {
		return nil, err
	}
	if answer.Status != http.StatusOK {
		return nil, &Refusal{Step: r.Step, Answer: answer}
	}
	token, err := decodeToken(answer.Body, asked)
	if err != nil {
		return nil, &Refusal{Step: r.Step, Answer: answer, Cause: err}
	}
	t.via.Secrets.Add(token.Value)
	token.Realm, token.Service, token.Scopes = c.Realm.String(), c.Service, c.Scopes
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[c.key()] = token
	return token, nil
}

// ask sends the realm the credential. If that is refused and can be renewed, it asks once more.
func (t *Tokens) ask(ctx context.Context, c Challenge) (r transport.Request, answer *transport.Response, err error) {
	for range 2 {
		if r, err = t.request(ctx, c); err != nil {
			return r, nil, err
		}
		answer, err = t.via.Registry.Do(ctx, r)
		renewable, ok := t.credential.(Renewable)
		if err != nil || answer.Status != http.StatusUnauthorized || !ok || !renewable.Renew(r) {
			break
		}
	}
	return r, answer, err
}

// request asks the realm for a token. Each scope is its own parameter, as in distribution's specification. An empty one
// is left out, since ACR answers it with 400. The credential stays on the realm's origin.
func (t *Tokens) request(ctx context.Context, c Challenge) (transport.Request, error) {
	realm, params := *c.Realm, c.Realm.Query()
	realm.RawQuery = ""
	if c.Service != "" {
		params.Set("service", c.Service)
	}
	for _, scope := range c.Scopes {
		params.Add("scope", scope)
	}
	r, err := t.credential.Request(ctx, t.via, &realm, params)
	r.Step = "asking " + transport.OriginOf(&realm).String() + realm.EscapedPath() + " for a token"
	r.Limit = maxTokenBody
	r.Confined = true
	return r, err
}

// Drop forgets a token that the registry refused, unless a newer one has replaced it.
func (t *Tokens) Drop(token *Token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, known := range t.known {
		if known == token {
			delete(t.known, key)
		}
	}
}

// Login gets a new refresh token for the challenge's realm and service, and uses it for later tokens. Errors are
// *fault.Error, with the reason NotSignedIn if the credential is not one of Entra ID.
func (t *Tokens) Login(ctx context.Context, c Challenge) (*Login, error) {
	signedIn, ok := t.credential.(*Entra)
	if !ok {
		return nil, &fault.Error{Reason: fault.NotSignedIn, Detail: "the registry is sent " + t.credential.Description()}
	}
	login, err := signedIn.Exchange(ctx, t.via, c.Realm, c.Service)
	if err != nil && signedIn.countsAsNone(err) {
		return nil, &fault.Error{Reason: fault.NotSignedIn, Detail: "the registry is sent " + signedIn.Description()}
	}
	return login, err
}
