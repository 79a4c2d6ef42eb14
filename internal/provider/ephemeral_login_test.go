package provider_test

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
)

// The echo provider writes its configuration to the state, where a test can read it.
func TestEphemeralLogin(t *testing.T) {
	a := startAzure(t, acrtest.Options{})
	echoed := tfjsonpath.New("data")
	config := `
		provider "acr" {
		  registry      = "example.azurecr.io"
		  ca_cert_pem   = ` + quoted(a.registry.CAPEM()+a.login.CAPEM) + `
		  tenant_id     = "` + entratest.TenantID + `"
		  client_id     = "` + entratest.ClientID + `"
		  client_secret = "` + entratest.ClientSecret + `"
		}
		ephemeral "acr_login" "r" {}
		provider "echo" {
		  data = ephemeral.acr_login.r
		}
		resource "echo" "login" {}`
	unitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"acr":  factories["acr"],
			"echo": echoprovider.NewProviderServer(),
		},
		Steps: []resource.TestStep{{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue("echo.login", echoed.AtMapKey("registry"), str("example.azurecr.io")),
				statecheck.ExpectKnownValue("echo.login", echoed.AtMapKey("username"), str(auth.NullUsername)),
				statecheck.ExpectKnownValue("echo.login", echoed.AtMapKey("password"), knownvalue.StringRegexp(regexp.MustCompile(`^eyJ`))),
				statecheck.ExpectKnownValue("echo.login", echoed.AtMapKey("docker_config_json"), knownvalue.StringRegexp(regexp.MustCompile(`^\{"auths":\{"example\.azurecr\.io":`))),
			},
		}},
	})
}

func quoted(text string) string {
	content, _ := json.Marshal(text)
	return string(content)
}

// Any client can use the registry with the result of acr_login.
func TestLoginOpensTheRegistry(t *testing.T) {
	a := startAzure(t, acrtest.Options{})
	login, diagnostics := configuredFor(t, a.block(values{"client_secret": entratest.ClientSecret})).open("acr_login", nil)
	if len(diagnostics) > 0 {
		t.Fatal(describe(diagnostics))
	}
	ends, err := time.Parse(time.RFC3339, text(login["expires_at"]))
	if left := time.Until(ends); err != nil || left < 3*time.Hour || left > 4*time.Hour {
		t.Errorf("expires_at = %s", text(login["expires_at"]))
	}
	var config struct {
		Auths map[string]struct{ Username, Password, Auth string }
	}
	if err := json.Unmarshal([]byte(text(login["docker_config_json"])), &config); err != nil {
		t.Fatal(err)
	}
	entry := config.Auths["example.azurecr.io"]
	pair, _ := base64.StdEncoding.DecodeString(entry.Auth)
	if entry.Username != auth.NullUsername || entry.Password != text(login["password"]) || string(pair) != entry.Username+":"+entry.Password {
		t.Errorf("docker_config_json has the user %q; its parts do not agree", entry.Username)
	}
	configuredFor(t, values{
		"registry": "example.azurecr.io", "ca_cert_pem": a.registry.CAPEM(), "username": text(login["username"]), "password": text(login["password"]),
	}).mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
}

func TestLoginNeedsEntraID(t *testing.T) {
	a := startAzure(t, acrtest.Options{})
	for name, test := range map[string]struct {
		arguments values
		says      string
	}{
		"password":       {values{"username": acrtest.DefaultUser, "password": acrtest.DefaultPassword}, `the user "admin" and a password`},
		"anonymous":      {values{}, "no credential"},
		"Azure CLI gone": {values{"registry": "example.azurecr.io"}, "no credential"},
	} {
		t.Run(name, func(t *testing.T) {
			block := values{"registry": a.registry.Host(), "ca_cert_pem": a.registry.CAPEM()}.plus(test.arguments)
			_, diagnostics := configuredFor(t, block).open("acr_login", nil)
			wanted{summary: "Not signed in with Entra ID", says: []string{test.says}, hides: []string{acrtest.DefaultPassword}}.check(t, diagnostics)
		})
	}
}
