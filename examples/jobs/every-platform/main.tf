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

# The tag names an index; images has a pinned reference for each of its platforms.
data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

output "images" {
  value = data.acr_manifest.app.images
}

output "arm64" {
  value = data.acr_manifest.app.images["linux/arm64"]
}
