# The image behind a tag, pinned.
data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.0"
}

output "image" {
  value = data.acr_manifest.app.image # example.azurecr.io/team/app@sha256:...
}
