# Whether the source queue was deployed with a DLQ of this module's. With existing_dlq
# set later, a plan would delete that DLQ, with the messages in it, and say so in one
# line among many: the source queue refuses. Costs no API call.
resource "terraform_data" "own_dlq" {
  input = var.existing_dlq == null

  lifecycle {
    ignore_changes = [input]
  }
}
