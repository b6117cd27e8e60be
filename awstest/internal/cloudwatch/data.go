package cloudwatch

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	maxData       = 1000 // MetricDatum in one PutMetricData
	maxValues     = 150  // in one MetricDatum
	maxPast       = 14 * 24 * time.Hour
	maxFuture     = 2 * time.Hour
	maxDatapoints = 100_800 // that GetMetricData returns in one page
	maxStatistics = 1440    // that GetMetricStatistics returns
	maxQueries    = 500     // in one GetMetricData
)

// largest is the greatest magnitude that a value may have (PutMetricData).
const largest = float64(1 << 360)

// StatisticSet is a set of measurements that was aggregated by whoever reports it.
type StatisticSet struct {
	SampleCount *float64 `json:"SampleCount"`
	Sum         *float64 `json:"Sum"`
	Minimum     *float64 `json:"Minimum"`
	Maximum     *float64 `json:"Maximum"`
}

// MetricDatum is what PutMetricData reports of a metric.
type MetricDatum struct {
	MetricName        string        `json:"MetricName"`
	Dimensions        []Dimension   `json:"Dimensions"`
	Timestamp         *wire.Time    `json:"Timestamp"`
	Value             *float64      `json:"Value"`
	StatisticValues   *StatisticSet `json:"StatisticValues"`
	Values            []float64     `json:"Values"`
	Counts            []float64     `json:"Counts"`
	Unit              string        `json:"Unit"`
	StorageResolution *int32        `json:"StorageResolution"` // seconds
}

// PutMetricDataInput is the input of PutMetricData. Entities are not kept: their metrics
// are.
type PutMetricDataInput struct {
	Namespace        string        `json:"Namespace"`
	MetricData       []MetricDatum `json:"MetricData"`
	EntityMetricData []struct {
		MetricData []MetricDatum `json:"MetricData"`
	} `json:"EntityMetricData"`
}

