terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

variable "client_id" {
  type        = string
  description = "Client id of the machine's user-assigned identity; null for the machine's own."
  default     = null
}

provider "acr" {
  registry  = "example.azurecr.io"
  use_msi   = true
  client_id = var.client_id
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

output "image" {
  value = data.acr_manifest.app.image
}
