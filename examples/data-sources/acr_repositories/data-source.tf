# The repositories of a team.
data "acr_repositories" "team" {
  prefix = "team/"
}

output "repositories" {
  value = data.acr_repositories.team.names
}
