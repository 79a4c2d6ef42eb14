# A token for scopes of one's own choice, such as the list of repositories.
data "acr_bearer_token" "catalog" {
  scopes = ["registry:catalog:*"]
}

output "catalog_granted" {
  value = data.acr_bearer_token.catalog.granted
}
