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

provider "acr" {
  registry = "example.azurecr.io"
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
  repository    = "team/app"
  tag           = "1.4.2"
  allow_missing = true
}

# Until the image exists, there is no app, and the rest of the configuration is applied without it.
resource "azurerm_container_app" "app" {
  count = data.acr_manifest.app.exists ? 1 : 0

  name                         = "app"
  container_app_environment_id = var.environment_id
  resource_group_name          = "example"
  revision_mode                = "Single"

  identity {
    type         = "UserAssigned"
    identity_ids = [var.puller_id]
  }

  registry {
    server   = "example.azurecr.io"
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
