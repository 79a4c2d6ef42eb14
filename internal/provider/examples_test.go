package provider_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/acrkit/terraform-provider-acr/internal/acrtest"
)

// Every example of the documentation is applied, against a registry that has what they read.
func TestExamples(t *testing.T) {
	registry := startRegistry(t, acrtest.Options{})
	image := registry.PutIndex("team/app", "1.0", acrtest.Index{Images: []acrtest.Image{
		{Labels: map[string]string{"org.opencontainers.image.revision": "4f1c"}},
		{Architecture: "arm64"},
	}})
	subject := registry.Descriptor("team/app", image)
	registry.PutArtifact("team/app", "", acrtest.Artifact{ArtifactType: "application/spdx+json", Subject: &subject})
	t.Setenv("ACR_REGISTRY", registry.Host())
	t.Setenv("ACR_USERNAME", acrtest.DefaultUser)
	t.Setenv("ACR_PASSWORD", acrtest.DefaultPassword)

	for kind, needs := range map[string][]tfversion.TerraformVersionCheck{
		"data-sources":        nil,
		"ephemeral-resources": {tfversion.SkipBelow(tfversion.Version1_10_0)},
		"functions":           {tfversion.SkipBelow(tfversion.Version1_8_0)},
	} {
		files, err := filepath.Glob("../../examples/" + kind + "/*/*.tf")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d examples found, %v", kind, len(files), err)
		}
		for _, file := range files {
			t.Run(filepath.Join(kind, filepath.Base(filepath.Dir(file))), func(t *testing.T) {
				example, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				resource.UnitTest(t, resource.TestCase{
					TerraformVersionChecks:   needs,
					ProtoV6ProviderFactories: factories,
					Steps: []resource.TestStep{{
						Config: "provider \"acr\" {\n  ca_cert_pem = <<-EOT\n" + registry.CAPEM() + "EOT\n}\n" + string(example),
					}},
				})
			})
		}
	}
}
