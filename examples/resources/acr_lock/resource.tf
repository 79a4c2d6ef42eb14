# A release that cannot change: its tag can't be moved, and its manifest can't be deleted.
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
