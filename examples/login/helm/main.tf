terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
    helm = {
      source = "hashicorp/helm"
    }
  }
}

provider "acr" {
  registry = "example.azurecr.io"
}

ephemeral "acr_login" "example" {}

# KUBE_CONFIG_PATH names the cluster.
provider "helm" {
  registries = [{
    url      = "oci://${ephemeral.acr_login.example.registry}"
    username = ephemeral.acr_login.example.username
    password = ephemeral.acr_login.example.password
  }]
}

resource "helm_release" "app" {
  name       = "app"
  repository = "oci://example.azurecr.io/charts"
  chart      = "app"
  version    = "0.3.0"
}
