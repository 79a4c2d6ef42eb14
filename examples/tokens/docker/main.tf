terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
    docker = {
      source = "kreuzwerker/docker"
    }
  }
}

provider "acr" {
  registry = "example.azurecr.io"
}

ephemeral "acr_bearer_token" "app" {
  repository = "team/app"
}

provider "docker" {
  registry_auth {
    address  = "example.azurecr.io"
    username = ephemeral.acr_bearer_token.app.username
    password = ephemeral.acr_bearer_token.app.access_token
  }
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

resource "docker_image" "app" {
  name = data.acr_manifest.app.image
}
