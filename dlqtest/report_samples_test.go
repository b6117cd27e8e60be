package dlqtest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// sample is what is proven to have something to report.
type sample struct {
	fifo            bool
	maxReceiveCount int
	visibility      int // seconds
	alarm           bool
	defects         []awstest.Defect
	options         []dlqtest.Option
	interruptAt     string // the line of progress at which the proof is interrupted
}

// prove proves a pair of queues on an endpoint of its own.
func (s sample) prove(t *testing.T) dlqtest.Report {
	t.Helper()
	srv := awstest.Start(t, awstest.StartAt(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)))
	q := s.create(t, srv)
	require.NoError(t, srv.Plant(s.defects...))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	target := dlqtest.Target{Config: srv.DirectConfig(), Clock: srv.Clock, Ground: dlqtest.Embedded, Progress: func(line string) {
		if line == s.interruptAt {
			cancel()
		}
	}}
	proof, err := dlqtest.Prove(ctx, target, q, s.options...)
	require.NotNil(t, proof, "%v", err)
	r := proof.Report()
	if s.interruptAt == "" {
		require.NoError(t, err)
	} else {
		require.ErrorIs(t, err, context.Canceled)
		r.Error = err.Error()
	}
	return r
}

// create makes the queues and, if asked for, the alarm with a queue for its notifications.
func (s sample) create(t *testing.T, srv *awstest.Server) dlqtest.Queue {
	t.Helper()
	client := sqs.NewFromConfig(srv.Config())
	suffix, kind := "", map[string]string{}
	if s.fifo {
		suffix, kind = ".fifo", map[string]string{"FifoQueue": "true"}
	}
	arn := func(service, name string) string {
		return fmt.Sprintf("arn:aws:%s:%s:%s:%s", service, srv.Region, srv.Account, name)
	}
	create := func(name string, attributes, more map[string]string) string {
		all := map[string]string{}
		for _, m := range []map[string]string{attributes, more} {
			for k, v := range m {
				all[k] = v
			}
		}
		out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: all})
		require.NoError(t, err)
		return *out.QueueUrl
	}
	q := dlqtest.Queue{MaxReceiveCount: s.maxReceiveCount}
	q.DLQ = create("orders-dlq"+suffix, kind, map[string]string{"MessageRetentionPeriod": "1209600"})
	q.URL = create("orders"+suffix, kind, map[string]string{
		"VisibilityTimeout": strconv.Itoa(s.visibility), "MessageRetentionPeriod": "1209600",
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn("sqs", "orders-dlq"+suffix), s.maxReceiveCount),
	})
	if !s.alarm {
		return q
	}
	topic, err := sns.NewFromConfig(srv.Config()).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("orders-alarms")})
	require.NoError(t, err)
	q.Notifications = create("orders-ops", nil, map[string]string{"Policy": fmt.Sprintf(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn("sqs", "orders-ops"), *topic.TopicArn)})
	_, err = sns.NewFromConfig(srv.Config()).Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("sqs"), Endpoint: aws.String(arn("sqs", "orders-ops"))})
	require.NoError(t, err)
	q.Alarm, q.AlarmHoldsInFlight = "orders-dlq-not-empty", true
	depth := func(id, metric string) cwtypes.MetricDataQuery {
		return cwtypes.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &cwtypes.MetricStat{
			Stat: aws.String("Maximum"), Period: aws.Int32(60),
			Metric: &cwtypes.Metric{Namespace: aws.String("AWS/SQS"), MetricName: &metric, Dimensions: []cwtypes.Dimension{{Name: aws.String("QueueName"), Value: aws.String("orders-dlq" + suffix)}}},
		}}
	}
	_, err = cloudwatch.NewFromConfig(srv.Config()).PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: &q.Alarm, AlarmActions: []string{*topic.TopicArn}, OKActions: []string{*topic.TopicArn},
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, Threshold: aws.Float64(0), EvaluationPeriods: aws.Int32(1),
		TreatMissingData: aws.String("notBreaching"),
		Metrics: []cwtypes.MetricDataQuery{
			{Id: aws.String("held"), Expression: aws.String("visible + in_flight"), ReturnData: aws.Bool(true)},
			depth("visible", "ApproximateNumberOfMessagesVisible"), depth("in_flight", "ApproximateNumberOfMessagesNotVisible"),
		},
	})
	require.NoError(t, err)
	return q
}

// many is a plan of so many messages of each kind.
func many(n int) []dlqtest.Message {
	var plan []dlqtest.Message
	for range n {
		for _, f := range []dlqtest.Fault{dlqtest.Healthy(), dlqtest.Crash(), dlqtest.Healthy(), dlqtest.Nack(), dlqtest.Flaky(1, dlqtest.Leave)} {
			plan = append(plan, dlqtest.Message{Fault: f})
		}
	}
	return plan
}

