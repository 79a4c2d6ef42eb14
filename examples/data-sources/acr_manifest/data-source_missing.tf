# An image that may not have been pushed yet: then exists is false and image is null, without an
# error.
data "acr_manifest" "next" {
  repository    = "team/app"
  tag           = "2.0.0"
  allow_missing = true
}

output "next_is_there" {
  value = data.acr_manifest.next.exists
}
