package cloudwatch

import (
	"math"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

func (r *rig) data(d ...types.MetricDatum) error {
	_, err := r.sdk.PutMetricData(r.t.Context(), &cw.PutMetricDataInput{Namespace: aws.String("app"), MetricData: d})
	return err
}

func datum(name string, at time.Time, values ...float64) types.MetricDatum {
	return types.MetricDatum{MetricName: &name, Timestamp: &at, Values: values}
}

func (r *rig) statistics(in cw.GetMetricStatisticsInput) []types.Datapoint {
	r.t.Helper()
	in.Namespace = aws.String("app")
	if in.StartTime == nil {
		in.StartTime, in.EndTime = aws.Time(nine.Add(-time.Hour)), aws.Time(nine.Add(time.Hour))
	}
	out, err := r.sdk.GetMetricStatistics(r.t.Context(), &in)
	require.NoError(r.t, err)
	return out.Datapoints
}

func TestStatisticsOfAPeriod(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.data(
		datum("latency", nine, 5, 1), datum("latency", nine.Add(30*time.Second), 9), datum("latency", nine.Add(2*time.Minute), 2),
		types.MetricDatum{MetricName: aws.String("latency"), Timestamp: aws.Time(nine.Add(3 * time.Minute)), Values: []float64{4, 8}, Counts: []float64{3, 1}},
	))
	all := []types.Statistic{types.StatisticSampleCount, types.StatisticAverage, types.StatisticSum, types.StatisticMinimum, types.StatisticMaximum}
	d := r.statistics(cw.GetMetricStatisticsInput{MetricName: aws.String("latency"), Period: aws.Int32(60), Statistics: all})
	require.Len(t, d, 3, "one minute has no data")
	require.Equal(t, nine, d[0].Timestamp.UTC())
	require.Equal(t, []float64{3, 5, 15, 1, 9}, []float64{*d[0].SampleCount, *d[0].Average, *d[0].Sum, *d[0].Minimum, *d[0].Maximum})
	require.Equal(t, []float64{4, 5, 20, 4, 8}, []float64{*d[2].SampleCount, *d[2].Average, *d[2].Sum, *d[2].Minimum, *d[2].Maximum})
	require.Equal(t, types.StandardUnitNone, d[0].Unit)

	d = r.statistics(cw.GetMetricStatisticsInput{MetricName: aws.String("latency"), Period: aws.Int32(300), Statistics: all[:1], ExtendedStatistics: []string{"p50", "p99", "p0"}})
	require.Len(t, d, 1)
	require.Equal(t, 8.0, *d[0].SampleCount)
	require.Nil(t, d[0].Average, "not asked for")
	// 1 2 4 4 4 5 8 9
	require.Equal(t, map[string]float64{"p50": 4, "p99": 9, "p0": 1}, d[0].ExtendedStatistics)
}

func TestPercentilesOfStatisticSetsAreKnownOnlyIfAllSamplesAreEqual(t *testing.T) {
	r := newRig(t)
	set := func(name string, low, high float64) types.MetricDatum {
		return types.MetricDatum{MetricName: &name, Timestamp: &nine, StatisticValues: &types.StatisticSet{
			SampleCount: aws.Float64(2), Sum: aws.Float64(low + high), Minimum: &low, Maximum: &high,
		}}
	}
	require.NoError(t, r.data(set("equal", 3, 3), set("spread", 1, 3)))
	get := func(name string) []types.Datapoint {
		return r.statistics(cw.GetMetricStatisticsInput{MetricName: &name, Period: aws.Int32(60), ExtendedStatistics: []string{"p90"}})
	}
	require.Equal(t, map[string]float64{"p90": 3}, get("equal")[0].ExtendedStatistics)
	require.Empty(t, get("spread")[0].ExtendedStatistics)
}

