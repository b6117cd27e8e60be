package consumer

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// FailureAttribute is the message attribute in which QueueSink says what failed, as the
// JSON of a FailureNote.
const FailureAttribute = "PermanentFailure"

// FailureNote is what QueueSink adds to a message.
type FailureNote struct {
	Error        string    `json:"error"` // at most 1024 bytes of it
	ReceiveCount int       `json:"receiveCount"`
	Time         time.Time `json:"time"`
	MessageID    string    `json:"messageId"`
	Queue        string    `json:"queue"`
}

// Sender is what QueueSink needs of an SQS client.
type Sender interface {
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, opts ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// QueueSink sends permanent failures to a quarantine queue: body, attributes and trace
// header as they were, so that a repaired message is sent back as it is, and a
// FailureNote in one attribute more.
//
// SQS allows ten attributes and 1 MiB in all. A message that leaves no room is not
// recorded, so it comes back and ends in the dead-letter queue. A quarantine queue that is
// FIFO gets the message's group, or the queue's name where it has none, and the MessageId
// for deduplication.
type QueueSink struct {
	Client Sender
	URL    string
}

var _ Sink = QueueSink{}

// Record sends the failure.
func (s QueueSink) Record(ctx context.Context, f Failure) error {
	note, err := json.Marshal(FailureNote{
		Error: cut(f.Err.Error(), 1024), ReceiveCount: f.Message.ReceiveCount, Time: f.Time.UTC(),
		MessageID: f.Message.ID, Queue: f.Message.Queue,
	})
	if err != nil {
		return fmt.Errorf("describing the failure: %w", err)
	}
	in := &sqs.SendMessageInput{
		QueueUrl: &s.URL, MessageBody: &f.Message.Body,
		MessageAttributes: map[string]types.MessageAttributeValue{
			FailureAttribute: {DataType: aws.String("String"), StringValue: aws.String(string(note))},
		},
	}
	for name, a := range f.Message.Attributes {
		if name == FailureAttribute {
			continue // it was in quarantine before
		}
		v := types.MessageAttributeValue{DataType: aws.String(a.DataType)}
		if strings.HasPrefix(a.DataType, "Binary") {
			v.BinaryValue = a.Binary
		} else {
			v.StringValue = aws.String(a.String)
		}
		in.MessageAttributes[name] = v
	}
	if len(in.MessageAttributes) > 10 {
		return fmt.Errorf("sending to the quarantine queue: the message has ten attributes, which leaves no room for %s", FailureAttribute)
	}
	if trace := f.Message.TraceHeader(); trace != "" {
		in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &trace},
		}
	}
	if isFIFO(s.URL) {
		in.MessageGroupId, in.MessageDeduplicationId = &f.Message.GroupID, &f.Message.ID
		if f.Message.GroupID == "" {
			in.MessageGroupId = &f.Message.Queue
		}
	}
	if _, err := s.Client.SendMessage(ctx, in); err != nil {
		return fmt.Errorf("sending to the quarantine queue: %w", err)
	}
	return nil
}

// cut shortens s to at most n bytes of what SQS accepts in text.
func cut(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
