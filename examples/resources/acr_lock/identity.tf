import {
  to = acr_lock.release_tag
  identity = {
    repository = "shop/checkout"
    tag        = "1.1.0"
  }
}
