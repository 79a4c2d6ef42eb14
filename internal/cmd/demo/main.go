// The demo command shows the provider at work on this machine alone: it starts a registry in memory, runs a real
// `terraform apply` of examples/demo against it, and prints what that read. It leaves nothing behind, also after Ctrl-C.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

func main() {
	provider := flag.String("provider", "build/terraform-provider-acr", "path of the built provider")
	configuration := flag.String("configuration", "examples/demo/main.tf", "path of the configuration to apply")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *provider, *configuration); err != nil {
		if ctx.Err() != nil {
			err = errors.New("interrupted; nothing is left behind")
		}
		fmt.Fprintln(os.Stderr, "demo:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, provider, configuration string) (err error) {
	registry, err := acrtest.Start(acrtest.Options{})
	if err != nil {
		return err
	}
	defer registry.Close()
	fill(registry)

	workspace, err := terraform.NewWorkspace(terraform.Providers{"acrkit/acr": filepath.Dir(provider)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, workspace.Close()) }()

	fmt.Printf("A registry in memory answers at %s; applying %s.\n\n", registry.URL(), configuration)
	started := time.Now()
	outcome, err := apply(ctx, workspace, registry, configuration)
	if err != nil {
		return err
	}
	report{outcome, registry, time.Since(started)}.print(os.Stdout)
	return nil
}

// outcome is what the configuration's outputs hold.
type outcome struct {
	Token struct {
		Value struct {
			Realm     string
			Scope     string
			ExpiresAt time.Time `json:"expires_at"`
		}
	}
	Images struct {
		Value map[string]image
	}
}

type image struct {
	MediaType    string `json:"media_type"`
	ArtifactType string `json:"artifact_type"`
	Pinned       string
	Platforms    []string
}

// apply runs the CLI with the credential in the environment, as a pipeline would.
func apply(ctx context.Context, workspace *terraform.Workspace, registry *acrtest.Registry, configuration string) (outcome, error) {
	content, err := os.ReadFile(configuration)
	if err != nil {
		return outcome{}, err
	}
	if err := workspace.Write("main.tf", string(content)); err != nil {
		return outcome{}, err
	}
	workspace.Set("ACR_REGISTRY", registry.Host())
	workspace.Set("ACR_USERNAME", acrtest.DefaultUser)
	workspace.Set("ACR_PASSWORD", acrtest.DefaultPassword)
	workspace.Set("TF_VAR_ca_cert_pem", registry.CAPEM())
	if _, err := workspace.Run(ctx, "apply", "-auto-approve", "-no-color"); err != nil {
		return outcome{}, err
	}
	output, err := workspace.Run(ctx, "output", "-json")
	if err != nil {
		return outcome{}, err
	}
	var result outcome
	return result, json.Unmarshal([]byte(output), &result)
}
