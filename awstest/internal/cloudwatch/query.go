package cloudwatch

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// statistic is how the samples of a period become a data point.
type statistic struct {
	name       string  // Average, Sum, Minimum, Maximum, SampleCount or p
	percentile float64 // of p, 0..100
}

var plainStatistics = []string{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}

// parseStatistic reads a statistic's name. Of the extended ones percentiles are served.
func parseStatistic(text string) (statistic, error) {
	if slices.Contains(plainStatistics, text) {
		return statistic{name: text}, nil
	}
	if digits, ok := strings.CutPrefix(strings.ToLower(text), "p"); ok {
		if f, err := strconv.ParseFloat(digits, 64); err == nil && f >= 0 && f <= 100 {
			return statistic{"p", f}, nil
		}
	}
	for _, prefix := range []string{"tm", "tc", "ts", "wm", "pr", "iqm"} {
		if strings.HasPrefix(strings.ToLower(text), prefix) {
			return statistic{}, notServed("The statistic %.80s is not served here: percentiles are, and %s.", text, strings.Join(plainStatistics, ", "))
		}
	}
	return statistic{}, validationError("Invalid statistic: %.80s", text)
}

// of yields the metric's data point of the seconds from..to-1; missing if there is none.
func (st statistic) of(m *metric, unit string, from, to int64) float64 {
	a := m.window(unit, from, to)
	if a.count == 0 {
		return missing
	}
	switch st.name {
	case "Average":
		return a.sum / a.count
	case "Sum":
		return a.sum
	case "Minimum":
		return a.min
	case "Maximum":
		return a.max
	case "SampleCount":
		return a.count
	}
	if a.min == a.max {
		return a.min
	}
	var all []weighted
	for _, u := range m.in(unit) {
		values, ok := u.measured(from, to)
		if !ok {
			return missing // statistic sets don't tell
		}
		all = append(all, values...)
	}
	return percentile(all, st.percentile)
}

// percentile is the smallest value that at least p percent of the values don't exceed.
func percentile(values []weighted, p float64) float64 {
	slices.SortFunc(values, func(a, b weighted) int { return cmp.Compare(a.value, b.value) })
	var total, seen float64
	for _, v := range values {
		total += v.count
	}
	for _, v := range values {
		if seen += v.count; seen >= total*p/100 {
			return v.value
		}
	}
	return missing
}

// query is a compiled MetricDataQuery: a metric or an expression.
type query struct {
	id, label string
	returns   bool
	expr      *expr
	metric    *metric
	unit      string
	stat      statistic
	statText  string
	period    int64 // seconds; of an expression, the longest of its metrics'
}

// plan is a set of queries that refer to each other.
type plan struct {
	queries []*query
	byID    map[string]*query
	metrics []string // ids
}

