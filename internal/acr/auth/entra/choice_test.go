package entra_test

import (
	"encoding/base64"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/entratest"
)

func inBase64(content []byte) string { return base64.StdEncoding.EncodeToString(content) }

func TestFirstThatIsConfiguredCounts(t *testing.T) {
	t.Setenv("PATH", entratest.SignedIn(t, entraToken).Path())
	cert := entratest.NewCertificate(t)
	all := environment{
		"ARM_TENANT_ID": entratest.TenantID, "ARM_CLIENT_ID": entratest.ClientID,
		"ARM_CLIENT_CERTIFICATE": inBase64(cert.PEM()), "ARM_CLIENT_SECRET": entratest.ClientSecret,
		"ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": entratest.FederatedToken,
		"ARM_OIDC_REQUEST_URL": "https://ci.example/token", "ARM_OIDC_REQUEST_TOKEN": entratest.RequestToken,
		"ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID": entratest.ServiceConnection, "ARM_USE_MSI": "true",
	}
	for _, test := range []struct{ way, without string }{
		{"a client certificate at https://login.microsoftonline.com/", "ARM_CLIENT_CERTIFICATE"},
		{"a client secret at https://login.microsoftonline.com/", "ARM_CLIENT_SECRET"},
		{"a federated token from the configuration at https://login.microsoftonline.com/", "ARM_OIDC_TOKEN"},
		{"a federated token from Azure DevOps at ci.example at https://login.microsoftonline.com/", "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID"},
		{"a federated token from GitHub Actions at ci.example at https://login.microsoftonline.com/", "ARM_USE_OIDC"},
		{"this machine's managed identity " + entratest.ClientID, "ARM_USE_MSI"},
		{"the Azure CLI's session", ""},
	} {
		if id := choose(t, entra.Block{}, all); id.String() != test.way {
			t.Errorf("way = %q, want %q", id, test.way)
		}
		delete(all, test.without)
	}
}

// What the block names comes before everything that the environment names, even if the latter is first in the order.
func TestBlockComesBeforeTheEnvironment(t *testing.T) {
	env := environment{
		"ARM_TENANT_ID": entratest.TenantID, "ARM_CLIENT_ID": entratest.ClientID, "ARM_CLIENT_SECRET": entratest.ClientSecret,
	}
	id, err := entra.FromBlock(entra.Block{UseMSI: on()}, env.get, "public")
	if err != nil || id == nil || id.String() != "this machine's managed identity "+entratest.ClientID {
		t.Errorf("identity = %v, error %v", id, err)
	}
	for name, block := range map[string]entra.Block{
		"nothing":            {},
		"tenant alone":       {TenantID: entratest.TenantID},
		"switches off":       {UseOIDC: off(), UseMSI: off(), UseCLI: off(), UseAKSWorkloadIdentity: off()},
		"token switched off": {UseOIDC: off(), OIDCToken: secret.New(entratest.FederatedToken)},
	} {
		if id, err := entra.FromBlock(block, env.get, "public"); id != nil || err != nil {
			t.Errorf("%s: identity = %v, error %v", name, id, err)
		}
	}
}

// A switch that is set to true asks for the Azure CLI, whether it is installed or not.
func TestAzureCLIThatIsAskedFor(t *testing.T) {
	withoutCLI(t)
	for name, test := range map[string]struct {
		block entra.Block
		env   environment
	}{
		"in the block":       {entra.Block{UseCLI: on()}, environment{}},
		"in the environment": {entra.Block{}, environment{"ARM_USE_CLI": "true"}},
	} {
		if id, err := chosen(test.block, test.env); err != nil || id == nil || id.Unasked {
			t.Errorf("%s: %+v, error %v", name, id, err)
		}
	}
}

