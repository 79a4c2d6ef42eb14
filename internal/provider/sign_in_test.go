package provider_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/connectproxy"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
)

// entraToken is the token that the fakes issue and the registry exchanges.
const entraToken = "entra-token-of-a-test"

// azure is an Azure registry, example.azurecr.io, with the services that sign in to it.
type azure struct {
	registry *acrtest.Registry
	login    *entratest.Fake
}

// startAzure starts both, and makes the environment lead to them. No Azure CLI is on PATH.
func startAzure(t *testing.T, options acrtest.Options) azure {
	t.Helper()
	options.Entra = func(accessToken string) string {
		if accessToken == entraToken {
			return "principal"
		}
		return ""
	}
	a := azure{acrtest.StartT(t, options), entratest.New(t, entraToken)}
	a.registry.PutImage("app", "1.0", acrtest.Image{})
	t.Setenv("HTTPS_PROXY", connectproxy.Start(t, map[string]string{"example.azurecr.io": a.registry.Host()}))
	t.Setenv("AZURE_AUTHORITY_HOST", a.login.Login)
	t.Setenv("PATH", t.TempDir())
	return a
}

// block returns the arguments of a provider block, with everything that signing in needs except a way to sign in.
func (a azure) block(arguments values) values {
	return values{
		"registry": "example.azurecr.io", "ca_cert_pem": a.registry.CAPEM() + a.login.CAPEM,
		"tenant_id": entratest.TenantID, "client_id": entratest.ClientID,
	}.plus(arguments)
}

// shown returns which kind of credential the registry was sent for a token.
func (a azure) shown(t *testing.T) string {
	t.Helper()
	for _, request := range a.registry.Requests() {
		switch {
		case request.Kind == acrtest.KindExchange:
			return "an Entra token"
		case request.Kind == acrtest.KindToken && request.AuthScheme == "Basic":
			return "a password"
		case request.Kind == acrtest.KindToken:
			return "nothing"
		}
	}
	t.Fatal("no token was asked for")
	return ""
}

func TestWhichCredentialCounts(t *testing.T) {
	secretInBlock := values{"client_secret": entratest.ClientSecret}
	noIdentity := values{"tenant_id": nil, "client_id": nil}
	armSecret := map[string]string{
		"ARM_TENANT_ID": entratest.TenantID, "ARM_CLIENT_ID": entratest.ClientID, "ARM_CLIENT_SECRET": entratest.ClientSecret,
	}
	for name, test := range map[string]struct {
		arguments   values
		environment map[string]string
		docker      bool // the Docker config has an entry
		cli         bool // the Azure CLI is signed in
		shown       string
	}{
		"user name and password of the environment before the ARM_ variables": {
			noIdentity, map[string]string{"ACR_USERNAME": acrtest.DefaultUser, "ACR_PASSWORD": acrtest.DefaultPassword, "ARM_CLIENT_SECRET": entratest.ClientSecret},
			true, true, "a password",
		},
		"the block before the Docker config":                {secretInBlock.plus(values{"use_docker_config": true}), nil, true, true, "an Entra token"},
		"the Docker config before the ARM_ variables":       {noIdentity.plus(values{"use_docker_config": true}), armSecret, true, true, "a password"},
		"the ARM_ variables where the Docker config is not": {noIdentity.plus(values{"use_docker_config": true}), armSecret, false, true, "an Entra token"},
		"the ARM_ variables":                                {noIdentity, armSecret, true, false, "an Entra token"},
		"the Azure CLI":                                     {noIdentity, nil, false, true, "an Entra token"},
		"no Azure CLI":                                      {noIdentity, nil, false, false, "nothing"},
		"the Azure CLI switched off":                        {noIdentity.plus(values{"use_cli": false}), nil, false, true, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			a := startAzure(t, acrtest.Options{AnonymousPull: true})
			if test.docker {
				t.Setenv("DOCKER_CONFIG", dockerConfig(t, "example.azurecr.io", acrtest.DefaultUser, acrtest.DefaultPassword))
			} else {
				t.Setenv("DOCKER_CONFIG", t.TempDir())
			}
			if test.cli {
				t.Setenv("PATH", entratest.SignedIn(t, entraToken).Dir+string(os.PathListSeparator)+"/bin")
			}
			for variable, text := range test.environment {
				t.Setenv(variable, text)
			}
			configuredFor(t, a.block(test.arguments)).mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
			if got := a.shown(t); got != test.shown {
				t.Errorf("the registry was shown %s, want %s", got, test.shown)
			}
		})
	}
}

