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

# The registry that images are built into.
provider "acr" {
  alias    = "staging"
  registry = "staging.azurecr.io"
}

data "acr_manifest" "staging" {
  provider   = acr.staging
  repository = "team/app"
  tag        = "1.4.2"
}

data "acr_manifest" "production" {
  repository    = "team/app"
  tag           = "1.4.2"
  allow_missing = true
}

output "promoted" {
  value = data.acr_manifest.production.digest == data.acr_manifest.staging.digest
}