// samples are proofs of each sort, run on the embedded endpoint.
func samples() map[string]sample {
	return map[string]sample{
		"standard":         {maxReceiveCount: 5, visibility: 30, alarm: true},
		"fifo":             {fifo: true, maxReceiveCount: 3, visibility: 30, alarm: true},
		"once":             {maxReceiveCount: 1, visibility: 30},
		"two-hundred":      {maxReceiveCount: 200, visibility: 6000},
		"early":            {maxReceiveCount: 5, visibility: 30, alarm: true, defects: []awstest.Defect{"dead-letter-early"}},
		"late":             {maxReceiveCount: 3, visibility: 30, defects: []awstest.Defect{"dead-letter-late"}},
		"lost":             {maxReceiveCount: 3, visibility: 30, alarm: true, defects: []awstest.Defect{"lost-on-move"}},
		"resurrected":      {maxReceiveCount: 3, visibility: 30, defects: []awstest.Defect{"resurrected"}},
		"visible-early":    {maxReceiveCount: 3, visibility: 30, defects: []awstest.Defect{"visible-early"}},
		"fifo-order":       {fifo: true, maxReceiveCount: 3, visibility: 30, defects: []awstest.Defect{"order-broken"}},
		"stuck-alarm":      {maxReceiveCount: 3, visibility: 30, alarm: true, defects: []awstest.Defect{"alarms never return to OK"}},
		"hundreds":         {maxReceiveCount: 3, visibility: 30, options: []dlqtest.Option{dlqtest.WithPlan(many(20))}},
		"hundreds-blamed":  {maxReceiveCount: 3, visibility: 30, options: []dlqtest.Option{dlqtest.WithPlan(many(60))}, defects: []awstest.Defect{"dead-letter-early"}},
		"interrupted":      {maxReceiveCount: 5, visibility: 30, alarm: true, interruptAt: "waiting for the alarm to fire"},
		"interrupted-soon": {maxReceiveCount: 5, visibility: 30, alarm: true, interruptAt: "waiting for the alarm to be OK"},
	}
}

const hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\x00\x1b[31m\u202e|`*_[x](javascript:alert(1)) ]]> & \"'\xff\uffff\n# head"

// handmade are reports that no proof makes.
func handmade(t *testing.T) map[string]dlqtest.Report {
	t.Helper()
	of := func(s *story) dlqtest.Report {
		h := s.History
		return (&dlqtest.Proof{History: &h, Verdicts: dlqtest.Check(&h), Took: 1500 * time.Millisecond, Passed: s.now.Sub(h.Started)}).Report()
	}
	reports := map[string]dlqtest.Report{
		"good":          of(good()),
		"nothing-known": (&dlqtest.Proof{}).Report(),
		"zero":          {},
		"nothing-sent":  of(newStory(3)),
		"stranger":      of(good().add(dlqtest.Event{Op: dlqtest.OpReceive, Queue: dlqARN, MessageID: "stranger", ReceiveCount: 1})),
		"hostile":       of(hostileStory()),
	}
	early := of(good().without(receiveNo("poison", 3)).edit(landed, func(e *dlqtest.Event) { e.ReceiveCount = 3 }))
	reports["early-by-hand"] = early
	broken := of(newStory(3).send("poison", dlqtest.Always).receive("poison", 1).add(dlqtest.Event{
		Op: dlqtest.OpVisibility, Queue: sourceARN, Key: "poison", MessageID: "id-poison", Outcome: dlqtest.Unknown, Error: "connection reset by peer"}))
	broken.Error = "changing a visibility timeout in orders: connection reset by peer"
	reports["broken-off"] = broken
	var fromJSON dlqtest.Report
	text, err := json.Marshal(early)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &fromJSON))
	reports["from-json"] = fromJSON
	stuck := of(good())
	stuck.Error = errors.New("interrupted").Error()
	reports["held-but-interrupted"] = stuck
	return reports
}

// hostileStory is a history all of whose strings mean harm.
func hostileStory() *story {
	s := newStory(2)
	s.Alarm, s.FIFO, s.Ground, s.SourceARN, s.Clock = hostile, true, dlqtest.Ground(hostile), sourceARN+hostile, hostile
	for _, op := range []dlqtest.Op{dlqtest.OpSend, dlqtest.OpReceive, dlqtest.OpVisibility, dlqtest.OpReceive, dlqtest.OpAlarm, dlqtest.OpNotification, dlqtest.OpDelete, dlqtest.Op(hostile)} {
		for _, outcome := range []dlqtest.Outcome{dlqtest.OK, dlqtest.Failed, dlqtest.Outcome(hostile)} {
			for _, queue := range []string{s.SourceARN, s.DLQARN, hostile} {
				s.phase = hostile
				s.add(dlqtest.Event{Op: op, Outcome: outcome, Queue: queue, Error: hostile, Key: hostile, MessageID: hostile, Group: hostile, Source: hostile,
					Fault: hostile, Fails: dlqtest.Always, State: hostile, From: hostile, Reason: hostile, BadMD5: hostile, ReceiveCount: -1 << 60, Duration: -time.Second, Changed: s.now})
			}
		}
	}
	s.add(dlqtest.Event{Op: dlqtest.OpReceive, Queue: dlqARN, MessageID: hostile})
	s.Events[len(s.Events)-1].Return = time.Time{} // out of order, and by two thousand years
	s.Events[3].Return = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	return s
}

// writers are all the forms of a report.
func writers() map[string]func(io.Writer, ...dlqtest.Report) error {
	one := func(write func(dlqtest.Report, io.Writer) error) func(io.Writer, ...dlqtest.Report) error {
		return func(w io.Writer, reports ...dlqtest.Report) error {
			for _, r := range reports {
				if err := write(r, w); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return map[string]func(io.Writer, ...dlqtest.Report) error{
		"txt": one(dlqtest.Report.WriteText), "json": one(dlqtest.Report.WriteJSON),
		"xml": dlqtest.WriteJUnit, "md": dlqtest.WriteMarkdown, "html": dlqtest.WriteHTML,
	}
}
