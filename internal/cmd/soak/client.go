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
	group.SetLimit(workers)
	for _, image := range registry.images {
		group.Go(func() error {
			if err := image.read(ctx, client); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, err)
			}
			return nil
		})
	}
	_ = group.Wait() // no function fails: one failed read shall not end the others
	return len(registry.images) - len(failed), errors.Join(failed...)
}

func (i image) read(ctx context.Context, client *acr.Client) error {
	manifest, err := client.Manifest(ctx, acr.ManifestRequest{Repository: i.repository, Tag: i.tag})
	if err != nil {
		return err
	}
	if got := manifest.Digest.String(); got != i.digest {
		return fmt.Errorf("%s:%s has the digest %s, want %s", i.repository, i.tag, got, i.digest)
	}
	return nil
}
