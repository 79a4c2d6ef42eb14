data "acr_bearer_token" "app" {
  repository = "team/app"
}

locals {
  claims = provider::acr::token_claims(data.acr_bearer_token.app.access_token)
}

# Who the registry issued the token to. The token is sensitive, and so are its claims until
# nonsensitive() reveals them.
output "subject" {
  value = nonsensitive(local.claims.subject)
}
