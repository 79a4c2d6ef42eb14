terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
    http = {
      source = "hashicorp/http"
    }
  }
}

provider "acr" {
  registry = "example.azurecr.io"
}

# A data source such as http accepts no ephemeral value, so this is the data source, and its token
# is in the state.
data "acr_bearer_token" "app" {
  repository = "team/app"
  actions    = ["metadata_read"]
}

data "http" "tags" {
  url = "https://example.azurecr.io/v2/team/app/tags/list"

  request_headers = {
    Authorization = "Bearer ${data.acr_bearer_token.app.access_token}"
  }
}

# Newer versions of Terraform treat the answer to a request with a token as sensitive.
output "tags" {
  value     = jsondecode(data.http.tags.response_body).tags
  sensitive = true
}
