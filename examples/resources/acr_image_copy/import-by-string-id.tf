import {
  to = acr_image_copy.production
  id = "production/web@${data.acr_manifest.tested.digest}"
}
