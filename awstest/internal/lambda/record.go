package lambda

import (
	"bytes"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// record is a message as a function gets it.
type record struct {
	MessageID              string                     `json:"messageId"`
	ReceiptHandle          string                     `json:"receiptHandle"`
	Body                   string                     `json:"body"`
	Attributes             map[string]string          `json:"attributes"`
	MessageAttributes      map[string]recordAttribute `json:"messageAttributes"`
	MD5OfMessageAttributes string                     `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody              string                     `json:"md5OfBody"`
	EventSource            string                     `json:"eventSource"`
	EventSourceARN         string                     `json:"eventSourceARN"`
	AWSRegion              string                     `json:"awsRegion"`
}

type recordAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

func (m *mapping) recordOf(in *fabric.SourceMessage) *record {
	r := &record{
		MessageID: in.ID, ReceiptHandle: in.ReceiptHandle, Body: in.Body, Attributes: in.System,
		MessageAttributes: map[string]recordAttribute{}, MD5OfMessageAttributes: in.MD5OfAttributes, MD5OfBody: in.MD5OfBody,
		EventSource: "aws:sqs", EventSourceARN: m.queueARN, AWSRegion: m.place.region,
	}
	for name, a := range in.Attributes {
		out := recordAttribute{DataType: a.DataType, StringListValues: []string{}, BinaryListValues: [][]byte{}}
		if a.BinaryValue != nil {
			out.BinaryValue = a.BinaryValue
		} else {
			out.StringValue = &a.StringValue
		}
		r.MessageAttributes[name] = out
	}
	return r
}

func (m *mapping) record(in *fabric.SourceMessage) ([]byte, error) {
	return wire.EncodeJSON(m.recordOf(in))
}

// event is the payload of a batch.
func (b *batch) event() []byte {
	out := make([]byte, 0, b.size+envelope)
	out = append(out, `{"Records":[`...)
	out = append(out, bytes.Join(b.records, []byte(","))...)
	return append(out, "]}"...)
}
