package entra_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
)

// atLogin is what a service principal sends to the login host.
const atLogin = "GET " + entratest.DiscoveryPath + "\nPOST " + entratest.TokenPath

func TestEachWayGetsAToken(t *testing.T) {
	f := entratest.New(t, entraToken)
	cert := entratest.NewCertificate(t)
	f.Key = cert.Public()
	var (
		pem     = inFile(t, string(cert.PEM()))
		modern  = inFile(t, string(cert.PKCS12(false)))
		legacy  = inFile(t, string(cert.PKCS12(true)))
		trailed = inFile(t, string(cert.PKCS12(false))+"\r\n")
		spaced  = inFile(t, string(cert.PKCS12Under(" a password of a test ")))
		token   = inFile(t, entratest.FederatedToken+"\n")
		own     = entratest.NewIdentity()
	)
	for name, test := range map[string]struct {
		block entra.Block
		env   environment
		way   string // as errors name it
		log   string
	}{
		"client secret in the block": {
			entra.Block{TenantID: entratest.TenantID, ClientID: entratest.ClientID, ClientSecret: secret.New(entratest.ClientSecret)},
			environment{"AZURE_AUTHORITY_HOST": f.Login},
			"a client secret at " + f.Login, atLogin,
		},
		"client secret in the environment": {
			entra.Block{}, principal(f).with("ARM_CLIENT_SECRET", entratest.ClientSecret),
			"a client secret at " + f.Login, atLogin,
		},
		"client id and secret in files": {
			entra.Block{}, principal(f).with("ARM_CLIENT_ID", "", "ARM_CLIENT_ID_FILE_PATH", inFile(t, entratest.ClientID+"\n"),
				"ARM_CLIENT_SECRET_FILE_PATH", inFile(t, entratest.ClientSecret+"\n")),
			"a client secret at " + f.Login, atLogin,
		},
		"certificate in PEM": {
			entra.Block{ClientCertificatePath: pem}, principal(f),
			"a client certificate at " + f.Login, atLogin,
		},
		"certificate in PEM, with what OpenSSL says of it": {
			entra.Block{ClientCertificatePath: inFile(t, "Bag Attributes\n    friendlyName: ENCRYPTED BACKUP\n"+string(cert.PEM()))}, principal(f),
			"a client certificate at " + f.Login, atLogin,
		},
		"certificate in PKCS#12 whose password ends with a space": {
			entra.Block{ClientCertificatePath: spaced}, principal(f).with("ARM_CLIENT_CERTIFICATE_PASSWORD", " a password of a test "),
			"a client certificate at " + f.Login, atLogin,
		},
		"certificate in PKCS#12 with a line break behind it": {
			entra.Block{ClientCertificatePath: trailed, ClientCertificatePassword: secret.New(entratest.CertificatePassword)}, principal(f),
			"a client certificate at " + f.Login, atLogin,
		},
		"certificate in PKCS#12": {
			entra.Block{ClientCertificatePath: modern, ClientCertificatePassword: secret.New(entratest.CertificatePassword)}, principal(f),
			"a client certificate at " + f.Login, atLogin,
		},
		"certificate in PKCS#12 with old ciphers": {
			entra.Block{}, principal(f).with("ARM_CLIENT_CERTIFICATE_PATH", legacy, "ARM_CLIENT_CERTIFICATE_PASSWORD", entratest.CertificatePassword),
			"a client certificate at " + f.Login, atLogin,
		},
		"certificate in a variable": {
			entra.Block{}, principal(f).with("ARM_CLIENT_CERTIFICATE", inBase64(cert.PKCS12(false)), "ARM_CLIENT_CERTIFICATE_PASSWORD", entratest.CertificatePassword),
			"a client certificate at " + f.Login, atLogin,
		},
		"federated token in the block": {
			entra.Block{OIDCToken: secret.New(entratest.FederatedToken)}, principal(f),
			"a federated token from the configuration at " + f.Login, atLogin,
		},
		"federated token in the environment": {
			entra.Block{}, principal(f).with("ARM_USE_OIDC", "1", "ARM_OIDC_TOKEN", entratest.FederatedToken),
			"a federated token from the configuration at " + f.Login, atLogin,
		},
		"federated token of HCP Terraform": {
			entra.Block{UseOIDC: on()}, principal(f).with("TFC_WORKLOAD_IDENTITY_TOKEN", entratest.FederatedToken),
			"a federated token from the configuration at " + f.Login, atLogin,
		},
		"federated token in a file": {
			entra.Block{OIDCTokenFilePath: token}, principal(f),
			"a federated token from the file " + token + " at " + f.Login, atLogin,
		},
		"file beside HCP Terraform's token for another service": {
			entra.Block{UseOIDC: on()}, principal(f).with("ARM_OIDC_TOKEN_FILE_PATH", token, "TFC_WORKLOAD_IDENTITY_TOKEN", "another"),
			"a federated token from the file " + token + " at " + f.Login, atLogin,
		},
		"file in the block before the token in the environment": {
			entra.Block{OIDCTokenFilePath: token}, principal(f).with("ARM_OIDC_TOKEN", "another"),
			"a federated token from the file " + token + " at " + f.Login, atLogin,
		},
		"token in the block before the file in the environment": {
			entra.Block{OIDCToken: secret.New(entratest.FederatedToken)}, principal(f).with("ARM_OIDC_TOKEN_FILE_PATH", pem),
			"a federated token from the configuration at " + f.Login, atLogin,
		},
		"GitHub": {
			entra.Block{UseOIDC: on()}, principal(f).with("ACTIONS_ID_TOKEN_REQUEST_URL", f.Login+entratest.GitHubPath+"?api-version=2.0",
				"ACTIONS_ID_TOKEN_REQUEST_TOKEN", entratest.RequestToken),
			"a federated token from GitHub Actions at " + f.Login[len("https://"):] + " at " + f.Login,
			lines("GET "+entratest.GitHubPath, atLogin),
		},
		"Azure DevOps": {
			entra.Block{}, principal(f).with("ARM_USE_OIDC", "true", "SYSTEM_OIDCREQUESTURI", f.Login+entratest.AzureDevOpsPath,
				"SYSTEM_ACCESSTOKEN", entratest.RequestToken, "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", entratest.ServiceConnection),
			"a federated token from Azure DevOps at " + f.Login[len("https://"):] + " at " + f.Login,
			lines("POST "+entratest.AzureDevOpsPath, atLogin),
		},
		"azurerm's own variables for Azure DevOps": {
			entra.Block{}, principal(f).with("ARM_USE_OIDC", "true", "ARM_OIDC_REQUEST_URL", f.Login+entratest.AzureDevOpsPath,
				"ARM_OIDC_REQUEST_TOKEN", entratest.RequestToken, "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", entratest.ServiceConnection),
			"a federated token from Azure DevOps at " + f.Login[len("https://"):] + " at " + f.Login,
			lines("POST "+entratest.AzureDevOpsPath, atLogin),
		},
		"AKS": {
			entra.Block{}, environment{
				"ARM_USE_AKS_WORKLOAD_IDENTITY": "true", "AZURE_TENANT_ID": entratest.TenantID, "AZURE_CLIENT_ID": entratest.ClientID,
				"AZURE_FEDERATED_TOKEN_FILE": token, "AZURE_AUTHORITY_HOST": f.Login + "/",
			},
			"a federated token from the file " + token + " at " + f.Login + "/", atLogin,
		},
		"virtual machine": {
			entra.Block{UseMSI: on(), ClientID: own}, environment{"ARM_MSI_ENDPOINT": f.Metadata + entratest.IMDSPath},
			"this machine's managed identity " + own, "GET " + entratest.IMDSPath,
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(f.Log())
			id := choose(t, test.block, test.env)
			if id.String() != test.way || id.Unasked {
				t.Errorf("way = %q, unasked %t, want %q", id, id.Unasked, test.way)
			}
			token, err := id.Token(t.Context(), via(t, f))
			if err != nil || token.Reveal() != entraToken {
				t.Errorf("token = %q, error %v", token.Reveal(), err)
			}
			if got := strings.Join(f.Log()[before:], "\n"); got != test.log {
				t.Errorf("requests:\n%s\nwant:\n%s", got, test.log)
			}
		})
	}
}

