package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/connectproxy"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/secretscan"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// entraToken is the token that the fakes issue and the registry exchanges.
const entraToken = "entra-token-of-a-test"

// azure is an Azure registry, example.azurecr.io, with the services that sign in to it.
type azure struct {
	registry *acrtest.Registry
	login    *entratest.Fake
}

func startAzure(t *testing.T) azure {
	t.Helper()
	registry := acrtest.StartT(t, acrtest.Options{Entra: func(accessToken string) string {
		if accessToken == entraToken {
			return "principal"
		}
		return ""
	}})
	registry.PutImage("app", "1.0", acrtest.Image{})
	registry.PutImage("worker", "1.0", acrtest.Image{})
	return azure{registry, entratest.New(t, entraToken)}
}

// workspace holds the configuration. Public environment variables lead to the fakes; azcore is asked to log whatever it
// can.
func (a azure) workspace(t *testing.T, configuration string) *terraform.Workspace {
	t.Helper()
	workspace := newWorkspace(t, configuration)
	authorities := filepath.Join(t.TempDir(), "authorities.pem")
	if err := os.WriteFile(authorities, []byte(a.registry.CAPEM()+a.login.CAPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"HTTPS_PROXY":          connectproxy.Start(t, map[string]string{"example.azurecr.io": a.registry.Host()}),
		"SSL_CERT_FILE":        authorities,
		"AZURE_AUTHORITY_HOST": a.login.Login,
		"AZURE_SDK_GO_LOGGING": "all",
		"ACR_REGISTRY":         "example.azurecr.io",
		"ARM_TENANT_ID":        entratest.TenantID,
		"ARM_CLIENT_ID":        entratest.ClientID,
		"ARM_MSI_ENDPOINT":     a.login.Metadata + entratest.IMDSPath,
		"TF_LOG":               "TRACE",
		"TF_LOG_PATH":          "trace.log",
		"TF_VAR_authorities":   a.registry.CAPEM(),
		"ARM_USE_CLI":          "false",
		"ARM_SUBSCRIPTION_ID":  "00000000-0000-0000-0000-0000000000ff",
	} {
		workspace.Set(name, value)
	}
	return workspace
}

// secrets returns all that a sign-in holds.
func (a azure) secrets() map[string]string {
	secrets := map[string]string{
		"Entra token": entraToken, "client secret": entratest.ClientSecret, "federated token": entratest.FederatedToken,
		"request token": entratest.RequestToken, "identity header": entratest.IdentityHeader, "certificate password": entratest.CertificatePassword,
	}
	for _, request := range a.registry.Requests() {
		if sent := request.Form.Get("refresh_token"); sent != "" {
			secrets["refresh token"] = sent
		}
	}
	return secrets
}

// wantNoSecret searches for them in everything that the run wrote.
func (a azure) wantNoSecret(t *testing.T, workspace *terraform.Workspace) {
	t.Helper()
	findings, err := secretscan.Folder(workspace.Folder, a.secrets())
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		t.Error(finding)
	}
}

// readingTwo reads two repositories with one identity.
const readingTwo = `
provider "acr" {}

data "acr_manifest" "all" {
  for_each   = toset(["app", "worker"])
  repository = each.key
  tag        = "1.0"
}

output "digests" {
  value = [for m in data.acr_manifest.all : m.digest]
}
`

