ephemeral "acr_bearer_token" "app" {
  repository = "team/app"
}

# A second provider that is given the token, which is written nowhere.
provider "acr" {
  alias    = "by_token"
  registry = "example.azurecr.io"
  username = "00000000-0000-0000-0000-000000000000"
  password = ephemeral.acr_bearer_token.app.access_token
}
