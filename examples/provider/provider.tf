terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

# ACR_USERNAME and ACR_PASSWORD hold the credential.
provider "acr" {
  registry = "example.azurecr.io"
}
