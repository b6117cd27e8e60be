package cloudwatch

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// retention is how far back data points of a period can be had ("Metrics retention").
func retention(period int64) time.Duration {
	switch {
	case period < 60:
		return 3 * time.Hour
	case period < 300:
		return 15 * 24 * time.Hour
	case period < 3600:
		return 63 * 24 * time.Hour
	default:
		return 455 * 24 * time.Hour
	}
}

// span is when the periods of a request begin. Its start is rounded down to a minute, or
// to a period of less than that (GetMetricStatistics, StartTime); what has outlived its
// retention, or lies in the future, is left out.
func span(start, end, now time.Time, period int64) []int64 {
	unit := min(period, 60)
	from, to := floorDiv(start.Unix(), unit)*unit, end.Unix()
	if oldest := now.Add(-retention(period)).Unix(); from < oldest {
		from += ceilDiv(oldest-from, period) * period
	}
	if latest := now.Add(maxFuture).Unix() + period; to > latest {
		to = latest
	}
	if from >= to {
		return nil
	}
	grid := make([]int64, 0, ceilDiv(to-from, period))
	for t := from; t < to; t += period {
		grid = append(grid, t)
	}
	return grid
}

// GetMetricDataInput is the input of GetMetricData.
type GetMetricDataInput struct {
	MetricDataQueries []MetricDataQuery `json:"MetricDataQueries"`
	StartTime         *wire.Time        `json:"StartTime"`
	EndTime           *wire.Time        `json:"EndTime"`
	NextToken         string            `json:"NextToken"`
	ScanBy            string            `json:"ScanBy"`
	MaxDatapoints     *int32            `json:"MaxDatapoints"`
	LabelOptions      *struct{}         `json:"LabelOptions"`
}

// MessageData is a message about a result.
type MessageData struct {
	Code  string `json:"Code"`
	Value string `json:"Value"`
}

// MetricDataResult is the data points of a metric or expression.
type MetricDataResult struct {
	ID         string        `json:"Id"`
	Label      string        `json:"Label"`
	Timestamps []wire.Time   `json:"Timestamps"`
	Values     []float64     `json:"Values"`
	StatusCode string        `json:"StatusCode"`
	Messages   []MessageData `json:"Messages,omitempty"`
}

// GetMetricDataOutput is the output of GetMetricData.
type GetMetricDataOutput struct {
	MetricDataResults []MetricDataResult `json:"MetricDataResults"`
	NextToken         string             `json:"NextToken,omitempty"`
	Messages          []MessageData      `json:"Messages"`
}

func (s *Service) getMetricData(_ context.Context, c *wire.Call, in *GetMetricDataInput) (*GetMetricDataOutput, error) {
	var v constraints
	v.required(in.StartTime != nil, "startTime")
	v.required(in.EndTime != nil, "endTime")
	v.required(len(in.MetricDataQueries) > 0, "metricDataQueries")
	v.oneOf(in.ScanBy, "scanBy", []string{"TimestampDescending", "TimestampAscending"})
	v.between(in.MaxDatapoints, "maxDatapoints", 1, maxDatapoints)
	if err := v.err(); err != nil {
		return nil, err
	}
	if !in.StartTime.Before(in.EndTime.Time) {
		return nil, validationError("The parameter StartTime must be less than the parameter EndTime.")
	}
	if len(in.MetricDataQueries) > maxQueries {
		return nil, validationError("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	p, err := compile(in.MetricDataQueries, func(k metricKey) *metric {
		if m := sp.metrics[k.String()]; m != nil {
			return m
		}
		return &metric{key: k}
	})
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.queries, func(q *query) bool { return q.returns }) {
		return nil, validationError("At least one of the elements in MetricDataQueries should return data.")
	}
	var results []MetricDataResult
	budget := maxPoints
	for _, q := range p.queries {
		if !q.returns {
			continue
		}
		period := q.period
		if period == 0 {
			period = 60
		}
		grid := span(in.StartTime.Time, in.EndTime.Time, c.Time, period)
		val, err := p.evaluateWithin(&budget, q, grid, period)
		if err != nil {
			return nil, expressionError(q.id, err)
		}
		results = append(results, q.results(val, grid, in.ScanBy != "TimestampAscending")...)
	}
	return paginate(results, in.NextToken, in.MaxDatapoints)
}

// results makes a result of each series that a query yields.
func (q *query) results(v value, grid []int64, newestFirst bool) []MetricDataResult {
	label := q.label
	if label == "" {
		if label = q.id; q.metric != nil {
			label = q.metric.key.name
		}
	}
	all := []value{v}
	switch v.kind {
	case arrayValue:
		all = v.list
	case scalarValue:
		all = []value{seriesOf(slices.Repeat([]float64{v.scalar}, len(grid)))}
	}
	out := make([]MetricDataResult, 0, len(all))
	for _, one := range all {
		r := MetricDataResult{ID: q.id, Label: label, Timestamps: []wire.Time{}, Values: []float64{}, StatusCode: "Complete"}
		if v.kind == arrayValue && one.id != "" {
			r.Label = one.id
		}
		for i := range grid {
			j := i
			if newestFirst {
				j = len(grid) - 1 - i
			}
			if !isMissing(one.points[j]) {
				r.Timestamps = append(r.Timestamps, wire.At(time.Unix(grid[j], 0).UTC()))
				r.Values = append(r.Values, one.points[j])
			}
		}
		out = append(out, r)
	}
	return out
}

