# What `az acr login --expose-token` prints, but without the Azure CLI, and not written anywhere.
ephemeral "acr_login" "example" {}

# It configures another provider. Here that is this one a second time, which reads with the token instead of the identity.
provider "acr" {
  alias    = "by_login"
  registry = ephemeral.acr_login.example.registry
  username = ephemeral.acr_login.example.username
  password = ephemeral.acr_login.example.password
}

data "acr_manifest" "app" {
  provider   = acr.by_login
  repository = "team/app"
  tag        = "1.4.2"
}

output "image" {
  value = data.acr_manifest.app.image
}
