# A variable with a whole reference, by tag or by digest, split into the parts that acr_manifest
# needs.
variable "image" {
  type    = string
  default = "example.azurecr.io/team/app:1.4.2"
}

locals {
  image = provider::acr::parse_image(var.image)
}

data "acr_manifest" "app" {
  repository = local.image.repository
  tag        = local.image.digest == null ? local.image.tag : null
  digest     = local.image.digest
}

output "pinned" {
  value = data.acr_manifest.app.image
}
