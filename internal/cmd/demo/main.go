// The demo command shows the provider at work on this machine alone: it starts a registry in memory, runs a real
// `terraform apply` of examples/demo against it, and prints what that read and what to do next. It leaves nothing behind,
// also after Ctrl-C.
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
	"github.com/acrkit/terraform-provider-acr/internal/testkit/shop"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

func main() {
	provider := flag.String("provider", "build/terraform-provider-acr", "path of the built provider")
	configuration := flag.String("configuration", "examples/demo", "folder of the configuration to apply")
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
	cli, err := terraform.CLIVersion(ctx)
	if err != nil {
		return err
	}
	registry, err := shop.Start()
	if err != nil {
		return err
	}
	defer registry.Close()
	workspace, err := terraform.NewWorkspace(terraform.Providers{"acrkit/acr": filepath.Dir(provider)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, workspace.Close()) }()

	fmt.Printf("A registry in memory answers at %s.\n", registry.URL())
	if err := copyConfiguration(workspace, cli, configuration); err != nil {
		return err
	}
	fmt.Printf("%s applies %s.\n\n", cli, configuration)
	started := time.Now()
	outcome, err := apply(ctx, workspace, registry)
	if err != nil {
		return err
	}
	took := time.Since(started)
	if err := wantNoToken(workspace, registry); err != nil {
		return err
	}
	return report{outcome, registry, took}.print(os.Stdout)
}

// copyConfiguration copies the files of a folder into the workspace, except those that need something that the CLI
// lacks.
func copyConfiguration(workspace *terraform.Workspace, cli terraform.Version, folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil {
		return err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if lacking, lacks := cli.Lacks(string(content)); lacks {
			fmt.Printf("%s is left out: %s has no %s.\n", file, cli, lacking)
			continue
		}
		if err := workspace.Write(filepath.Base(file), string(content)); err != nil {
			return err
		}
	}
	return nil
}

// outcome has the configuration's outputs.
type outcome struct {
	Images struct {
		Value map[string]image
	}
	WithToken struct { // where the CLI has ephemeral resources
		Value string
	} `json:"with_token"`
}

type image struct {
	MediaType    string `json:"media_type"`
	ArtifactType string `json:"artifact_type"`
	Pinned       string
	Platforms    []string
}

// apply runs the CLI with the credential in the environment, as a pipeline would.
func apply(ctx context.Context, workspace *terraform.Workspace, registry *acrtest.Registry) (outcome, error) {
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
