# Many images, pinned in one read.
data "acr_images" "deployment" {
  references = {
    app    = "team/app:1.4.2"
    worker = "team/worker:0.9.0"
  }
}

output "app_image" {
  value = data.acr_images.deployment.images["app"] # example.azurecr.io/team/app@sha256:...
}
