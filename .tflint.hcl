# tflint's own rules for Terraform, all of them. The ruleset is part of the binary, so
# there is nothing to download.
config {
  # What a module is called with is checked where it is called, too.
  call_module_type = "local"
}

plugin "terraform" {
  enabled = true
  preset  = "all"
}
