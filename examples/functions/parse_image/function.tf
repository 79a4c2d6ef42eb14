output "tag" {
  value = provider::acr::parse_image("example.azurecr.io/team/app:1.0").tag # 1.0
}
