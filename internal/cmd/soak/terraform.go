package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/workload"
)

// readByTerraform reads with a data source, through one apply with the built provider.
func readByTerraform(provider, dataSource string) reader {
	return func(ctx context.Context, registry *registry) (succeeded int, err error) {
		workspace, err := workload.NewWorkspace(filepath.Dir(provider), dataSource, registry.Registry, registry.images)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, workspace.Close()) }()
		if _, err := workspace.Run(ctx, "apply", "-auto-approve", "-no-color"); err != nil {
			// Terraform reads all of them, even if some fail, and reports each failure.
			return max(0, len(registry.images)-strings.Count(err.Error(), "Error: ")), err
		}
		return compare(ctx, workspace, registry.images)
	}
}

// compare counts the digests of the output that are those of the images.
func compare(ctx context.Context, workspace *terraform.Workspace, images []workload.Image) (same int, err error) {
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
		if digests[i] == image.Digest {
			same++
		} else {
			err = fmt.Errorf("%s:%s has the digest %s, want %s", image.Repository, image.Tag, digests[i], image.Digest)
		}
	}
	return same, err
}
