package entra

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	token, err := run(bounded, s.inTenant(args)...)
	if err != nil && strings.Contains(said(err), refusesTenant) {
		token, err = run(bounded, args...)
	}
	if err != nil || token == "" {
		return azcore.AccessToken{}, s.failure(bounded, err)
	}
	return azcore.AccessToken{Token: token}, nil
}

// refusesTenant is how the Azure CLI refuses --tenant for a managed identity's session, or Cloud Shell's, each of which
// has one tenant. Source: azure-cli, azure/cli/core/_profile.py.
const refusesTenant = "Tenant shouldn't be specified"

// inTenant adds the tenant to the arguments of `az`, if there is one.
func (s cliSession) inTenant(args []string) []string {
	if s.tenantID == "" {
		return args
	}
	return append(slices.Clip(args), "--tenant", s.tenantID)
}

// run runs `az` and returns the token that it prints, empty if it prints none.
func run(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, "az", args...) //nolint:gosec // audience and tenant were checked
	command.WaitDelay = 500 * time.Millisecond         // what `az` has started can hold the pipes open after its end
	setApart(command)
	command.Env = withConfigFolder(os.Environ())
	output, err := command.Output()
	var answer struct {
		AccessToken string `json:"accessToken"`
	}
	if err == nil || errors.Is(err, exec.ErrWaitDelay) {
		err = json.Unmarshal(object(output), &answer)
	}
	return answer.AccessToken, err
}

// withConfigFolder adds the absolute path of the folder with the session to an environment that names a relative one, which
// means another folder where `az` runs.
func withConfigFolder(environment []string) []string {
	const variable = "AZURE_CONFIG_DIR"
	folder := os.Getenv(variable)
	absolute, err := filepath.Abs(folder)
	if folder == "" || err != nil {
		return environment
	}
	return append(environment, variable+"="+absolute)
}

// object returns the JSON object in what `az` printed: colour codes and warnings may surround it.
func object(output []byte) []byte {
	begin, end := bytes.IndexByte(output, '{'), bytes.LastIndexByte(output, '}')
	if begin < 0 || end < begin {
		return nil
	}
	return output[begin : end+1]
}

// said returns what a failed `az` wrote to standard error.
func said(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}

// failure returns the error for an `az` that printed no token. Of what `az` said it repeats only AADSTS numbers.
func (s cliSession) failure(bounded context.Context, err error) *fault.Error {
	failed := &fault.Error{Reason: fault.AzureCLIFailed, Detail: "`az account get-access-token` failed"}
	number := aadsts(said(err))
	if number != "" {
		failed.Detail += " with " + number
	}
	switch {
	case errors.Is(bounded.Err(), context.DeadlineExceeded):
		failed.Reason = fault.AzureCLITimedOut
		failed.Detail = fmt.Sprintf("`az account get-access-token` did not end within %s", s.timeout)
	case numbered[number] != "":
		failed.Reason = numbered[number]
	case strings.Contains(said(err), "az login"):
		failed.Reason = fault.AzureCLISignedOut
	}
	return failed
}
