// Package workload is what soak runs and benchmarks read: many images, and the configurations that read them.
package workload

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// Parallelism is how many reads run at a time: as many as Terraform and acr_images run by default.
const Parallelism = 10

// Image is an image of the workload.
type Image struct {
	Repository string `json:"repository"`
	Tag        string `json:"tag"`
	Digest     string `json:"-"`
}

// Fill puts images into the registry: so many repositories with so many tags each, with a different digest for each
// tag.
func Fill(registry *acrtest.Registry, repositories, tags int) []Image {
	images := []Image{}
	for i := range repositories {
		for j := range tags {
			image := Image{Repository: fmt.Sprintf("app%d", i), Tag: fmt.Sprintf("v%d", j)}
			content := acrtest.Image{Annotations: map[string]string{"name": image.Repository + ":" + image.Tag}}
			image.Digest = registry.PutImage(image.Repository, image.Tag, content).String()
			images = append(images, image)
		}
	}
	return images
}

// The data sources that read a workload: acr_manifest in a block for each image, acr_images in one block for all.
const (
	Manifest = "acr_manifest"
	Images   = "acr_images"
)

const preamble = `
terraform {
  required_providers {
    acr = { source = "acrkit/acr" }
  }
}

variable "ca_cert_pem" { type = string }

variable "images" { type = list(object({ repository = string, tag = string })) }

provider "acr" { ca_cert_pem = var.ca_cert_pem }
`

var reading = map[string]string{
	Manifest: `
data "acr_manifest" "all" {
  count      = length(var.images)
  repository = var.images[count.index].repository
  tag        = var.images[count.index].tag
}

output "digests" { value = data.acr_manifest.all[*].digest }
`,
	Images: `
data "acr_images" "all" {
  references = { for i, image in var.images : i => "${image.repository}:${image.tag}" }
}

output "digests" { value = [for i, _ in var.images : data.acr_images.all.digests[i]] }
`,
}

// NewWorkspace returns a workspace whose configuration reads the images with a data source. The output "digests" is a
// list in the order of the images. The provider's program is in the folder.
func NewWorkspace(folder, dataSource string, registry *acrtest.Registry, images []Image) (*terraform.Workspace, error) {
	workspace, err := terraform.NewWorkspace(terraform.Providers{"acrkit/acr": folder})
	if err != nil {
		return nil, err
	}
	variables, err := json.Marshal(map[string]any{"ca_cert_pem": registry.CAPEM(), "images": images})
	if err == nil {
		err = errors.Join(workspace.Write("main.tf", preamble+reading[dataSource]), workspace.Write("terraform.tfvars.json", string(variables)))
	}
	if err != nil {
		return nil, errors.Join(err, workspace.Close())
	}
	workspace.Set("ACR_REGISTRY", registry.Host())
	workspace.Set("ACR_USERNAME", acrtest.DefaultUser)
	workspace.Set("ACR_PASSWORD", acrtest.DefaultPassword)
	return workspace, nil
}
