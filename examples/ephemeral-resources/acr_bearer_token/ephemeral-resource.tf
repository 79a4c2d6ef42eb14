# A token that is not written anywhere.
ephemeral "acr_bearer_token" "app" {
  repository = "team/app"
}

# It configures another provider. Here that is this one a second time, which reads with the token instead of the credential.
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