// Each way to sign in, with the built provider.
func TestBuiltProviderSignsInEachWay(t *testing.T) {
	certificate := entratest.NewCertificate(t)
	file := func(name string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := file("token", []byte(entratest.FederatedToken))
	discoveryAndToken := []string{"GET " + entratest.DiscoveryPath, "POST " + entratest.TokenPath}
	for name, test := range map[string]struct {
		environment func(azure) map[string]string
		logins      []string
	}{
		"client secret": {
			func(azure) map[string]string { return map[string]string{"ARM_CLIENT_SECRET": entratest.ClientSecret} }, discoveryAndToken,
		},
		"certificate in PKCS#12": {
			func(azure) map[string]string {
				return map[string]string{
					"ARM_CLIENT_CERTIFICATE_PATH":     file("certificate.pfx", certificate.PKCS12(false)),
					"ARM_CLIENT_CERTIFICATE_PASSWORD": entratest.CertificatePassword,
				}
			}, discoveryAndToken,
		},
		"certificate in PEM": {
			func(azure) map[string]string {
				return map[string]string{"ARM_CLIENT_CERTIFICATE_PATH": file("certificate.pem", certificate.PEM())}
			}, discoveryAndToken,
		},
		"federated token in a file": {
			func(azure) map[string]string {
				return map[string]string{"ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN_FILE_PATH": token}
			}, discoveryAndToken,
		},
		"GitHub": {
			func(a azure) map[string]string {
				return map[string]string{
					"ARM_USE_OIDC": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": a.login.Login + entratest.GitHubPath, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": entratest.RequestToken,
				}
			}, append([]string{"GET " + entratest.GitHubPath}, discoveryAndToken...),
		},
		"Azure DevOps": {
			func(a azure) map[string]string {
				return map[string]string{
					"ARM_USE_OIDC": "true", "SYSTEM_OIDCREQUESTURI": a.login.Login + entratest.AzureDevOpsPath, "SYSTEM_ACCESSTOKEN": entratest.RequestToken,
					"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": entratest.ServiceConnection,
				}
			}, append([]string{"POST " + entratest.AzureDevOpsPath}, discoveryAndToken...),
		},
		"AKS": {
			func(azure) map[string]string {
				return map[string]string{
					"ARM_USE_AKS_WORKLOAD_IDENTITY": "true", "AZURE_TENANT_ID": entratest.TenantID, "AZURE_CLIENT_ID": entratest.ClientID,
					"AZURE_FEDERATED_TOKEN_FILE": token,
				}
			}, discoveryAndToken,
		},
		"virtual machine": {
			func(azure) map[string]string { return map[string]string{"ARM_USE_MSI": "true"} }, []string{"GET " + entratest.IMDSPath},
		},
		"App Service": {
			func(a azure) map[string]string {
				return map[string]string{
					"ARM_USE_MSI": "true", "IDENTITY_ENDPOINT": a.login.Metadata + entratest.AppServicePath, "IDENTITY_HEADER": entratest.IdentityHeader,
				}
			}, []string{"GET " + entratest.AppServicePath},
		},
		"Azure CLI": {
			func(azure) map[string]string {
				return map[string]string{"ARM_USE_CLI": "", "PATH": entratest.SignedIn(t, entraToken).Path()}
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := startAzure(t)
			a.login.Key = certificate.Public()
			workspace := a.workspace(t, readingTwo)
			for variable, value := range test.environment(a) {
				workspace.Set(variable, value)
			}
			apply(t, workspace)
			if got, want := strings.Join(a.login.Log(), "\n"), strings.Join(test.logins, "\n"); got != want {
				t.Errorf("requests to sign in:\n%s\nwant:\n%s", got, want)
			}
			if e, k := a.registry.Count(acrtest.KindExchange), a.registry.Count(acrtest.KindToken); e != 1 || k != 2 {
				t.Errorf("%d exchanges and %d requests for a token, want 1 and 2", e, k)
			}
			a.wantNoSecret(t, workspace)
		})
	}
}

// A failure says what to do, and shows no secret.
func TestBuiltProviderExplainsAFailedSignIn(t *testing.T) {
	for name, test := range map[string]struct {
		environment map[string]string
		refuse      func(azure)
		says        []string
	}{
		"no federated token": {
			map[string]string{"ARM_USE_OIDC": "true"}, nil,
			[]string{"No federated token", "ACTIONS_ID_TOKEN_REQUEST_URL", "id-token: write"},
		},
		"wrong secret": {
			map[string]string{"ARM_CLIENT_SECRET": entratest.ClientSecret},
			func(a azure) {
				a.login.Refuse(entratest.TokenPath, 401, entratest.AADSTS("invalid_client", 7000215, entratest.ClientSecret))
			},
			[]string{"Entra ID refused to sign in", "AADSTS7000215", "00000000-0000-0000-0000-00000000000e"},
		},
		"no role": {
			map[string]string{"ARM_CLIENT_SECRET": entratest.ClientSecret},
			func(a azure) {
				a.registry.Inject(acrtest.Fault{Kind: acrtest.KindExchange, Status: 401, ContentType: "text/plain"})
			},
			[]string{"Registry refused the identity", "AcrPull"},
		},
		"Azure CLI signed out": {
			map[string]string{"ARM_USE_CLI": "", "PATH": entratest.SignedOut(t).Path()}, nil,
			[]string{"Credential needed", "the Azure CLI has no session", "az login"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := startAzure(t)
			if test.refuse != nil {
				test.refuse(a)
			}
			workspace := a.workspace(t, readingTwo)
			for variable, value := range test.environment {
				workspace.Set(variable, value)
			}
			_, err := workspace.Run(t.Context(), "plan", "-no-color")
			said := strings.Join(strings.Fields(strings.ReplaceAll(fmt.Sprint(err), "│", " ")), " ")
			for _, words := range test.says {
				if !strings.Contains(said, words) {
					t.Errorf("the error does not say %q: %s", words, said)
				}
			}
			if err := workspace.Write("error.txt", said); err != nil {
				t.Fatal(err)
			}
			a.wantNoSecret(t, workspace)
			if log, err := os.ReadFile(filepath.Join(workspace.Folder, "trace.log")); err != nil || strings.Contains(string(log), entratest.CLISaid) {
				t.Errorf("the log repeats what az said, or is not there: %v", err)
			}
		})
	}
}

// The refresh token is passed on and written nowhere.
func TestLoginIsWrittenNowhere(t *testing.T) {
	a := startAzure(t)
	workspace := a.workspace(t, `
variable "authorities" {
  type = string
}

variable "run" {
  default = 1
}

provider "acr" {}

ephemeral "acr_login" "example" {}

provider "acr" {
  alias       = "handed"
  registry    = ephemeral.acr_login.example.registry
  username    = ephemeral.acr_login.example.username
  password    = ephemeral.acr_login.example.password
  ca_cert_pem = var.authorities
}

data "acr_manifest" "app" {
  provider   = acr.handed
  repository = "app"
  tag        = "1.0"
}

output "digest" {
  value = data.acr_manifest.app.digest
}

output "run" {
  value = var.run
}
`)
	workspace.Set("ARM_CLIENT_SECRET", entratest.ClientSecret)
	if refuses(t, workspace) {
		return
	}
	planAndApply(t, workspace)
	secrets := a.secrets()
	for _, request := range a.registry.Requests() {
		header := http.Request{Header: request.Header}
		if _, password, ok := header.BasicAuth(); ok {
			secrets["refresh token as a password"] = password
		}
	}
	if secrets["refresh token as a password"] == "" {
		t.Fatal("the login was not used: there is nothing to look for")
	}
	findings, err := secretscan.Folder(workspace.Folder, secrets)
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		t.Error(finding)
	}
}

