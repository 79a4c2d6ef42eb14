# A token for scopes you choose, such as the list of repositories.
data "acr_bearer_token" "catalog" {
  scopes = ["registry:catalog:*"]
}

output "catalog_granted" {
  value = data.acr_bearer_token.catalog.granted
}