func (s *Service) putMetricData(_ context.Context, c *wire.Call, in *PutMetricDataInput) (*wire.Empty, error) {
	switch {
	case in.Namespace == "":
		return nil, missingParameter("The parameter Namespace is required.")
	case strings.HasPrefix(in.Namespace, "AWS/"):
		return nil, invalidValue("The value AWS/ for parameter Namespace is invalid.")
	case len(in.Namespace) > 255 || strings.HasPrefix(in.Namespace, ":"):
		return nil, invalidValue("The value %.300s for parameter Namespace is invalid.", in.Namespace)
	}
	data := in.MetricData
	for _, e := range in.EntityMetricData {
		data = append(data, e.MetricData...)
	}
	switch {
	case len(data) == 0:
		return nil, missingParameter("The parameter MetricData is required.")
	case len(data) > maxData:
		return nil, invalidValue("The collection MetricData must not have a size greater than %d.", maxData)
	}
	for i := range data {
		if err := data[i].validate(fmt.Sprintf("MetricData.member.%d", i+1), c.Time); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	for i := range data {
		sp.put(in.Namespace, &data[i], c.Time)
	}
	return &wire.Empty{}, nil
}

func (d *MetricDatum) validate(at string, now time.Time) error {
	if d.MetricName == "" {
		return missingParameter("The parameter %s.MetricName is required.", at)
	}
	if len(d.MetricName) > 255 {
		return invalidValue("The value %.300s for parameter %s.MetricName is invalid.", d.MetricName, at)
	}
	var given []string
	for _, g := range []struct {
		name string
		set  bool
	}{{"Value", d.Value != nil}, {"Values", d.Values != nil}, {"StatisticValues", d.StatisticValues != nil}} {
		if g.set {
			given = append(given, at+"."+g.name)
		}
	}
	switch {
	case len(given) == 0:
		return missingParameter("At least one of the parameters %[1]s.Value, %[1]s.Values and %[1]s.StatisticValues must be specified.", at)
	case len(given) > 1:
		return invalidCombination("The parameters %s and %s are mutually exclusive and you have specified both.", given[0], given[1])
	case d.Counts != nil && len(d.Counts) != len(d.Values):
		return invalidValue("The parameters %[1]s.Values and %[1]s.Counts must be of the same size.", at)
	case len(d.Values) > maxValues:
		return invalidValue("The collection %s.Values must not have a size greater than %d.", at, maxValues)
	case d.Values != nil && len(d.Values) == 0:
		return missingParameter("The parameter %s.Values is required.", at)
	}
	if err := d.validateValues(at); err != nil {
		return err
	}
	var v constraints
	v.oneOf(d.Unit, "unit", units)
	validateDimensions(&v, d.Dimensions)
	if err := v.err(); err != nil {
		return err
	}
	if d.StorageResolution != nil && *d.StorageResolution < 1 {
		return invalidValue("The value %d for parameter %s.StorageResolution is invalid.", *d.StorageResolution, at)
	}
	if t := d.Timestamp; t != nil {
		if t.Before(now.Add(-maxPast)) {
			return invalidValue("The parameter %s.Timestamp must specify a time within the past two weeks.", at)
		}
		if t.After(now.Add(maxFuture)) {
			return invalidValue("The parameter %s.Timestamp must specify a time no more than two hours in the future.", at)
		}
	}
	return nil
}

func (d *MetricDatum) validateValues(at string) error {
	bad := func(f float64) bool { return math.IsNaN(f) || math.Abs(f) > largest }
	check := func(f *float64, name string) error {
		switch {
		case f == nil:
			return missingParameter("The parameter %s.%s is required.", at, name)
		case bad(*f):
			return invalidValue("The value %v for parameter %s.%s is invalid.", *f, at, name)
		}
		return nil
	}
	if d.Value != nil {
		return check(d.Value, "Value")
	}
	for i := range d.Values {
		if err := check(&d.Values[i], "Values"); err != nil {
			return err
		}
	}
	for i := range d.Counts {
		if err := check(&d.Counts[i], "Counts"); err != nil {
			return err
		}
		if d.Counts[i] < 0 {
			return invalidValue("The value %v for parameter %s.Counts is invalid.", d.Counts[i], at)
		}
	}
	if set := d.StatisticValues; set != nil {
		for _, m := range []struct {
			name string
			f    *float64
		}{{"SampleCount", set.SampleCount}, {"Sum", set.Sum}, {"Minimum", set.Minimum}, {"Maximum", set.Maximum}} {
			if err := check(m.f, "StatisticValues."+m.name); err != nil {
				return err
			}
		}
		if *set.SampleCount < 0 || *set.Minimum > *set.Maximum {
			return invalidValue("The value of parameter %s.StatisticValues is invalid.", at)
		}
	}
	return nil
}

// put records a datum that has passed validate.
func (sp *space) put(namespace string, d *MetricDatum, now time.Time) {
	var a sample
	var values []weighted
	switch {
	case d.Value != nil:
		values = []weighted{{*d.Value, 1}}
	case d.StatisticValues != nil:
		set := d.StatisticValues
		a = sample{*set.Sum, *set.Minimum, *set.Maximum, *set.SampleCount}
	default:
		for i, v := range d.Values {
			n := 1.0
			if d.Counts != nil {
				n = d.Counts[i]
			}
			if n > 0 {
				values = append(values, weighted{v, n})
			}
		}
	}
	for _, v := range values {
		a = a.merge(sample{v.value * v.count, v.value, v.value, v.count})
	}
	if a.count == 0 {
		return
	}
	at := now
	if d.Timestamp != nil {
		at = d.Timestamp.Time
	}
	unit := d.Unit
	if unit == "" {
		unit = "None"
	}
	u := sp.metric(newMetricKey(namespace, d.MetricName, d.Dimensions)).series(unit)
	u.minutes.add(minuteOf(at), a, values)
	if d.StorageResolution != nil && *d.StorageResolution < 60 {
		if u.seconds == nil {
			u.seconds = &series{}
		}
		u.seconds.add(at.Unix(), a, values)
	}
}

// add is put with the measurements that the sample sums up, if they are known.
func (s *series) add(i int64, a sample, values []weighted) {
	if values != nil {
		s.remember(i, s.window(i, i+1), values)
	} else {
		delete(s.values, i)
	}
	s.put(i, a)
}

// DimensionFilter selects metrics by a dimension, and by its value unless that is empty.
type DimensionFilter struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

// ListMetricsInput is the input of ListMetrics.
type ListMetricsInput struct {
	Namespace      string            `json:"Namespace"`
	MetricName     string            `json:"MetricName"`
	Dimensions     []DimensionFilter `json:"Dimensions"`
	RecentlyActive string            `json:"RecentlyActive"`
	NextToken      string            `json:"NextToken"`
}

// ListMetricsOutput is the output of ListMetrics.
type ListMetricsOutput struct {
	Metrics   []Metric `json:"Metrics"`
	NextToken string   `json:"NextToken,omitempty"`
}

func (s *Service) listMetrics(_ context.Context, c *wire.Call, in *ListMetricsInput) (*ListMetricsOutput, error) {
	var v constraints
	v.oneOf(in.RecentlyActive, "recentlyActive", []string{"PT3H"})
	for _, d := range in.Dimensions {
		v.required(d.Name != "", "dimensions.member.name")
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	since := c.Time.Add(-maxPast).Unix() // metrics without data for two weeks aren't listed
	if in.RecentlyActive != "" {
		since = c.Time.Add(-3 * time.Hour).Unix()
	}
	var found []*metric
	for _, id := range sortedKeys(sp.metrics) {
		m := sp.metrics[id]
		if m.lastSecond() > since && (in.Namespace == "" || in.Namespace == m.key.namespace) &&
			(in.MetricName == "" || in.MetricName == m.key.name) && m.key.matches(in.Dimensions) {
			found = append(found, m)
		}
	}
	found, next, err := page(found, in.NextToken, nil, 500)
	if err != nil {
		return nil, err
	}
	out := &ListMetricsOutput{Metrics: []Metric{}, NextToken: next}
	for _, m := range found {
		out.Metrics = append(out.Metrics, Metric{m.key.namespace, m.key.name, list(m.key.dimensions)})
	}
	return out, nil
}

func (k metricKey) matches(filters []DimensionFilter) bool {
next:
	for _, f := range filters {
		for _, d := range k.dimensions {
			if d.Name == f.Name && (f.Value == "" || f.Value == d.Value) {
				continue next
			}
		}
		return false
	}
	return true
}