// paginate cuts results to a number of data points a page; one that goes on in the next
// page is PartialData.
func paginate(results []MetricDataResult, token string, limit *int32) (*GetMetricDataOutput, error) {
	total := 0
	for _, r := range results {
		total += len(r.Values)
	}
	positions, next, err := page(make([]struct{}, total), token, limit, maxDatapoints)
	if err != nil {
		return nil, err
	}
	out := &GetMetricDataOutput{MetricDataResults: []MetricDataResult{}, NextToken: next, Messages: []MessageData{}}
	if token == "" && next == "" {
		out.MetricDataResults = append(out.MetricDataResults, results...)
		return out, nil
	}
	from, err := offset(token)
	if err != nil {
		return nil, err
	}
	left := len(positions)
	for _, r := range results {
		n := len(r.Values)
		skip := min(from, n)
		from -= skip
		take := min(n-skip, left)
		left -= take
		if n > 0 && take == 0 {
			continue // wholly on another page
		}
		if n == 0 && token != "" {
			continue // told on the first page
		}
		if skip+take < n {
			r.StatusCode = "PartialData"
		}
		r.Timestamps, r.Values = r.Timestamps[skip:skip+take], r.Values[skip:skip+take]
		out.MetricDataResults = append(out.MetricDataResults, r)
	}
	return out, nil
}

// GetMetricStatisticsInput is the input of GetMetricStatistics.
type GetMetricStatisticsInput struct {
	Namespace          string      `json:"Namespace"`
	MetricName         string      `json:"MetricName"`
	Dimensions         []Dimension `json:"Dimensions"`
	StartTime          *wire.Time  `json:"StartTime"`
	EndTime            *wire.Time  `json:"EndTime"`
	Period             *int32      `json:"Period"` // seconds
	Statistics         []string    `json:"Statistics"`
	ExtendedStatistics []string    `json:"ExtendedStatistics"`
	Unit               string      `json:"Unit"`
}

// Datapoint is the statistics of a period.
type Datapoint struct {
	Timestamp          wire.Time          `json:"Timestamp"`
	SampleCount        *float64           `json:"SampleCount,omitempty"`
	Average            *float64           `json:"Average,omitempty"`
	Sum                *float64           `json:"Sum,omitempty"`
	Minimum            *float64           `json:"Minimum,omitempty"`
	Maximum            *float64           `json:"Maximum,omitempty"`
	Unit               string             `json:"Unit"`
	ExtendedStatistics map[string]float64 `json:"ExtendedStatistics,omitempty"`
}

// GetMetricStatisticsOutput is the output of GetMetricStatistics.
type GetMetricStatisticsOutput struct {
	Label      string      `json:"Label"`
	Datapoints []Datapoint `json:"Datapoints"`
}

func (in *GetMetricStatisticsInput) validate() error {
	var v constraints
	v.required(in.Namespace != "", "namespace")
	v.required(in.MetricName != "", "metricName")
	v.required(in.StartTime != nil, "startTime")
	v.required(in.EndTime != nil, "endTime")
	v.required(in.Period != nil, "period")
	v.oneOf(in.Unit, "unit", units)
	for _, st := range in.Statistics {
		v.oneOf(st, "statistics", plainStatistics)
	}
	if err := v.err(); err != nil {
		return err
	}
	if p := *in.Period; p <= 0 || p%60 != 0 && !slices.Contains([]int32{1, 5, 10, 20, 30}, p) {
		return invalidValue("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
	}
	if !in.StartTime.Before(in.EndTime.Time) {
		return invalidValue("The parameter StartTime must be less than the parameter EndTime.")
	}
	if len(in.Statistics) == 0 && len(in.ExtendedStatistics) == 0 {
		return invalidCombination("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	}
	if n := int64(in.EndTime.Sub(in.StartTime.Time)/time.Second) / int64(*in.Period); n > maxStatistics {
		return invalidCombination("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxStatistics)
	}
	return nil
}

func (s *Service) getMetricStatistics(_ context.Context, c *wire.Call, in *GetMetricStatisticsInput) (*GetMetricStatisticsOutput, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	extended := map[string]statistic{}
	for _, name := range in.ExtendedStatistics {
		st, err := parseStatistic(name)
		if err != nil {
			return nil, err
		}
		extended[name] = st
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []Datapoint{}}
	m := s.of(c).metrics[newMetricKey(in.Namespace, in.MetricName, in.Dimensions).String()]
	if m == nil {
		return out, nil
	}
	period := int64(*in.Period)
	for _, from := range span(in.StartTime.Time, in.EndTime.Time, c.Time, period) {
		for _, u := range m.in(in.Unit) { // units are not added up
			a := u.window(from, from+period)
			if a.count == 0 {
				continue
			}
			d := Datapoint{Timestamp: wire.At(time.Unix(from, 0).UTC()), Unit: u.unit}
			average := a.sum / a.count
			for name, set := range map[string]struct {
				to **float64
				f  float64
			}{
				"SampleCount": {&d.SampleCount, a.count}, "Average": {&d.Average, average}, "Sum": {&d.Sum, a.sum},
				"Minimum": {&d.Minimum, a.min}, "Maximum": {&d.Maximum, a.max},
			} {
				if slices.Contains(in.Statistics, name) {
					f := set.f
					*set.to = &f
				}
			}
			for name, st := range extended {
				if f := st.of(m, u.unit, from, from+period); !isMissing(f) {
					if d.ExtendedStatistics == nil {
						d.ExtendedStatistics = map[string]float64{}
					}
					d.ExtendedStatistics[name] = f
				}
			}
			out.Datapoints = append(out.Datapoints, d)
		}
	}
	return out, nil
}
