package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
)

// crane is go-containerregistry's command, signed in to a registry.
type crane struct {
	program string
	host    string
	folder  string // its home and DOCKER_CONFIG
}

func newCrane(registry *acrtest.Registry) (*crane, error) {
	program, err := realregistry.Tool("crane")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "crane")
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{"auths": map[string]any{
		registry.Host(): map[string]string{"username": acrtest.DefaultUser, "password": acrtest.DefaultPassword},
	}})
	if err != nil {
		return nil, err
	}
	c := &crane{program: program, host: registry.Host(), folder: folder}
	return c, os.WriteFile(filepath.Join(folder, "config.json"), config, 0o600)
}

// digests reads each image's digest by a process of its own, as many at a time as Terraform reads.
func (c *crane) digests(ctx context.Context, images []image) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelism)
	for _, at := range images {
		group.Go(func() error {
			// The certificate authority is the registry's own, and crane takes none of the caller's.
			command := exec.CommandContext(ctx, c.program, "digest", "--insecure", c.host+"/"+at.Repository+":"+at.Tag)
			command.Env = append(os.Environ(), "HOME="+c.folder, "DOCKER_CONFIG="+c.folder)
			if output, err := command.CombinedOutput(); err != nil {
				return fmt.Errorf("crane: %w\n%s", err, output)
			}
			return nil
		})
	}
	return group.Wait()
}

func (c *crane) close() { _ = os.RemoveAll(c.folder) }
