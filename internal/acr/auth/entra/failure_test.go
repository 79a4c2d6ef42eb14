package entra_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
)

func TestRefusalOfEntraID(t *testing.T) {
	echo := entratest.ClientSecret
	for name, test := range map[string]struct {
		path   string
		status int
		body   string
		reason fault.Reason
		code   string
		detail string
	}{
		"wrong secret":           {entratest.TokenPath, 401, entratest.AADSTS("invalid_client", 7000215, echo), fault.SignInRefused, "AADSTS7000215", "invalid_client, trace id 00000000-0000-0000-0000-00000000000d"},
		"expired assertion":      {entratest.TokenPath, 401, entratest.AADSTS("invalid_client", 700024, echo), fault.FederatedTokenExpired, "AADSTS700024", "invalid_client, trace id 00000000-0000-0000-0000-00000000000d"},
		"unknown tenant":         {entratest.DiscoveryPath, 400, entratest.AADSTS("invalid_tenant", 90002, echo), fault.TenantNotFound, "AADSTS90002", "invalid_tenant, trace id 00000000-0000-0000-0000-00000000000d"},
		"tenant that is no name": {entratest.DiscoveryPath, 400, entratest.AADSTS("invalid_tenant", 900023, echo), fault.TenantNotFound, "AADSTS900023", "invalid_tenant, trace id 00000000-0000-0000-0000-00000000000d"},
		"unknown audience":       {entratest.TokenPath, 400, entratest.AADSTS("invalid_resource", 500011, echo), fault.AudienceUnknown, "AADSTS500011", "invalid_resource, trace id 00000000-0000-0000-0000-00000000000d"},
		"audience of no cloud":   {entratest.TokenPath, 400, entratest.AADSTS("invalid_resource", 50001, echo), fault.AudienceUnknown, "AADSTS50001", "invalid_resource, trace id 00000000-0000-0000-0000-00000000000d"},
		"a page":                 {entratest.TokenPath, 403, "<html>" + echo, fault.SignInRefused, "", ""},
		"secret in each member":  {entratest.TokenPath, 400, `{"error":"` + echo + `","error_description":"` + echo + `","trace_id":"` + echo + `","correlation_id":"` + echo + `"}`, fault.SignInRefused, "", ""},
		"no JSON, though 200":    {entratest.TokenPath, 200, echo, fault.BadAnswer, "", "the answer holds no token"},
		"no token, though 200":   {entratest.TokenPath, 200, `{"token_type":"Bearer"}`, fault.BadAnswer, "", "the answer holds no token"},
		"no discovery, but 200":  {entratest.DiscoveryPath, 200, `[]`, fault.BadAnswer, "", "the answer holds no token"},
		"no token endpoint":      {entratest.DiscoveryPath, 200, `{"issuer":"` + echo + `"}`, fault.BadAnswer, "", "the answer holds no token"},
		"endless numbers":        {entratest.TokenPath, 400, entratest.AADSTS("x", 1, strings.Repeat("9", 5000)), fault.SignInRefused, "AADSTS1", "x, trace id 00000000-0000-0000-0000-00000000000d"},
		"ids that are sentences": {entratest.TokenPath, 400, `{"error":"invalid_client","trace_id":"see here"}`, fault.SignInRefused, "", "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			f := entratest.New(t, entraToken)
			f.Refuse(test.path, test.status, test.body)
			_, err := signIn(t, f, entra.Block{ClientSecret: secret.New(entratest.ClientSecret)}, principal(f))
			failed := mustFail(t, err, test.reason)
			if failed.Status != test.status || failed.Code != test.code || failed.Detail != test.detail {
				t.Errorf("status %d, code %q, detail %q", failed.Status, failed.Code, failed.Detail)
			}
			if want := "signing in with a client secret at " + f.Login; failed.Step != want {
				t.Errorf("step = %q, want %q", failed.Step, want)
			}
		})
	}
}

