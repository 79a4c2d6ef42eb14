# The image behind a tag, pinned: deploy this instead of the tag.
data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

output "image" {
  value = data.acr_manifest.app.image # example.azurecr.io/team/app@sha256:...
}
