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
	"github.com/go-json-experiment/json"

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
	return cliSession{c.tenantID, via.Timeout}, nil
}

func (c cliCredential) secrets() []secret.Text { return nil }

func (c cliCredential) String() string { return "the Azure CLI's session" }

// cliSession asks `az` for tokens. azidentity's own credential runs it among the processes that a terminal's Ctrl-C ends:
// it could fail before the context is cancelled, which alone should end it.
type cliSession struct {
	tenantID string
	timeout  time.Duration
}

// GetToken implements azcore.TokenCredential, for one scope. Errors are *fault.Error.
func (s cliSession) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	// Older versions of the CLI know resources, and no scopes.
	args := []string{"account", "get-access-token", "-o", "json", "--resource", strings.TrimSuffix(options.Scopes[0], "/.default")}
	if s.tenantID != "" {
		args = append(args, "--tenant", s.tenantID)
	}
	command := exec.CommandContext(bounded, "az", args...) //nolint:gosec // both values were checked
	command.WaitDelay = 500 * time.Millisecond             // what `az` has started can hold the pipes open after its end
	setApart(command)
	output, err := command.Output()
	var answer struct {
		AccessToken string `json:"accessToken"`
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		err = json.Unmarshal(output, &answer)
	}
	if err != nil || answer.AccessToken == "" {
		return azcore.AccessToken{}, s.failure(bounded, err)
	}
	return azcore.AccessToken{Token: answer.AccessToken}, nil
}

// failure returns the error for an `az` that printed no token. Of what `az` said it repeats only AADSTS numbers.
func (s cliSession) failure(bounded context.Context, err error) *fault.Error {
	failed := &fault.Error{Reason: fault.AzureCLIFailed, Detail: "`az account get-access-token` failed"}
	said := ""
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		said = string(exit.Stderr)
	}
	number := aadsts(said)
	if number != "" {
		failed.Detail += " with " + number
	}
	switch {
	case errors.Is(bounded.Err(), context.DeadlineExceeded):
		failed.Reason = fault.AzureCLITimedOut
		failed.Detail = fmt.Sprintf("`az account get-access-token` did not end within %s", s.timeout)
	case numbered[number] != "":
		failed.Reason = numbered[number]
	case strings.Contains(said, "az login"):
		failed.Reason = fault.AzureCLISignedOut
	}
	return failed
}