var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`)

// compile checks queries and makes a plan of them. find yields the metric of a key.
func compile(queries []MetricDataQuery, find func(metricKey) *metric) (*plan, error) {
	p := &plan{byID: map[string]*query{}}
	for i := range queries {
		in := &queries[i]
		if !queryID.MatchString(in.ID) {
			return nil, validationError("The value '%.80s' for parameter MetricDataQueries.member.%d.Id is not valid: an id begins with a lower-case letter and has letters, digits and underscores.", in.ID, i+1)
		}
		if p.byID[in.ID] != nil {
			return nil, validationError("The ids of metric data queries must be unique: %s", in.ID)
		}
		q := &query{id: in.ID, label: in.Label, returns: in.returnsData()}
		var err error
		switch {
		case in.MetricStat != nil && in.Expression != "":
			err = validationError("The metric data query %s must have either MetricStat or Expression, not both.", in.ID)
		case in.MetricStat != nil:
			err = q.compileStat(in.MetricStat, find)
			p.metrics = append(p.metrics, q.id)
		case in.Expression != "":
			err = q.compileExpression(in)
		default:
			err = validationError("The metric data query %s must have either MetricStat or Expression.", in.ID)
		}
		if err != nil {
			return nil, err
		}
		p.queries = append(p.queries, q)
		p.byID[q.id] = q
	}
	return p, p.check()
}

func (q *query) compileStat(in *MetricStat, find func(metricKey) *metric) error {
	var c constraints
	c.required(in.Metric.MetricName != "", "metricStat.metric.metricName")
	c.required(in.Metric.Namespace != "", "metricStat.metric.namespace")
	c.required(in.Period != nil, "metricStat.period")
	c.required(in.Stat != "", "metricStat.stat")
	c.oneOf(in.Unit, "metricStat.unit", units)
	if err := c.err(); err != nil {
		return err
	}
	if err := checkPeriod(*in.Period, 1, 5, 10, 20, 30); err != nil {
		return err
	}
	st, err := parseStatistic(in.Stat)
	if err != nil {
		return err
	}
	q.stat, q.statText, q.unit, q.period = st, in.Stat, in.Unit, int64(*in.Period)
	q.metric = find(newMetricKey(in.Metric.Namespace, in.Metric.MetricName, in.Metric.Dimensions))
	return nil
}

func (q *query) compileExpression(in *MetricDataQuery) error {
	if word, _, _ := strings.Cut(strings.TrimSpace(in.Expression), " "); strings.EqualFold(word, "SELECT") {
		return notServed("Metrics Insights queries (SELECT) are not served here.")
	}
	e, err := parseMath(in.Expression)
	if err != nil {
		return expressionError(in.ID, err)
	}
	q.expr = e
	if in.Period != nil {
		if err := checkPeriod(*in.Period, 1, 5, 10, 20, 30); err != nil {
			return err
		}
		q.period = int64(*in.Period)
	}
	return nil
}

func expressionError(id string, err error) error {
	return validationError("Error in expression '%s': %v", id, err)
}

// checkPeriod holds a period to multiples of 60 s and the given shorter ones.
func checkPeriod(seconds int32, short ...int32) error {
	if seconds > 0 && seconds%60 == 0 || slices.Contains(short, seconds) {
		return nil
	}
	var b strings.Builder
	for _, s := range short {
		fmt.Fprintf(&b, "%d, ", s)
	}
	return validationError("Period must be %sor a multiple of 60, but is %d", b.String(), seconds)
}

// check finds out whether the expressions make sense, by evaluating them on no data, and
// gives each its period.
func (p *plan) check() error {
	budget := maxPoints
	known := map[string]int64{}
	for _, q := range p.queries {
		if q.expr == nil {
			continue
		}
		longest, err := p.longest(q, known)
		if err != nil {
			return expressionError(q.id, err)
		}
		if q.period == 0 {
			q.period = longest
		}
		v, err := p.evaluateWithin(&budget, q, []int64{0}, max(q.period, 60))
		if err != nil {
			return expressionError(q.id, err)
		}
		if v.kind == textValue {
			return expressionError(q.id, fmt.Errorf("the result is a String"))
		}
	}
	return nil
}

// longest is the longest period of the metrics that an expression is made of. It finds
// ids that don't exist and expressions that refer to themselves. known holds what is
// known already, -1 for the expressions that are being looked at.
func (p *plan) longest(q *query, known map[string]int64) (int64, error) {
	if q.expr == nil {
		return q.period, nil
	}
	if n, ok := known[q.id]; n < 0 {
		return 0, fmt.Errorf("the expression refers to itself")
	} else if ok {
		return n, nil
	}
	known[q.id] = -1
	var longest int64
	names := q.expr.names()
	if q.expr.calls("METRICS") {
		names = append(names, p.metrics...)
	}
	for _, id := range names {
		other := p.byID[id]
		if other == nil {
			return 0, fmt.Errorf("unknown id '%s'", id)
		}
		n, err := p.longest(other, known)
		if err != nil {
			return 0, err
		}
		longest = max(longest, n)
	}
	known[q.id] = longest
	return longest, nil
}

// evaluate yields a query's data points in the periods of the given length that begin at
// the instants of the grid. p has passed check.
func (p *plan) evaluate(q *query, grid []int64, period int64) (value, error) {
	budget := maxPoints
	return p.evaluateWithin(&budget, q, grid, period)
}

// evaluateWithin is evaluate on a budget of points, which several evaluations can share.
func (p *plan) evaluateWithin(budget *int, q *query, grid []int64, period int64) (value, error) {
	done := make(map[string]value, len(p.queries))
	env := &mathEnv{grid: grid, metrics: p.metrics, budget: budget}
	env.period = func(id string) int64 {
		if q := p.byID[id]; q != nil && q.period > 0 {
			return q.period
		}
		return period
	}
	env.lookup = func(id string) (value, error) {
		if v, ok := done[id]; ok {
			return v, nil
		}
		q := p.byID[id]
		if q == nil {
			return value{}, fmt.Errorf("unknown id '%s'", id)
		}
		v, err := env.query(q, period)
		if err == nil {
			done[id] = v
		}
		return v, err
	}
	return env.query(q, period)
}

func (env *mathEnv) query(q *query, period int64) (value, error) {
	if q.expr != nil {
		return env.eval(q.expr)
	}
	if err := env.spend(1); err != nil {
		return value{}, err
	}
	points := make([]float64, len(env.grid))
	for i, from := range env.grid {
		points[i] = q.stat.of(q.metric, q.unit, from, from+period)
	}
	return seriesOf(points), nil
}

// single makes the one series that an alarm needs of a result.
func (v value) single(n int) ([]float64, error) {
	switch v.kind {
	case seriesValue:
		return v.points, nil
	case scalarValue:
		return slices.Repeat([]float64{v.scalar}, n), nil
	case arrayValue:
		if len(v.list) == 1 {
			return v.list[0].points, nil
		}
		return nil, fmt.Errorf("the result is an Array[TimeSeries] of %d, where one TimeSeries is needed", len(v.list))
	default:
		return nil, fmt.Errorf("the result is a %v, where a TimeSeries is needed", v.kind)
	}
}

// isMissing reports whether a point doesn't exist.
func isMissing(f float64) bool { return math.IsNaN(f) }

// units are those of StandardUnit in the service's model.
var units = []string{
	"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
	"Bits", "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count",
	"Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
	"Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second", "Count/Second", "None",
}
