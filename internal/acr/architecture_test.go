package acr

import (
	"os/exec"
	"strings"
	"testing"
)

// The protocol knows nothing of Terraform, and data flows one way: the provider calls this package and never the other
// way round.
func TestImportsNothingOfTerraform(t *testing.T) {
	const module = "github.com/acrkit/terraform-provider-acr"
	output, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(output))
	if len(packages) < 50 || packages[len(packages)-1] != module+"/internal/acr" {
		t.Fatalf("go list gave %d packages, the last of them %s", len(packages), packages[len(packages)-1])
	}
	for _, path := range packages {
		own := strings.HasPrefix(path, module)
		if own && !strings.HasPrefix(path, module+"/internal/acr") || !own && (strings.Contains(path, "terraform") || strings.Contains(path, "hashicorp")) {
			t.Errorf("internal/acr depends on %s", path)
		}
	}
}
