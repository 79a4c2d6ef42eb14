terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

provider "acr" {
  registry = "example.azurecr.io"
}

# The registry that images are built into.
provider "acr" {
  alias    = "staging"
  registry = "staging.azurecr.io"
}

variable "staging_username" {
  type = string
}

variable "staging_password" {
  type      = string
  sensitive = true
  ephemeral = true
}

data "acr_manifest" "tested" {
  provider   = acr.staging
  repository = "team/app"
  tag        = "1.4.2"
}

resource "acr_image_copy" "released" {
  source     = data.acr_manifest.tested.image
  repository = "released/app"
  tag        = "1.4.2"

  # Without these two, the identity of Entra ID that signs in to example.azurecr.io reads at
  # staging.azurecr.io as well.
  source_username    = var.staging_username
  source_password_wo = var.staging_password
}

output "image" {
  value = acr_image_copy.released.image
}
