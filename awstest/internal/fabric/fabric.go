// Package fabric states how the services of the endpoint meet: SQS tells CloudWatch
// its metrics, CloudWatch notifies SNS, SNS sends to SQS, the scheduler calls
// operations. Each service implements the interface of what it offers and is handed
// those that it needs; awstest wires them.
package fabric

import (
	"context"
	"time"
)

// Principal is the service on whose behalf another one is asked, as resource policies
// see it.
type Principal struct {
	// Service is the service principal, e.g. "sns.amazonaws.com".
	Service string
	// SourceARN is the resource that asks (aws:SourceArn), e.g. the topic's.
	SourceARN string
	// SourceAccount is the account of that resource (aws:SourceAccount).
	SourceAccount string
}

// Attribute is a message attribute.
type Attribute struct {
	// DataType is String, Number or Binary, with an optional custom suffix.
	DataType    string
	StringValue string
	BinaryValue []byte
}

// QueueMessage is a message for a queue.
type QueueMessage struct {
	Body       string
	Attributes map[string]Attribute
	// GroupID and DeduplicationID are for FIFO queues.
	GroupID, DeduplicationID string
	// TraceHeader becomes the AWSTraceHeader system attribute.
	TraceHeader string
}

// Queues takes messages from other services; SQS implements it.
type Queues interface {
	// Deliver puts m into the queue. It refuses (a *wire.Error) if the queue does not
	// exist or its policy does not let the principal send.
	Deliver(from Principal, queueARN string, m QueueMessage) error
}

// Topics takes notifications from other services; SNS implements it.
type Topics interface {
	// Publish publishes to the topic. It refuses (a *wire.Error) if the topic does not
	// exist or its policy does not let the principal publish.
	Publish(from Principal, topicARN, subject, message string) error
}

// Value is what was measured of one metric in one minute.
type Value struct {
	// Metric is the metric's name, Unit that of its values.
	Metric, Unit string
	// Sum, Min and Max of the samples, and how many there were.
	Sum, Min, Max, Count float64
}

// Metrics takes what services measure; CloudWatch implements it.
type Metrics interface {
	// PutQueue records the metrics of a queue for the minute that begins at the given
	// instant. It may not keep values.
	PutQueue(account, region, queue string, minute time.Time, values []Value)
}

// Operations calls operations by name, as EventBridge Scheduler's universal targets
// do; awstest implements it.
type Operations interface {
	// Invoke calls service:operation (e.g. "sqs", "StartMessageMoveTask") with a JSON
	// input in the account and region.
	Invoke(ctx context.Context, account, region, service, operation string, input []byte) error
}
