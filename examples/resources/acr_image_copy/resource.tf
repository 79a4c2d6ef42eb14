# Copies the tested image, with its signatures, to the repository that production pulls from. Within
# a registry, no blobs are transferred.
data "acr_manifest" "tested" {
  repository = "shop/web"
  tag        = "staging"
}

resource "acr_image_copy" "production" {
  source     = data.acr_manifest.tested.image
  repository = "production/web"
  tag        = "current"
}

output "image" {
  value = acr_image_copy.production.image
}
