package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

// An identity belongs to one cloud: its secret must not go to the login host of another because of a source's name.
func TestIdentityIsUsedForSourcesOfItsOwnCloudAlone(t *testing.T) {
	const (
		elsewhere = "an identity of Entra ID is used only in its own cloud of Azure, which is not that of "
		global    = "a client secret at https://login.microsoftonline.com/"
		china     = "a client secret at https://login.chinacloudapi.cn/"
		american  = "a client secret at https://login.microsoftonline.us/"
	)
	folder := t.TempDir()
	docker := `{"auths":{"docker.azurecr.cn":{"auth":"YWxpY2U6bWFkZS11cA=="}}}` // alice:made-up
	if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte(docker), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		home, environment, variable, authority string
		docker                                 bool
		source, want                           string // a part of the description
	}{
		"the same cloud":                  {home: "home.azurecr.io", source: "other.azurecr.io", want: global},
		"another cloud":                   {home: "home.azurecr.io", source: "other.azurecr.cn", want: elsewhere + "other.azurecr.cn"},
		"another cloud, named":            {home: "home.azurecr.io", environment: "public", source: "other.azurecr.us", want: elsewhere + "other.azurecr.us"},
		"another cloud, back":             {home: "home.azurecr.cn", source: "other.azurecr.io", want: elsewhere + "other.azurecr.io"},
		"the same cloud, by the name":     {home: "home.azurecr.cn", source: "other.azurecr.cn", want: china},
		"the same cloud, by the block":    {home: "own.example.com", environment: "china", source: "other.azurecr.cn", want: china},
		"the same cloud, by the variable": {home: "own.example.com", variable: "usgovernmentl4", source: "other.azurecr.us", want: american},
		"the same cloud, by AKS":          {home: "own.example.com", authority: "https://login.chinacloudapi.cn/", source: "other.azurecr.cn", want: china},
		"another cloud, by AKS":           {home: "own.example.com", authority: "https://login.chinacloudapi.cn", source: "other.azurecr.io", want: elsewhere + "other.azurecr.io"},
		"a login host of no cloud":        {home: "home.azurecr.io", authority: "https://login.example.com", source: "other.azurecr.io", want: "a client secret at https://login.example.com"},
		"a name of one's own":             {home: "own.example.com", source: "other.azurecr.io", want: global},
		"the Docker config":               {home: "home.azurecr.io", docker: true, source: "docker.azurecr.cn", want: `the user "alice"`},
		"not in the Docker config":        {home: "home.azurecr.io", docker: true, source: "other.azurecr.cn", want: "none was found in the Docker config, source_username and source_password_wo, and " + elsewhere},
		"not of Azure":                    {home: "home.azurecr.io", source: "registry.example.com", want: "none was found in source_username and source_password_wo"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"ACR_USERNAME", "ACR_PASSWORD", "DOCKER_AUTH_CONFIG"} {
				t.Setenv(variable, "")
			}
			t.Setenv("ARM_ENVIRONMENT", test.variable)
			t.Setenv("AZURE_AUTHORITY_HOST", test.authority)
			t.Setenv("DOCKER_CONFIG", folder)
			model := providerModel{UseDockerConfig: types.BoolValue(test.docker)}
			model.TenantID, model.ClientID = types.StringValue("made-up.example"), types.StringValue("made-up")
			model.ClientSecret = types.StringValue("made-up secret")
			if test.environment != "" {
				model.Environment = types.StringValue(test.environment)
			}
			found, err := model.sourceCredential(t.Context(), test.home, test.source)
			if err != nil {
				t.Fatal(err)
			}
			if got := found.Description(); !strings.Contains(got, test.want) {
				t.Errorf("credential for %s = %s, want %s", test.source, got, test.want)
			}
		})
	}
}
