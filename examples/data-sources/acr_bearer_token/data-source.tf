# A token that may pull from one repository and list its tags.
data "acr_bearer_token" "app" {
  repository = "team/app"
  actions    = ["metadata_read"]
}

output "scope" {
  value = data.acr_bearer_token.app.scope
}
