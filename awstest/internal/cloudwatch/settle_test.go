package cloudwatch

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// direct calls operations without HTTP.
func direct(t require.TestingT, svc *Service, now time.Time, op, input string) {
	c := &wire.Call{Time: now, Operation: op, Account: testAccount, Region: testRegion}
	_, err := svc.API().Invoke(context.Background(), c, []byte(input))
	require.NoError(t, err)
}

// Leaving out evaluations must not be seen from outside: two services get the same data,
// one of them evaluates every alarm every minute, and both must tell the same history.
func TestLeavingOutEvaluationsChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clk := clock.New(nine)
		defer clk.Close()
		clk.Pause()
		lazy, eager := New(clk, nil), New(clk, nil)
		var alarms []string
		for i := range rapid.IntRange(1, 4).Draw(t, "alarms") {
			alarms = append(alarms, drawAlarm(t, fmt.Sprintf("alarm-%d", i)))
		}
		for _, a := range alarms {
			direct(t, lazy, nine, "PutMetricAlarm", a)
			direct(t, eager, nine, "PutMetricAlarm", a)
		}
		now, v, grown, skipped := nine, 0.0, 0.0, 0
		for range rapid.IntRange(1, 6).Draw(t, "phases") {
			kind := rapid.SampledFrom([]string{"flat", "flat", "growing", "silent", "one silent", "restless"}).Draw(t, "kind")
			v = float64(rapid.IntRange(0, 3).Draw(t, "value"))
			step := float64(rapid.SampledFrom([]int{60, 1, -7}).Draw(t, "step"))
			for range rapid.IntRange(1, 25).Draw(t, "minutes") {
				begin := now
				now = now.Add(time.Minute)
				if kind == "restless" {
					v = float64(rapid.IntRange(0, 3).Draw(t, "restless"))
				}
				grown += step
				if kind != "growing" {
					grown = v
				}
				values := []fabric.Value{gauge(visible, v), gauge(notVisible, 1), gauge(age, grown)}
				switch kind {
				case "silent":
					values = nil
				case "one silent":
					values = values[1:]
				}
				for _, svc := range []*Service{lazy, eager} {
					if values != nil {
						svc.PutQueue(testAccount, testRegion, "dlq", begin, values)
					}
				}
				for _, a := range eager.alarms {
					a.settled = settled{}
				}
				for _, a := range lazy.alarms {
					if a.isSettled(minuteOf(now)) {
						skipped++
					}
				}
				lazy.Tick(now)
				eager.Tick(now)
			}
			if rapid.IntRange(0, 5).Draw(t, "late data") == 0 {
				// a correction of the past, in the queue's own metric
				back := minuteOf(now) - rapid.Int64Range(1, 6).Draw(t, "back")
				for _, svc := range []*Service{lazy, eager} {
					for _, f := range svc.queues {
						f.slots[0].series.minutes.put(back, one(9))
					}
				}
			}
		}
		require.Equal(t, eager.places[place{testAccount, testRegion}].history, lazy.places[place{testAccount, testRegion}].history)
		t.Logf("left out %d evaluations", skipped)
	})
}

