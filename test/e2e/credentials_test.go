package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// reading returns HCL that reads one image and shows its digest.
func reading(image realregistry.Image, providerArguments string) string {
	return fmt.Sprintf(`
provider "acr" {
%s
}

data "acr_manifest" "image" {
  repository = %q
  tag        = %q
}

output "digest" {
  value = data.acr_manifest.image.digest
}
`, providerArguments, image.Repository, image.Tag)
}

// outcome is the expected result of a run: the image's digest, or an error with these words and no token issued.
type outcome struct {
	failure []string // words of the error; nil for success
	tokens  []string // how each token was requested: "GET Basic", "POST ", …
}

func (o outcome) check(t *testing.T, registry *realregistry.Registry, workspace *terraform.Workspace, image realregistry.Image) {
	t.Helper()
	digest := said(t)(registry.Crane(t.Context(), "digest", registry.Reference(image)))
	registry.ResetLog()

	printed, err := workspace.Run(t.Context(), "apply", "-auto-approve", "-no-color")

	if o.failure == nil && (err != nil || !strings.Contains(printed, digest)) {
		t.Errorf("did not read %s: %v\n%s", digest, err, printed)
	}
	if o.failure != nil && err == nil {
		t.Errorf("succeeded, want an error\n%s", printed)
	}
	for _, words := range o.failure {
		if message := strings.Join(strings.Fields(fmt.Sprint(err)), " "); !strings.Contains(message, words) {
			t.Errorf("the error does not say %q: %s", words, message)
		}
	}
	tokens := []string{}
	for _, request := range registry.Requests() {
		if request.Path == "/oauth2/token" {
			tokens = append(tokens, request.Method+" "+request.Authorization)
		}
	}
	if fmt.Sprint(tokens) != fmt.Sprint(o.tokens) {
		t.Errorf("tokens were asked for by %q, want %q", tokens, o.tokens)
	}
}

// The sources of a credential, with a real registry and a real token server, over http on loopback.
func TestCredentialSources(t *testing.T) {
	registry := startDistribution(t, realregistry.Options{})
	basic := []string{"GET Basic"}
	block := func(arguments ...string) string {
		return "plain_http = true\nregistry = \"" + registry.Host() + "\"\n" + strings.Join(arguments, "\n")
	}
	const dockerConfig = "use_docker_config = true"
	for _, c := range []struct {
		name        string
		provider    string
		environment map[string]string
		outcome     outcome
	}{
		{
			name:        "attributes before the environment",
			provider:    block(`username = "writer"`, `password = "`+realregistry.Password+`"`),
			environment: map[string]string{"ACR_REGISTRY": "localhost:1", "ACR_USERNAME": "nobody", "ACR_PASSWORD": "wrong"},
			outcome:     outcome{tokens: basic},
		},
		{
			name:     "environment before the Docker config",
			provider: "plain_http = true\n" + dockerConfig,
			environment: map[string]string{
				"ACR_REGISTRY": registry.Host(), "ACR_USERNAME": realregistry.Username, "ACR_PASSWORD": realregistry.Password,
				"DOCKER_CONFIG": dockerFolder(t, map[string]any{"auths": map[string]any{registry.Host(): map[string]string{"username": "nobody", "password": "wrong"}}}),
			},
			outcome: outcome{tokens: basic},
		},
		{
			name:        "Docker config of other clients",
			provider:    block(dockerConfig),
			environment: map[string]string{"DOCKER_CONFIG": registry.DockerConfig()},
			outcome:     outcome{tokens: basic},
		},
		{
			name:     "identity token in the Docker config",
			provider: block(dockerConfig),
			environment: map[string]string{"DOCKER_CONFIG": dockerFolder(t, map[string]any{"auths": map[string]any{
				"https://" + registry.Host(): map[string]string{"auth": "MDAwMDA6", "identitytoken": realregistry.RefreshToken}}})},
			outcome: outcome{tokens: []string{"POST "}},
		},
		{
			name:        "credential helper",
			provider:    block(dockerConfig),
			environment: helper(t, registry.Host(), `echo '{"Username":"writer","Secret":"`+realregistry.Password+`"}'`),
			outcome:     outcome{tokens: basic},
		},
		{
			name:        "credential helper that fails",
			provider:    block(dockerConfig),
			environment: helper(t, registry.Host(), `echo 'the keychain is locked' >&2; exit 1`),
			outcome:     outcome{failure: []string{"credential helper"}},
		},
		{
			name:     "refresh token as the password",
			provider: block(`username = "`+realregistry.NullGUID+`"`, `password = "`+realregistry.RefreshToken+`"`),
			outcome:  outcome{tokens: basic},
		},
		{
			name:     "wrong password",
			provider: block(`username = "writer"`, `password = "wrong"`),
			outcome:  outcome{failure: []string{"401", "UNAUTHORIZED"}, tokens: basic},
		},
		{
			name:     "user name without password",
			provider: block(`username = "writer"`),
			outcome:  outcome{failure: []string{"password", "ACR_PASSWORD"}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			workspace := newWorkspace(t, reading(realregistry.DockerImage, c.provider))
			for name, value := range c.environment {
				workspace.Set(name, value)
			}
			c.outcome.check(t, registry, workspace, realregistry.DockerImage)
		})
	}
}

