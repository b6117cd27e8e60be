package test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// sdkClients are the clients of a target, for tests that deploy without Terraform.
type sdkClients struct {
	target     dlqtest.Target
	sqs        *sqs.Client
	cloudwatch *cloudwatch.Client
	sns        *sns.Client
}

func clientsOf(t dlqtest.Target) *sdkClients {
	return &sdkClients{
		target: t, sqs: sqs.NewFromConfig(t.Config), cloudwatch: cloudwatch.NewFromConfig(t.Config), sns: sns.NewFromConfig(t.Config),
	}
}

// createPair makes what examples/minimal deploys: a queue, its DLQ, the alarm on it, and a
// queue that gets the alarm's notifications.
func (c *sdkClients) createPair(t *testing.T, name string, fifo bool, maxReceiveCount int) pair {
	t.Helper()
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":us-east-1:000000000000:" + resource
	}
	suffix, kind := "", map[string]string{}
	if fifo {
		suffix, kind = ".fifo", map[string]string{"FifoQueue": "true"}
	}
	create := func(name string, attributes map[string]string) string {
		out, err := c.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		require.NoError(t, err)
		return *out.QueueUrl
	}
	topic, err := c.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String(name + "-alarms")})
	require.NoError(t, err)
	p := pair{QueueARN: arn("sqs", name+suffix), DLQARN: arn("sqs", name+"-dlq"+suffix), AlarmName: name + "-dlq-not-empty"}
	p.DLQURL = create(name+"-dlq"+suffix, with(kind, map[string]string{
		"MessageRetentionPeriod": "1209600",
		"RedriveAllowPolicy":     fmt.Sprintf(`{"redrivePermission":"byQueue","sourceQueueArns":[%q]}`, p.QueueARN),
	}))
	create(name+"-decoy"+suffix, kind) // where a misled redrive could go
	p.QueueURL = create(name+suffix, with(kind, map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, p.DLQARN, maxReceiveCount),
	}))
	p.Notification = create(name+"-ops", map[string]string{
		"Policy": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn("sqs", name+"-ops"), *topic.TopicArn),
	})
	_, err = c.sns.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(arn("sqs", name+"-ops"))})
	require.NoError(t, err)
	depth := func(id, metric string) cwtypes.MetricDataQuery {
		return cwtypes.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &cwtypes.MetricStat{
			Stat: aws.String("Maximum"), Period: aws.Int32(60),
			Metric: &cwtypes.Metric{Namespace: aws.String("AWS/SQS"), MetricName: &metric, Dimensions: []cwtypes.Dimension{{Name: aws.String("QueueName"), Value: aws.String(name + "-dlq" + suffix)}}},
		}}
	}
	_, err = c.cloudwatch.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: &p.AlarmName, AlarmActions: []string{*topic.TopicArn}, OKActions: []string{*topic.TopicArn},
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, Threshold: aws.Float64(0), EvaluationPeriods: aws.Int32(1),
		TreatMissingData: aws.String("notBreaching"),
		Metrics: []cwtypes.MetricDataQuery{
			{Id: aws.String("held"), Expression: aws.String("visible + in_flight"), Label: aws.String("messages"), ReturnData: aws.Bool(true)},
			depth("visible", "ApproximateNumberOfMessagesVisible"), depth("in_flight", "ApproximateNumberOfMessagesNotVisible"),
		},
	})
	require.NoError(t, err)
	return p
}
