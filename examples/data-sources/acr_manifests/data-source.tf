# The manifests without a tag, and how much space they take.
data "acr_manifests" "untagged" {
  repository = "shop/reports"
  untagged   = true
  order_by   = "time_asc"
}

output "untagged_bytes" {
  value = sum(concat([0], [for m in data.acr_manifests.untagged.manifests : m.size if m.size != null]))
}
