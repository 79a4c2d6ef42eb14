import {
  to = acr_tag.production
  id = "shop/web:production"
}
