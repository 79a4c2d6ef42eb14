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

provider "acr" {
  registry = "example.azurecr.io"
}

# KUBE_CONFIG_PATH names the cluster.
provider "kubernetes" {}

ephemeral "acr_bearer_token" "app" {
  repository = "team/app"
}

# For a pull within the next 75 minutes, such as that of a job that starts at once.
resource "kubernetes_secret_v1" "pull" {
  metadata {
    name = "pull-once"
  }

  type = "kubernetes.io/dockerconfigjson"

  # Terraform sends what is write-only to the cluster and keeps no copy. A higher revision sends a
  # new token.
  data_wo_revision = 1
  data_wo = {
    ".dockerconfigjson" = jsonencode({
      auths = {
        "example.azurecr.io" = {
          auth = base64encode(join(":", [
            ephemeral.acr_bearer_token.app.username,
            ephemeral.acr_bearer_token.app.access_token,
          ]))
        }
      }
    })
  }
}
