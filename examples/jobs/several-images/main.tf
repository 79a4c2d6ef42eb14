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

variable "images" {
  type = map(string)
  default = {
    "team/app"    = "1.4.2"
    "team/worker" = "0.9.0"
  }
}

# One token for each repository and one request for each image, ten at a time.
data "acr_manifest" "image" {
  for_each = var.images

  repository = each.key
  tag        = each.value
}

output "images" {
  value = { for repository, manifest in data.acr_manifest.image : repository => manifest.image }
}
