# A token for the first image, passed to a second provider block that has no other credential. It is
# in no plan and no state. Ephemeral resources need Terraform 1.10 or OpenTofu 1.11; `make demo`
# leaves this file out on older ones.

ephemeral "acr_bearer_token" "handed_on" {
  repository = split(":", var.images[0])[0]
}

provider "acr" {
  alias       = "with_token"
  ca_cert_pem = var.ca_cert_pem
  username    = ephemeral.acr_bearer_token.handed_on.username
  password    = ephemeral.acr_bearer_token.handed_on.access_token
}

data "acr_manifest" "with_token" {
  provider = acr.with_token

  repository = split(":", var.images[0])[0]
  tag        = split(":", var.images[0])[1]
}

output "with_token" {
  value = data.acr_manifest.with_token.image
}
