package consumer

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Handler works on one message. See the package comment for what its error means. Its
// context ends when the message may no longer be worked on: shortly before the Lambda
// function's deadline, at the end of a worker's drain, or when the message's visibility
// timeout or lease could not be extended; context.Cause says which.
type Handler func(ctx context.Context, m Message) error

// Message is a message as a handler gets it.
type Message struct {
	// ID is the MessageId. It stays the same when SQS dead-letters the message and is a
	// new one when the message is redriven.
	ID string
	// Body is the message's body.
	Body string
	// Attributes are the message attributes that the sender gave it.
	Attributes map[string]Attribute
	// System are the message system attributes as SQS names them, e.g. "SentTimestamp".
	System map[string]string
	// Queue is the name of the queue that it came from.
	Queue string
	// ReceiptHandle is that of this receive.
	ReceiptHandle string

	// GroupID, DeduplicationID and SequenceNumber are those of FIFO queues; standard
	// queues may have group ids too.
	GroupID, DeduplicationID, SequenceNumber string

	// Sent is when it was sent, zero if unknown.
	Sent time.Time
	// ReceiveCount is the ApproximateReceiveCount: 1 at the first receive. In a
	// dead-letter queue the count of the source queue goes on.
	ReceiveCount int
	// Attempt is the ReceiveCount without the receives that the option ReceivedBefore
	// states: 1 at the first attempt.
	Attempt int
	// LastAttempt says that SQS dead-letters the message if this attempt fails. It is
	// known only with the option MaxReceiveCount.
	LastAttempt bool
	// Key is the idempotency key, empty without the option Idempotent.
	Key string
}

// Attribute is a message attribute.
type Attribute struct {
	// DataType is String, Number or Binary, maybe with a custom label after a dot.
	DataType string
	// String is the value of a String or Number, Binary that of a Binary.
	String string
	Binary []byte
}

// TraceHeader is the AWS X-Ray trace header that the message carries, empty if none.
func (m Message) TraceHeader() string { return m.System["AWSTraceHeader"] }

// fromEvent is the message of a Lambda event's record.
func fromEvent(r *events.SQSMessage) Message {
	m := Message{ID: r.MessageId, Body: r.Body, System: r.Attributes, ReceiptHandle: r.ReceiptHandle, Queue: nameOf(r.EventSourceARN, ":")}
	if len(r.MessageAttributes) > 0 {
		m.Attributes = make(map[string]Attribute, len(r.MessageAttributes))
		for name, a := range r.MessageAttributes {
			m.Attributes[name] = Attribute{DataType: a.DataType, String: aws.ToString(a.StringValue), Binary: a.BinaryValue}
		}
	}
	m.readSystem()
	return m
}

// received is the message that the SDK received from the queue.
func received(r *types.Message, queue string) Message {
	m := Message{ID: aws.ToString(r.MessageId), Body: aws.ToString(r.Body), System: r.Attributes, ReceiptHandle: aws.ToString(r.ReceiptHandle), Queue: queue}
	if len(r.MessageAttributes) > 0 {
		m.Attributes = make(map[string]Attribute, len(r.MessageAttributes))
		for name, a := range r.MessageAttributes {
			m.Attributes[name] = Attribute{DataType: aws.ToString(a.DataType), String: aws.ToString(a.StringValue), Binary: a.BinaryValue}
		}
	}
	m.readSystem()
	return m
}

// readSystem fills in what the system attributes say. A receive count that is missing or
// no number is taken for the first.
func (m *Message) readSystem() {
	m.GroupID = m.System["MessageGroupId"]
	m.DeduplicationID = m.System["MessageDeduplicationId"]
	m.SequenceNumber = m.System["SequenceNumber"]
	if ms, err := strconv.ParseInt(m.System["SentTimestamp"], 10, 64); err == nil {
		m.Sent = time.UnixMilli(ms).UTC()
	}
	m.ReceiveCount, _ = strconv.Atoi(m.System["ApproximateReceiveCount"])
	m.ReceiveCount = max(m.ReceiveCount, 1)
	m.Attempt = m.ReceiveCount
}

// nameOf is the last part of a queue's URL or ARN: its name.
func nameOf(queue, separator string) string { return queue[strings.LastIndex(queue, separator)+1:] }

// isFIFO says whether the queue of that name is a FIFO queue: only these have the suffix.
func isFIFO(queue string) bool { return strings.HasSuffix(queue, ".fifo") }
