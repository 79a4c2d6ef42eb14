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

data "acr_image_config" "app" {
  repository = "team/app"
  tag        = "1.4.2"
  platform   = "linux/amd64"
}

output "revision" {
  value = data.acr_image_config.app.labels["org.opencontainers.image.revision"]
}

output "built" {
  value = data.acr_image_config.app.created
}
