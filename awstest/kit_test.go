package awstest_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// kit is an endpoint with the SDK's clients on it.
type kit struct {
	*testing.T
	ctx context.Context
	srv *awstest.Server
	sqs *sqs.Client
	sns *sns.Client
	cw  *cloudwatch.Client
}

func start(t *testing.T, opts ...awstest.Option) *kit {
	t.Helper()
	return on(t, awstest.Start(t, opts...))
}

func on(t *testing.T, srv *awstest.Server) *kit {
	cfg := srv.Config()
	return &kit{
		T: t, ctx: t.Context(), srv: srv,
		sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg), cw: cloudwatch.NewFromConfig(cfg),
	}
}

// once is the configuration of clients that don't repeat calls.
func once(srv *awstest.Server) aws.Config {
	cfg := srv.Config()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return cfg
}

// eager is the configuration of clients that repeat calls as the SDK's do, without
// waiting in between.
func eager(srv *awstest.Server) aws.Config {
	cfg := srv.Config()
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		})
	}
	return cfg
}

// queue creates a queue, with attributes in pairs of names and values, and returns its URL.
func (k *kit) queue(name string, attributes ...string) string {
	k.Helper()
	out, err := k.sqs.CreateQueue(k.ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: pairs(attributes)})
	require.NoError(k, err)
	return *out.QueueUrl
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

// sourceAndDLQ creates a queue whose messages are dead-lettered after n receives.
func (k *kit) sourceAndDLQ(name string, n string, attributes ...string) (source, dlq string) {
	k.Helper()
	dlq = k.queue(name + "-dlq")
	return k.queue(name, append(attributes, "RedrivePolicy", `{"deadLetterTargetArn":"`+queueARN(name+"-dlq")+`","maxReceiveCount":`+n+`}`)...), dlq
}

func queueARN(name string) string { return "arn:aws:sqs:us-east-1:000000000000:" + name }

func topicARN(name string) string { return "arn:aws:sns:us-east-1:000000000000:" + name }

func (k *kit) send(url, body string) string {
	k.Helper()
	out, err := k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	require.NoError(k, err)
	return *out.MessageId
}

// receive takes up to ten messages.
func (k *kit) receive(url string) []types.Message {
	k.Helper()
	out, err := k.sqs.ReceiveMessage(k.ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	require.NoError(k, err)
	return out.Messages
}

func (k *kit) bodies(url string) []string {
	k.Helper()
	var all []string
	for _, m := range k.receive(url) {
		all = append(all, *m.Body)
	}
	return all
}

// attribute is an attribute of the queue.
func (k *kit) attribute(url, name string) string {
	k.Helper()
	out, err := k.sqs.GetQueueAttributes(k.ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeName(name)},
	})
	require.NoError(k, err)
	return out.Attributes[name]
}

// alarmOn puts an alarm that is in ALARM while messages are visible in the queue.
func (k *kit) alarmOn(name, queue string, actions ...string) {
	k.Helper()
	_, err := k.cw.PutMetricAlarm(k.ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateNumberOfMessagesVisible"),
		Dimensions: []cwtypes.Dimension{{Name: aws.String("QueueName"), Value: &queue}}, Statistic: cwtypes.StatisticMaximum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0),
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("notBreaching"),
		AlarmActions: actions,
	})
	require.NoError(k, err)
}

func (k *kit) alarmState(name string) cwtypes.StateValue {
	k.Helper()
	out, err := k.cw.DescribeAlarms(k.ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm, cwtypes.AlarmTypeCompositeAlarm}})
	require.NoError(k, err)
	for _, a := range out.MetricAlarms {
		return a.StateValue
	}
	for _, a := range out.CompositeAlarms {
		return a.StateValue
	}
	require.Fail(k, "no alarm "+name)
	return ""
}

// topic creates a topic with a queue subscribed to it.
func (k *kit) topic(name, queue string, topicAttributes map[string]string, attributes ...string) {
	k.Helper()
	_, err := k.sns.CreateTopic(k.ctx, &sns.CreateTopicInput{Name: &name, Attributes: topicAttributes})
	require.NoError(k, err)
	_, err = k.sns.Subscribe(k.ctx, &sns.SubscribeInput{
		TopicArn: aws.String(topicARN(name)), Protocol: aws.String("sqs"), Endpoint: aws.String(queueARN(queue)), Attributes: pairs(attributes),
	})
	require.NoError(k, err)
}

// snsMaySend is a policy by which topics may send to the queue.
func snsMaySend(queue string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + queueARN(queue) + `"}]}`
}

// within reads a member of a JSON object that is a string.
func within(t *testing.T, doc, member string) string {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(doc), &m))
	s, ok := m[member].(string)
	require.True(t, ok, "%s in %s", member, doc)
	return s
}