func TestRefusalOfACIServer(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		detail string
	}{
		"401 that echoes": {401, `{"message":"` + entratest.RequestToken + `"}`, ""},
		"no token":        {200, `{"value":null}`, `the answer has no "value"`},
		"a page":          {200, "<html>" + entratest.RequestToken, "the answer is not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			f := entratest.New(t, entraToken)
			f.Refuse(entratest.GitHubPath, test.status, test.body)
			env := principal(f).with("ACTIONS_ID_TOKEN_REQUEST_URL", f.Login+entratest.GitHubPath, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", entratest.RequestToken)
			_, err := signIn(t, f, entra.Block{UseOIDC: on()}, env)
			failed := mustFail(t, err, fault.NoFederatedToken)
			want := "asking GitHub Actions at " + strings.TrimPrefix(f.Login, "https://") + " for a federated token"
			if failed.Status != test.status || failed.Detail != test.detail || failed.Step != want {
				t.Errorf("status %d, detail %q, step %q", failed.Status, failed.Detail, failed.Step)
			}
			if len(f.Log()) != 1 {
				t.Errorf("requests = %v", f.Log())
			}
		})
	}
}

// The login host's own answer says where to send the secret to.
func TestSecretStaysAtTheLoginHost(t *testing.T) {
	for name, elsewhere := range map[string]func(*entratest.Fake) string{
		"another host": func(f *entratest.Fake) string { return f.Login },
		"http":         func(f *entratest.Fake) string { return f.Metadata },
	} {
		t.Run(name, func(t *testing.T) {
			f, other := entratest.New(t, entraToken), entratest.New(t, entraToken)
			f.Refuse(entratest.DiscoveryPath, 200, `{"issuer":"`+f.Login+`","authorization_endpoint":"`+f.Login+`/","token_endpoint":"`+
				elsewhere(other)+entratest.TokenPath+`"}`)
			_, err := signIn(t, f, entra.Block{ClientSecret: secret.New(entratest.ClientSecret)}, principal(f))
			_ = mustFail(t, err, fault.BadAnswer)
			if log := other.Log(); len(log) != 0 {
				t.Errorf("the other host was sent %v", log)
			}
		})
	}
}

func TestMachinesAnswerWithoutAToken(t *testing.T) {
	f := entratest.New(t, entraToken)
	f.Refuse(entratest.IMDSPath, 200, `{"token_type":"Bearer","access_token":"","expires_on":"4070908800"}`)
	env := environment{"ARM_CLIENT_ID": entratest.NewIdentity(), "ARM_MSI_ENDPOINT": f.Metadata + entratest.IMDSPath}
	_, err := signIn(t, f, entra.Block{UseMSI: on()}, env)
	if failed := mustFail(t, err, fault.BadAnswer); failed.Detail != "the answer holds no token" {
		t.Errorf("detail = %q", failed.Detail)
	}
}

func TestMachineWithoutThisIdentity(t *testing.T) {
	f := entratest.New(t, entraToken)
	f.Refuse(entratest.IMDSPath, 400, `{"error":"invalid_request","error_description":"Identity not found"}`)
	env := environment{"ARM_USE_MSI": "true", "ARM_CLIENT_ID": "00000000-0000-0000-0000-000000000105", "ARM_MSI_ENDPOINT": f.Metadata + entratest.IMDSPath}
	_, err := signIn(t, f, entra.Block{}, env)
	if failed := mustFail(t, err, fault.NoManagedIdentity); failed.Status != 400 || failed.Detail != "invalid_request" {
		t.Errorf("status %d, detail %q", failed.Status, failed.Detail)
	}
}

// Azure Arc and Cloud Shell have one identity each. Others cannot be named there.
func TestMachineWithoutOtherIdentities(t *testing.T) {
	t.Setenv("MSI_ENDPOINT", "http://localhost:50342/oauth2/token") // as in Cloud Shell
	f := entratest.New(t, entraToken)
	_, err := signIn(t, f, entra.Block{UseMSI: on(), ClientID: entratest.NewIdentity()}, environment{})
	failed := mustFail(t, err, fault.NoManagedIdentity)
	if want := "no request was sent, since a sign-in with these settings is impossible"; failed.Detail != want || failed.Status != 0 {
		t.Errorf("status %d, detail %q, want %q", failed.Status, failed.Detail, want)
	}
}

// The assertion that a certificate signs is out of its time if this machine's clock is wrong. No federated token is.
func TestClockIsNoMatterOfAFederatedToken(t *testing.T) {
	f := entratest.New(t, entraToken)
	f.Refuse(entratest.TokenPath, 401, entratest.AADSTS("invalid_client", 700024, "x"))
	path := inFile(t, string(entratest.NewCertificate(t).PEM()))
	_, err := signIn(t, f, entra.Block{ClientCertificatePath: path}, principal(f))
	if failed := mustFail(t, err, fault.SignInRefused); failed.Code != "AADSTS700024" {
		t.Errorf("code = %q", failed.Code)
	}
}

