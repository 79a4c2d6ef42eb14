terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

# The service account's workload identity: AKS puts its ids and the file of its token into the pod.
provider "acr" {
  registry                  = "example.azurecr.io"
  use_aks_workload_identity = true
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

output "image" {
  value = data.acr_manifest.app.image
}
