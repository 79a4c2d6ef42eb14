terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
    kubernetes = {
      source = "hashicorp/kubernetes"
    }
  }
}

# KUBE_CONFIG_PATH names the cluster.
provider "kubernetes" {}

provider "acr" {
  registry = "example.azurecr.io"
}

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

resource "kubernetes_deployment_v1" "app" {
  metadata {
    name = "app"
  }

  spec {
    replicas = 2

    selector {
      match_labels = { app = "app" }
    }

    template {
      metadata {
        labels = { app = "app" }
      }

      spec {
        container {
          name  = "app"
          image = data.acr_manifest.app.image
        }
      }
    }
  }
}
