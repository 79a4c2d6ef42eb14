package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/workload"
)

// readByClient reads through one client, as the provider has one, with the provider's defaults.
func readByClient(ctx context.Context, registry *registry) (int, error) {
	client, err := acr.NewClient(acr.Config{
		Registry:       registry.Host(),
		Credential:     auth.Basic{Username: acrtest.DefaultUser, Password: secret.New(acrtest.DefaultPassword)},
		CACertPEM:      registry.CAPEM(),
		RequestTimeout: acr.DefaultRequestTimeout,
		MaxRetries:     acr.DefaultMaxRetries,
		UserAgent:      "acr-soak",
	})
	if err != nil {
		return 0, err
	}
	defer client.Close()

	var (
		mu     sync.Mutex
		failed []error
		group  errgroup.Group
	)
	group.SetLimit(workload.Parallelism)
	for _, image := range registry.images {
		group.Go(func() error {
			if err := read(ctx, client, image); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
			return nil
		})
	}
	_ = group.Wait() // no function fails, so that a failed read does not end the others
	return len(registry.images) - len(failed), errors.Join(failed...)
}

func read(ctx context.Context, client *acr.Client, image workload.Image) error {
	manifest, err := client.Manifest(ctx, acr.ManifestRequest{Repository: image.Repository, Tag: image.Tag})
	if err != nil {
		return err
	}
	if got := manifest.Digest.String(); got != image.Digest {
		return fmt.Errorf("%s:%s has the digest %s, want %s", image.Repository, image.Tag, got, image.Digest)
	}
	return nil
}
