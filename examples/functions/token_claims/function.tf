data "acr_bearer_token" "app" {
  repository = "team/app"
}

# Who the registry takes us for.
output "subject" {
  value = nonsensitive(provider::acr::token_claims(data.acr_bearer_token.app.access_token).subject)
}
