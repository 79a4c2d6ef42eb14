package main

import "github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"

// fill puts one image of each kind into the registry: those that examples/demo reads.
func fill(registry *acrtest.Registry) {
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
}
