# What is left without a tag, and what it takes up.
data "acr_manifests" "untagged" {
  repository = "shop/reports"
  untagged   = true
  order_by   = "time_asc"
}

output "untagged_bytes" {
  value = sum(concat([0], [for manifest in data.acr_manifests.untagged.manifests : manifest.size if manifest.size != null]))
}
