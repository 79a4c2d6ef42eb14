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

# The workflow's ARM_ variables sign both providers in.
provider "azurerm" {
  features {}
}

provider "acr" {
  registry = data.azurerm_container_registry.example.login_server
}

data "azurerm_container_registry" "example" {
  name                = "example"
  resource_group_name = "example"
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

output "image" {
  value = data.acr_manifest.app.image
}
