package provider_test

import (
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

// The provider block's arguments that are refused. "sesame" is in every password, and must be in no error.
func TestProviderBlockRefuses(t *testing.T) {
	base := values{"registry": "example.azurecr.io"}
	tests := map[string]struct {
		arguments values
		want      wanted
	}{
		"no registry": {
			values{},
			wanted{attribute: "registry", summary: "No registry given", says: []string{"ACR_REGISTRY", "example.azurecr.io"}},
		},
		"an empty registry": {
			values{"registry": ""},
			wanted{attribute: "registry", summary: "Invalid value", says: []string{"host[:port]"}},
		},
		"two ways to sign in": {
			base.plus(values{"client_secret": "open sesame", "use_msi": true}),
			wanted{attribute: "use_msi", summary: "Settings contradict each other", says: []string{"besides client_secret"}},
		},
		"a client secret without a tenant": {
			base.plus(values{"client_secret": "open sesame", "client_id": "c"}),
			wanted{attribute: "tenant_id", summary: "Setting missing", says: []string{"ARM_TENANT_ID"}},
		},
		"a client id alone": {
			base.plus(values{"client_id": "c", "use_cli": false}),
			wanted{attribute: "client_id", summary: "Setting missing", says: []string{"use_oidc"}},
		},
		"a certificate that is not there": {
			base.plus(values{"client_certificate_path": "/missing.pfx", "client_certificate_password": "open sesame"}),
			wanted{attribute: "client_certificate_path", summary: "Invalid value", says: []string{"/missing.pfx does not exist"}},
		},
		"a token file that is not there": {
			base.plus(values{"oidc_token_file_path": "/missing", "tenant_id": "t", "client_id": "c"}),
			wanted{attribute: "oidc_token_file_path", summary: "Invalid value", says: []string{"/missing does not exist"}},
		},
		"an unknown cloud": {
			base.plus(values{"environment": "mars"}),
			wanted{attribute: "environment", summary: "Invalid value", says: []string{"public, usgovernment and china"}},
		},
		"an audience that is none": {
			base.plus(values{"entra_audience": "a b"}),
			wanted{attribute: "entra_audience", summary: "Invalid value", says: []string{"https://containerregistry.azure.net"}},
		},
		"a user name and a way to sign in": {
			base.plus(values{"username": "ci", "password": "open sesame", "use_oidc": true}),
			wanted{attribute: "use_oidc", summary: "Settings contradict each other", says: []string{"user name or password"}},
		},
		"a user name and a tenant": {
			base.plus(values{"username": "ci", "password": "open sesame", "tenant_id": "t"}),
			wanted{attribute: "tenant_id", summary: "Settings contradict each other", says: []string{"user name or password"}},
		},
		"a federated token that is nowhere to be had": {
			base.plus(values{"use_oidc": true, "tenant_id": "t", "client_id": "c"}),
			wanted{attribute: "use_oidc", summary: "No federated token", says: []string{"ACTIONS_ID_TOKEN_REQUEST_URL", "id-token: write"}},
		},
		"a registry with a scheme": {
			values{"registry": "https://example.azurecr.io"},
			wanted{attribute: "registry", summary: "Invalid value", says: []string{`more than the login server "example.azurecr.io"`}, hides: []string{"https://"}},
		},
		"a registry with a path": {
			values{"registry": "example.azurecr.io/app"},
			wanted{attribute: "registry", summary: "Invalid value", says: []string{`more than the login server "example.azurecr.io"`}, hides: []string{"/app"}},
		},
		"a registry with a space": {
			values{"registry": "example.azurecr.io "},
			wanted{attribute: "registry", summary: "Invalid value", says: []string{`more than the login server "example.azurecr.io"`}},
		},
		"a registry with user information": {
			values{"registry": "https://ci:sesame@example.azurecr.io"},
			wanted{attribute: "registry", summary: "Invalid value", says: []string{"host[:port]"}, hides: []string{"ci", "sesame"}},
		},
		"an empty user name": {
			base.plus(values{"username": "", "password": "open sesame"}),
			wanted{attribute: "username", summary: "Invalid value", says: []string{"is empty; leave it out"}},
		},
		"a user name with a colon": {
			base.plus(values{"username": "a:b", "password": "open sesame"}),
			wanted{attribute: "username", summary: "Invalid value", says: []string{"colon"}},
		},
		"an empty password": {
			base.plus(values{"username": "ci", "password": ""}),
			wanted{attribute: "password", summary: "Invalid value", says: []string{"is empty; leave it out"}},
		},
		"a password with a line break": {
			base.plus(values{"username": "ci", "password": "open sesame\n"}),
			wanted{attribute: "password", summary: "Invalid value", says: []string{"line break", "chomp()"}},
		},
		"a user name without a password": {
			base.plus(values{"username": "ci"}),
			wanted{attribute: "password", summary: "Setting missing", says: []string{"without a password", "ACR_PASSWORD is not set"}},
		},
		"a password without a user name": {
			base.plus(values{"password": "open sesame"}),
			wanted{attribute: "username", summary: "Setting missing", says: []string{"without a user name", "ACR_USERNAME is not set"}},
		},
		"half a credential with the Docker config beside it": {
			base.plus(values{"username": "ci", "use_docker_config": true}),
			wanted{attribute: "password", summary: "Setting missing", says: []string{"without a password"}},
		},
		"an empty certificate": {
			base.plus(values{"ca_cert_pem": ""}),
			wanted{attribute: "ca_cert_pem", summary: "Invalid value", says: []string{"empty"}},
		},
		"a certificate that is none": {
			base.plus(values{"ca_cert_pem": "example"}),
			wanted{attribute: "ca_cert_pem", summary: "Invalid value", says: []string{"PEM certificate"}},
		},
		"plain http with a credential to another host": {
			base.plus(values{"plain_http": true, "username": "ci", "password": "open sesame"}),
			wanted{attribute: "plain_http", summary: "Invalid value", says: []string{"example.azurecr.io", "loopback"}},
		},
		"a token host with a scheme": {
			base.plus(values{"trusted_token_hosts": []string{"auth.example.com", "https://auth.example.com"}}),
			wanted{attribute: "trusted_token_hosts[1]", summary: "Invalid value", says: []string{"host[:port]"}},
		},
		"a time-out without a unit": {
			base.plus(values{"request_timeout": "30"}),
			wanted{attribute: "request_timeout", summary: "Invalid value", says: []string{`"30"`, `"45s"`}},
		},
		"no time at all": {
			base.plus(values{"request_timeout": "0s"}),
			wanted{attribute: "request_timeout", summary: "Invalid value", says: []string{`"0s"`}},
		},
		"a day": {
			base.plus(values{"request_timeout": "24h"}),
			wanted{attribute: "request_timeout", summary: "Invalid value", says: []string{"up to 1h"}},
		},
		"fewer than no retries": {
			base.plus(values{"max_retries": -1}),
			wanted{attribute: "max_retries", summary: "Invalid value", says: []string{"from 0 to 20"}},
		},
		"half a retry": {
			base.plus(values{"max_retries": 0.5}),
			wanted{attribute: "max_retries", summary: "Invalid value", says: []string{"0.5 is not a whole number"}},
		},
		"more retries than are of use": {
			base.plus(values{"max_retries": 21}),
			wanted{attribute: "max_retries", summary: "Invalid value", says: []string{"from 0 to 20"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.want.hides = append(test.want.hides, "sesame")
			test.want.check(t, newProtocol(t).configure(test.arguments))
		})
	}
}

func TestProviderBlockRefusesTheEnvironment(t *testing.T) {
	tests := map[string]struct {
		environment map[string]string
		arguments   values
		want        wanted
	}{
		"a registry with a scheme": {
			map[string]string{"ACR_REGISTRY": "https://example.azurecr.io"},
			values{},
			wanted{attribute: "registry", summary: "Invalid value", says: []string{`more than the login server "example.azurecr.io"`, "ACR_REGISTRY"}},
		},
		"an empty registry": {
			map[string]string{"ACR_REGISTRY": ""},
			values{},
			wanted{attribute: "registry", summary: "No registry given"},
		},
		"a password with a line break": {
			map[string]string{"ACR_PASSWORD": "open sesame\n"},
			values{"registry": "example.azurecr.io", "username": "ci"},
			wanted{attribute: "password", summary: "Invalid value", says: []string{"line break", "ACR_PASSWORD"}},
		},
		"a client id in the block, whose secret is for Azure's registries alone": {
			map[string]string{"ARM_TENANT_ID": "t", "ARM_CLIENT_SECRET": "open sesame"},
			values{"registry": "registry.example", "client_id": "c"},
			wanted{attribute: "client_id", summary: "Setting missing", says: []string{"client_secret", "registry.example"}},
		},
		"half a credential": {
			map[string]string{"ACR_USERNAME": "ci"},
			values{"registry": "example.azurecr.io"},
			wanted{attribute: "password", summary: "Setting missing", says: []string{"without a password", "ACR_PASSWORD is not set"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for variable, value := range test.environment {
				t.Setenv(variable, value)
			}
			test.want.hides = []string{"sesame"}
			test.want.check(t, newProtocol(t).configure(test.arguments))
		})
	}
}

// Each attribute comes before its variable, and an empty variable counts as unset.
func TestCredentialSources(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{Users: map[string]string{"one": "password-one", "two": "password-two"}})
	registry.PutImage("app", "1.0", acrtest.Image{})
	base := values{"registry": registry.Host(), "ca_cert_pem": registry.CAPEM()}
	tests := map[string]struct {
		environment map[string]string
		arguments   values
		user        string
	}{
		"attributes": {
			nil,
			base.plus(values{"username": "one", "password": "password-one"}),
			"one",
		},
		"attributes before the environment": {
			map[string]string{"ACR_REGISTRY": "other.example.com", "ACR_USERNAME": "two", "ACR_PASSWORD": "password-two"},
			base.plus(values{"username": "one", "password": "password-one"}),
			"one",
		},
		"the environment": {
			map[string]string{"ACR_REGISTRY": registry.Host(), "ACR_USERNAME": "two", "ACR_PASSWORD": "password-two"},
			base.plus(values{"registry": nil}),
			"two",
		},
		"the user name from the block, the password from the environment": {
			map[string]string{"ACR_USERNAME": "two", "ACR_PASSWORD": "password-one"},
			base.plus(values{"username": "one"}),
			"one",
		},
		"the environment before the Docker config": {
			map[string]string{"ACR_USERNAME": "one", "ACR_PASSWORD": "password-one", "DOCKER_CONFIG": dockerConfig(t, registry.Host(), "two", "password-two")},
			base.plus(values{"use_docker_config": true}),
			"one",
		},
		"the Docker config, with empty variables": {
			map[string]string{"ACR_USERNAME": "", "ACR_PASSWORD": "", "DOCKER_CONFIG": dockerConfig(t, registry.Host(), "two", "password-two")},
			base.plus(values{"use_docker_config": true}),
			"two",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for variable, value := range test.environment {
				t.Setenv(variable, value)
			}
			registry.ResetLog()
			configuredFor(t, test.arguments).mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
			if user := userShown(t, registry); user != test.user {
				t.Errorf("the token server was shown %q, want %q", user, test.user)
			}
		})
	}
}

// userShown returns the user name in the one token request.
func userShown(t *testing.T, registry *acrtest.Registry) string {
	t.Helper()
	for _, request := range registry.Requests() {
		if request.Kind == acrtest.KindToken {
			encoded := strings.TrimPrefix(request.Header.Get("Authorization"), "Basic ")
			pair, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			user, _, _ := strings.Cut(string(pair), ":")
			return user
		}
	}
	t.Fatal("no token was asked for")
	return ""
}

// dockerConfig writes a Docker config file with one entry, and returns its folder.
func dockerConfig(t *testing.T, registry, user, password string) string {
	t.Helper()
	folder := t.TempDir()
	entry := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	content := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, registry, entry)
	if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// A credential helper that fails causes an error, never anonymous access.
func TestCredentialHelperFails(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{AnonymousPull: true})
	registry.PutImage("app", "1.0", acrtest.Image{})
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "config.json"), []byte(`{"credsStore": "is-missing"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", folder)

	diagnostics := newProtocol(t).configure(values{"registry": registry.Host(), "ca_cert_pem": registry.CAPEM(), "use_docker_config": true})

	wanted{
		attribute: "use_docker_config",
		summary:   "Docker config not usable",
		says:      []string{"docker-credential-is-missing", registry.Host(), "docker login"},
	}.check(t, diagnostics)
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// Without any credential, a public registry is read, with a token that was requested without Authorization. For a
// private one, the error says where a credential was looked for.
func TestAnonymousAccess(t *testing.T) {
	public := acrtest.StartT(t, acrtest.Options{AnonymousPull: true})
	public.PutImage("app", "1.0", acrtest.Image{})
	configuredFor(t, values{"registry": public.Host(), "ca_cert_pem": public.CAPEM()}).
		mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
	for _, request := range public.Requests() {
		if request.Kind == acrtest.KindToken && request.AuthScheme != "" {
			t.Errorf("the token was asked for with %s", request.AuthScheme)
		}
	}

	private := acrtest.StartT(t, acrtest.Options{})
	private.PutImage("app", "1.0", acrtest.Image{})
	_, diagnostics := configuredFor(t, values{"registry": private.Host(), "ca_cert_pem": private.CAPEM()}).
		read("acr_manifest", values{"repository": "app", "tag": "1.0"})
	wanted{
		summary: "Credential needed",
		says:    []string{"reading the manifest " + private.Host() + "/app:1.0", "401", "ACR_USERNAME", "use_docker_config", "provider block"},
	}.check(t, diagnostics)
}

func TestInsecureSkipVerifyWarns(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "1.0", acrtest.Image{})
	p := newProtocol(t)
	diagnostics := p.configure(defaultUser(registry).plus(values{"ca_cert_pem": nil, "insecure_skip_verify": true}))
	wanted{attribute: "insecure_skip_verify", summary: "Certificate is not checked", says: []string{"ca_cert_pem"}}.check(t, diagnostics)
	if severity := diagnostics[0].Severity.String(); severity != "WARNING" {
		t.Errorf("want a warning, got %s", severity)
	}
	p.mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
}

func TestCertificateMustBeKnown(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	_, diagnostics := configuredFor(t, defaultUser(registry).plus(values{"ca_cert_pem": nil})).
		read("acr_manifest", values{"repository": "app", "tag": "1.0"})
	wanted{summary: "Certificate not trusted", says: []string{registry.Host(), "ca_cert_pem", "authority"}}.check(t, diagnostics)
}

func TestPlainHTTPOnThisMachine(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{PlainHTTP: true})
	registry.PutImage("app", "1.0", acrtest.Image{})
	configuredFor(t, defaultUser(registry)).mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
}

// If a registry does not answer, the read fails within the time-out, which the error names.
func TestRequestTimeoutAndMaxRetries(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.Inject(acrtest.Fault{Hang: true})
	_, diagnostics := configuredFor(t, defaultUser(registry).plus(values{"request_timeout": "150ms", "max_retries": 0})).
		read("acr_manifest", values{"repository": "app", "tag": "1.0"})
	wanted{summary: "No answer in time", says: []string{"150ms", registry.Host(), "request_timeout"}}.check(t, diagnostics)
	if n := registry.Count(""); n != 1 {
		t.Errorf("%d requests, want 1 with max_retries = 0", n)
	}
}

func TestUserAgentNamesProviderAndTerraform(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	registry.PutImage("app", "1.0", acrtest.Image{})
	configuredFor(t, defaultUser(registry)).mustRead("acr_manifest", values{"repository": "app", "tag": "1.0"})
	const want = "terraform-provider-acr/test (+https://github.com/acrkit/terraform-provider-acr) Terraform/1.11.4"
	for _, request := range registry.Requests() {
		if got := request.Header.Get("User-Agent"); got != want {
			t.Errorf("%s %s: got %q, want %q", request.Method, request.Path, got, want)
		}
	}
}

// Two provider blocks with aliases share nothing: the token of one user is never used for the other.
func TestProviderBlocksShareNoTokens(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{
		Users:  map[string]string{"one": "password-one", "two": "password-two"},
		Grants: map[string][]string{"two": {"repository:other:pull"}},
	})
	registry.PutImage("app", "1.0", acrtest.Image{})
	app := values{"repository": "app", "tag": "1.0"}

	configuredFor(t, defaultUser(registry).plus(values{"username": "one", "password": "password-one"})).mustRead("acr_manifest", app)
	_, diagnostics := configuredFor(t, defaultUser(registry).plus(values{"username": "two", "password": "password-two"})).read("acr_manifest", app)

	wanted{summary: "Permission missing", says: []string{"repository:app:pull", "401"}}.check(t, diagnostics)
	if n := registry.Count(acrtest.KindToken); n != 2 {
		t.Errorf("%d tokens were asked for, want one for each block", n)
	}
}

// unusedAddress returns a host:port of this machine that nothing listens on.
func unusedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
