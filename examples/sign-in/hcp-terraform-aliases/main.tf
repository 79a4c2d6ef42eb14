terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

# HCP Terraform fills this in if the workspace has another identity with the tag STAGING.
variable "tfc_azure_dynamic_credentials" {
  type = object({
    default = object({
      client_id_file_path  = string
      oidc_token_file_path = string
    })
    aliases = map(object({
      client_id_file_path  = string
      oidc_token_file_path = string
    }))
  })
}

provider "acr" {
  registry             = "example.azurecr.io"
  client_id            = trimspace(file(var.tfc_azure_dynamic_credentials.aliases["STAGING"].client_id_file_path))
  oidc_token_file_path = var.tfc_azure_dynamic_credentials.aliases["STAGING"].oidc_token_file_path
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

output "image" {
  value = data.acr_manifest.app.image
}
