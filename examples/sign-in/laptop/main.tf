terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

# This needs nothing but `az login`.
provider "acr" {
  registry = "example.azurecr.io"
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

output "image" {
  value = data.acr_manifest.app.image
}
