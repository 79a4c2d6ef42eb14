# Images of which some may not have been pushed yet: those cause no error, and their keys are in
# missing.
data "acr_images" "next" {
  references = {
    app    = "team/app:1.4.2"
    worker = "team/worker:2.0.0"
  }
  platform      = "linux/amd64"
  allow_missing = true
}

output "not_pushed_yet" {
  value = data.acr_images.next.missing # worker
}
