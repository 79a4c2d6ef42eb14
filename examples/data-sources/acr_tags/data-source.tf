# The release that was pushed last.
data "acr_tags" "releases" {
  repository = "team/app"
  name_regex = "^\\d+\\.\\d+\\.\\d+$"
  order_by   = "time_desc"
  limit      = 1
}

output "last_pushed" {
  value = one(data.acr_tags.releases.names)
}
