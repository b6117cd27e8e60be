package dynamostore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
	"github.com/sqs-dlq/sqs-dlq/consumer/dynamostore"
)

func table(t *testing.T) (*awstest.Server, *dynamodb.Client, string) {
	t.Helper()
	srv := awstest.Start(t)
	srv.Clock.Pause()
	client := dynamodb.NewFromConfig(srv.DirectConfig(), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: new("keys"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: new("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: new("id"), KeyType: types.KeyTypeHash}},
	})
	require.NoError(t, err)
	return srv, client, "keys"
}

// What a store promises, for those that there are.
func TestStoresKeepTheirPromises(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) consumer.Store{
		"memory":   func(*testing.T) consumer.Store { return &consumer.MemoryStore{} },
		"DynamoDB": func(t *testing.T) consumer.Store { _, client, name := table(t); return dynamostore.New(client, name) },
	} {
		t.Run(name, func(t *testing.T) {
			store := open(t)
			now := time.UnixMilli(1_700_000_000_500)
			acquire := func(key, owner string, lease time.Duration) consumer.Claim {
				t.Helper()
				claim, err := store.Acquire(t.Context(), consumer.Lease{Key: key, Owner: owner, Until: now.Add(lease)}, now)
				require.NoError(t, err)
				claim.Until = claim.Until.UTC()
				return claim
			}
			acquired := consumer.Claim{State: consumer.Acquired}
			held := func(until time.Time) consumer.Claim { return consumer.Claim{State: consumer.Held, Until: until.UTC()} }
			done := consumer.Claim{State: consumer.Done}
			start := now

			// a lease is exclusive, and its owner's to extend
			require.Equal(t, acquired, acquire("k", "a", time.Minute))
			require.Equal(t, held(start.Add(time.Minute)), acquire("k", "b", time.Minute))
			require.Equal(t, acquired, acquire("k", "a", 2*time.Minute))
			require.Equal(t, held(start.Add(2*time.Minute)), acquire("k", "b", time.Minute))
			require.Equal(t, acquired, acquire("other", "b", time.Minute))

			// it ends at its time
			now = start.Add(2*time.Minute - time.Millisecond)
			require.Equal(t, held(start.Add(2*time.Minute)), acquire("k", "b", time.Minute))
			now = start.Add(2 * time.Minute)
			require.Equal(t, acquired, acquire("k", "b", time.Minute))
			require.Equal(t, held(now.Add(time.Minute)), acquire("k", "a", time.Minute))

			// others can't give it up
			require.NoError(t, store.Release(t.Context(), consumer.Lease{Key: "k", Owner: "a"}))
			require.Equal(t, consumer.Held, acquire("k", "c", time.Minute).State)
			require.NoError(t, store.Release(t.Context(), consumer.Lease{Key: "k", Owner: "b"}))
			require.Equal(t, acquired, acquire("k", "c", time.Minute))
			require.NoError(t, store.Release(t.Context(), consumer.Lease{Key: "unknown", Owner: "b"}))

			// what is done stays done for its time, for its owner too, and can't be given up
			require.NoError(t, store.Complete(t.Context(), consumer.Lease{Key: "k", Owner: "c"}, now.Add(time.Hour)))
			require.Equal(t, done, acquire("k", "a", time.Minute))
			require.Equal(t, done, acquire("k", "c", time.Minute))
			require.NoError(t, store.Release(t.Context(), consumer.Lease{Key: "k", Owner: "c"}))
			now = now.Add(time.Hour - time.Millisecond)
			require.Equal(t, done, acquire("k", "a", time.Minute))
			now = now.Add(time.Millisecond)
			require.Equal(t, acquired, acquire("k", "a", time.Minute))

			// who has done it may say so though another has the lease by now
			require.NoError(t, store.Complete(t.Context(), consumer.Lease{Key: "k", Owner: "z"}, now.Add(time.Hour)))
			require.Equal(t, done, acquire("k", "a", time.Minute))

			// keys of any length, and told apart
			long := strings.Repeat("k", 3000)
			require.Equal(t, acquired, acquire(long+"1", "a", time.Minute))
			require.Equal(t, acquired, acquire(long+"2", "a", time.Minute))
			require.Equal(t, consumer.Held, acquire(long+"1", "b", time.Minute).State)

			// of many who want a key one gets it
			claims := make(chan consumer.State, 20)
			for range cap(claims) {
				owner := string(rune('A' + len(claims)))
				go func() {
					claim, _ := store.Acquire(context.Background(), consumer.Lease{Key: "race", Owner: owner + time.Now().String(), Until: now.Add(time.Hour)}, now)
					claims <- claim.State
				}()
			}
			won := 0
			for range cap(claims) {
				if <-claims == consumer.Acquired {
					won++
				}
			}
			require.Equal(t, 1, won)
		})
	}
}