// The failure of what was asked for is the error. No other way to sign in takes its place.
func TestMissingTokenIsNotReplacedByTheAzureCLI(t *testing.T) {
	t.Setenv("PATH", entratest.SignedIn(t, entraToken).Path())
	for name, test := range map[string]struct {
		block entra.Block
		env   environment
	}{
		"in the block":       {entra.Block{UseOIDC: on()}, environment{}},
		"in the environment": {entra.Block{}, environment{"ARM_USE_OIDC": "true"}},
	} {
		_, err := chosen(test.block, test.env)
		if failed := mustFail(t, err, fault.NoFederatedToken); failed.Argument != "use_oidc" {
			t.Errorf("%s: argument = %q", name, failed.Argument)
		}
	}
}

func TestNothingIsNamed(t *testing.T) {
	t.Setenv("PATH", entratest.SignedIn(t, entraToken).Path())
	for name, test := range map[string]struct {
		block entra.Block
		env   environment
	}{
		"use_cli off in the block":       {entra.Block{UseCLI: off()}, environment{}},
		"use_cli off in the environment": {entra.Block{}, environment{"ARM_USE_CLI": "false"}},
		"token without its switch":       {entra.Block{}, environment{"ARM_USE_CLI": "0", "ARM_OIDC_TOKEN": entratest.FederatedToken}},
	} {
		if id, err := entra.FromEnvironment(test.block, test.env.get, "public"); id != nil || err != nil {
			t.Errorf("%s: identity = %v, error %v", name, id, err)
		}
	}
	withoutCLI(t)
	if id, err := entra.FromEnvironment(entra.Block{}, environment{}.get, "public"); id != nil || err != nil {
		t.Errorf("no az: identity = %v, error %v", id, err)
	}
}

func TestLoginHostOfTheCloud(t *testing.T) {
	for _, test := range []struct{ block, variable, authority, cloud, login string }{
		{"", "", "", "public", "https://login.microsoftonline.com/"},
		{"", "", "", "china", "https://login.chinacloudapi.cn/"},
		{"", "", "", "usgovernment", "https://login.microsoftonline.us/"},
		{"china", "public", "https://login.example/", "public", "https://login.chinacloudapi.cn/"},
		{"", "usgovernmentl4", "https://login.example/", "public", "https://login.microsoftonline.us/"},
		{"", "USGovernment", "", "public", "https://login.microsoftonline.us/"},
		{"", "canary", "", "public", "https://login.microsoftonline.com/"},
		{"", "", "https://login.example/", "china", "https://login.example/"},
	} {
		env := environment{
			"ARM_TENANT_ID": entratest.TenantID, "ARM_CLIENT_ID": entratest.ClientID, "ARM_CLIENT_SECRET": entratest.ClientSecret,
			"ARM_ENVIRONMENT": test.variable, "AZURE_AUTHORITY_HOST": test.authority,
		}
		id, err := entra.FromEnvironment(entra.Block{Environment: test.block}, env.get, test.cloud)
		if want := "a client secret at " + test.login; err != nil || id.String() != want {
			t.Errorf("%+v: %v, error %v", test, id, err)
		}
	}
}

