import {
  to = acr_tag.production
  identity = {
    repository = "shop/web"
    tag        = "production"
  }
}
