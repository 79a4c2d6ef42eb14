# The git revision that an image was built from.
data "acr_image_config" "app" {
  repository = "team/app"
  tag        = "1.4.2"
  platform   = "linux/amd64"
}

output "revision" {
  value = lookup(data.acr_image_config.app.labels, "org.opencontainers.image.revision", null)
}
