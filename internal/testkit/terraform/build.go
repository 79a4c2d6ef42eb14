package terraform

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// module is this project's.
const module = "github.com/acrkit/terraform-provider-acr"

// Build builds the provider into a folder under the name that the CLI looks for, and returns the program's path. The
// flags are those of `make build`, whatever the tests themselves are built with: Go's cache has it already then.
func Build(ctx context.Context, folder string) (string, error) {
	program := filepath.Join(folder, "terraform-provider-acr")
	command := exec.CommandContext(ctx, "go", "build", "-tags", "grpcnotrace", "-o", program, module)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the provider: %w\n%s", err, output)
	}
	return program, nil
}
