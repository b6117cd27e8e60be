# What the queues were called when they were deployed. Renaming a queue replaces
# it, with the messages in it, and a plan says so in one line among many: the
# source queue compares this with what is configured, and refuses. Costs no API
# call.
resource "terraform_data" "names" {
  input = {
    source = local.name
    dlq    = local.own_dlq_name
  }

  lifecycle {
    ignore_changes = [input]
  }
}
