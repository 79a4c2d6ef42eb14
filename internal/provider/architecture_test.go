package provider_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Terraform's side knows nothing of HTTP: all requests are made by internal/acr. That this in turn depends on nothing
// of Terraform and no other package of the project, a test there holds.
func TestImportsNothingOfHTTP(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{join .Imports "\n"}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := strings.Fields(string(output))
	if !slices.Contains(imports, "github.com/acrkit/terraform-provider-acr/internal/acr") {
		t.Fatalf("go list gave no import of internal/acr: %v", imports)
	}
	for _, path := range imports {
		if path == "net" || strings.HasPrefix(path, "net/") || strings.HasSuffix(path, "/internal/testkit/acrtest") {
			t.Errorf("internal/provider imports %s", path)
		}
	}
}