// The identity that signs in to the target also reads at an Azure source, with that registry's own tokens. It is not
// sent to a registry that is not Azure's.
func TestOneIdentityReadsAtTheSourceOfACopy(t *testing.T) {
	target := startAzure(t)
	entra := func(accessToken string) string { return map[string]string{entraToken: "principal"}[accessToken] }
	staging, public := acrtest.StartT(t, acrtest.Options{Entra: entra}), acrtest.StartT(t, acrtest.Options{Entra: entra, AnonymousPull: true})
	workspace := target.workspace(t, fmt.Sprintf(`
provider "acr" {}

resource "acr_image_copy" "app" {
  for_each   = toset(["staging.azurecr.io/app@%s", "%s/app@%[1]s"])
  source     = each.key
  repository = "mirror/${md5(each.key)}"
}
`, staging.PutImage("app", "1.0", acrtest.Image{Author: "staging"}), public.Host()))
	public.PutImage("app", "1.0", acrtest.Image{Author: "staging"})
	authorities := filepath.Join(t.TempDir(), "authorities.pem")
	if err := os.WriteFile(authorities, []byte(target.registry.CAPEM()+staging.CAPEM()+public.CAPEM()+target.login.CAPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	workspace.Set("SSL_CERT_FILE", authorities)
	workspace.Set("ARM_CLIENT_SECRET", entratest.ClientSecret)
	workspace.Set("HTTPS_PROXY", connectproxy.Start(t, map[string]string{
		"example.azurecr.io": target.registry.Host(), "staging.azurecr.io": staging.Host(),
	}))

	apply(t, workspace)

	for name, registry := range map[string]*acrtest.Registry{"example": target.registry, "staging": staging} {
		if exchanges := registry.Count(acrtest.KindExchange); exchanges != 1 {
			t.Errorf("%s was shown the identity %d times, want once", name, exchanges)
		}
	}
	shown := refreshTokens(staging)
	for token := range refreshTokens(target.registry) {
		if shown[token] {
			t.Error("one refresh token was shown to both registries")
		}
	}
	if exchanges := public.Count(acrtest.KindExchange); exchanges != 0 || len(refreshTokens(public)) != 0 {
		t.Errorf("a registry that is not Azure's was shown the identity %d times, and %d refresh tokens", exchanges, len(refreshTokens(public)))
	}
	target.wantNoSecret(t, workspace)
}

// refreshTokens returns the refresh tokens that a registry was sent.
func refreshTokens(registry *acrtest.Registry) map[string]bool {
	shown := map[string]bool{}
	for _, request := range registry.Requests() {
		if token := request.Form.Get("refresh_token"); token != "" {
			shown[token] = true
		}
	}
	return shown
}
