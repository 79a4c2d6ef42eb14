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

# The tag names an index; images has a pinned reference for each of its platforms, by the name that the index gives it.
data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

# For one platform, ask for it: this finds linux/arm64 and linux/arm64/v8 alike.
data "acr_manifest" "arm64" {
  repository = "team/app"
  tag        = "1.4.2"
  platform   = "linux/arm64"
}

output "images" {
  value = data.acr_manifest.app.images
}

output "arm64" {
  value = data.acr_manifest.arm64.image
}
