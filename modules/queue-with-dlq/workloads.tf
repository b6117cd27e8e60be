# How often to try before giving up, by what a failure of that kind of work
# usually means. The README gives the reasons.
locals {
  workload_max_receive_counts = {
    general         = 5
    idempotent_fast = 3
    external_api    = 6
    long_running    = 3
    financial       = 5
    webhook         = 7
  }
}
