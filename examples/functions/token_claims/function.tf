data "acr_bearer_token" "app" {
  repository = "team/app"
}

locals {
  claims = provider::acr::token_claims(data.acr_bearer_token.app.access_token)
}

# Who the registry takes the caller for. The token is sensitive, and so is all that comes of it until nonsensitive().
output "subject" {
  value = nonsensitive(local.claims.subject)
}
