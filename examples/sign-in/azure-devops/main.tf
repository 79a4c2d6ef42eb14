terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
    azurerm = {
      source = "hashicorp/azurerm"
    }
  }
}

# The pipeline's ARM_ variables sign both providers in.
provider "azurerm" {
  features {}
}

provider "acr" {
  registry = "example.azurecr.io"
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

output "image" {
  value = data.acr_manifest.app.image
}
