# A token that is written nowhere.
ephemeral "acr_bearer_token" "app" {
  repository = "team/app"
}

# It configures another provider: here this one a second time, to read with the token and not with the credential.
provider "acr" {
  alias    = "by_token"
  registry = "example.azurecr.io"
  username = "00000000-0000-0000-0000-000000000000"
  password = ephemeral.acr_bearer_token.app.access_token
}

data "acr_manifest" "app" {
  provider   = acr.by_token
  repository = "team/app"
  tag        = "1.4.2"
}

output "image" {
  value = data.acr_manifest.app.image
}