func TestARecordIsDroppedByDynamoDBOnlyAfterItCounts(t *testing.T) {
	_, client, name := table(t)
	until := time.UnixMilli(1_700_000_000_500)
	require.NoError(t, dynamostore.New(client, name).Complete(t.Context(), consumer.Lease{Key: "k", Owner: "a"}, until))
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &name, Key: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "k"}}})
	require.NoError(t, err)
	want := map[string]types.AttributeValue{
		"id": &types.AttributeValueMemberS{Value: "k"}, "state": &types.AttributeValueMemberS{Value: "done"},
		"until": &types.AttributeValueMemberN{Value: "1700000000500"}, "expires": &types.AttributeValueMemberN{Value: "1700000001"},
	}
	require.Equal(t, want, out.Item)
	require.Equal(t, want, dynamostore.DoneItem("k", until))
}

// The effect and the record of it, both or neither.
func TestAHandlerCanRecordTheKeyInItsOwnTransaction(t *testing.T) {
	srv, client, name := table(t)
	store := dynamostore.New(client, name)
	crash := true
	runs := 0
	fn := consumer.Lambda(func(ctx context.Context, m consumer.Message) error {
		runs++
		_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{TableName: &name, Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: "effect"}}}},
			{Put: &types.Put{TableName: &name, Item: dynamostore.DoneItem(m.Key, srv.Clock.Now().Add(time.Hour))}},
		}})
		if crash {
			return errors.New("the process dies here, after its effect")
		}
		return err
	}, consumer.Time(srv.Clock), consumer.Idempotent(consumer.Idempotency{Store: store}))
	event := events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:q"}}}
	for _, want := range []int{1, 0} {
		response, err := fn(t.Context(), event)
		require.NoError(t, err)
		require.Len(t, response.BatchItemFailures, want)
		crash = false
	}
	require.Equal(t, 1, runs)
}

func TestErrorsOfTheTableNameIt(t *testing.T) {
	_, client, _ := table(t)
	store := dynamostore.New(client, "nowhere")
	_, err := store.Acquire(t.Context(), consumer.Lease{Key: "k", Owner: "a"}, time.Now())
	require.ErrorContains(t, err, "taking the lease on a key in nowhere: ")
	require.ErrorContains(t, store.Complete(t.Context(), consumer.Lease{Key: "k"}, time.Now()), "recording a key as done in nowhere: ")
	require.ErrorContains(t, store.Release(t.Context(), consumer.Lease{Key: "k", Owner: "a"}), "giving up the lease on a key in nowhere: ")
	require.ErrorContains(t, dynamostore.NewSink(client, "nowhere").Record(t.Context(), consumer.Failure{Err: errors.New("e")}), "recording a failure in nowhere: ")
}

func TestAnItemThatIsNoRecordIsAnError(t *testing.T) {
	_, client, name := table(t)
	for _, c := range []struct {
		item map[string]types.AttributeValue
		want string
	}{
		{map[string]types.AttributeValue{"until": &types.AttributeValueMemberN{Value: "9999999999999"}}, "it has no state"},
		{map[string]types.AttributeValue{"state": &types.AttributeValueMemberS{Value: "done"}}, "it has no until"},
	} {
		c.item["id"] = &types.AttributeValueMemberS{Value: "k"}
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: c.item})
		require.NoError(t, err)
		_, err = dynamostore.New(client, name).Acquire(t.Context(), consumer.Lease{Key: "k", Owner: "a"}, time.Now())
		require.EqualError(t, err, "reading the record of a key in keys: "+c.want)
	}
}

func TestFailuresAreRecordedOnceAMessage(t *testing.T) {
	_, client, name := table(t)
	sink := dynamostore.NewSink(client, name)
	f := consumer.Failure{
		Message: consumer.Message{
			ID: "m", Body: "body", Queue: "orders", ReceiveCount: 3, GroupID: "g", Key: "o-7",
			Attributes: map[string]consumer.Attribute{"t": {DataType: "String", String: "x"}, "b": {DataType: "Binary", Binary: []byte{1}}},
		},
		Err: errors.New(strings.Repeat("ä", 3000)), Time: time.Date(2026, 11, 29, 2, 2, 3, 4e6, time.FixedZone("", 3600)),
	}
	require.NoError(t, sink.Record(t.Context(), f))
	require.NoError(t, sink.Record(t.Context(), f))
	f.Message = consumer.Message{ID: "n", Queue: "orders", ReceiveCount: 1}
	require.NoError(t, sink.Record(t.Context(), f))
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
	require.NoError(t, err)
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	want := map[string]map[string]types.AttributeValue{
		"m": {
			"id": s("m"), "body": s("body"), "error": s(strings.Repeat("ä", 2048)), "receive_count": &types.AttributeValueMemberN{Value: "3"},
			"failed_at": s("2026-11-29T01:02:03.004Z"), "queue": s("orders"), "group": s("g"), "key": s("o-7"),
			"attributes": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"t": s("x"), "b": &types.AttributeValueMemberB{Value: []byte{1}}}},
		},
		"n": {
			"id": s("n"), "body": s(""), "error": s(strings.Repeat("ä", 2048)), "receive_count": &types.AttributeValueMemberN{Value: "1"},
			"failed_at": s("2026-11-29T01:02:03.004Z"), "queue": s("orders"),
		},
	}
	got := map[string]map[string]types.AttributeValue{}
	for _, item := range out.Items {
		got[item["id"].(*types.AttributeValueMemberS).Value] = item
	}
	require.Equal(t, want, got)
}
