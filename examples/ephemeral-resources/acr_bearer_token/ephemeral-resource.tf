# A token for one repository.
ephemeral "acr_bearer_token" "chart" {
  repository = "charts/app"
}

# Helm pulls the chart with it. Neither the state nor a plan file holds the token.
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
