package awstest_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// bucket creates a bucket whose new objects are events in a queue and on EventBridge.
func (k *kit) bucket(name, queue string) {
	k.Helper()
	k.queue(queue, "Policy", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["s3.amazonaws.com","events.amazonaws.com"]},"Action":"sqs:SendMessage","Resource":"`+queueARN(queue)+`"}]}`)
	client := s3.NewFromConfig(k.srv.Config())
	_, err := client.CreateBucket(k.ctx, &s3.CreateBucketInput{Bucket: &name})
	require.NoError(k, err)
	_, err = client.PutBucketNotificationConfiguration(k.ctx, &s3.PutBucketNotificationConfigurationInput{
		Bucket: &name, NotificationConfiguration: &s3types.NotificationConfiguration{
			EventBridgeConfiguration: &s3types.EventBridgeConfiguration{},
			QueueConfigurations:      []s3types.QueueConfiguration{{QueueArn: aws.String(queueARN(queue)), Events: []s3types.Event{"s3:ObjectCreated:*"}}},
		},
	})
	require.NoError(k, err)
	require.Len(k, k.drain(queue), 1, "the test event")
}

// drain takes what is in the queue now.
func (k *kit) drain(queue string) []string {
	k.Helper()
	return k.bodies(k.srv.URL + "/000000000000/" + queue)
}

func (k *kit) object(client *s3.Client, bucket, key, body string) error {
	_, err := client.PutObject(k.ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	return err
}

func TestAnObjectReachesTheQueueByItselfAndByEventBridge(t *testing.T) {
	k := start(t)
	k.bucket("orders", "direct")
	k.queue("routed", "Policy", servicesMaySend("routed", ruleARN("objects")))
	events := eventbridge.NewFromConfig(k.srv.Config())
	_, err := events.PutRule(k.ctx, &eventbridge.PutRuleInput{
		Name: aws.String("objects"), EventPattern: aws.String(`{"source":["aws.s3"],"detail-type":["Object Created"],"detail":{"bucket":{"name":["orders"]},"object":{"key":[{"prefix":"in/"}]}}}`),
	})
	require.NoError(t, err)
	_, err = events.PutTargets(k.ctx, &eventbridge.PutTargetsInput{Rule: aws.String("objects"), Targets: []ebtypes.Target{{Id: aws.String("q"), Arn: aws.String(queueARN("routed"))}}})
	require.NoError(t, err)
	for _, client := range []*s3.Client{s3.NewFromConfig(k.srv.Config()), s3.NewFromConfig(k.srv.DirectConfig())} {
		require.NoError(t, k.object(client, "orders", "in/a", "x"))
		require.NoError(t, k.object(client, "orders", "out/b", "x"))
		require.Len(t, k.drain("direct"), 2)
		routed := k.drain("routed")
		require.Len(t, routed, 1)
		require.Equal(t, "Object Created", within(t, routed[0], "detail-type"))
		head, err := client.HeadObject(k.ctx, &s3.HeadObjectInput{Bucket: aws.String("orders"), Key: aws.String("in/a")})
		require.NoError(t, err)
		require.Equal(t, int64(1), *head.ContentLength)
	}
}

func TestCallsOfS3AreCountedAndCanFail(t *testing.T) {
	k := start(t)
	k.bucket("orders", "q")
	client := s3.NewFromConfig(eager(k.srv))
	remove := k.srv.Inject(awstest.Fault{Kind: awstest.Throttle, Service: "s3", Operation: "PutObject", Queue: "orders", Times: 2})
	defer remove()
	k.srv.ResetCalls()
	require.NoError(t, k.object(client, "orders", "k", "x"))
	require.Equal(t, 3, k.srv.Count("s3", "PutObject"))
	first := k.srv.Calls()[0]
	require.Equal(t, "SlowDown", first.Error)
	require.Equal(t, "xml", first.Protocol)
	require.Equal(t, "orders", first.Resource)
	require.Contains(t, string(first.Input()), `"Key":"k"`)
	require.Len(t, k.drain("q"), 1)

	k.srv.Inject(awstest.Fault{Kind: awstest.DropResponse, Service: "s3", Operation: "PutObject", Times: 1})
	require.Error(t, k.object(s3.NewFromConfig(once(k.srv)), "orders", "k", "y"))
	require.Len(t, k.drain("q"), 1, "it was put")
}

func TestBucketsSurviveARestart(t *testing.T) {
	k := keep(t)
	k.bucket("orders", "q")
	require.NoError(t, k.object(s3.NewFromConfig(k.srv.Config()), "orders", "k", "kept \x00\xff"))
	k.restart(t, time.Hour)
	client := s3.NewFromConfig(k.srv.Config())
	out, err := client.GetObject(k.ctx, &s3.GetObjectInput{Bucket: aws.String("orders"), Key: aws.String("k")})
	require.NoError(t, err)
	body, err := io.ReadAll(out.Body)
	require.NoError(t, err)
	require.Equal(t, "kept \x00\xff", string(body))
	k.drain("q")
	require.NoError(t, k.object(client, "orders", "k", "again"))
	require.Len(t, k.drain("q"), 1)
}
