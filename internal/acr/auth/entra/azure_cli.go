package entra

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// cliCredential uses the session of the Azure CLI.
type cliCredential struct {
	tenantID string // empty for the session's own
}

func (s settings) azureCLI() (kind, error) {
	tenant, err := s.tenant()
	return cliCredential{tenant.Reveal()}, err
}

func (c cliCredential) credential(_ context.Context, via Connection, _ azcore.ClientOptions) (azcore.TokenCredential, error) {
	if _, err := exec.LookPath("az"); err != nil {
		return nil, &fault.Error{Reason: fault.AzureCLIMissing, Detail: "no `az` is on PATH"}
	}
	session, err := azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: c.tenantID})
	return boundedCLI{session, via.Timeout}, err
}

func (c cliCredential) secrets() []secret.Text { return nil }

func (c cliCredential) String() string { return "the Azure CLI's session" }

// boundedCLI ends an `az` that hangs, and returns why it printed no token.
type boundedCLI struct {
	azcore.TokenCredential
	timeout time.Duration
}

func (b boundedCLI) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	bounded, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	token, err := b.TokenCredential.GetToken(bounded, options)
	if err == nil && token.Token == "" {
		err = errors.New("no token")
	}
	if err != nil {
		return azcore.AccessToken{}, b.failure(bounded, err)
	}
	return token, nil
}

// failure returns the error for an `az` that failed. azidentity's error repeats all output of `az`; this one repeats
// only AADSTS numbers.
func (b boundedCLI) failure(bounded context.Context, err error) *fault.Error {
	failed := &fault.Error{Reason: fault.AzureCLIFailed, Detail: "`az account get-access-token` failed"}
	said := err.Error()
	number := aadsts(said)
	if number != "" {
		failed.Detail += " with " + number
	}
	switch {
	case errors.Is(bounded.Err(), context.DeadlineExceeded):
		failed.Reason = fault.AzureCLITimedOut
		failed.Detail = fmt.Sprintf("`az account get-access-token` did not end within %s", b.timeout)
	case numbered[number] != "":
		failed.Reason = numbered[number]
	case strings.Contains(said, "az login"):
		failed.Reason = fault.AzureCLISignedOut
	}
	return failed
}
