# One variable for an image, in the parts that acr_manifest asks for.
variable "image" {
  type    = string
  default = "example.azurecr.io/team/app:1.4.2"
}

locals {
  image = provider::acr::parse_image(var.image)
}

data "acr_manifest" "app" {
  repository = local.image.repository
  tag        = local.image.tag
}

output "pinned" {
  value = data.acr_manifest.app.image
}
