// Package test deploys the modules and the examples with Terraform, breaks the consumers
// of what was deployed, and asserts what became of each message. It runs on the embedded
// endpoint, or wherever DLQ_TARGET says:
//
//	go test ./test/                                                  # embedded
//	DLQ_TARGET=endpoint AWS_ENDPOINT_URL=http://… go test ./test/    # any endpoint
//	DLQ_TARGET=aws DLQ_ALLOW_AWS=1 go test -timeout 2h ./test/       # a real account
//
// What is expected is stated literally in the tests. Nothing is read back from what is
// under test in order to be compared with it.
package test