// An identity that only the environment names is meant for Azure: it is not sent to a registry with another host name.
func TestUnnamedIdentityIsForAzuresRegistriesAlone(t *testing.T) {
	a := startAzure(t, acrtest.Options{AnonymousPull: true})
	cli := entratest.SignedIn(t, entraToken)
	t.Setenv("PATH", cli.Path())
	t.Setenv("ARM_TENANT_ID", entratest.TenantID)
	t.Setenv("ARM_CLIENT_ID", entratest.ClientID)
	t.Setenv("ARM_CLIENT_SECRET", entratest.ClientSecret)
	elsewhere := values{"registry": a.registry.Host(), "tenant_id": nil, "client_id": nil}
	read := values{"repository": "app", "tag": "1.0"}
	configuredFor(t, a.block(elsewhere)).mustRead("acr_manifest", read)
	if got := a.shown(t); got != "nothing" || len(a.login.Log()) != 0 || cli.Calls() != nil {
		t.Errorf("the registry was shown %s; requests to sign in %v, calls of az %v", got, a.login.Log(), cli.Calls())
	}
	a.registry.ResetLog()
	configuredFor(t, a.block(elsewhere.plus(values{"use_cli": true}))).mustRead("acr_manifest", read)
	if got := a.shown(t); got != "an Entra token" || len(cli.Calls()) != 1 {
		t.Errorf("with use_cli, the registry was shown %s", got)
	}
}

func TestConfiguringSignsInNowhere(t *testing.T) {
	a := startAzure(t, acrtest.Options{})
	configuredFor(t, a.block(values{"client_secret": entratest.ClientSecret}))
	if len(a.login.Log()) != 0 || a.registry.Connections() != 0 {
		t.Errorf("requests to sign in %v, %d connections to the registry", a.login.Log(), a.registry.Connections())
	}
}

// The error of a failed sign-in.
func TestFailedSignInIsExplained(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(entratest.FederatedToken), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		arguments values
		path      string
		status    int
		body      string
		summary   string
		says      []string
	}{
		"wrong secret": {
			values{"client_secret": entratest.ClientSecret}, entratest.TokenPath, 401, entratest.AADSTS("invalid_client", 7000215, entratest.ClientSecret),
			"Entra ID refused to sign in", []string{"Came back: 401 Unauthorized AADSTS7000215 (correlation id 00000000-0000-0000-0000-00000000000e); invalid_client, trace id"},
		},
		"expired token": {
			values{"oidc_token_file_path": token}, entratest.TokenPath, 401, entratest.AADSTS("invalid_client", 700024, entratest.FederatedToken),
			"Federated token expired", []string{"reading the manifest example.azurecr.io/app:1.0: signing in with a federated token from the file " + token},
		},
		"other cloud": {
			values{"client_secret": entratest.ClientSecret}, entratest.DiscoveryPath, 400, entratest.AADSTS("invalid_tenant", 90002, entratest.TenantID),
			"Tenant not found", []string{"AADSTS90002", "ARM_ENVIRONMENT"},
		},
		"wrong audience": {
			values{"client_secret": entratest.ClientSecret}, entratest.TokenPath, 400, entratest.AADSTS("invalid_resource", 500011, "x"),
			"Audience unknown to Entra ID", []string{"AADSTS500011", "entra_audience"},
		},
		"broken": {
			values{"client_secret": entratest.ClientSecret, "max_retries": 0}, entratest.TokenPath, 503, "<html>",
			"Sign-in service unavailable", []string{"503 Service Unavailable"},
		},
		"no such identity": {
			values{"use_msi": true, "client_id": "00000000-0000-0000-0000-000000000301"}, entratest.IMDSPath, 400, `{"error":"invalid_request"}`,
			"No managed identity", []string{"this machine's managed identity 00000000-0000-0000-0000-000000000301", "Came back: 400 Bad Request; invalid_request"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := startAzure(t, acrtest.Options{})
			t.Setenv("ARM_MSI_ENDPOINT", a.login.Metadata+entratest.IMDSPath)
			a.login.Refuse(test.path, test.status, test.body)
			_, diagnostics := configuredFor(t, a.block(test.arguments)).read("acr_manifest", values{"repository": "app", "tag": "1.0"})
			wanted{
				summary: test.summary, says: test.says,
				hides: []string{entratest.ClientSecret, entratest.FederatedToken, "AuthenticationFailedError", "Credential:"},
			}.check(t, diagnostics)
		})
	}
}
