package dlq

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const (
	metricsPerCall = 500 // GetMetricData takes no more
	// ageWindow is how far back a data point may lie. SQS publishes each minute, for a
	// queue that was idle for hours after up to 15 minutes.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html
	ageWindow = 15 * time.Minute
)

// ages reads the age of the oldest message of each queue that holds any, the DLQs and
// their sources.
func (s *scan) ages(ctx context.Context) error {
	if s.Metrics == nil {
		return nil
	}
	type wanted struct {
		queue string
		age   **int64
	}
	var want []wanted
	for _, d := range s.dlqs {
		if d.Messages != nil && d.Messages.Total() > 0 {
			want = append(want, wanted{d.Name, &d.OldestAgeSeconds})
		}
		for i, src := range d.Sources {
			if src.Messages != nil && src.Messages.Total() > 0 {
				want = append(want, wanted{src.Name, &d.Sources[i].OldestAgeSeconds})
			}
		}
	}
	calls := (len(want) + metricsPerCall - 1) / metricsPerCall
	s.more(calls)
	return s.pace.each(ctx, calls, func(ctx context.Context, i int) error {
		part := want[i*metricsPerCall : min(len(want), (i+1)*metricsPerCall)]
		names := make([]string, len(part))
		for i, w := range part {
			names[i] = w.queue
		}
		ages, err := s.oldest(ctx, names)
		if err != nil && (ctx.Err() != nil || isThrottled(err)) {
			return err
		}
		if err != nil {
			for _, w := range part {
				s.missed(problem{UnknownAges, w.queue, err})
			}
			return nil
		}
		for i, w := range part {
			*w.age = ages[i]
		}
		return nil
	})
}

// oldest returns the ages of the queues' oldest messages in seconds, nil for what
// CloudWatch has no data of.
func (s *scan) oldest(ctx context.Context, queues []string) ([]*int64, error) {
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(s.began.Add(-ageWindow)), EndTime: aws.Time(s.began.Add(time.Minute)),
		ScanBy: types.ScanByTimestampDescending,
	}
	byID := map[string]int{}
	for i := range queues {
		id := fmt.Sprintf("q%d", i)
		byID[id] = i
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{
			Metric: &types.Metric{
				Namespace: aws.String("AWS/SQS"), MetricName: aws.String("ApproximateAgeOfOldestMessage"),
				Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: &queues[i]}},
			},
			Period: aws.Int32(60), Stat: aws.String("Maximum"),
		}})
	}
	ages := make([]*int64, len(queues))
	for {
		out, err := s.Metrics.GetMetricData(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, r := range out.MetricDataResults {
			i, known := byID[aws.ToString(r.Id)]
			if known && len(r.Values) > 0 && ages[i] == nil { // the newest comes first
				ages[i] = aws.Int64(int64(r.Values[0]))
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return ages, nil
		}
		in.NextToken = out.NextToken
	}
}
