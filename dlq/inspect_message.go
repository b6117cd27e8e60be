package dlq

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// InspectedMessage is a message that was looked at.
type InspectedMessage struct {
	ID     string `json:"message_id"`
	Source string `json:"source,omitempty"` // ARN of the queue it was dead-lettered from; empty if it was sent directly
	// Sent is, on a standard queue, when the message was sent first; on a FIFO queue when
	// it came to this queue.
	Sent            time.Time                   `json:"sent"`
	FirstReceived   *time.Time                  `json:"first_received"`
	ReceiveCount    int                         `json:"receive_count"` // this look included
	GroupID         string                      `json:"message_group_id,omitempty"`
	DeduplicationID string                      `json:"message_deduplication_id,omitempty"`
	SequenceNumber  string                      `json:"sequence_number,omitempty"`
	TraceHeader     string                      `json:"trace_header,omitempty"`
	Attributes      map[string]MessageAttribute `json:"attributes,omitempty"`
	Error           string                      `json:"error,omitempty"` // what the error attribute says
	Shape           string                      `json:"shape"`           // of the body: see ShapeOf
	Body            string                      `json:"body"`
	Truncated       bool                        `json:"truncated,omitempty"` // there is more of the body
}

// MessageAttribute is a message attribute's value.
type MessageAttribute struct {
	Type   string `json:"type"` // String, Number or Binary, and a custom type after a dot
	Value  string `json:"value,omitempty"`
	Binary []byte `json:"binary,omitempty"` // in JSON base64
}

// failureAttribute is what the package consumer's QueueSink adds to a message that it puts
// in quarantine; what failed is in the member "error" of its JSON.
const failureAttribute = "PermanentFailure"

// errorAttributes are the usual names, in lower case, without "_" and "-". Lambda says
// ErrorMessage and ErrorCode (asynchronous invocation), EventBridge and its scheduler
// ERROR_MESSAGE and ERROR_CODE.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
func errorAttributes() []string {
	return []string{"errormessage", "error", "exceptionmessage", "exception", "failurereason", "errorcode", "errortype"}
}

// ErrorOf returns what a message's attributes say about why it failed. Without a name it
// is what the first of these says, whatever their case and with or without "_" and "-":
// PermanentFailure, which this module's consumers set, ErrorMessage, Error,
// ExceptionMessage, Exception, FailureReason, ErrorCode, ErrorType. Of a value that is JSON
// it is the member "error", "errorMessage" or "message".
func ErrorOf(attributes map[string]MessageAttribute, name string) string {
	if name != "" {
		return errorText(attributes[name].Value)
	}
	if a, ok := attributes[failureAttribute]; ok {
		return errorText(a.Value)
	}
	plain := strings.NewReplacer("_", "", "-", "")
	byName := map[string]string{}
	for name, a := range attributes {
		byName[plain.Replace(strings.ToLower(name))] = a.Value
	}
	for _, name := range errorAttributes() {
		if text := byName[name]; text != "" {
			return errorText(text)
		}
	}
	return ""
}

func errorText(value string) string {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &members) == nil {
		for _, name := range []string{"error", "errorMessage", "message"} {
			var text string
			if json.Unmarshal(members[name], &text) == nil && text != "" {
				return text
			}
		}
	}
	return value
}

// inspected makes an InspectedMessage of what was received, but for what is worked out of it.
func inspected(m types.Message) InspectedMessage {
	out := InspectedMessage{
		ID: aws.ToString(m.MessageId), Source: m.Attributes["DeadLetterQueueSourceArn"], FirstReceived: milliseconds(m.Attributes["ApproximateFirstReceiveTimestamp"]),
		GroupID: m.Attributes["MessageGroupId"], DeduplicationID: m.Attributes["MessageDeduplicationId"], SequenceNumber: m.Attributes["SequenceNumber"],
		TraceHeader: m.Attributes["AWSTraceHeader"], Body: aws.ToString(m.Body),
	}
	if sent := milliseconds(m.Attributes["SentTimestamp"]); sent != nil {
		out.Sent = *sent
	}
	out.ReceiveCount, _ = strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // SQS sends a number
	if len(m.MessageAttributes) > 0 {
		out.Attributes = map[string]MessageAttribute{}
	}
	for name, a := range m.MessageAttributes {
		out.Attributes[name] = MessageAttribute{aws.ToString(a.DataType), aws.ToString(a.StringValue), a.BinaryValue}
	}
	return out
}

func milliseconds(text string) *time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return aws.Time(time.UnixMilli(ms).UTC())
}
