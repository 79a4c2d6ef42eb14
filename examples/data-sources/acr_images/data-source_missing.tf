# Which of these images were pushed already: no error for those that were not.
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
