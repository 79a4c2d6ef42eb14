terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

provider "acr" {
  registry = "example.azurecr.io"
}

ephemeral "acr_bearer_token" "app" {
  repository = "team/app"
}

# Reads with the token alone, whatever else the credential may do.
provider "acr" {
  alias    = "by_token"
  registry = "example.azurecr.io"
  username = ephemeral.acr_bearer_token.app.username
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
