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

# Signatures of the Notary Project. Without one the plan fails. Use notation or an admission
# controller to check whether a signature is valid and whose it is.
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
