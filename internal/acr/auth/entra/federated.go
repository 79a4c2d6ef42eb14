package entra

import (
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// federatedCredential signs a service principal or a user-assigned identity in with a token of another issuer that
// Entra ID trusts: a workload identity.
type federatedCredential struct {
	application
	issuer issuer
}

// issuer returns federated tokens.
type issuer interface {
	// token returns a new federated token: most are valid for a few minutes. Errors are *fault.Error.
	token(ctx context.Context, via Connection) (secret.Text, error)
	secrets() []secret.Text
	String() string
}

func (s settings) federated(attribute string) (kind, error) {
	from, err := s.issuer(attribute)
	if err != nil {
		return nil, err
	}
	principal, err := s.application(attribute)
	return federatedCredential{principal, from}, err
}

// issuer returns the first of: a configured token, that of HCP Terraform's workspace, Azure DevOps, GitHub.
func (s settings) issuer(attribute string) (issuer, error) {
	path, err := s.orAKS(s.find("oidc_token_file_path", secret.New(s.block.OIDCTokenFilePath)), aksTokenFileVariable)
	if err != nil {
		return nil, err
	}
	given := s.find("oidc_token", s.block.OIDCToken)
	switch {
	case path.isOfBlock() && !given.isOfBlock():
		return newTokenFile(path, value{})
	case !path.IsZero() && path.isOfBlock() == given.isOfBlock():
		return newTokenFile(path, given)
	case !given.IsZero():
		return givenToken{given.Text}, nil
	}
	if workspace := s.variable("oidc_token", workspaceTokenVariable); !workspace.IsZero() {
		return givenToken{workspace.Text}, nil
	}
	return s.pipeline(attribute)
}

func (c federatedCredential) credential(ctx context.Context, via Connection, options azcore.ClientOptions) (azcore.TokenCredential, error) {
	token, err := c.issuer.token(ctx, via)
	if err != nil {
		return nil, err
	}
	via.Secrets.Add(token)
	assertion := func(context.Context) (string, error) { return token.Reveal(), nil }
	return azidentity.NewClientAssertionCredential(c.tenantID, c.clientID, assertion, &azidentity.ClientAssertionCredentialOptions{
		ClientOptions: c.at(options), DisableInstanceDiscovery: true,
	})
}

func (c federatedCredential) secrets() []secret.Text { return c.issuer.secrets() }

func (c federatedCredential) String() string {
	return c.with("a federated token from " + c.issuer.String())
}

// givenToken is a federated token in the configuration.
type givenToken struct{ text secret.Text }

func (g givenToken) token(context.Context, Connection) (secret.Text, error) { return g.text, nil }

func (g givenToken) secrets() []secret.Text { return []secret.Text{g.text} }

func (g givenToken) String() string { return "the configuration" }

// tokenFile is a file with a federated token, which another process renews.
type tokenFile string

// newTokenFile reads the file once, so that a missing one is reported at once. A token that is also configured must be
// the same.
func newTokenFile(path, given value) (issuer, error) {
	text, err := readText(path.Reveal())
	if err != nil {
		return nil, path.invalid("%s", err)
	}
	if !given.IsZero() && given.Reveal() != text.Reveal() {
		return nil, given.conflicting("differs from the content of the file %s", secret.Excerpt(path.Reveal()))
	}
	return tokenFile(path.Reveal()), nil
}

func (f tokenFile) token(context.Context, Connection) (secret.Text, error) {
	text, err := readText(string(f))
	if err != nil {
		return secret.Text{}, &fault.Error{Reason: fault.NoFederatedToken, Detail: err.Error()}
	}
	return text, nil
}

func (f tokenFile) secrets() []secret.Text { return nil }

func (f tokenFile) String() string { return "the file " + secret.Excerpt(string(f)) }

// noFederatedToken returns the error for a federated token that neither the configuration nor the environment has.
func noFederatedToken(attribute, detail string) *fault.Error {
	return &fault.Error{Reason: fault.NoFederatedToken, Argument: attribute, Operation: "looking for a federated token", Detail: detail}
}
