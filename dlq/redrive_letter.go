package dlq

import (
	"maps"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// RedriveCountAttribute is the message attribute, of type Number, that counts how often a
// message was redriven selectively.
const RedriveCountAttribute = "RedriveCount"

// What SQS allows (message quotas, SQS developer guide).
const (
	maxAttributes = 10
	maxBatch      = 10
	maxBatchBytes = 1 << 20 // of all messages of a batch together
)

// DeadLetter is a message that was received from a dead-letter queue.
type DeadLetter struct {
	ID, Body   string
	Attributes map[string]types.MessageAttributeValue
	// Source is the ARN of the queue that it was dead-lettered from (the system attribute
	// DeadLetterQueueSourceArn), empty if it was sent to the dead-letter queue.
	Source string
	// Sent is SentTimestamp, to the millisecond: in a standard queue when the message was
	// sent first, which dead-lettering doesn't change; in a FIFO queue when it was
	// dead-lettered.
	Sent         time.Time
	ReceiveCount int // ApproximateReceiveCount
	RedriveCount int
	GroupID      string // MessageGroupId
	TraceHeader  string // AWSTraceHeader

	receipt string
}

// letterOf makes a DeadLetter of what was received.
func letterOf(m *types.Message) *DeadLetter {
	l := &DeadLetter{
		ID: stringOf(m.MessageId), Body: stringOf(m.Body), Attributes: m.MessageAttributes,
		Source: m.Attributes["DeadLetterQueueSourceArn"], GroupID: m.Attributes["MessageGroupId"], TraceHeader: m.Attributes["AWSTraceHeader"],
		receipt: stringOf(m.ReceiptHandle),
	}
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		l.Sent = time.UnixMilli(ms)
	}
	l.ReceiveCount, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // always a number
	// a value that is no number, which SQS refuses in an attribute of type Number, is no count
	l.RedriveCount, _ = strconv.Atoi(stringOf(m.MessageAttributes[RedriveCountAttribute].StringValue))
	return l
}

func lettersOf(messages []types.Message) []*DeadLetter {
	all := make([]*DeadLetter, len(messages))
	for i := range messages {
		all[i] = letterOf(&messages[i])
	}
	return all
}

// size is what SQS counts of a message: the body and the names, types and values of its
// attributes, in bytes.
func (l *DeadLetter) size() int { return sizeOf(l.Body, l.Attributes) }

func sizeOf(body string, attributes map[string]types.MessageAttributeValue) int {
	n := len(body)
	for name, a := range attributes {
		n += len(name) + len(stringOf(a.DataType)) + len(stringOf(a.StringValue)) + len(a.BinaryValue)
	}
	return n
}

// counted returns the attributes with one redrive more, false if there is no room for that.
func (l *DeadLetter) counted() (map[string]types.MessageAttributeValue, bool) {
	all := make(map[string]types.MessageAttributeValue, len(l.Attributes)+1)
	maps.Copy(all, l.Attributes)
	all[RedriveCountAttribute] = types.MessageAttributeValue{
		DataType: aws.String("Number"), StringValue: aws.String(strconv.Itoa(l.RedriveCount + 1)),
	}
	return all, len(all) <= maxAttributes
}

// entry is the message as it is sent on: everything that a sender can say of it, as it was.
func (l *DeadLetter) entry(id string, attributes map[string]types.MessageAttributeValue, fifo bool) types.SendMessageBatchRequestEntry {
	e := types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &l.Body, MessageAttributes: attributes}
	if l.TraceHeader != "" {
		e.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &l.TraceHeader},
		}
	}
	if l.GroupID != "" { // standard queues have groups too, for fair queues
		e.MessageGroupId = &l.GroupID
	}
	if fifo {
		e.MessageDeduplicationId = aws.String(l.deduplicationID())
	}
	return e
}

// deduplicationID is the same each time that this message is sent from this dead-letter
// queue, so that SQS drops what is sent again within five minutes. One that comes back has
// another MessageId.
func (l *DeadLetter) deduplicationID() string {
	return "redrive-" + l.ID + "-" + strconv.Itoa(l.RedriveCount+1)
}

func stringOf(s *string) string { return aws.ToString(s) }
