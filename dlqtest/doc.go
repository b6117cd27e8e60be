// Package dlqtest proves, from the consumer's side, that a queue's dead-lettering
// works. It sends messages, breaks their consumers on purpose, writes down everything
// that the consumers see, and judges that history:
//
//	func TestOrdersDeadLetters(t *testing.T) {
//		dlqtest.Require(t, target, dlqtest.Queue{
//			URL:             "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
//			DLQ:             "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dlq",
//			MaxReceiveCount: 5,
//		})
//	}
//
// MaxReceiveCount is what the caller expects. It is never read back from the queue
// under proof, and neither is anything else that is judged: the checker sees the
// history alone. See Invariant for what is judged.
//
// A Target says where the queues are. On a clock that can be moved (awstest's) a proof
// takes a moment, whatever the visibility timeout; on AWS it waits.
package dlqtest
