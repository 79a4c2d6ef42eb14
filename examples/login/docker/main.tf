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

ephemeral "acr_login" "example" {}

provider "docker" {
  registry_auth {
    address  = ephemeral.acr_login.example.registry
    username = ephemeral.acr_login.example.username
    password = ephemeral.acr_login.example.password
  }
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

resource "docker_image" "app" {
  name = data.acr_manifest.app.image
}
