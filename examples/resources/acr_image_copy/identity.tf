import {
  to = acr_image_copy.production
  identity = {
    repository = "production/web"
    digest     = data.acr_manifest.tested.digest
  }
}
