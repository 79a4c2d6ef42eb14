# One platform's image from a multi-platform index.
data "acr_manifest" "arm" {
  repository = "team/app"
  tag        = "1.4.2"
  platform   = "linux/arm64"
}

output "arm_image" {
  value = data.acr_manifest.arm.image
}
