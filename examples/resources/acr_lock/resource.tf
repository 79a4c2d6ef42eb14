# A release that stays what it is: its tag can't be moved, its manifest can't be deleted.
data "acr_manifest" "release" {
  repository = "shop/checkout"
  tag        = "1.1.0"
}

resource "acr_lock" "release_tag" {
  repository    = "shop/checkout"
  tag           = "1.1.0"
  write_enabled = false
}

resource "acr_lock" "release_manifest" {
  repository     = "shop/checkout"
  digest         = data.acr_manifest.release.digest
  delete_enabled = false
}
