terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

# TFC_AZURE_PROVIDER_AUTH, TFC_AZURE_RUN_CLIENT_ID and ARM_TENANT_ID of the workspace are enough.
# HCP Terraform uses the first two to set the token and the other ARM_ variables for each run.
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
