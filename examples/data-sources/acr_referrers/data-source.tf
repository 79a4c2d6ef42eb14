data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

# The SBOMs that are attached to the image.
data "acr_referrers" "sbom" {
  repository    = "team/app"
  digest        = data.acr_manifest.app.digest
  artifact_type = "application/spdx+json"
}

output "sboms" {
  value = data.acr_referrers.sbom.referrers[*].digest
}
