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

data "acr_manifest" "app" {
  repository = "team/app"
  tag        = "1.4.2"
}

# The Notary Project's signatures. Without one the plan fails. Whether a signature is valid, and whose it is, is for
# notation or an admission controller to tell.
data "acr_referrers" "signatures" {
  repository    = "team/app"
  digest        = data.acr_manifest.app.digest
  artifact_type = "application/vnd.cncf.notary.signature"

  lifecycle {
    postcondition {
      condition     = length(self.referrers) > 0
      error_message = "team/app:1.4.2 is not signed."
    }
  }
}

output "signed_image" {
  value = data.acr_manifest.app.image

  depends_on = [data.acr_referrers.signatures]
}
