package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/secretscan"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// password has bytes that each encoding writes differently, as Azure's passwords do.
const password = `sentinel+p/w"of=the&test`

// secretive is a registry whose credential is the user "user" with the password, and which keeps the tokens that it
// issued.
type secretive struct{ *acrtest.Registry }

func startSecretive(t *testing.T) secretive {
	registry := acrtest.StartT(t, acrtest.Options{Users: map[string]string{"user": password}})
	registry.PutImage("app", "1.0", acrtest.Image{})
	return secretive{registry}
}

// tokens returns the tokens that were sent to the registry, as a bearer or as a password, in order.
func (s secretive) tokens() []string {
	var tokens []string
	for _, request := range s.Requests() {
		header := http.Request{Header: request.Header}
		token, isBearer := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer ")
		if _, shown, isBasic := header.BasicAuth(); isBasic && shown != password {
			token, isBearer = shown, true
		}
		if isBearer && !slices.Contains(tokens, token) {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// users returns the user names that the registry was sent, each once.
func (s secretive) users() []string {
	var users []string
	for _, request := range s.Requests() {
		header := http.Request{Header: request.Header}
		if user, _, isBasic := header.BasicAuth(); isBasic && !slices.Contains(users, user) {
			users = append(users, user)
		}
	}
	return users
}

// secrets returns the password and all tokens, by name.
func (s secretive) secrets(t *testing.T) map[string]string {
	t.Helper()
	secrets := map[string]string{"password": password}
	for i, token := range s.tokens() {
		secrets[fmt.Sprintf("token %d", i+1)] = token
		_, signature, _ := strings.Cut(token[strings.Index(token, ".")+1:], ".")
		secrets[fmt.Sprintf("signature of token %d", i+1)] = signature
	}
	if len(secrets) == 1 {
		t.Fatal("no token was used: there is nothing to look for")
	}
	return secrets
}

// workspace holds the configuration; the credential reaches the provider through the environment.
func (s secretive) workspace(t *testing.T, configuration string) *terraform.Workspace {
	t.Helper()
	workspace := newWorkspace(t, configuration)
	workspace.Set("ACR_REGISTRY", s.Host())
	workspace.Set("ACR_USERNAME", "user")
	workspace.Set("ACR_PASSWORD", password)
	workspace.Set("TF_VAR_ca_cert_pem", s.CAPEM())
	return workspace
}

// planAndApply makes a saved plan, shows it, applies it, applies once more so that there is a backup, and shows the
// state. It writes all that the CLI printed to files in the working folder, beside the CLI's own files.
func planAndApply(t *testing.T, workspace *terraform.Workspace) {
	t.Helper()
	steps := [][]string{
		{"plan", "-no-color", "-out=plan.tfplan"},
		{"show", "-json", "plan.tfplan"},
		{"show", "-no-color", "plan.tfplan"},
		{"apply", "-no-color", "plan.tfplan"},
		{"apply", "-no-color", "-auto-approve", "-var=run=2"},
		{"show", "-json"},
		{"show", "-no-color"},
		{"output", "-no-color"},
	}
	for i, arguments := range steps {
		if err := workspace.Write(fmt.Sprintf("printed-%d.txt", i+1), terraformRun(t, workspace, arguments...)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"terraform.tfstate", "terraform.tfstate.backup", "plan.tfplan"} {
		if info, err := os.Stat(filepath.Join(workspace.Folder, name)); err != nil || info.Size() == 0 {
			t.Fatalf("%s was not written: %v", name, err)
		}
	}
}

// preamble is what both configurations below have in common. The output changes from run to run, so that the second
// apply writes a state and a backup.
const preamble = `
variable "ca_cert_pem" {
  type = string
}

variable "run" {
  default = 1
}

provider "acr" {
  ca_cert_pem = var.ca_cert_pem
}

output "run" {
  value = var.run
}
`

func TestEphemeralTokenIsWrittenNowhere(t *testing.T) {
	registry := startSecretive(t)
	workspace := registry.workspace(t, preamble+`
ephemeral "acr_bearer_token" "app" {
  repository = "app"
}

provider "acr" {
  alias       = "handed"
  username    = "00000000-0000-0000-0000-000000000000"
  password    = ephemeral.acr_bearer_token.app.access_token
  ca_cert_pem = var.ca_cert_pem
}

data "acr_manifest" "app" {
  provider   = acr.handed
  repository = "app"
  tag        = "1.0"
}

output "digest" {
  value = data.acr_manifest.app.digest
}
`)
	if refuses(t, workspace) {
		return
	}
	workspace.Set("TF_LOG", "TRACE")
	workspace.Set("TF_LOG_PATH", "trace.log")

	planAndApply(t, workspace)

	log, err := os.ReadFile(filepath.Join(workspace.Folder, "trace.log"))
	if err != nil || !strings.Contains(string(log), "registry request") {
		t.Errorf("the log does not hold the provider's own lines, so it proves nothing: %v", err)
	}
	findings, err := secretscan.Folder(workspace.Folder, registry.secrets(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range findings {
		t.Error(finding)
	}
}

// A copy's password for the source is write-only: it and the tokens of both registries are in no plan, no state and no log.
func TestSourcesPasswordIsWrittenNowhere(t *testing.T) {
	target := startSecretive(t)
	source := secretive{acrtest.StartT(t, acrtest.Options{Users: map[string]string{"reader": password}})}
	digest := source.PutIndex("app", "1.0", acrtest.Index{Images: []acrtest.Image{{}, {Architecture: "arm64"}}})
	workspace := target.workspace(t, preamble+fmt.Sprintf(`
variable "source_password" {
  type      = string
  ephemeral = true
}

resource "acr_image_copy" "app" {
  source             = "%s/app@%s"
  repository         = "mirror/app"
  tag                = "1.0"
  source_username    = "reader"
  source_password_wo = var.source_password
}
`, source.Host(), digest))
	workspace.Set("TF_VAR_ca_cert_pem", target.CAPEM()+source.CAPEM())
	workspace.Set("TF_VAR_source_password", password)
	if refuses(t, workspace) {
		return
	}
	workspace.Set("TF_LOG", "TRACE")
	workspace.Set("TF_LOG_PATH", "trace.log")

	planAndApply(t, workspace)

	if got := target.Digest("mirror/app", "1.0"); got != digest {
		t.Errorf("the tag names %q, want %q", got, digest)
	}
	for _, registry := range []secretive{source, target} {
		findings, err := secretscan.Folder(workspace.Folder, registry.secrets(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range findings {
			t.Error(finding)
		}
	}
	if atSource, atTarget := source.users(), target.users(); !slices.Equal(atSource, []string{"reader"}) || !slices.Equal(atTarget, []string{"user"}) {
		t.Errorf("the source was shown %q and the target %q, want each its own user alone", atSource, atTarget)
	}
}

// The data source's token is where the configuration puts it, in plan and state, marked as sensitive; the password is
// nowhere.
func TestDataSourceTokenIsSensitive(t *testing.T) {
	registry := startSecretive(t)
	workspace := registry.workspace(t, preamble+`
data "acr_bearer_token" "app" {
  repository = "app"
}

data "acr_manifest" "app" {
  repository   = "app"
  tag          = "1.0"
  access_token = data.acr_bearer_token.app.access_token
}

output "header" {
  value     = "Bearer ${data.acr_bearer_token.app.access_token}"
  sensitive = true
}
`)

	planAndApply(t, workspace)

	allowed := []string{
		"terraform.tfstate", "terraform.tfstate.backup", // the state
		"plan.tfplan!tfplan", "plan.tfplan!tfstate", // the plan: the data as read, and the outputs to be
		"printed-2.txt", "printed-6.txt", // show -json, which says so in its sensitive_values
	}
	findings, err := secretscan.Folder(workspace.Folder, registry.secrets(t))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, finding := range findings {
		file, _, _ := strings.Cut(finding, " holds ")
		found[file] = true
		if !slices.Contains(allowed, file) || strings.Contains(finding, "password") {
			t.Error(finding)
		}
	}
	for _, file := range allowed {
		if !found[file] {
			t.Errorf("%s holds no token: either the search misses it, or it is needlessly allowed", file)
		}
	}
	wantSensitive(t, workspace)
}

// wantSensitive checks the marks of the token in `show -json`.
func wantSensitive(t *testing.T, workspace *terraform.Workspace) {
	t.Helper()
	var state struct {
		Values struct {
			RootModule struct {
				Resources []struct {
					Type            string
					SensitiveValues map[string]any `json:"sensitive_values"`
				}
			} `json:"root_module"`
			Outputs map[string]struct{ Sensitive bool }
		}
	}
	if err := json.Unmarshal([]byte(terraformRun(t, workspace, "show", "-json")), &state); err != nil {
		t.Fatal(err)
	}
	marked := map[string]bool{}
	for _, resource := range state.Values.RootModule.Resources {
		marked[resource.Type] = resource.SensitiveValues["access_token"] == true
	}
	if !marked["acr_bearer_token"] || !marked["acr_manifest"] {
		t.Errorf("access_token is marked as sensitive in %v, want both data sources", marked)
	}
	if !state.Values.Outputs["header"].Sensitive {
		t.Error("the output is not marked as sensitive")
	}
}