func TestUnitsAreKeptApart(t *testing.T) {
	r := newRig(t)
	for unit, v := range map[types.StandardUnit]float64{types.StandardUnitSeconds: 1, types.StandardUnitMilliseconds: 1000} {
		require.NoError(t, r.data(types.MetricDatum{MetricName: aws.String("d"), Timestamp: &nine, Value: &v, Unit: unit}))
	}
	sum := []types.Statistic{types.StatisticSum}
	require.Len(t, r.statistics(cw.GetMetricStatisticsInput{MetricName: aws.String("d"), Period: aws.Int32(60), Statistics: sum}), 2)
	d := r.statistics(cw.GetMetricStatisticsInput{MetricName: aws.String("d"), Period: aws.Int32(60), Statistics: sum, Unit: types.StandardUnitSeconds})
	require.Len(t, d, 1)
	require.Equal(t, 1.0, *d[0].Sum)
}

func TestPutMetricDataRefuses(t *testing.T) {
	r := newRig(t)
	name := aws.String("m")
	for what, c := range map[string]struct {
		datum         types.MetricDatum
		code, message string
	}{
		"a value and values": {types.MetricDatum{MetricName: name, Value: aws.Float64(1), Values: []float64{1}}, "InvalidParameterCombination",
			"The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both."},
		"a value and a statistic set": {types.MetricDatum{MetricName: name, Value: aws.Float64(1), StatisticValues: &types.StatisticSet{
			SampleCount: aws.Float64(1), Sum: aws.Float64(1), Minimum: aws.Float64(1), Maximum: aws.Float64(1)}}, "InvalidParameterCombination",
			"The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive and you have specified both."},
		"counts that don't match":  {types.MetricDatum{MetricName: name, Values: []float64{1, 2}, Counts: []float64{1}}, "InvalidParameterValue", "The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size."},
		"no value":                 {types.MetricDatum{MetricName: name}, "MissingParameter", "must be specified"},
		"what is no number":        {types.MetricDatum{MetricName: name, Value: aws.Float64(math.NaN())}, "InvalidParameterValue", "The value NaN for parameter MetricData.member.1.Value is invalid."},
		"too large a number":       {types.MetricDatum{MetricName: name, Value: aws.Float64(math.Inf(-1))}, "InvalidParameterValue", "The value -Inf for parameter MetricData.member.1.Value is invalid."},
		"an unknown unit":          {types.MetricDatum{MetricName: name, Value: aws.Float64(1), Unit: "Apples"}, "ValidationError", "Value 'Apples' at 'unit'"},
		"data of three weeks ago":  {types.MetricDatum{MetricName: name, Value: aws.Float64(1), Timestamp: aws.Time(nine.AddDate(0, 0, -21))}, "InvalidParameterValue", "within the past two weeks"},
		"data of three hours from": {types.MetricDatum{MetricName: name, Value: aws.Float64(1), Timestamp: aws.Time(nine.Add(3 * time.Hour))}, "InvalidParameterValue", "no more than two hours in the future"},
	} {
		t.Run(what, func(t *testing.T) {
			err := r.data(c.datum)
			require.Equal(t, c.code, code(err))
			require.ErrorContains(t, err, c.message)
		})
	}
	_, err := r.sdk.PutMetricData(t.Context(), &cw.PutMetricDataInput{Namespace: aws.String("AWS/SQS"), MetricData: []types.MetricDatum{{MetricName: name, Value: aws.Float64(1)}}})
	require.Equal(t, "InvalidParameterValue", code(err))
}

func TestGetMetricStatisticsRefuses(t *testing.T) {
	r := newRig(t)
	get := func(length time.Duration, period int32, statistics ...types.Statistic) error {
		_, err := r.sdk.GetMetricStatistics(t.Context(), &cw.GetMetricStatisticsInput{
			Namespace: aws.String("app"), MetricName: aws.String("m"), StartTime: &nine, EndTime: aws.Time(nine.Add(length)), Period: &period, Statistics: statistics,
		})
		return err
	}
	err := get(24*time.Hour, 1, types.StatisticSum)
	require.Equal(t, "InvalidParameterCombination", code(err))
	require.ErrorContains(t, err, "You have requested up to 86400 datapoints, which exceeds the limit of 1440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.")
	err = get(0, 60, types.StatisticSum)
	require.Equal(t, "InvalidParameterValue", code(err))
	require.ErrorContains(t, err, "The parameter StartTime must be less than the parameter EndTime.")
	require.Equal(t, "InvalidParameterCombination", code(get(time.Hour, 60)))
	require.Equal(t, "InvalidParameterValue", code(get(time.Hour, 61, types.StatisticSum)))
	require.NoError(t, get(24*time.Hour, 60, types.StatisticSum))
}

