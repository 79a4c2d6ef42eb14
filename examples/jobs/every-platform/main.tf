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

# The tag names an index; images has a pinned reference for each platform, under the name that the
# index uses.
data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

# To read one platform, set it: this matches linux/arm64 as well as linux/arm64/v8.
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
