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

# The images of the whole deployment. To change a version, change it here.
locals {
  images = {
    app    = "team/app:1.4.2"
    worker = "team/worker:0.9.0"
  }
}

# One block pins them all. A plan shows each tag that has moved, by its key.
data "acr_images" "deployment" {
  references = local.images
}

output "images" {
  value = data.acr_images.deployment.images
}
