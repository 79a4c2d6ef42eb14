# Terraform 1.5 takes only a literal here: "production/web@sha256:...".
import {
  to = acr_image_copy.production
  id = "production/web@${data.acr_manifest.tested.digest}"
}
