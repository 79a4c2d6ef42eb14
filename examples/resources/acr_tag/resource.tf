# Production runs the image that was tested, by its digest.
data "acr_manifest" "tested" {
  repository = "shop/web"
  tag        = "staging"
}

resource "acr_tag" "production" {
  repository = "shop/web"
  tag        = "production"
  digest     = data.acr_manifest.tested.digest
}

output "image" {
  value = acr_tag.production.image
}
