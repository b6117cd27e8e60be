package cloudwatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

// BenchmarkTwoWeeks has 100 queues that hold messages report five gauges every minute for
// 14 days, with three alarms on each: visible plus in flight, visible alone, and age.
func BenchmarkTwoWeeks(b *testing.B) {
	for range b.N {
		clk := clock.New(nine)
		svc := New(clk, nil)
		for q := range 100 {
			dims := fmt.Sprintf(`"Dimensions":[{"Name":"QueueName","Value":"queue-%d"}]`, q)
			stat := func(id, name string) string {
				return fmt.Sprintf(`{"Id":%q,"ReturnData":false,"MetricStat":{"Metric":{"Namespace":"AWS/SQS","MetricName":%q,%s},"Period":60,"Stat":"Maximum"}}`, id, name, dims)
			}
			single := func(kind, name string, threshold int) string {
				return fmt.Sprintf(`{"AlarmName":"%s-%d","Namespace":"AWS/SQS","MetricName":%q,%s,"Period":60,"Statistic":"Maximum","EvaluationPeriods":1,"Threshold":%d,"ComparisonOperator":"GreaterThanThreshold"}`, kind, q, name, dims, threshold)
			}
			direct(b, svc, nine, "PutMetricAlarm", fmt.Sprintf(`{"AlarmName":"held-%d","EvaluationPeriods":1,"Threshold":0,"ComparisonOperator":"GreaterThanThreshold","TreatMissingData":"notBreaching","Metrics":[{"Id":"e","Expression":"v + n"},%s,%s]}`,
				q, stat("v", visible), stat("n", notVisible)))
			direct(b, svc, nine, "PutMetricAlarm", single("visible", visible, 0))
			direct(b, svc, nine, "PutMetricAlarm", single("age", age, 10*24*3600))
		}
		names := make([]string, 100)
		for q := range names {
			names[q] = fmt.Sprintf("queue-%d", q)
		}
		values := []fabric.Value{gauge(visible, 1), gauge(notVisible, 0), gauge("ApproximateNumberOfMessagesDelayed", 0), gauge("NumberOfEmptyReceives", 0), gauge(age, 0)}
		now := nine
		for m := range 20_160 {
			begin := now
			now = now.Add(time.Minute)
			a := float64(m) * 60
			values[4].Sum, values[4].Min, values[4].Max = a, a, a
			for _, q := range names {
				svc.PutQueue(testAccount, testRegion, q, begin, values)
			}
			svc.Tick(now)
		}
		clk.Close()
	}
}

// BenchmarkEvaluation evaluates a metric-math alarm of two metrics that is not settled.
func BenchmarkEvaluation(b *testing.B) {
	clk := clock.New(nine)
	defer clk.Close()
	svc := New(clk, nil)
	stat := func(id, name string) string {
		return fmt.Sprintf(`{"Id":%q,"ReturnData":false,"MetricStat":{"Metric":{"Namespace":"AWS/SQS","MetricName":%q,"Dimensions":[{"Name":"QueueName","Value":"dlq"}]},"Period":60,"Stat":"Maximum"}}`, id, name)
	}
	direct(b, svc, nine, "PutMetricAlarm", fmt.Sprintf(`{"AlarmName":"held","EvaluationPeriods":1,"Threshold":0,"ComparisonOperator":"GreaterThanThreshold","Metrics":[{"Id":"e","Expression":"v + n"},%s,%s]}`,
		stat("v", visible), stat("n", notVisible)))
	now := nine
	for range 10 {
		svc.PutQueue(testAccount, testRegion, "dlq", now, []fabric.Value{gauge(visible, 1), gauge(notVisible, 0)})
		now = now.Add(time.Minute)
	}
	b.ReportAllocs()
	for b.Loop() {
		svc.evaluate(svc.alarms[0], now)
	}
}
