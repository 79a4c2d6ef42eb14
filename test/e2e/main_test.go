// Package e2e tests the built provider from the outside: real processes of Terraform or OpenTofu, real registries, other
// providers and other clients.
package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// provider is the path of the built provider.
var provider string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "acr-e2e")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(folder)
	if provider, err = terraform.Build(context.Background(), folder); err != nil {
		log.Print(err)
		return 1
	}
	return m.Run()
}

// requiredProviders returns HCL that names the acr provider, and further ones by source address.
func requiredProviders(further ...string) string {
	var blocks strings.Builder
	for _, source := range append([]string{"acrkit/acr"}, further...) {
		fmt.Fprintf(&blocks, "    %s = { source = %q }\n", filepath.Base(source), source)
	}
	return "terraform {\n  required_providers {\n" + blocks.String() + "  }\n}\n"
}

// newWorkspace makes a workspace for the built provider with this configuration, until the test ends.
func newWorkspace(t *testing.T, configuration string) *terraform.Workspace {
	t.Helper()
	return workspaceWith(t, terraform.Providers{"acrkit/acr": filepath.Dir(provider)}, requiredProviders()+configuration)
}

func workspaceWith(t *testing.T, providers terraform.Providers, configuration string) *terraform.Workspace {
	t.Helper()
	workspace, err := terraform.NewWorkspace(providers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := workspace.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := workspace.Write("main.tf", configuration); err != nil {
		t.Fatal(err)
	}
	return workspace
}

// terraformRun runs the CLI, which must succeed, and returns its standard output.
func terraformRun(t *testing.T, workspace *terraform.Workspace, arguments ...string) string {
	t.Helper()
	output, err := workspace.Run(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

func apply(t *testing.T, workspace *terraform.Workspace) {
	t.Helper()
	terraformRun(t, workspace, "apply", "-auto-approve", "-no-color")
}

// output reads one output of the configuration into a value, as JSON.
func output(t *testing.T, workspace *terraform.Workspace, name string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(terraformRun(t, workspace, "output", "-json", name)), into); err != nil {
		t.Fatal(err)
	}
}

// refuses reports whether the CLI lacks what the workspace's configuration uses, and checks that it then says so.
func refuses(t *testing.T, workspace *terraform.Workspace) bool {
	t.Helper()
	cli, err := terraform.CLIVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	configuration, err := os.ReadFile(filepath.Join(workspace.Folder, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	lacking, lacks := cli.Lacks(string(configuration))
	if !lacks {
		return false
	}
	t.Logf("%s has no %s", cli, lacking)
	if _, err := workspace.Run(t.Context(), "plan", "-no-color"); err == nil || !lacking.Refusal.MatchString(err.Error()) {
		t.Errorf("planning: %v, want an error that matches %s", err, lacking.Refusal)
	}
	return true
}

// httpProvider builds hashicorp/http and returns the folder of its program.
func httpProvider(t *testing.T) string {
	t.Helper()
	program, err := realregistry.Tool("terraform-provider-http")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(program)
}
