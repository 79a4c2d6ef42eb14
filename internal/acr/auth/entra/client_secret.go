package entra

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// secretCredential signs a service principal in with a client secret.
type secretCredential struct {
	application
	secret secret.Text
}

func (s settings) clientSecret(attribute string) (kind, error) {
	found, err := s.findOrFile("client_secret", s.block.ClientSecret, clientSecretFileVariable)
	if err != nil {
		return nil, err
	}
	principal, err := s.application(attribute)
	return secretCredential{principal, found.Text}, err
}

func (c secretCredential) credential(_ context.Context, _ Connection, options azcore.ClientOptions) (azcore.TokenCredential, error) {
	return azidentity.NewClientSecretCredential(c.tenantID, c.clientID, c.secret.Reveal(), &azidentity.ClientSecretCredentialOptions{
		ClientOptions: c.at(options), DisableInstanceDiscovery: true,
	})
}

func (c secretCredential) secrets() []secret.Text { return []secret.Text{c.secret} }

func (c secretCredential) String() string { return c.with("a client secret") }
