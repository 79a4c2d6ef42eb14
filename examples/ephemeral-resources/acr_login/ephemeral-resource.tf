# What `az acr login --expose-token` prints, but without the Azure CLI, and not written anywhere.
ephemeral "acr_login" "example" {}

# Helm pulls charts of any repository with it.
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
