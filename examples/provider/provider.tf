terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

# The environment holds the credential: the ARM_ variables that azurerm knows too, ACR_USERNAME and ACR_PASSWORD, or
# nothing after `az login`.
provider "acr" {
  registry = "example.azurecr.io"
}
