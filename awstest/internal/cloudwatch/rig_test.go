package cloudwatch

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

const (
	testAccount = wire.DefaultAccount
	testRegion  = wire.DefaultRegion
	testTopic   = "arn:aws:sns:us-east-1:000000000000:ops"
	alarmPrefix = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:"
)

// nine is when the tests begin.
var nine = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// published is a notification that the test's topics took.
type published struct {
	from                    fabric.Principal
	topic, subject, message string
	at                      time.Time
}

// topics records what is published.
type topics struct {
	clk *clock.Clock

	mu     sync.Mutex
	got    []published
	refuse error
	during func()
}

func (t *topics) Publish(from fabric.Principal, topicARN, subject, message string) error {
	t.mu.Lock()
	refuse, during := t.refuse, t.during
	if refuse == nil {
		t.got = append(t.got, published{from, topicARN, subject, message, t.clk.Now()})
	}
	t.mu.Unlock()
	if during != nil {
		during()
	}
	return refuse
}

func (t *topics) subjects() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []string{}
	for _, p := range t.got {
		out = append(out, p.subject)
	}
	return out
}

// rig is a CloudWatch on an HTTP server with a clock that stands still.
type rig struct {
	t      testing.TB
	clk    *clock.Clock
	topics *topics
	svc    *Service
	url    string
	sdk    *cw.Client
}

func newRig(t testing.TB) *rig {
	t.Helper()
	clk := clock.New(nine.Add(-time.Hour))
	clk.Pause()
	clk.AdvanceTo(nine) // on the dot
	t.Cleanup(clk.Close)
	r := &rig{t: t, clk: clk, topics: &topics{clk: clk}}
	r.svc = New(clk, r.topics)
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, r.svc.API()))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	r.sdk = r.client(testRegion)
	return r
}

func (r *rig) client(region string) *cw.Client {
	return cw.New(cw.Options{
		BaseEndpoint: &r.url, Region: region,
		Credentials:      credentials.NewStaticCredentialsProvider("test", "test", ""),
		RetryMaxAttempts: 1, HTTPClient: sdkhttp.Client(),
	})
}

// gauge is a metric of which one sample was taken.
func gauge(name string, v float64) fabric.Value {
	unit := "Count"
	if strings.Contains(name, "Age") {
		unit = "Seconds"
	}
	return fabric.Value{Metric: name, Unit: unit, Sum: v, Min: v, Max: v, Count: 1}
}

const (
	visible    = "ApproximateNumberOfMessagesVisible"
	notVisible = "ApproximateNumberOfMessagesNotVisible"
	age        = "ApproximateAgeOfOldestMessage"
)

// minute lets a minute pass in which SQS measures the values of the queue "dlq".
func (r *rig) minute(values ...fabric.Value) {
	r.clk.Advance(time.Minute)
	now := r.clk.Now()
	if len(values) > 0 {
		r.svc.PutQueue(testAccount, testRegion, "dlq", now.Add(-time.Minute), values)
	}
	r.svc.Tick(now)
}

// series lets a minute pass for each letter: a digit is what is visible, '-' is nothing.
func (r *rig) series(minutes string) {
	for _, c := range minutes {
		if c == '-' {
			r.minute()
		} else {
			r.minute(gauge(visible, float64(c-'0')))
		}
	}
}

func (r *rig) state(name string) string {
	r.t.Helper()
	return string(r.describe(name).StateValue)
}

func (r *rig) describe(name string) types.MetricAlarm {
	r.t.Helper()
	out, err := r.sdk.DescribeAlarms(r.t.Context(), &cw.DescribeAlarmsInput{AlarmNames: []string{name}})
	require.NoError(r.t, err)
	require.Len(r.t, out.MetricAlarms, 1)
	return out.MetricAlarms[0]
}

// visibleAlarm is an alarm on the messages visible in the queue "dlq", 1 of 1 minutes.
func visibleAlarm(name string) *cw.PutMetricAlarmInput {
	return &cw.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("AWS/SQS"), MetricName: aws.String(visible),
		Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String("dlq")}},
		Statistic:  types.StatisticMaximum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(0),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		AlarmActions:       []string{testTopic}, OKActions: []string{testTopic},
	}
}

func sqsStat(id, metric string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{
		Metric: &types.Metric{
			Namespace: aws.String("AWS/SQS"), MetricName: &metric,
			Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String("dlq")}},
		},
		Period: aws.Int32(60), Stat: aws.String("Maximum"),
	}}
}

// notEmptyAlarm is the alarm of the dlq-alarms module: visible plus in flight.
func notEmptyAlarm(name string) *cw.PutMetricAlarmInput {
	return &cw.PutMetricAlarmInput{
		AlarmName: &name, EvaluationPeriods: aws.Int32(1), DatapointsToAlarm: aws.Int32(1), Threshold: aws.Float64(0),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("notBreaching"),
		Metrics: []types.MetricDataQuery{
			{Id: aws.String("held"), Expression: aws.String("visible + inflight"), Label: aws.String("Messages held"), ReturnData: aws.Bool(true)},
			sqsStat("visible", visible), sqsStat("inflight", notVisible),
		},
		AlarmActions: []string{testTopic}, OKActions: []string{testTopic},
	}
}

func (r *rig) put(in *cw.PutMetricAlarmInput) {
	r.t.Helper()
	_, err := r.sdk.PutMetricAlarm(r.t.Context(), in)
	require.NoError(r.t, err)
}

// history lists the summaries of an alarm's history, oldest first.
func (r *rig) history(name string) []string {
	r.t.Helper()
	out := []string{}
	for _, i := range r.items(name) {
		out = append(out, *i.HistorySummary)
	}
	return out
}

func (r *rig) items(name string) []types.AlarmHistoryItem {
	r.t.Helper()
	out, err := r.sdk.DescribeAlarmHistory(r.t.Context(), &cw.DescribeAlarmHistoryInput{
		AlarmName: &name, AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
		ScanBy: types.ScanByTimestampAscending,
	})
	require.NoError(r.t, err)
	return out.AlarmHistoryItems
}

// code is the error's code.
func code(err error) string {
	var e interface{ ErrorCode() string }
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}
