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

locals {
  releases = toset(["1.0.0", "1.1.0"])
}

data "acr_manifest" "release" {
  for_each = local.releases

  repository = "shop/checkout"
  tag        = each.key
}

# The tag can be neither moved nor removed,
resource "acr_lock" "tag" {
  for_each = local.releases

  repository    = "shop/checkout"
  tag           = each.key
  write_enabled = false
}

# and the manifest that it names can't be deleted.
resource "acr_lock" "manifest" {
  for_each = local.releases

  repository     = "shop/checkout"
  digest         = data.acr_manifest.release[each.key].digest
  delete_enabled = false
}

# If the repository holds a release that is not locked, the run fails.
data "acr_tags" "releases" {
  repository = "shop/checkout"
  name_regex = "^\\d+\\.\\d+\\.\\d+$"

  depends_on = [acr_lock.tag]

  lifecycle {
    postcondition {
      condition     = alltrue([for tag in self.tags : !tag.write_enabled])
      error_message = "Not locked: ${join(", ", [for tag in self.tags : tag.name if tag.write_enabled])}."
    }
  }
}

output "locked" {
  value = data.acr_tags.releases.names
}
