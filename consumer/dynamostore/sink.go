package dynamostore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// Sink records permanent failures in a table, one item a message:
//
//	id            the MessageId: recording twice leaves one item
//	body          the message's body
//	error         what the handler returned, its first 4096 bytes
//	receive_count the ApproximateReceiveCount
//	failed_at     when it failed, RFC 3339 in UTC
//	queue         the queue's name
//	group         the message group, if any
//	key           the idempotency key, if any
//	attributes    the message attributes, a map of strings and binaries, if any
//
// DynamoDB takes items of up to 400 KB. A longer message is not recorded, so it comes back
// and ends in the dead-letter queue; use consumer.QueueSink where bodies are that long.
type Sink struct {
	client Putter
	table  string
}

var _ consumer.Sink = (*Sink)(nil)

// NewSink returns the sink into that table.
func NewSink(client Putter, table string) *Sink { return &Sink{client: client, table: table} }

// Record puts the failure.
func (s *Sink) Record(ctx context.Context, f consumer.Failure) error {
	m := f.Message
	said := f.Err.Error()
	said = strings.ToValidUTF8(said[:min(len(said), 4096)], "")
	it := map[string]types.AttributeValue{
		"id": text(m.ID), "body": text(m.Body), "error": text(said), "receive_count": number(int64(m.ReceiveCount)),
		"failed_at": text(f.Time.UTC().Format(time.RFC3339Nano)), "queue": text(m.Queue),
	}
	for name, value := range map[string]string{"group": m.GroupID, "key": m.Key} {
		if value != "" {
			it[name] = text(value)
		}
	}
	if len(m.Attributes) > 0 {
		attributes := map[string]types.AttributeValue{}
		for name, a := range m.Attributes {
			if a.Binary != nil {
				attributes[name] = &types.AttributeValueMemberB{Value: a.Binary}
			} else {
				attributes[name] = text(a.String)
			}
		}
		it["attributes"] = &types.AttributeValueMemberM{Value: attributes}
	}
	if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: it}); err != nil {
		return fmt.Errorf("recording a failure in %s: %w", s.table, err)
	}
	return nil
}
