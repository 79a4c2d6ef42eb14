package provider_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
)

func TestReferrers(t *testing.T) {
	registry := acrtest.StartT(t, acrtest.Options{})
	image := registry.PutImage("team/app", "v1", acrtest.Image{})
	subject := registry.Descriptor("team/app", image)
	sbom := registry.PutArtifact("team/app", "", acrtest.Artifact{
		ArtifactType: "application/spdx+json", Subject: &subject, Annotations: map[string]string{"tool": "syft"},
	})
	registry.PutArtifact("team/app", "", acrtest.Artifact{ArtifactType: "application/vnd.example.signature", Subject: &subject})
	applyTwice(t, providerBlock(registry)+`
		data "acr_referrers" "all" {
		  repository = "team/app"
		  digest     = "`+image.String()+`"
		}
		data "acr_referrers" "sbom" {
		  repository    = "team/app"
		  digest        = "`+image.String()+`"
		  artifact_type = "application/spdx+json"
		}
		data "acr_referrers" "none" {
		  repository = "team/app"
		  digest     = "`+sbom.String()+`"
		}`,
		attributes("data.acr_referrers.all", object{"referrers": knownvalue.ListSizeExact(2)}),
		attributes("data.acr_referrers.sbom", object{"referrers": knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(object{
			"media_type": str(ocispec.MediaTypeImageManifest), "digest": str(sbom.String()), "size": knownvalue.NotNull(),
			"artifact_type": str("application/spdx+json"), "annotations": knownvalue.MapExact(object{"tool": str("syft")}),
		})})}),
		attributes("data.acr_referrers.none", object{"referrers": knownvalue.ListSizeExact(0)}),
	)
}

func TestReferrersRefuses(t *testing.T) {
	refused{
		"an empty artifact type": {
			values{"repository": "app", "digest": someDigest, "artifact_type": ""},
			wanted{attribute: "artifact_type", summary: "Invalid value", says: []string{"empty"}},
		},
	}.check(t, "acr_referrers")
}