func TestBadInputIsRefusedOnItsAttribute(t *testing.T) {
	withoutCLI(t)
	cert := entratest.NewCertificate(t)
	var (
		missing   = filepath.Join(t.TempDir(), "missing")
		locked    = inFile(t, string(cert.PKCS12(false)))
		noise     = inFile(t, "no certificate")
		encrypted = inFile(t, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
		elliptic  = inFile(t, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n-----BEGIN EC PRIVATE KEY-----\n")
		older     = inFile(t, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n")
		given     = secret.New(entratest.FederatedToken)
		password  = secret.New(entratest.ClientSecret)
		sp        = environment{"ARM_TENANT_ID": entratest.TenantID, "ARM_CLIENT_ID": entratest.ClientID}
		github    = sp.with("ACTIONS_ID_TOKEN_REQUEST_TOKEN", entratest.RequestToken)
	)
	for name, test := range map[string]struct {
		block     entra.Block
		env       environment
		attribute string
		detail    string // a part of it
	}{
		"two ways":                     {entra.Block{ClientSecret: password, UseMSI: on()}, sp, "use_msi", "besides client_secret"},
		"certificate and secret":       {entra.Block{ClientSecret: password, ClientCertificatePath: locked}, sp, "client_secret", "besides client_certificate_path"},
		"secret and token":             {entra.Block{ClientSecret: password, OIDCToken: given}, sp, "oidc_token", "besides client_secret"},
		"secret without a tenant":      {entra.Block{ClientSecret: password, ClientID: entratest.ClientID}, nil, "tenant_id", "ARM_TENANT_ID"},
		"secret without a client":      {entra.Block{}, environment{"ARM_CLIENT_SECRET": "x", "ARM_TENANT_ID": "t"}, "client_id", "is required with client_secret"},
		"client without a way":         {entra.Block{ClientID: entratest.ClientID}, nil, "client_id", "nor the environment has a way to sign in"},
		"tenant that is none":          {entra.Block{ClientSecret: password, TenantID: "a/b"}, sp, "tenant_id", "is not a tenant"},
		"certificate missing":          {entra.Block{ClientCertificatePath: missing}, sp, "client_certificate_path", "does not exist"},
		"certificate a folder":         {entra.Block{ClientCertificatePath: t.TempDir()}, sp, "client_certificate_path", "cannot be read"},
		"certificate unreadable":       {entra.Block{ClientCertificatePath: noise}, sp, "client_certificate_path", "neither PEM nor PKCS#12"},
		"certificate encrypted in PEM": {entra.Block{ClientCertificatePath: encrypted}, sp, "client_certificate_path", "encrypted PEM key"},
		"certificate with an EC key":   {entra.Block{ClientCertificatePath: elliptic}, sp, "client_certificate_path", "a key that is not RSA"},
		"certificate encrypted, older": {entra.Block{ClientCertificatePath: older}, sp, "client_certificate_path", "encrypted PEM key"},
		"certificate, no password":     {entra.Block{ClientCertificatePath: locked}, sp, "client_certificate_password", "is not set, and the certificate is encrypted"},
		"certificate, wrong password":  {entra.Block{ClientCertificatePath: locked, ClientCertificatePassword: secret.New("wrong")}, sp, "client_certificate_password", "does not open"},
		"certificate, line break":      {entra.Block{ClientCertificatePath: locked, ClientCertificatePassword: secret.New(entratest.CertificatePassword + "\n")}, sp, "client_certificate_password", "ends with white space"},
		"certificate not in base64":    {entra.Block{}, sp.with("ARM_CLIENT_CERTIFICATE", "%"), "client_certificate_path", "ARM_CLIENT_CERTIFICATE"},
		"token file missing":           {entra.Block{OIDCTokenFilePath: missing}, sp, "oidc_token_file_path", "does not exist"},
		"token file empty":             {entra.Block{OIDCTokenFilePath: inFile(t, " \n")}, sp, "oidc_token_file_path", "is empty"},
		"token file too large":         {entra.Block{OIDCTokenFilePath: inFile(t, strings.Repeat("x", 64<<10+1))}, sp, "oidc_token_file_path", "65536 bytes"},
		"token and another file":       {entra.Block{OIDCTokenFilePath: inFile(t, "another"), OIDCToken: given}, sp, "oidc_token", "differs"},
		"secret and another file":      {entra.Block{}, sp.with("ARM_CLIENT_SECRET", entratest.ClientSecret, "ARM_CLIENT_SECRET_FILE_PATH", inFile(t, "another")), "client_secret", "ARM_CLIENT_SECRET_FILE_PATH"},
		"AKS names another client": {entra.Block{UseAKSWorkloadIdentity: on()}, sp.with("AZURE_CLIENT_ID", "another", "AZURE_FEDERATED_TOKEN_FILE", inFile(t, "token")),
			"client_id", "AZURE_CLIENT_ID"},
		"cloud in the block":         {entra.Block{ClientSecret: password, Environment: "mars"}, sp, "environment", "public, usgovernment and china"},
		"cloud in the environment":   {entra.Block{ClientSecret: password}, sp.with("ARM_ENVIRONMENT", "mars"), "environment", "ARM_ENVIRONMENT"},
		"login host without TLS":     {entra.Block{ClientSecret: password}, sp.with("AZURE_AUTHORITY_HOST", "http://login.example"), "environment", "AZURE_AUTHORITY_HOST"},
		"audience with a space":      {entra.Block{ClientSecret: password, Audience: "a b"}, sp, "entra_audience", "is not an audience"},
		"switch that is none":        {entra.Block{}, environment{"ARM_USE_MSI": "maybe"}, "use_msi", "ARM_USE_MSI"},
		"endpoint that is none":      {entra.Block{UseMSI: on()}, environment{"ARM_MSI_ENDPOINT": "imds"}, "use_msi", "ARM_MSI_ENDPOINT"},
		"request URL that is none":   {entra.Block{UseOIDC: on()}, github.with("ACTIONS_ID_TOKEN_REQUEST_URL", "ci"), "use_oidc", "ACTIONS_ID_TOKEN_REQUEST_URL"},
		"request URL with user name": {entra.Block{UseOIDC: on()}, github.with("ACTIONS_ID_TOKEN_REQUEST_URL", "https://a:b@ci.example"), "use_oidc", "not an https URL"},
		"request URL without TLS":    {entra.Block{UseOIDC: on()}, github.with("ACTIONS_ID_TOKEN_REQUEST_URL", "http://ci.example"), "use_oidc", "not an https URL"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chosen(test.block, test.env)
			failed, ok := fault.As(err)
			if !ok || !fault.IsOfArgument(err) {
				t.Fatalf("error = %v, want one on %s", err, test.attribute)
			}
			if failed.Argument != test.attribute || !strings.Contains(failed.Detail, test.detail) {
				t.Errorf("%s: %s; want %s: … %s …", failed.Argument, failed.Detail, test.attribute, test.detail)
			}
		})
	}
}

func TestFederatedTokenIsNowhereToBeHad(t *testing.T) {
	sp := environment{"ARM_TENANT_ID": entratest.TenantID, "ARM_CLIENT_ID": entratest.ClientID}
	for name, test := range map[string]struct {
		env    environment
		detail string
	}{
		"nothing set":                 {sp, "none of these variables is set: ARM_OIDC_TOKEN"},
		"GitHub without permission":   {sp.with("ACTIONS_ID_TOKEN_REQUEST_URL", "https://ci.example"), "ACTIONS_ID_TOKEN_REQUEST_URL is set, but none of ARM_OIDC_REQUEST_TOKEN"},
		"token without a URL":         {sp.with("SYSTEM_ACCESSTOKEN", entratest.RequestToken), "SYSTEM_ACCESSTOKEN is set, but none of ARM_OIDC_REQUEST_URL"},
		"DevOps' URL by another name": {sp.with("ARM_OIDC_REQUEST_URL", "https://ci.example", "SYSTEM_OIDCREQUESTURI", "https://ci.example", "ARM_OIDC_REQUEST_TOKEN", entratest.RequestToken), "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID"},
		"DevOps without a connection": {sp.with("SYSTEM_OIDCREQUESTURI", "https://ci.example", "SYSTEM_ACCESSTOKEN", entratest.RequestToken), "ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := chosen(entra.Block{UseOIDC: on()}, test.env)
			failed := mustFail(t, err, fault.NoFederatedToken)
			if failed.Argument != "use_oidc" || !strings.Contains(failed.Detail, test.detail) {
				t.Errorf("%s: %s; want … %s …", failed.Argument, failed.Detail, test.detail)
			}
		})
	}
}
