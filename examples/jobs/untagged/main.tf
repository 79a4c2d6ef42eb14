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

data "acr_manifests" "untagged" {
  repository = "shop/reports"
  untagged   = true
  order_by   = "time_asc"
}

output "untagged" {
  value = {
    for manifest in data.acr_manifests.untagged.manifests :
    manifest.digest => { bytes = manifest.size, architecture = manifest.architecture }
  }
}
