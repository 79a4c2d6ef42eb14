package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// reader reads images: it returns how long that took, without what went before, and what its processes cost.
type reader struct {
	name                 string
	repositoriesPerToken int
	read                 func(context.Context, *acrtest.Registry, []image) (time.Duration, usage, error)
}

// The data sources, as they stand in a configuration that reads var.images.
var dataSources = map[string]string{
	"acr_manifest": `
data "acr_manifest" "image" {
  count      = length(var.images)
  repository = var.images[count.index].repository
  tag        = var.images[count.index].tag
}

output "digests" { value = data.acr_manifest.image[*].digest }
`,
	"acr_images": `
data "acr_images" "all" {
  references = { for image in var.images : "${image.repository}:${image.tag}" => "${image.repository}:${image.tag}" }
}

output "digests" { value = data.acr_images.all.digests }
`,
}

const configuration = `
terraform {
  required_providers {
    acr = { source = "acrkit/acr" }
  }
}

variable "ca_cert_pem" { type = string }

variable "images" { type = list(object({ repository = string, tag = string })) }

provider "acr" { ca_cert_pem = var.ca_cert_pem }
`

// repositoriesPerToken is for how many repositories a data source asks for one token.
var repositoriesPerToken = map[string]int{"acr_manifest": 1, "acr_images": 20}

// terraformReader reads by one `terraform apply` in a new workspace, with a built provider.
func terraformReader(dataSource, provider string) reader {
	read := func(ctx context.Context, registry *acrtest.Registry, images []image) (took time.Duration, cost usage, err error) {
		m, err := newMeter(provider)
		if err != nil {
			return 0, usage{}, err
		}
		defer func() { err = errors.Join(err, m.close()) }()
		workspace, err := newWorkspace(m, registry, configuration+dataSources[dataSource], images)
		if err != nil {
			return 0, usage{}, err
		}
		defer func() { err = errors.Join(err, workspace.Close()) }()
		started := time.Now()
		if _, err := workspace.Run(ctx, "apply", "-auto-approve", "-no-color"); err != nil {
			return 0, usage{}, err
		}
		took = time.Since(started)
		cost, err = m.usage()
		return took, cost, err
	}
	return reader{dataSource, repositoriesPerToken[dataSource], read}
}

func newWorkspace(m meter, registry *acrtest.Registry, configuration string, images []image) (*terraform.Workspace, error) {
	workspace, err := terraform.NewWorkspace(terraform.Providers{"acrkit/acr": m.folder})
	if err != nil {
		return nil, err
	}
	input, err := json.Marshal(map[string]any{"ca_cert_pem": registry.CAPEM(), "images": images})
	if err != nil {
		return nil, errors.Join(err, workspace.Close())
	}
	if err := errors.Join(workspace.Write("main.tf", configuration), workspace.Write("terraform.tfvars.json", string(input))); err != nil {
		return nil, errors.Join(err, workspace.Close())
	}
	workspace.Set("ACR_REGISTRY", registry.Host())
	workspace.Set("ACR_USERNAME", acrtest.DefaultUser)
	workspace.Set("ACR_PASSWORD", acrtest.DefaultPassword)
	for name, value := range m.environment() {
		workspace.Set(name, value)
	}
	return workspace, nil
}

// craneReader reads each image's digest by a process of go-containerregistry's command.
func craneReader() reader {
	return reader{"crane digest", 1, func(ctx context.Context, registry *acrtest.Registry, images []image) (time.Duration, usage, error) {
		program, err := realregistry.Tool("crane")
		if err != nil {
			return 0, usage{}, err
		}
		folder, err := signedIn(registry.Host())
		if err != nil {
			return 0, usage{}, err
		}
		defer os.RemoveAll(folder)

		var (
			mu    sync.Mutex
			costs usage
		)
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(parallelism)
		started := time.Now()
		for _, at := range images {
			group.Go(func() error {
				// The certificate authority is the registry's own, and crane takes none of the caller's.
				command := exec.CommandContext(ctx, program, "digest", "--insecure", registry.Host()+"/"+at.Repository+":"+at.Tag)
				command.Env = append(os.Environ(), "HOME="+folder, "DOCKER_CONFIG="+folder)
				if output, err := command.CombinedOutput(); err != nil {
					return fmt.Errorf("crane: %w\n%s", err, output)
				}
				mu.Lock()
				defer mu.Unlock()
				costs = costs.plus(usageOf(command.ProcessState))
				costs.Peak = 0 // a process that began as a copy of this one counts this one's memory as its own
				return nil
			})
		}
		err = group.Wait()
		return time.Since(started), costs, err
	}}
}

// signedIn makes a folder that is crane's home and its Docker config.
func signedIn(host string) (folder string, err error) {
	if folder, err = os.MkdirTemp("", "crane"); err != nil {
		return "", err
	}
	config, err := json.Marshal(map[string]any{"auths": map[string]any{
		host: map[string]string{"username": acrtest.DefaultUser, "password": acrtest.DefaultPassword},
	}})
	if err != nil {
		return "", err
	}
	return folder, os.WriteFile(filepath.Join(folder, "config.json"), config, 0o600)
}
