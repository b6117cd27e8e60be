// Package consumer runs handlers of SQS messages so that failures end well: what may
// succeed later comes back later, what never will is recorded and then acknowledged,
// and nothing is acknowledged that was not finished.
//
// A handler has one signature and runs two ways. In an AWS Lambda function:
//
//	func main() {
//		lambda.Start(consumer.Lambda(handle, consumer.MaxReceiveCount(5)))
//	}
//
// (with ReportBatchItemFailures switched on in the event source mapping), and in a
// process of its own:
//
//	worker, err := consumer.NewWorker(sqs.NewFromConfig(cfg), queueURL, handle)
//	// …
//	err = worker.Run(ctx) // until ctx is done, then drains
//
// What a handler returns decides what becomes of the message:
//
//   - nil: it is acknowledged.
//   - an error: it comes back after a delay that grows with each attempt (see Backoff)
//     until it succeeds or the queue's redrive policy dead-letters it. A panic is an
//     error too.
//   - an error made by Permanent: it is recorded (see Quarantine) and only then
//     acknowledged. If it can't be recorded it comes back.
//
// SQS delivers at least once, so that a handler may get a message again that it has
// finished. Idempotent keeps it from running twice; docs/writing-consumers.md says what
// that promises and what nobody can.
package consumer
