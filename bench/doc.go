// Package bench measures the embedded endpoint: against its peers, with a deep queue, and
// with two weeks of time. Its benchmarks compare ways of using the endpoint side by side;
// the commands below it make the tables of README.md.
//
//	go test -bench . ./bench
//	go run ./bench/endpoint
package bench
