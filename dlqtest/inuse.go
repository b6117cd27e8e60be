package dlqtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// usedWithin is how far back a queue must not have been used. AWS's metrics come some
// minutes late.
const usedWithin = 15 * time.Minute

// usage are the metrics that show that a queue is being used, and how to call what they
// count. A receive that returns nothing is use, too: that consumer would get the proof's
// messages.
func usage() []struct{ metric, noun, done string } {
	return []struct{ metric, noun, done string }{
		{"NumberOfMessagesSent", "message", " sent"},
		{"NumberOfMessagesReceived", "message", " received"},
		{"NumberOfEmptyReceives", "empty receive", ""},
	}
}

// checkUnused refuses queues that somebody uses or has used just now: the proof would take
// their messages, and they the proof's. Queues of an embedded endpoint are nobody else's.
func (p *prover) checkUnused(ctx context.Context, queues ...queueFacts) error {
	if p.target.ground() == Embedded {
		return nil
	}
	for _, q := range queues {
		seen, err := p.usageOf(ctx, q)
		switch {
		case err != nil && ctx.Err() == nil && p.target.ground() == Endpoint:
			p.target.say(fmt.Sprintf("whether %s was used lately is not known: %v", q.name(), err))
			return nil // an endpoint need not have metrics
		case err != nil:
			return setupError("reading from CloudWatch whether queue %s was used lately: %w; allow cloudwatch:GetMetricData, or set Queue.Force (--force) if you know that nobody uses it", q.name(), err)
		case seen != "":
			return setupError("queue %s was used in the last %d minutes (%s): a proof and its consumers would take each other's messages; stop them and wait, or set Queue.Force (--force) if that was you", q.name(), usedWithin/time.Minute, seen)
		}
	}
	return nil
}

// usageOf says how a queue was used lately, empty if not at all. What an earlier queue of
// the same name was used for doesn't count: a name is free again 60 s after a deletion, so
// its metrics are of other minutes.
func (p *prover) usageOf(ctx context.Context, q queueFacts) (string, error) {
	now := p.clock.Now()
	from := now.Add(-usedWithin)
	if q.created.After(from) {
		from = q.created
	}
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(from.Truncate(time.Minute)),
		EndTime:   aws.Time(now.Add(time.Minute).Truncate(time.Minute)),
	}
	for i, u := range usage() {
		in.MetricDataQueries = append(in.MetricDataQueries, types.MetricDataQuery{
			Id: aws.String(fmt.Sprintf("m%d", i)),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{
					Namespace: aws.String("AWS/SQS"), MetricName: aws.String(u.metric),
					Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String(q.name())}},
				},
				Period: aws.Int32(60), Stat: aws.String("Sum"),
			},
		})
	}
	if !in.StartTime.Before(*in.EndTime) {
		return "", nil // created by a clock that is ahead: just now
	}
	out, err := p.cw.GetMetricData(ctx, in)
	if err != nil {
		return "", err
	}
	if len(out.MetricDataResults) == 0 {
		return "", errors.New("the answer has no results")
	}
	sums := map[string]float64{}
	for _, r := range out.MetricDataResults {
		for _, v := range r.Values {
			sums[aws.ToString(r.Id)] += v
		}
	}
	var seen []string
	for i, u := range usage() {
		if n := sums[fmt.Sprintf("m%d", i)]; n > 0 {
			seen = append(seen, count(int(n), u.noun)+u.done)
		}
	}
	return strings.Join(seen, ", "), nil
}
