package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// A registry that the same run creates: if Terraform allows deferral, the read waits for a second run without any
// depends_on. Only experimental builds of Terraform have that, such as that of tools/cli/terraform-1.13.
func TestReadIsDeferredUntilRegistryIsKnown(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	digest := registry.PutImage("app", "1.0", acrtest.Image{})
	workspace := newWorkspace(t, fmt.Sprintf(`
resource "terraform_data" "registry" {
  input = %q
}

provider "acr" {
  registry    = terraform_data.registry.output
  username    = %q
  password    = %q
  ca_cert_pem = %q
}

data "acr_manifest" "app" {
  repository = "app"
  tag        = "1.0"
}

output "digest" {
  value = data.acr_manifest.app.digest
}
`, registry.Host(), acrtest.DefaultUser, acrtest.DefaultPassword, registry.CAPEM()))

	if refuses(t, workspace) {
		return
	}

	_, err := workspace.Run(t.Context(), "plan", "-no-color", "-allow-deferral", "-out=deferring.tfplan")
	if err != nil && strings.Contains(err.Error(), "-allow-deferral") {
		t.Logf("no deferral here: %v", err)
		wantRefusedAtPlan(t, workspace)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if n := registry.Connections(); n != 0 {
		t.Errorf("%d connections were made for a registry that is not known", n)
	}
	var plan struct {
		Deferred []struct {
			Reason string
			Change struct{ Address string } `json:"resource_change"`
		} `json:"deferred_changes"`
	}
	shown := terraformRun(t, workspace, "show", "-json", "deferring.tfplan")
	if err := json.Unmarshal([]byte(shown), &plan); err != nil {
		t.Fatal(err)
	}
	if len(plan.Deferred) != 1 || plan.Deferred[0].Change.Address != "data.acr_manifest.app" || plan.Deferred[0].Reason != "provider_config_unknown" {
		t.Errorf("deferred is %+v, want data.acr_manifest.app for its provider's configuration", plan.Deferred)
	}

	terraformRun(t, workspace, "apply", "-no-color", "deferring.tfplan")
	apply(t, workspace)
	var read string
	output(t, workspace, "digest", &read)
	if read != digest.String() {
		t.Errorf("the second run read %q, the image is %s", read, digest)
	}
}

// wantRefusedAtPlan checks that a plan without deferral fails with the ways out.
func wantRefusedAtPlan(t *testing.T, workspace *terraform.Workspace) {
	t.Helper()
	_, err := workspace.Run(t.Context(), "plan", "-no-color")
	if err == nil || !strings.Contains(err.Error(), "Provider configuration is known only after apply") || !strings.Contains(err.Error(), "depends_on") {
		t.Errorf("planning: %v, want an error on the unknown configuration with the ways out", err)
	}
}
