// Package dynamostore keeps idempotency keys and permanent failures of package consumer
// in DynamoDB tables:
//
//	client := dynamodb.NewFromConfig(cfg)
//	consumer.Lambda(handle,
//		consumer.Idempotent(consumer.Idempotency{Store: dynamostore.New(client, "orders-keys")}),
//		consumer.Quarantine(dynamostore.NewSink(client, "orders-failures")))
//
// Both tables have the partition key "id", a string, and no sort key. Switch time to live
// on for the attribute "expires", so that DynamoDB drops what has expired. Consumers need
// dynamodb:PutItem and dynamodb:DeleteItem on the table of keys, dynamodb:PutItem on that
// of failures. Consumers that must not share keys need tables of their own, or names of
// their own in their keys.
package dynamostore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// Client is what Store needs of a DynamoDB client.
type Client interface {
	Putter
	DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// Putter is what Sink needs of a DynamoDB client.
type Putter interface {
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Store keeps idempotency keys in a table, one item a key:
//
//	id       the key, or "sha256:" and its digest if it is longer than 1024 bytes
//	state    "leased" or "done"
//	owner    who holds the lease
//	until    when the lease or the record ends, in milliseconds since 1970
//	expires  when DynamoDB may drop the item, in seconds since 1970
//
// DynamoDB drops expired items within days, so "until" decides, not their absence.
type Store struct {
	client Client
	table  string
}

var _ consumer.Store = (*Store)(nil)

// New returns the store in that table.
func New(client Client, table string) *Store { return &Store{client: client, table: table} }

// free is when a lease may be taken: nobody has the key, or not any longer, or it is the
// owner's own lease.
const free = "attribute_not_exists(#id) OR #until <= :now OR (#state = :leased AND #owner = :owner)"

// Acquire takes the lease by a conditional write.
func (s *Store) Acquire(ctx context.Context, l consumer.Lease, now time.Time) (consumer.Claim, error) {
	_, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:           &s.table,
		Item:                item(l.Key, "leased", l.Owner, l.Until),
		ConditionExpression: aws.String(free),
		ExpressionAttributeNames: map[string]string{
			"#id": "id", "#until": "until", "#state": "state", "#owner": "owner",
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":now": number(now.UnixMilli()), ":leased": text("leased"), ":owner": text(l.Owner),
		},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if err == nil {
		return consumer.Claim{State: consumer.Acquired}, nil
	}
	var refused *types.ConditionalCheckFailedException
	if !errors.As(err, &refused) {
		return consumer.Claim{}, fmt.Errorf("taking the lease on a key in %s: %w", s.table, err)
	}
	state, until, err := read(refused.Item)
	if err != nil {
		return consumer.Claim{}, fmt.Errorf("reading the record of a key in %s: %w", s.table, err)
	}
	if state == "done" {
		return consumer.Claim{State: consumer.Done}, nil
	}
	return consumer.Claim{State: consumer.Held, Until: until}, nil
}

// Complete records the key as done.
func (s *Store) Complete(ctx context.Context, l consumer.Lease, until time.Time) error {
	if _, err := s.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &s.table, Item: DoneItem(l.Key, until)}); err != nil {
		return fmt.Errorf("recording a key as done in %s: %w", s.table, err)
	}
	return nil
}

// DoneItem is the item that says that a key is done until the given time. A handler whose
// effect is a write to DynamoDB as well puts it into the same transaction
// (TransactWriteItems), with the key of consumer.Message.Key: then the effect and its
// record happen both or neither.
func DoneItem(key string, until time.Time) map[string]types.AttributeValue {
	return item(key, "done", "", until)
}

// Release deletes the lease if the owner holds it.
func (s *Store) Release(ctx context.Context, l consumer.Lease) error {
	_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                &s.table,
		Key:                      map[string]types.AttributeValue{"id": text(id(l.Key))},
		ConditionExpression:      aws.String("#state = :leased AND #owner = :owner"),
		ExpressionAttributeNames: map[string]string{"#state": "state", "#owner": "owner"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":leased": text("leased"), ":owner": text(l.Owner),
		},
	})
	var refused *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("giving up the lease on a key in %s: %w", s.table, err)
	}
	return nil
}

func item(key, state, owner string, until time.Time) map[string]types.AttributeValue {
	it := map[string]types.AttributeValue{
		"id": text(id(key)), "state": text(state), "until": number(until.UnixMilli()),
		// rounded up: it must not be dropped while it counts
		"expires": number(until.Unix() + 1),
	}
	if owner != "" {
		it["owner"] = text(owner)
	}
	return it
}

// id is the key as a partition key, of which DynamoDB takes 2048 bytes.
func id(key string) string {
	if len(key) <= 1024 {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func read(it map[string]types.AttributeValue) (state string, until time.Time, err error) {
	s, ok := it["state"].(*types.AttributeValueMemberS)
	if !ok {
		return "", time.Time{}, errors.New("it has no state")
	}
	n, ok := it["until"].(*types.AttributeValueMemberN)
	if !ok {
		return "", time.Time{}, errors.New("it has no until")
	}
	ms, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("its until: %w", err)
	}
	return s.Value, time.UnixMilli(ms), nil
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}
