terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

provider "acr" {
  registry = "example.azurecr.io"
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

data "acr_referrers" "sbom" {
  repository    = "team/app"
  digest        = data.acr_manifest.app.digest
  artifact_type = "application/spdx+json"
}

# The SBOM is an artifact, and the document is its layer.
data "acr_manifest" "sbom" {
  for_each = toset(data.acr_referrers.sbom.referrers[*].digest)

  repository = "team/app"
  digest     = each.value
}

# `oras blob fetch` downloads the document by this reference.
output "sbom_documents" {
  value = [for sbom in data.acr_manifest.sbom : "example.azurecr.io/team/app@${sbom.layers[0].digest}"]
}
