package awstest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// A function that crashes at any instant, in front of a table with conditional writes: each
// message is worked on once where that is recorded, and ends recorded or dead-lettered.
func TestCrashesLoseNothing(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			k := paused(t)
			url, dlq := k.sourceAndDLQ("jobs", "4")
			db := dynamodb.NewFromConfig(k.srv.DirectConfig())
			_, err := db.CreateTable(k.ctx, &dynamodb.CreateTableInput{
				TableName: aws.String("done"), BillingMode: types.BillingModePayPerRequest,
				AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
				KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
			})
			require.NoError(t, err)
			var mu sync.Mutex
			random := rand.New(rand.NewPCG(seed, 1))
			// one in three instants is the last of an invocation
			crash := func() {
				mu.Lock()
				defer mu.Unlock()
				if random.IntN(3) == 0 {
					panic("crash")
				}
			}
			k.consume("jobs", func(ctx context.Context, e events.SQSEvent) (string, error) {
				for _, r := range e.Records {
					crash()
					if err := awstest.Work(ctx, time.Second/10); err != nil {
						return "", err
					}
					_, err := db.PutItem(ctx, &dynamodb.PutItemInput{
						TableName: aws.String("done"), ConditionExpression: aws.String("attribute_not_exists(id)"),
						Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: r.Body}, "count": &types.AttributeValueMemberN{Value: "1"}},
					})
					var before *types.ConditionalCheckFailedException
					if err != nil && !errors.As(err, &before) {
						return "", err
					}
					crash()
				}
				return "", nil
			}, batchesOf(1))
			sent := numbered(12)
			k.sendAll(url, sent...)
			k.srv.Clock.Advance(10 * time.Minute)
			k.requireEmpty(url)
			ends := map[string]bool{}
			for _, body := range append(k.bodies(dlq), k.bodies(dlq)...) {
				ends[body] = true
			}
			done, err := db.Scan(k.ctx, &dynamodb.ScanInput{TableName: aws.String("done")})
			require.NoError(t, err)
			for _, it := range done.Items {
				ends[it["id"].(*types.AttributeValueMemberS).Value] = true
			}
			require.Len(t, ends, len(sent))
		})
	}
}
