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

data "acr_tags" "releases" {
  repository = "team/app"
  name_regex = "^\\d+\\.\\d+\\.\\d+$"
}

locals {
  # [1, 4, 2] for "1.4.2".
  versions = { for tag in data.acr_tags.releases.names : tag => [for part in split(".", tag) : tonumber(part)] }

  # The constraint, here ~> 1.4: at least 1.4, less than 2. The keys sort as the versions do.
  matching = { for tag, v in local.versions : format("%05d.%05d.%05d", v...) => tag if v[0] == 1 && v[1] >= 4 }

  newest = reverse(values(local.matching))[0]
}

data "acr_manifest" "newest" {
  repository = "team/app"
  tag        = local.newest
}

output "newest" {
  value = {
    tag   = local.newest
    image = data.acr_manifest.newest.image
  }
}
