# Whether anyone may still push to a repository.
data "acr_repository" "app" {
  name = "team/app"
}

output "open_for_pushes" {
  value = data.acr_repository.app.write_enabled
}