func TestTokenIsAskedForTheRegistrysAudience(t *testing.T) {
	for audience, want := range map[string]string{
		"":                             "https://containerregistry.azure.net/.default",
		"https://management.azure.com": "https://management.azure.com/.default",
	} {
		f := entratest.New(t, entraToken)
		block := entra.Block{ClientSecret: secret.New(entratest.ClientSecret), Audience: audience}
		if _, err := signIn(t, f, block, principal(f)); err != nil {
			t.Fatal(err)
		}
		requests := f.Requests()
		form := requests[len(requests)-1].Form
		if scope, _, _ := strings.Cut(form.Get("scope"), " "); scope != want {
			t.Errorf("scope = %q, want %q", form.Get("scope"), want)
		}
	}
}

// Some clouds trust GitHub's tokens for another audience, which only the request URL can name.
func TestGitHubIsAskedForTheAudienceOfTheRequestURL(t *testing.T) {
	for query, want := range map[string]string{
		"?api-version=2.0": "api://AzureADTokenExchange",
		"?api-version=2.0&audience=api://AzureADTokenExchangeUSGov": "api://AzureADTokenExchangeUSGov",
	} {
		f := entratest.New(t, entraToken)
		env := principal(f).with("ARM_OIDC_REQUEST_URL", f.Login+entratest.GitHubPath+query, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", entratest.RequestToken)
		if _, err := signIn(t, f, entra.Block{UseOIDC: on()}, env); err != nil {
			t.Fatal(err)
		}
		if got := f.Requests()[0].Query; got.Get("audience") != want || got.Get("api-version") != "2.0" {
			t.Errorf("query = %v, want the audience %s", got, want)
		}
	}
}

// App Service and Container Apps name their endpoint in variables that azidentity reads itself.
func TestAppServiceShowsItsHeader(t *testing.T) {
	f := entratest.New(t, entraToken)
	t.Setenv("IDENTITY_ENDPOINT", f.Metadata+entratest.AppServicePath)
	t.Setenv("IDENTITY_HEADER", entratest.IdentityHeader)
	block := entra.Block{UseMSI: on(), ClientID: entratest.NewIdentity()}
	token, err := signIn(t, f, block, environment{"ARM_MSI_ENDPOINT": f.Metadata + "/elsewhere"})
	if err != nil || token != entraToken {
		t.Fatalf("token = %q, error %v", token, err)
	}
	requests := f.Requests()
	if len(requests) != 1 || requests[0].String() != "GET "+entratest.AppServicePath {
		t.Fatalf("requests = %v", requests)
	}
	if got := requests[0].Query.Get("client_id"); got != block.ClientID {
		t.Errorf("client_id = %q", got)
	}
}

// atIMDS directs the address of IMDS to the fake.
type atIMDS struct {
	entra.Transport
	to string
}

func (a atIMDS) Do(request *http.Request) (*http.Response, error) {
	if request.URL.Host == "169.254.169.254" {
		request.URL.Host = strings.TrimPrefix(a.to, "http://")
	}
	return a.Transport.Do(request)
}

func TestVirtualMachineAsksIMDS(t *testing.T) {
	f := entratest.New(t, entraToken)
	id := choose(t, entra.Block{UseMSI: on(), ClientID: entratest.NewIdentity()}, environment{})
	connection := via(t, f)
	connection.Transport = atIMDS{connection.Transport, f.Metadata}
	token, err := id.Token(t.Context(), connection)
	if err != nil || token.Reveal() != entraToken {
		t.Fatalf("token = %q, error %v", token.Reveal(), err)
	}
	request := f.Requests()[0]
	if request.Header.Get("Metadata") != "true" || request.Query.Get("resource") != "https://containerregistry.azure.net" {
		t.Errorf("request = %v %v", request.Query, request.Header)
	}
}

func TestAzureCLIsSession(t *testing.T) {
	cli := entratest.SignedIn(t, entraToken)
	t.Setenv("PATH", cli.Path())
	f := entratest.New(t, entraToken)
	id := choose(t, entra.Block{TenantID: entratest.TenantID}, environment{})
	if !id.Unasked || id.String() != "the Azure CLI's session" {
		t.Errorf("way = %q, unasked %t", id, id.Unasked)
	}
	token, err := id.Token(t.Context(), via(t, f))
	if err != nil || token.Reveal() != entraToken {
		t.Fatalf("token = %q, error %v", token.Reveal(), err)
	}
	want := "account get-access-token -o json --resource https://containerregistry.azure.net --tenant " + entratest.TenantID
	if calls := cli.Calls(); len(calls) != 1 || calls[0] != want {
		t.Errorf("calls = %q, want %q", calls, want)
	}
}

// A machine's session has one tenant. The Azure CLI refuses to be told it.
func TestAzureCLIsSessionOfAMachineTakesNoTenant(t *testing.T) {
	cli := entratest.SignedInAsMachine(t, entraToken)
	t.Setenv("PATH", cli.Path())
	token, err := signIn(t, entratest.New(t, entraToken), entra.Block{}, environment{"ARM_TENANT_ID": entratest.TenantID})
	if err != nil || token != entraToken {
		t.Fatalf("token = %q, error %v", token, err)
	}
	want := "account get-access-token -o json --resource https://containerregistry.azure.net"
	if calls := cli.Calls(); len(calls) != 2 || calls[0] != want+" --tenant "+entratest.TenantID || calls[1] != want {
		t.Errorf("calls = %q", calls)
	}
}

func TestAzureCLIsTokenIsFoundAmongColourCodes(t *testing.T) {
	t.Setenv("PATH", entratest.SignedInWithColour(t, entraToken).Path())
	if token, err := signIn(t, entratest.New(t, entraToken), entra.Block{}, environment{}); err != nil || token != entraToken {
		t.Errorf("token = %q, error %v", token, err)
	}
}

func TestEachSecretIsToldToTheSet(t *testing.T) {
	f := entratest.New(t, entraToken)
	env := principal(f).with("ACTIONS_ID_TOKEN_REQUEST_URL", f.Login+entratest.GitHubPath, "ACTIONS_ID_TOKEN_REQUEST_TOKEN", entratest.RequestToken)
	id := choose(t, entra.Block{UseOIDC: on()}, env)
	connection := via(t, f)
	connection.Secrets.Add(id.Secrets()...)
	if _, err := id.Token(t.Context(), connection); err != nil {
		t.Fatal(err)
	}
	for _, held := range []string{entratest.RequestToken, entratest.FederatedToken, entraToken} {
		if got := connection.Secrets.Redactor().Clean("an echo of " + held); got != "an echo of (secret)" {
			t.Errorf("an echo of %s is shown as %q", held, got)
		}
	}
}

func TestCancellationEndsEachWay(t *testing.T) {
	for name, test := range map[string]struct {
		silent string
		block  entra.Block
		env    environment
	}{
		"login host":       {entratest.TokenPath, entra.Block{ClientSecret: secret.New(entratest.ClientSecret)}, nil},
		"CI server":        {entratest.GitHubPath, entra.Block{UseOIDC: on()}, environment{"ACTIONS_ID_TOKEN_REQUEST_TOKEN": entratest.RequestToken}},
		"managed identity": {entratest.IMDSPath, entra.Block{UseMSI: on()}, environment{"ARM_CLIENT_ID": entratest.NewIdentity()}},
		"Azure CLI":        {"", entra.Block{UseCLI: on()}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", entratest.Hanging(t).Path())
			f := entratest.New(t, entraToken)
			f.Silence(test.silent)
			env := principal(f).with("ARM_MSI_ENDPOINT", f.Metadata+entratest.IMDSPath, "ACTIONS_ID_TOKEN_REQUEST_URL", f.Login+entratest.GitHubPath)
			for name, text := range test.env {
				env[name] = text
			}
			id := choose(t, test.block, env)
			_, err := id.Token(cancelledSoon(t), via(t, f))
			_ = mustFail(t, err, fault.Canceled)
		})
	}
}

// azcore reads AZURE_SDK_GO_LOGGING when the process starts, so this takes another process.
func TestAzureSDKLogsNothing(t *testing.T) {
	again := exec.Command(os.Args[0], "-test.run", "^TestTokenIsAskedForTheRegistrysAudience$")
	again.Env = append(os.Environ(), "AZURE_SDK_GO_LOGGING=all")
	output, err := again.CombinedOutput()
	if err != nil || strings.TrimSpace(string(output)) != "PASS" {
		t.Errorf("error %v, output:\n%s", err, output)
	}
}
