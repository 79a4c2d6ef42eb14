# What `make demo` applies. With ACR_REGISTRY, ACR_USERNAME and ACR_PASSWORD in the environment, it
# reads any registry that holds these images.

terraform {
  required_providers {
    acr = {
      source = "acrkit/acr"
    }
  }
}

variable "ca_cert_pem" {
  description = "Certificate authority of a registry that the system does not know."
  type        = string
  default     = null
}

variable "images" {
  description = "Images to pin, each repository:tag."
  type        = list(string)
  default     = ["shop/web:1.4", "shop/worker:2.0", "shop/chart:0.3"]
}

provider "acr" {
  ca_cert_pem = var.ca_cert_pem
}

# For each image, the provider first asks without a credential. The challenge says where to get a
# token and with which scope. The provider fetches it and asks again. It compares what it reads with
# the digest.
data "acr_manifest" "image" {
  for_each = toset(var.images)

  repository = split(":", each.value)[0]
  tag        = split(":", each.value)[1]
}

output "images" {
  value = {
    for name, manifest in data.acr_manifest.image : name => {
      media_type    = manifest.media_type
      artifact_type = manifest.artifact_type
      pinned        = manifest.image
      platforms     = manifest.images == null ? [] : keys(manifest.images)
    }
  }
}
