// Package fabric states how the services of the endpoint meet: SQS tells CloudWatch
// its metrics, CloudWatch notifies SNS, SNS sends to SQS, S3 tells of objects, the
// scheduler calls operations. Each service implements the interface of what it offers and is handed
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

// ServiceEvent is an event of a service, as S3's "Object Created".
type ServiceEvent struct {
	// Account and Region are those of the resource that the event is about.
	Account, Region string
	// Source is the service, e.g. "aws.s3", DetailType the kind of event.
	Source, DetailType string
	// Resources are the ARNs of what the event is about.
	Resources []string
	// Detail is a JSON object.
	Detail []byte
}

// Events takes events of services; EventBridge implements it.
type Events interface {
	// Emit puts an event on the default bus of its account in its region.
	Emit(ServiceEvent)
}

// KeyUse is a use of an encryption key.
type KeyUse struct {
	// From is who uses it. A principal without a Service is an account, SourceAccount, or,
	// if SourceARN is set, a user or role of it.
	From Principal
	// Account and Region are those of the resource that is encrypted. Key is what it calls
	// its key: an id, an ARN, or the name or ARN of an alias.
	Account, Region, Key string
	// Context is the encryption context.
	Context map[string]string
	// Actions are what is done with the key, e.g. "kms:Decrypt".
	Actions []string
}

// Keys says who may use which encryption key; KMS implements it.
type Keys interface {
	// Use refuses (a *wire.Error with a code of KMS's) if the key doesn't exist, is
	// disabled or pending deletion, or its policy does not let the principal carry out an
	// action.
	Use(KeyUse) error
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

// ServiceMetrics takes single measurements of services; CloudWatch implements it.
type ServiceMetrics interface {
	// Put records a value of one metric at an instant, under dimensions in pairs of name
	// and value.
	Put(account, region, namespace string, at time.Time, dimensions [][2]string, v Value)
}

// SourceMessage is a message as an event source mapping receives it.
type SourceMessage struct {
	ID, ReceiptHandle, Body, MD5OfBody string
	// System are the message's system attributes, all of them.
	System map[string]string
	// Attributes are the message's own, MD5OfAttributes is their digest, empty without any.
	Attributes      map[string]Attribute
	MD5OfAttributes string
}

// QueueSource lets event source mappings read queues; SQS implements it. None of its
// methods is to be called under a lock that the function given to Watch takes.
type QueueSource interface {
	// VisibilityTimeout returns the queue's. It refuses (a *wire.Error) if the queue
	// doesn't exist.
	VisibilityTimeout(queueARN string) (time.Duration, error)
	// ReceiveFor takes up to ten messages for the queue's visibility timeout, without
	// waiting.
	ReceiveFor(from Principal, queueARN string, most int) ([]SourceMessage, error)
	// DeleteFor deletes received messages. It returns the first refusal, after it has tried
	// them all.
	DeleteFor(from Principal, queueARN string, receiptHandles []string) error
	// Watch has available called whenever the queue may have messages to receive, also
	// after it was deleted and created again, until stop is called.
	Watch(queueARN string, available func()) (stop func())
}

// Roles says what roles may do; IAM implements it.
type Roles interface {
	// Trusts reports whether the role exists and lets the service, e.g.
	// "lambda.amazonaws.com", assume it.
	Trusts(roleARN, service string) bool
	// Permits reports whether the role's policies let it carry out the action on the
	// resource.
	Permits(roleARN, action, resource string) bool
}

// Logs takes the output of functions; CloudWatch Logs implements it.
type Logs interface {
	// Write appends lines to a stream of a group, at the given instant. Either is created
	// if it doesn't exist.
	Write(account, region, group, stream string, at time.Time, lines []string)
}
