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

locals {
  services = toset(["shop/api", "shop/web"])
}

# What was tested: one read for all of them.
data "acr_images" "staging" {
  references = { for service in local.services : service => "${service}:staging" }
}

# Production runs the same bytes. The plan shows the old and the new digest of each image that moves.
resource "acr_tag" "production" {
  for_each = local.services

  repository = each.key
  tag        = "production"
  digest     = data.acr_images.staging.digests[each.key]
}

output "production" {
  value = { for service, tag in acr_tag.production : service => tag.image }
}
