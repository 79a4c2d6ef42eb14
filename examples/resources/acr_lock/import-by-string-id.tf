import {
  to = acr_lock.release_tag
  id = "shop/checkout:1.1.0"
}
