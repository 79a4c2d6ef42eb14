data "acr_repository" "app" {
  name = "team/app"
}

output "tag_count" {
  value = data.acr_repository.app.tag_count
}
