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

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/realregistry"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/workload"
)

// reader reads images: it returns how long that took, without what went before, and what its processes cost.
type reader struct {
	name                 string
	repositoriesPerToken int
	read                 func(context.Context, *acrtest.Registry, []workload.Image) (time.Duration, usage, error)
}

// repositoriesPerToken is how many repositories a data source requests one token for.
var repositoriesPerToken = map[string]int{workload.Manifest: 1, workload.Images: acr.RepositoriesPerToken}

// terraformReader reads by one `terraform apply` in a new workspace, with a built provider.
func terraformReader(dataSource, provider string) reader {
	read := func(ctx context.Context, registry *acrtest.Registry, images []workload.Image) (took time.Duration, cost usage, err error) {
		m, err := newMeter(provider)
		if err != nil {
			return 0, usage{}, err
		}
		defer func() { err = errors.Join(err, m.close()) }()
		workspace, err := workload.NewWorkspace(m.folder, dataSource, registry, images)
		if err != nil {
			return 0, usage{}, err
		}
		defer func() { err = errors.Join(err, workspace.Close()) }()
		for name, value := range m.environment() {
			workspace.Set(name, value)
		}
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

// craneReader reads each image's digest by a process of go-containerregistry's command.
func craneReader() reader {
	return reader{"crane digest", 1, func(ctx context.Context, registry *acrtest.Registry, images []workload.Image) (time.Duration, usage, error) {
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
		group.SetLimit(workload.Parallelism)
		started := time.Now()
		for _, at := range images {
			group.Go(func() error {
				// The certificate authority is the registry's own, and crane has no setting for another.
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
