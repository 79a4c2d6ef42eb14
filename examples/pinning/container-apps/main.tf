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

provider "azurerm" {
  features {}
}

data "azurerm_container_registry" "example" {
  name                = "example"
  resource_group_name = "example"
}

provider "acr" {
  registry = data.azurerm_container_registry.example.login_server
}

variable "environment_id" {
  description = "Id of the Container Apps environment."
  type        = string
}

variable "puller_id" {
  description = "Id of a user-assigned identity that may pull from the registry."
  type        = string
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

resource "azurerm_container_app" "app" {
  name                         = "app"
  container_app_environment_id = var.environment_id
  resource_group_name          = "example"
  revision_mode                = "Single"

  identity {
    type         = "UserAssigned"
    identity_ids = [var.puller_id]
  }

  registry {
    server   = data.azurerm_container_registry.example.login_server
    identity = var.puller_id
  }

  template {
    container {
      name   = "app"
      image  = data.acr_manifest.app.image
      cpu    = 0.25
      memory = "0.5Gi"
    }
  }
}