// failing is a transport whose requests all fail for one reason.
type failing struct{ reason fault.Reason }

func (f failing) Do(*http.Request) (*http.Response, error) {
	return nil, &fault.Error{Reason: f.reason, Detail: "as the transport says it"}
}

func TestFailureOfTheTransportIsBlamedOnTheSignIn(t *testing.T) {
	principal := entra.Block{TenantID: "t", ClientID: entratest.ClientID, ClientSecret: secret.New(entratest.ClientSecret)}
	machine := entra.Block{UseMSI: on(), ClientID: entratest.NewIdentity()}
	for _, test := range []struct {
		block     entra.Block
		came, out fault.Reason
	}{
		{principal, fault.Unreachable, fault.SignInUnavailable},
		{principal, fault.TimedOut, fault.SignInUnavailable},
		{principal, fault.RegistryFault, fault.SignInUnavailable},
		{principal, fault.RateLimited, fault.SignInUnavailable},
		{principal, fault.CertificateRejected, fault.CertificateRejected},
		{machine, fault.Unreachable, fault.NoManagedIdentity},
		{machine, fault.TimedOut, fault.NoManagedIdentity},
		{machine, fault.RegistryFault, fault.SignInUnavailable},
	} {
		id := choose(t, test.block, environment{})
		_, err := id.Token(t.Context(), entra.Connection{Transport: failing{test.came}, Timeout: time.Second, Secrets: &secret.Set{}})
		if failed := mustFail(t, err, test.out); failed.Detail != "as the transport says it" {
			t.Errorf("%s of %s: detail %q", test.came, id, failed.Detail)
		}
	}
}

func TestFailureOfTheAzureCLI(t *testing.T) {
	for name, test := range map[string]struct {
		cli    *entratest.CLI
		reason fault.Reason
		detail string
	}{
		"signed out":       {entratest.SignedOut(t), fault.AzureCLISignedOut, "`az account get-access-token` failed"},
		"broken":           {entratest.Broken(t), fault.AzureCLIFailed, "`az account get-access-token` failed"},
		"hanging":          {entratest.Hanging(t), fault.AzureCLITimedOut, "`az account get-access-token` did not end within 300ms"},
		"session expired":  {entratest.Failing(t, "AADSTS700082: "+entratest.CLISaid+" Please run: az login"), fault.AzureCLISignedOut, "`az account get-access-token` failed with AADSTS700082"},
		"unknown audience": {entratest.Failing(t, "AADSTS500011: "+entratest.CLISaid+" az login"), fault.AudienceUnknown, "`az account get-access-token` failed with AADSTS500011"},
		"no token":         {entratest.SignedIn(t, ""), fault.AzureCLIFailed, "`az account get-access-token` failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", test.cli.Path())
			id := choose(t, entra.Block{UseCLI: on()}, environment{})
			timeout := 30 * time.Second
			if name == "hanging" {
				timeout = 300 * time.Millisecond
			}
			started := time.Now()
			_, err := id.Token(t.Context(), entra.Connection{Timeout: timeout, Secrets: &secret.Set{}})
			if took := time.Since(started); took > 8*time.Second { // the fake would take 10 minutes
				t.Errorf("took %s", took)
			}
			failed := mustFail(t, err, test.reason)
			if failed.Detail != test.detail || failed.Step != "signing in with the Azure CLI's session" {
				t.Errorf("step %q, detail %q", failed.Step, failed.Detail)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		withoutCLI(t)
		id := choose(t, entra.Block{UseCLI: on()}, environment{})
		_, err := id.Token(t.Context(), entra.Connection{Timeout: time.Second, Secrets: &secret.Set{}})
		_ = mustFail(t, err, fault.AzureCLIMissing)
	})
}

// The file is read for each sign-in, since it is renewed.
func TestTokenFileThatGoesAway(t *testing.T) {
	f := entratest.New(t, entraToken)
	path := inFile(t, "an older token")
	id := choose(t, entra.Block{OIDCTokenFilePath: path}, principal(f))
	if err := os.WriteFile(path, []byte(entratest.FederatedToken), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := id.Token(t.Context(), via(t, f)); err != nil {
		t.Errorf("with the renewed token: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := id.Token(t.Context(), via(t, f))
	if failed := mustFail(t, err, fault.NoFederatedToken); failed.Detail != "the file "+path+" does not exist" {
		t.Errorf("detail = %q", failed.Detail)
	}
}
