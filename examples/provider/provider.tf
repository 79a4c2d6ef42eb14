terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

# The environment holds the credential: ACR_USERNAME and ACR_PASSWORD.
provider "acr" {
  registry = "example.azurecr.io"
}
