package examples

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
)

// entraToken is the token that Entra ID issues in the world of the examples, and the registry exchanges.
const entraToken = "entra-token-of-a-test"

func identityBehind(accessToken string) string {
	if accessToken == entraToken {
		return "principal"
	}
	return ""
}

// credential returns the variables that the example's surroundings set: those of a pipeline, a pod or a machine for what
// signs in with Entra ID, a user name and a password for the rest.
func (e example) credential(t *testing.T, login *entratest.Fake) map[string]string {
	t.Helper()
	principal := map[string]string{
		"ARM_TENANT_ID": entratest.TenantID, "ARM_CLIENT_ID": entratest.ClientID, "ARM_SUBSCRIPTION_ID": "00000000-0000-0000-0000-0000000000ff",
		"AZURE_AUTHORITY_HOST": login.Login,
	}
	with := func(further map[string]string) map[string]string {
		for name, value := range further {
			principal[name] = value
		}
		return principal
	}
	switch folder := filepath.ToSlash(filepath.Dir(e.name)); folder {
	case "sign-in/github-actions":
		return with(map[string]string{
			"ARM_USE_OIDC": "true", "ACTIONS_ID_TOKEN_REQUEST_URL": login.Login + entratest.GitHubPath, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": entratest.RequestToken,
		})
	case "sign-in/azure-devops":
		return with(map[string]string{
			"ARM_USE_OIDC": "true", "SYSTEM_OIDCREQUESTURI": login.Login + entratest.AzureDevOpsPath, "SYSTEM_ACCESSTOKEN": entratest.RequestToken,
			"ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID": entratest.ServiceConnection,
		})
	case "sign-in/hcp-terraform":
		return with(map[string]string{"ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": entratest.FederatedToken})
	case "sign-in/hcp-terraform-aliases":
		files := map[string]string{"client_id_file_path": inFile(t, entratest.ClientID), "oidc_token_file_path": inFile(t, entratest.FederatedToken)}
		variable, err := json.Marshal(map[string]any{"default": files, "aliases": map[string]any{"STAGING": files}})
		if err != nil {
			t.Fatal(err)
		}
		return map[string]string{
			"ARM_TENANT_ID": entratest.TenantID, "AZURE_AUTHORITY_HOST": login.Login, "TF_VAR_tfc_azure_dynamic_credentials": string(variable),
		}
	case "sign-in/aks":
		return map[string]string{
			"AZURE_TENANT_ID": entratest.TenantID, "AZURE_CLIENT_ID": entratest.ClientID, "AZURE_AUTHORITY_HOST": login.Login,
			"AZURE_FEDERATED_TOKEN_FILE": inFile(t, entratest.FederatedToken),
		}
	case "sign-in/virtual-machine":
		return map[string]string{"ARM_MSI_ENDPOINT": login.Metadata + entratest.IMDSPath}
	case "sign-in/laptop":
		return map[string]string{"PATH": entratest.SignedIn(t, entraToken).Path()}
	}
	if strings.HasPrefix(e.name, "login/") || strings.HasPrefix(e.name, "ephemeral-resources/acr_login/") {
		return with(map[string]string{"ARM_CLIENT_SECRET": entratest.ClientSecret})
	}
	return map[string]string{"ACR_USERNAME": acrtest.DefaultUser, "ACR_PASSWORD": acrtest.DefaultPassword}
}

func inFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
