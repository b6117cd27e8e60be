// Package fleet sets up what a platform team has: many dead-letter queues that hold
// messages, each with three alarms, on an embedded endpoint.
package fleet

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// AlarmsPerQueue is how many alarms each queue has: not empty (metric math over visible
// and in flight), filling fast (metric math, the growth per five minutes), and about to
// expire (the age of the oldest message).
const AlarmsPerQueue = 3

// retention is that of the queues, 14 days, in seconds.
const retention = "1209600"

// SetUp creates queues with messages and alarms. Every other queue is empty, so that
// there are alarms in both states.
func SetUp(ctx context.Context, srv *awstest.Server, queues int) error {
	messages, alarms := sqs.NewFromConfig(srv.Config()), cloudwatch.NewFromConfig(srv.Config())
	for i := range queues {
		name := fmt.Sprintf("orders-%d-dlq", i)
		q, err := messages.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{"MessageRetentionPeriod": retention}})
		if err != nil {
			return fmt.Errorf("creating queue %s: %w", name, err)
		}
		if i%2 == 0 {
			if _, err := messages.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String("poison")}); err != nil {
				return fmt.Errorf("sending to queue %s: %w", name, err)
			}
		}
		for _, alarm := range alarmsOf(name) {
			if _, err := alarms.PutMetricAlarm(ctx, alarm); err != nil {
				return fmt.Errorf("creating alarm %s: %w", *alarm.AlarmName, err)
			}
		}
	}
	return nil
}

func alarmsOf(queue string) []*cloudwatch.PutMetricAlarmInput {
	dimensions := []types.Dimension{{Name: aws.String("QueueName"), Value: &queue}}
	maximum := func(id, metric string, period int32) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{
			Metric: &types.Metric{Namespace: aws.String("AWS/SQS"), MetricName: &metric, Dimensions: dimensions},
			Period: &period, Stat: aws.String("Maximum"),
		}}
	}
	result := func(expression string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: aws.String("result"), Expression: &expression}
	}
	const visible, inFlight = "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"
	return []*cloudwatch.PutMetricAlarmInput{{
		AlarmName: aws.String(queue + "-not-empty"), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("notBreaching"),
		Metrics: []types.MetricDataQuery{result("visible + inflight"), maximum("visible", visible, 60), maximum("inflight", inFlight, 60)},
	}, {
		AlarmName: aws.String(queue + "-filling-fast"), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(100),
		ComparisonOperator: types.ComparisonOperatorGreaterThanOrEqualToThreshold, TreatMissingData: aws.String("notBreaching"),
		Metrics: []types.MetricDataQuery{result("DIFF(visible + inflight)"), maximum("visible", visible, 300), maximum("inflight", inFlight, 300)},
	}, {
		AlarmName: aws.String(queue + "-expiring"), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(5 * 24 * 3600),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("notBreaching"),
		Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateAgeOfOldestMessage"), Dimensions: dimensions,
		Period: aws.Int32(60), Statistic: types.StatisticMaximum,
	}}
}
