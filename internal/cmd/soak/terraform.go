package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

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

// The two ways to read the images.
const (
	eachByItself = `
data "acr_manifest" "all" {
  count      = length(var.images)
  repository = var.images[count.index].repository
  tag        = var.images[count.index].tag
}

output "digests" { value = data.acr_manifest.all[*].digest }
`
	allTogether = `
data "acr_images" "all" {
  references = { for i, image in var.images : i => "${image.repository}:${image.tag}" }
}

output "digests" { value = [for i, _ in var.images : data.acr_images.all.digests[i]] }
`
)

// readByTerraform reads in one of these ways, through one apply with the built provider.
func readByTerraform(provider, way string) reader {
	return func(ctx context.Context, registry *registry) (succeeded int, err error) {
		workspace, err := terraform.NewWorkspace(terraform.Providers{"acrkit/acr": filepath.Dir(provider)})
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, workspace.Close()) }()
		if err := configure(workspace, registry, way); err != nil {
			return 0, err
		}
		if _, err := workspace.Run(ctx, "apply", "-auto-approve", "-no-color"); err != nil {
			// Terraform reads all, whatever becomes of one, and tells of each that failed.
			return max(0, len(registry.images)-strings.Count(err.Error(), "Error: ")), err
		}
		return compare(ctx, workspace, registry.images)
	}
}

func configure(workspace *terraform.Workspace, registry *registry, way string) error {
	var images []map[string]string
	for _, image := range registry.images {
		images = append(images, map[string]string{"repository": image.repository, "tag": image.tag})
	}
	variables, err := json.Marshal(map[string]any{"ca_cert_pem": registry.CAPEM(), "images": images})
	if err != nil {
		return err
	}
	workspace.Set("ACR_REGISTRY", registry.Host())
	workspace.Set("ACR_USERNAME", acrtest.DefaultUser)
	workspace.Set("ACR_PASSWORD", acrtest.DefaultPassword)
	return errors.Join(workspace.Write("main.tf", configuration+way), workspace.Write("terraform.tfvars.json", string(variables)))
}

// compare counts the digests of the output that are those of the images.
func compare(ctx context.Context, workspace *terraform.Workspace, images []image) (same int, err error) {
	output, err := workspace.Run(ctx, "output", "-json", "digests")
	if err != nil {
		return 0, err
	}
	var digests []string
	if err := json.Unmarshal([]byte(output), &digests); err != nil {
		return 0, err
	}
	if len(digests) != len(images) {
		return 0, fmt.Errorf("the output holds %d digests, want %d", len(digests), len(images))
	}
	for i, image := range images {
		if digests[i] == image.digest {
			same++
		} else {
			err = fmt.Errorf("%s:%s has the digest %s, want %s", image.repository, image.tag, digests[i], image.digest)
		}
	}
	return same, err
}
