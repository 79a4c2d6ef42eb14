package provider

import (
	"context"
	"sync"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// copySources has the clients for the sources of acr_image_copy. Copies from one registry share a client, unless they
// have their own credential.
type copySources struct {
	provider providerModel

	mu      sync.Mutex
	clients map[string]*acr.Client
}

// client returns the client for a source's registry, which is the provider's own for its own registry. username and
// password are the resource's, empty for none. The caller calls done after use. The provider's password never goes to
// another registry.
func (s *copySources) client(ctx context.Context, own *acr.Client, registry, username string, password secret.Text) (client *acr.Client, done func(), err error) {
	done = func() {}
	if registry == own.Registry() {
		if username != "" {
			err = fault.Conflicting("source_username", "is for a source in another registry, and the source is in %s, the provider's own", registry)
		}
		return own, done, err
	}
	if username != "" {
		client, err = own.OfSource(registry, auth.Basic{Username: username, Password: password, Source: "source_username and source_password_wo"})
		if err != nil {
			return nil, nil, err
		}
		return client, client.Close, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if client = s.clients[registry]; client != nil {
		return client, done, nil
	}
	found, err := s.provider.sourceCredential(ctx, own.Registry(), registry)
	if err != nil {
		return nil, nil, err
	}
	if client, err = own.OfSource(registry, found); err != nil {
		return nil, nil, err
	}
	if s.clients == nil {
		s.clients = map[string]*acr.Client{}
	}
	s.clients[registry] = client
	return client, done, nil
}