func drawAlarm(t *rapid.T, name string) string {
	n := rapid.IntRange(1, 4).Draw(t, "periods")
	m := rapid.IntRange(1, n).Draw(t, "to alarm")
	treat := rapid.SampledFrom([]string{treatMissing, treatIgnore, treatBreaching, treatNotBreaching}).Draw(t, "treat")
	op := rapid.SampledFrom(thresholdOperators).Draw(t, "operator")
	period := rapid.SampledFrom([]int{60, 120, 300}).Draw(t, "period")
	common := fmt.Sprintf(`"AlarmName":%q,"EvaluationPeriods":%d,"DatapointsToAlarm":%d,"TreatMissingData":%q,"ComparisonOperator":%q`, name, n, m, treat, op)
	stat := func(metric, statistic string) string {
		return fmt.Sprintf(`"MetricStat":{"Metric":{"Namespace":"AWS/SQS","MetricName":%q,"Dimensions":[{"Name":"QueueName","Value":"dlq"}]},"Period":%d,"Stat":%q}`, metric, period, statistic)
	}
	if rapid.Bool().Draw(t, "math") {
		e := rapid.SampledFrom([]string{"v + n", "MAX([v, n]) - 1", "RATE(v) * 60", "FILL(v, 0) + n", "IF(v > 1, n, 0)", "DIFF(a)", "MINUTE(v)", "SUM(METRICS())", "FILL(v, REPEAT)", "a + n", "IF(a > 300, 1, 0)", "ABS(a - 600) / 60"}).Draw(t, "expression")
		return fmt.Sprintf(`{%s,"Threshold":%d,"Metrics":[{"Id":"e","Expression":%q},{"Id":"v",%s,"ReturnData":false},{"Id":"n",%s,"ReturnData":false},{"Id":"a",%s,"ReturnData":false}]}`,
			common, rapid.IntRange(0, 3).Draw(t, "threshold"), e, stat(visible, "Maximum"), stat(notVisible, "Maximum"), stat(age, "Maximum"))
	}
	metric := rapid.SampledFrom([]string{visible, age, age}).Draw(t, "metric")
	threshold := rapid.IntRange(0, 3).Draw(t, "threshold")
	if metric == age {
		threshold = rapid.IntRange(-50, 1500).Draw(t, "age")
	}
	statistic := rapid.SampledFrom(plainStatistics).Draw(t, "statistic")
	return fmt.Sprintf(`{%s,"Threshold":%d,"Namespace":"AWS/SQS","MetricName":%q,"Dimensions":[{"Name":"QueueName","Value":"dlq"}],"Period":%d,"Statistic":%q}`,
		common, threshold, metric, period, statistic)
}

func TestAnAlarmOnAgeGoesOffInTheVeryMinute(t *testing.T) {
	r := newRig(t)
	in := visibleAlarm("old")
	name, threshold := age, 3*24*3600.0
	in.MetricName, in.Threshold = &name, &threshold
	r.put(in)
	for i := range 3*24*60 + 1 { // up to and including an age of exactly three days
		r.minute(gauge(age, float64(i)*60))
		if a := r.svc.alarms[0]; a.state == stateAlarm {
			t.Fatalf("in ALARM at an age of %d minutes", i)
		}
	}
	require.Equal(t, stateOK, r.state("old"))
	r.minute(gauge(age, threshold+60))
	require.Equal(t, stateAlarm, r.state("old"))
}

func TestAnAlarmOnTheTimeGoesOffThoughItsMetricStandsStill(t *testing.T) {
	r := newRig(t)
	in := notEmptyAlarm("half-past")
	expression := "IF(MINUTE(visible) == 30, 1, 0)"
	in.Metrics[0].Expression = &expression
	r.put(in)
	for range 30 {
		r.minute(gauge(visible, 0), gauge(notVisible, 0))
	}
	require.Equal(t, stateOK, r.state("half-past"))
	r.minute(gauge(visible, 0), gauge(notVisible, 0))
	require.Equal(t, stateAlarm, r.state("half-past"))
	r.minute(gauge(visible, 0), gauge(notVisible, 0))
	require.Equal(t, stateOK, r.state("half-past"))
}

func TestAnAlarmOfSeveralDaysIsEvaluatedByTheHour(t *testing.T) {
	r := newRig(t)
	in := visibleAlarm("days")
	period, periods := int32(24*3600), int32(2)
	in.Period, in.EvaluationPeriods = &period, &periods
	r.put(in)
	for range 59 {
		r.minute(gauge(visible, 0))
	}
	require.Equal(t, stateInsufficient, r.state("days"))
	r.minute(gauge(visible, 0))
	require.Equal(t, stateOK, r.state("days"))
}

func TestAnExpressionMayBendAStraightLine(t *testing.T) {
	r := newRig(t)
	in := notEmptyAlarm("away-from-ten-minutes")
	expression, threshold, metric := "ABS(inflight - 600) / 60", 3.5, age
	in.Metrics[0].Expression, in.Threshold, in.Metrics[2].MetricStat.Metric.MetricName = &expression, &threshold, &metric
	r.put(in)
	var states string
	for i := range 20 {
		r.minute(gauge(visible, 0), gauge(age, float64(i)*60))
		states += r.state("away-from-ten-minutes")[:1]
	}
	require.Equal(t, "AAAAAAAOOOOOOOAAAAAA", states)
}
