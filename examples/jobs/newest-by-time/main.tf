terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

provider "acr" {
  registry = "example.azurecr.io"
}

# Tags such as 1.4.2, the last pushed first. The registry sorts them, and the provider stops at the
# first match.
data "acr_tags" "releases" {
  repository = "team/app"
  name_regex = "^\\d+\\.\\d+\\.\\d+$"
  order_by   = "time_desc"
  limit      = 1
}

data "acr_manifest" "newest" {
  repository = "team/app"
  tag        = data.acr_tags.releases.names[0]
}

output "newest" {
  value = {
    tag   = data.acr_manifest.newest.tag
    image = data.acr_manifest.newest.image
  }
}
