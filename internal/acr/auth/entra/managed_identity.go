package entra

import (
	"context"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// managedIdentityCredential signs in as the identity that Azure gave the machine: a virtual machine, App Service,
// Container Apps, Arc and others. azidentity finds out which by their variables.
type managedIdentityCredential struct {
	clientID string   // of a user-assigned identity; empty for the machine's own
	endpoint *url.URL // instead of IMDS; may be nil
}

func (s settings) managedIdentity() (kind, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	m := managedIdentityCredential{clientID: client.Reveal()}
	endpoint := s.variable("use_msi", msiEndpointVariable)
	if endpoint.IsZero() {
		return m, nil
	}
	if m.endpoint, err = parseURL(endpoint.Reveal()); err != nil {
		return nil, endpoint.invalid("is not an http(s) URL")
	}
	return m, nil
}

func (m managedIdentityCredential) credential(_ context.Context, _ Connection, options azcore.ClientOptions) (azcore.TokenCredential, error) {
	if m.endpoint != nil {
		options.Transport = imdsElsewhere{options.Transport, m.endpoint}
	}
	how := &azidentity.ManagedIdentityCredentialOptions{ClientOptions: options}
	if m.clientID != "" {
		how.ID = azidentity.ClientID(m.clientID)
	}
	return azidentity.NewManagedIdentityCredential(how)
}

// imdsHost is the address of Azure's Instance Metadata Service on every virtual machine.
const imdsHost = "169.254.169.254"

// imdsElsewhere sends requests for IMDS to another endpoint, for which azidentity has no setting.
type imdsElsewhere struct {
	next     Transport
	endpoint *url.URL
}

func (e imdsElsewhere) Do(request *http.Request) (*http.Response, error) {
	if request.URL.Hostname() != imdsHost {
		return e.next.Do(request)
	}
	elsewhere := request.Clone(request.Context())
	query := e.endpoint.Query()
	for name, values := range request.URL.Query() {
		query[name] = values
	}
	target := *e.endpoint
	target.RawQuery = query.Encode()
	elsewhere.URL, elsewhere.Host = &target, target.Host
	return e.next.Do(elsewhere)
}

func (m managedIdentityCredential) secrets() []secret.Text { return nil }

func (m managedIdentityCredential) String() string {
	if m.clientID == "" {
		return "this machine's managed identity"
	}
	return "this machine's managed identity " + secret.Excerpt(m.clientID)
}
