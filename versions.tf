# The one statement of what every module and example here requires. Each carries
# this same text, and a test holds them to it.
#
# Terraform and OpenTofu 1.9 are the first whose variable validations may refer
# to other variables; the modules compare their inputs with each other.
terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
