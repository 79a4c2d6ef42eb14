// Package entra signs in to Microsoft Entra ID, in every way that pipelines, machines and people use on Azure. It knows
// nothing of registries: settings go in, a token for an audience comes out.
//
// Names, environment variables and order are those of the azurerm provider: where azurerm signs in, this does too.
package entra

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azlog "github.com/Azure/azure-sdk-for-go/sdk/azcore/log"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// AZURE_SDK_GO_LOGGING=all makes azcore write requests and errors to standard error, which Terraform puts into its log.
func init() { azlog.SetListener(nil) }

// DefaultAudience is the audience of tokens for Azure Container Registry, in every cloud. Source: the registry
// service's team, https://github.com/Azure/azure-sdk-for-net/issues/34785.
const DefaultAudience = "https://containerregistry.azure.net"

// Identity is one way to sign in, checked as far as possible without sending anything.
type Identity struct {
	kind     kind
	audience string

	// Unasked says that nobody named this identity: it is the Azure CLI's session, used because `az` exists.
	Unasked bool
}

// kind is one way to prove an identity.
type kind interface {
	// credential returns azidentity's credential, a new one for each sign-in: what it reads, such as the file of a
	// federated token, may change.
	credential(ctx context.Context, via Connection, options azcore.ClientOptions) (azcore.TokenCredential, error)
	// secrets returns the texts that no error may repeat.
	secrets() []secret.Text
	// String names the kind in an error, such as "a client secret".
	String() string
}

// Connection is how a sign-in sends requests.
type Connection struct {
	Transport Transport
	Timeout   time.Duration // bounds the Azure CLI, which has no transport
	Secrets   *secret.Set   // is given each secret that a sign-in receives
}

// Transport sends requests and returns whole answers. It handles retries, limits and redirects. Its errors are
// *fault.Error.
type Transport interface {
	Do(*http.Request) (*http.Response, error)
}

// String names the way to sign in, such as "a client secret".
func (i *Identity) String() string { return i.kind.String() }

// Secrets returns the texts that no error may repeat.
func (i *Identity) Secrets() []secret.Text { return i.kind.secrets() }

// longest bounds a sign-in as a whole. Without a deadline, MSAL ends each request after 30 s, including the retries and
// waits that the transport bounds itself.
const longest = time.Hour

// Token signs in and returns a token for the audience. Errors are *fault.Error with the step, but no operation.
func (i *Identity) Token(ctx context.Context, via Connection) (secret.Text, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	seen := &witness{next: via.Transport}
	via.Transport = seen
	credential, err := i.kind.credential(ctx, via, options(seen))
	if err != nil {
		return secret.Text{}, i.explain(ctx, err, seen)
	}
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{i.audience + "/.default"}})
	if err != nil {
		return secret.Text{}, i.explain(ctx, err, seen)
	}
	bearer := secret.New(token.Token)
	if bearer.IsZero() {
		return secret.Text{}, i.explain(ctx, errors.New("an empty token"), seen)
	}
	via.Secrets.Add(bearer)
	return bearer, nil
}

// options returns azidentity's options, which leave everything about requests to the transport.
func options(transport policy.Transporter) azcore.ClientOptions {
	return azcore.ClientOptions{
		Retry:     policy.RetryOptions{MaxRetries: -1, TryTimeout: longest},
		Telemetry: policy.TelemetryOptions{Disabled: true},
		Transport: transport,
	}
}
