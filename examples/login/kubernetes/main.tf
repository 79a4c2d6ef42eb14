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

ephemeral "acr_login" "example" {}

# For pulls of all repositories that the identity may read, within the next three hours.
resource "kubernetes_secret_v1" "pull" {
  metadata {
    name = "pull-for-a-while"
  }

  type = "kubernetes.io/dockerconfigjson"

  # Terraform sends what is write-only to the cluster and keeps no copy. A higher revision sends a
  # new login.
  data_wo_revision = 1
  data_wo = {
    ".dockerconfigjson" = ephemeral.acr_login.example.docker_config_json
  }
}