func TestGetMetricData(t *testing.T) {
	r := newRig(t)
	for i := range 3 {
		r.minute(gauge(visible, float64(i+1)), gauge(notVisible, 1))
	}
	query := func(id, expression string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, Expression: &expression}
	}
	shown := sqsStat("v", visible)
	shown.ReturnData = nil
	in := cw.GetMetricDataInput{
		StartTime: &nine, EndTime: aws.Time(nine.Add(10 * time.Minute)),
		MetricDataQueries: []types.MetricDataQuery{shown, sqsStat("n", notVisible), query("both", "v + n"), query("filled", "FILL(v, 0)"), query("top", "MAX(METRICS())")},
	}
	out, err := r.sdk.GetMetricData(t.Context(), &in)
	require.NoError(t, err)
	require.Len(t, out.MetricDataResults, 4)
	v := out.MetricDataResults[0]
	require.Equal(t, []float64{3, 2, 1}, v.Values, "newest first")
	require.Equal(t, nine.Add(2*time.Minute), v.Timestamps[0].UTC())
	require.Equal(t, visible, *v.Label)
	require.Equal(t, types.StatusCodeComplete, v.StatusCode)
	require.Equal(t, []float64{4, 3, 2}, out.MetricDataResults[1].Values)
	require.Equal(t, "both", *out.MetricDataResults[1].Label)
	require.Equal(t, []float64{0, 0, 0, 0, 0, 0, 0, 3, 2, 1}, out.MetricDataResults[2].Values)
	require.NotNil(t, out.Messages)

	in.ScanBy, in.MaxDatapoints = types.ScanByTimestampAscending, aws.Int32(4)
	got := map[string][]float64{}
	for pages := 0; ; pages++ {
		require.Less(t, pages, 9)
		out, err := r.sdk.GetMetricData(t.Context(), &in)
		require.NoError(t, err)
		n := 0
		for _, res := range out.MetricDataResults {
			got[*res.Id] = append(got[*res.Id], res.Values...)
			n += len(res.Values)
		}
		require.LessOrEqual(t, n, 4)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	require.Equal(t, map[string][]float64{"v": {1, 2, 3}, "both": {2, 3, 4}, "filled": {1, 2, 3, 0, 0, 0, 0, 0, 0, 0}, "top": {1, 2, 3}}, got)
}

func TestGetMetricDataWithoutDataHasAnEmptyResult(t *testing.T) {
	r := newRig(t)
	q := sqsStat("v", visible)
	q.ReturnData = nil
	out, err := r.sdk.GetMetricData(t.Context(), &cw.GetMetricDataInput{StartTime: &nine, EndTime: aws.Time(nine.Add(time.Hour)), MetricDataQueries: []types.MetricDataQuery{q}})
	require.NoError(t, err)
	require.Len(t, out.MetricDataResults, 1)
	require.Equal(t, []float64{}, out.MetricDataResults[0].Values)
	require.Equal(t, types.StatusCodeComplete, out.MetricDataResults[0].StatusCode)
}

func TestGetMetricDataBoundsWhatItComputes(t *testing.T) {
	r := newRig(t)
	var queries []types.MetricDataQuery
	for i := range 250 {
		q := sqsStat("m"+string(rune('a'+i%26))+string(rune('a'+i/26)), visible)
		q.ReturnData = aws.Bool(false)
		queries = append(queries, q)
	}
	for i := range 250 {
		id, e := "e"+string(rune('a'+i%26))+string(rune('a'+i/26)), "SUM(ABS(CEIL(FLOOR(METRICS()))))"
		queries = append(queries, types.MetricDataQuery{Id: &id, Expression: &e})
	}
	began := time.Now()
	_, err := r.sdk.GetMetricData(t.Context(), &cw.GetMetricDataInput{StartTime: aws.Time(nine.AddDate(-10, 0, 0)), EndTime: aws.Time(nine.AddDate(10, 0, 0)), MetricDataQueries: queries})
	require.ErrorContains(t, err, "there are too many data points to compute")
	require.Less(t, time.Since(began), 20*time.Second)
}