// dockerFolder makes a folder with this config.json.
func dockerFolder(t *testing.T, config map[string]any) string {
	t.Helper()
	folder := t.TempDir()
	content, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// helper makes a credential helper from a line of shell, and returns the environment in which Docker's clients use it.
func helper(t *testing.T, host, line string) map[string]string {
	t.Helper()
	programs := t.TempDir()
	if err := os.WriteFile(filepath.Join(programs, "docker-credential-e2e"), []byte("#!/bin/sh\ncat >/dev/null\n"+line+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"DOCKER_CONFIG": dockerFolder(t, map[string]any{"credHelpers": map[string]string{host: "e2e"}}),
		"PATH":          programs + string(os.PathListSeparator) + os.Getenv("PATH"),
	}
}

// TLS and anonymous pull, with a real registry and a real token server.
func TestTrustAndAnonymousPull(t *testing.T) {
	public, private := realregistry.OCIImage, realregistry.DockerImage
	registry := startDistribution(t, realregistry.Options{TLS: true, AnonymousPull: []string{public.Repository}})
	credential := fmt.Sprintf("registry = %q\nusername = %q\npassword = %q\n", registry.Host(), realregistry.Username, realregistry.Password)
	authority := fmt.Sprintf("ca_cert_pem = %q\n", registry.CAPEM())
	anonymous := fmt.Sprintf("registry = %q\n", registry.Host()) + authority
	basic, none := []string{"GET Basic"}, []string{"GET "}

	t.Run("certificate authority of the provider block", func(t *testing.T) {
		workspace := newWorkspace(t, reading(private, credential+authority))
		outcome{tokens: basic}.check(t, registry, workspace, private)
	})
	t.Run("SSL_CERT_FILE", func(t *testing.T) {
		workspace := newWorkspace(t, reading(private, credential))
		trustThroughEnvironment(t, workspace, registry.CAPEM())
		outcome{tokens: basic}.check(t, registry, workspace, private)
	})
	t.Run("unknown authority", func(t *testing.T) {
		workspace := newWorkspace(t, reading(private, credential))
		outcome{failure: []string{"certificate", "ca_cert_pem"}}.check(t, registry, workspace, private)
	})
	t.Run("insecure_skip_verify", func(t *testing.T) {
		workspace := newWorkspace(t, reading(private, credential+"insecure_skip_verify = true\n"))
		outcome{tokens: basic}.check(t, registry, workspace, private)
		if printed := terraformRun(t, workspace, "plan", "-no-color"); !strings.Contains(printed, "Warning: ") || !strings.Contains(printed, "insecure_skip_verify") {
			t.Errorf("no warning of insecure_skip_verify:\n%s", printed)
		}
	})
	t.Run("plain_http where TLS is spoken", func(t *testing.T) {
		workspace := newWorkspace(t, reading(private, credential+"plain_http = true\n"))
		outcome{failure: []string{"400"}}.check(t, registry, workspace, private)
	})
	t.Run("anonymous pull of a public repository", func(t *testing.T) {
		workspace := newWorkspace(t, reading(public, anonymous))
		outcome{tokens: none}.check(t, registry, workspace, public)
	})
	t.Run("anonymous pull of a private repository", func(t *testing.T) {
		workspace := newWorkspace(t, reading(private, anonymous))
		outcome{failure: []string{"No credential", "ACR_USERNAME"}, tokens: none}.check(t, registry, workspace, private)
	})
}
