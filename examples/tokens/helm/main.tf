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

ephemeral "acr_bearer_token" "chart" {
  repository = "charts/app"
}

# KUBE_CONFIG_PATH names the cluster.
provider "helm" {
  registries = [{
    url      = "oci://example.azurecr.io"
    username = ephemeral.acr_bearer_token.chart.username
    password = ephemeral.acr_bearer_token.chart.access_token
  }]
}

resource "helm_release" "app" {
  name       = "app"
  repository = "oci://example.azurecr.io/charts"
  chart      = "app"
  version    = "0.3.0"
}