func TestListMetrics(t *testing.T) {
	r := newRig(t)
	r.put(visibleAlarm("watches")) // an alarm makes no metric
	dims := func(nv ...string) []types.Dimension {
		var out []types.Dimension
		for i := 0; i < len(nv); i += 2 {
			out = append(out, types.Dimension{Name: &nv[i], Value: &nv[i+1]})
		}
		return out
	}
	require.NoError(t, r.data(
		types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Dimensions: dims("b", "2", "a", "1")},
		types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Dimensions: dims("a", "2")},
		types.MetricDatum{MetricName: aws.String("n"), Value: aws.Float64(1)},
	))
	for what, c := range map[string]struct {
		in   cw.ListMetricsInput
		want int
	}{
		"all":                      {cw.ListMetricsInput{}, 3},
		"by namespace":             {cw.ListMetricsInput{Namespace: aws.String("AWS/SQS")}, 0},
		"by name":                  {cw.ListMetricsInput{Namespace: aws.String("app"), MetricName: aws.String("m")}, 2},
		"by dimension":             {cw.ListMetricsInput{Dimensions: []types.DimensionFilter{{Name: aws.String("a")}}}, 2},
		"by dimension and value":   {cw.ListMetricsInput{Dimensions: []types.DimensionFilter{{Name: aws.String("a"), Value: aws.String("2")}}}, 1},
		"by two dimensions":        {cw.ListMetricsInput{Dimensions: []types.DimensionFilter{{Name: aws.String("a")}, {Name: aws.String("b")}}}, 1},
		"by what was active today": {cw.ListMetricsInput{RecentlyActive: types.RecentlyActivePt3h}, 3},
	} {
		t.Run(what, func(t *testing.T) {
			out, err := r.sdk.ListMetrics(t.Context(), &c.in)
			require.NoError(t, err)
			require.Len(t, out.Metrics, c.want)
		})
	}
	r.clk.Advance(4 * time.Hour)
	out, err := r.sdk.ListMetrics(t.Context(), &cw.ListMetricsInput{RecentlyActive: types.RecentlyActivePt3h})
	require.NoError(t, err)
	require.Empty(t, out.Metrics)
	r.clk.Advance(16 * 24 * time.Hour)
	r.minute()
	require.Len(t, r.svc.places[place{testAccount, testRegion}].metrics, 1, "all are dropped but the one that an alarm watches")
}

func TestAQueueThatComesBackAfterItsMetricsWereDropped(t *testing.T) {
	r := newRig(t)
	r.series("1")
	r.clk.Advance(20 * 24 * time.Hour)
	r.minute()
	require.Empty(t, r.svc.queues)
	r.put(visibleAlarm("again"))
	r.series("1")
	require.Equal(t, stateAlarm, r.state("again"))
}

func TestAMetricOfManySamplesIsSummedUp(t *testing.T) {
	r := newRig(t)
	in := visibleAlarm("size")
	in.MetricName, in.Statistic, in.Threshold = aws.String("SentMessageSize"), types.StatisticAverage, aws.Float64(6)
	r.put(in)
	r.minute(fabric.Value{Metric: "SentMessageSize", Unit: "Bytes", Sum: 12, Min: 5, Max: 7, Count: 2})
	require.Equal(t, stateOK, r.state("size"))
	r.minute(fabric.Value{Metric: "SentMessageSize", Unit: "Bytes", Sum: 14, Min: 7, Max: 7, Count: 2}, fabric.Value{Metric: "NumberOfMessagesSent", Unit: "Count"})
	require.Equal(t, stateAlarm, r.state("size"))
	require.Contains(t, *r.describe("size").StateReasonData, `"sampleCount":2.0`)
	require.Len(t, r.svc.places[place{testAccount, testRegion}].metrics, 1, "a value of no samples is none")
}
