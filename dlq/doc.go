// Package dlq operates SQS dead-letter queues (DLQs) that are in use: it sees how they
// are, looks at the messages in them, and moves these back.
//
//	fleet := dlq.Fleet{SQS: sqs.NewFromConfig(cfg), Metrics: cloudwatch.NewFromConfig(cfg)}
//	status, err := fleet.Status(ctx, dlq.Selection{Prefix: "orders"})
//	if err != nil { … }
//	for _, q := range status.DLQs {
//		fmt.Println(q.Name, q.Health, q.Reasons)
//	}
//
// [Inspect] looks at the messages of a DLQ, groups and redacts them, and gives them back.
//
// Everything works with the clients of the AWS SDK, in the account and region that these
// are configured for. Which queue is the DLQ of which is read from redrive policies, never
// from names.
package dlq
