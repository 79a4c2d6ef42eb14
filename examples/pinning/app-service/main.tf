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

variable "plan_id" {
  description = "Id of the App Service plan."
  type        = string
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
  platform   = "linux/amd64"
}

resource "azurerm_linux_web_app" "app" {
  name                = "app"
  resource_group_name = "example"
  location            = "westeurope"
  service_plan_id     = var.plan_id

  identity {
    type = "SystemAssigned"
  }

  site_config {
    container_registry_use_managed_identity = true

    application_stack {
      docker_registry_url = "https://example.azurecr.io"
      docker_image_name   = "team/app@${data.acr_manifest.app.digest}"
    }
  }
}
