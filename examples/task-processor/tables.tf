# One item a task, with its state, its last error and what has become of it.
resource "aws_dynamodb_table" "tasks" {
  name         = "${var.name}-tasks"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  tags         = var.tags

  attribute {
    name = "id"
    type = "S"
  }

  # The tasks are what is at stake.
  point_in_time_recovery {
    enabled = true
  }
}

# Which tasks are done, and which are being worked on until when, as package dynamostore
# keeps it. DynamoDB drops what has expired.
resource "aws_dynamodb_table" "keys" {
  name         = "${var.name}-keys"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  tags         = var.tags

  attribute {
    name = "id"
    type = "S"
  }

  ttl {
    attribute_name = "expires"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }
}
