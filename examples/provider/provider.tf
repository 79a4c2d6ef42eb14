terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

# The credential comes from the environment: from the ARM_ variables, as for azurerm, or from
# ACR_USERNAME and ACR_PASSWORD. After `az login`, nothing needs to be set.
provider "acr" {
  registry = "example.azurecr.io"
}
