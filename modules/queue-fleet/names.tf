# What the queues were called when they were deployed. Renaming a queue replaces it, with
# the messages in it, and a plan says so in one line among many: the source queue compares
# this with what is configured, and refuses. Costs no API call.
resource "terraform_data" "names" {
  for_each = local.keys

  input = local.names[each.key]

  lifecycle {
    ignore_changes = [input]
  }
}

locals {
  deployed_names = { for key, names in terraform_data.names : key => names.output }
}
