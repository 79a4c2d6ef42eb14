// Package shop has the images that `make demo` reads and that `make registry` offers: one of each kind.
package shop

import "github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"

// Start starts a registry that holds the images, until its Close.
func Start() (*acrtest.Registry, error) {
	registry, err := acrtest.Start(acrtest.Options{})
	if err != nil {
		return nil, err
	}
	registry.PutIndex("shop/web", "1.4", acrtest.Index{
		Images: []acrtest.Image{
			{Architecture: "amd64"},
			{Architecture: "arm64", Variant: "v8"},
		},
		Attestation: true,
	})
	registry.PutImage("shop/worker", "2.0", acrtest.Image{Docker: true, Entrypoint: []string{"/worker"}})
	registry.PutArtifact("shop/chart", "0.3", acrtest.Artifact{
		ArtifactType: "application/vnd.cncf.helm.config.v1+json",
		Body:         []byte("a chart"),
	})
	return registry, nil
}
