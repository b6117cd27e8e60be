package cloudwatch

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// A missing data point is NaN, which arithmetic carries on by itself: what is computed
// from a missing point is missing, and so is what has no value, as 0/0 or 1/0.
var missing = math.NaN()

// valueKind is a type of metric math: S, TS and TS[] in AWS's documentation.
type valueKind int

const (
	scalarValue valueKind = iota
	seriesValue
	arrayValue
	textValue
)

func (k valueKind) String() string {
	return [...]string{"Scalar", "TimeSeries", "Array[TimeSeries]", "String"}[k]
}

// value is what a metric math expression yields.
type value struct {
	kind   valueKind
	scalar float64
	points []float64 // a series: one for each instant of the grid
	list   []value   // an array: its series
	text   string
	id     string // of the metric, in what METRICS() yields
}

func scalar(f float64) value     { return value{kind: scalarValue, scalar: f} }
func seriesOf(p []float64) value { return value{kind: seriesValue, points: p} }
func truth(b bool) float64       { return map[bool]float64{true: 1, false: 0}[b] }
func finite(f float64) float64 {
	if math.IsInf(f, 0) {
		return missing
	}
	return f
}

// mathEnv is what an expression is evaluated in.
type mathEnv struct {
	// grid is when each period begins, ascending, in seconds since 1970.
	grid []int64
	// lookup yields the metric or expression of an id.
	lookup func(id string) (value, error)
	// metrics are the ids of the metrics, for METRICS().
	metrics []string
	// period is that of a metric, in seconds.
	period func(id string) int64
	// budget is how many more points may be computed.
	budget *int
}

const (
	// maxPoints bounds what a request may have computed: metrics of two weeks, minute
	// by minute, for as many queries as it may have.
	maxPoints = 500 * 15 * 24 * 60
	// maxSeries bounds an array (a request returns at most 500 series on AWS).
	maxSeries = 500
)

// spend accounts for the points of n series.
func (env *mathEnv) spend(n int) error {
	if *env.budget -= n*len(env.grid) + 1; *env.budget < 0 {
		return fmt.Errorf("there are too many data points to compute")
	}
	return nil
}

// timeFunctions make an expression depend on the time itself.
var timeFunctions = []string{"MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH"}

// lookBack are the functions that look at points before the one they compute.
var lookBack = []string{"DIFF", "DIFF_TIME", "RATE", "FILL", "RUNNING_SUM"}

func (env *mathEnv) eval(e *expr) (value, error) {
	if err := env.spend(1); err != nil {
		return value{}, err
	}
	switch e.kind {
	case exprNumber:
		return scalar(e.number), nil
	case exprText:
		return value{kind: textValue, text: e.text}, nil
	case exprName:
		return env.lookup(e.text)
	case exprList:
		out := value{kind: arrayValue}
		for _, a := range e.args {
			v, err := env.eval(a)
			if err != nil {
				return value{}, err
			}
			switch v.kind {
			case arrayValue:
				out.list = append(out.list, v.list...)
			case textValue:
				return value{}, fmt.Errorf("a list cannot hold a String")
			default:
				out.list = append(out.list, env.series(v))
			}
			if len(out.list) > maxSeries {
				return value{}, fmt.Errorf("the list holds more than %d TimeSeries", maxSeries)
			}
		}
		return out, nil
	case exprUnary:
		v, err := env.eval(e.args[0])
		if err != nil || e.text == "+" && v.kind != textValue {
			return v, err
		}
		return env.each(v, e.text, func(f float64) float64 { return -f })
	case exprBinary:
		a, err := env.eval(e.args[0])
		if err != nil {
			return value{}, err
		}
		b, err := env.eval(e.args[1])
		if err != nil {
			return value{}, err
		}
		return env.combine(e.text, a, b)
	default:
		return env.call(e)
	}
}

// series makes a scalar one that has it at every instant.
func (env *mathEnv) series(v value) value {
	if v.kind != scalarValue {
		return v
	}
	out := make([]float64, len(env.grid))
	for i := range out {
		out[i] = v.scalar
	}
	return seriesOf(out)
}

// each applies f to every point.
func (env *mathEnv) each(v value, name string, f func(float64) float64) (value, error) {
	switch v.kind {
	case scalarValue:
		return scalar(finite(f(v.scalar))), nil
	case seriesValue:
		out := make([]float64, len(v.points))
		for i, p := range v.points {
			out[i] = missing
			if !math.IsNaN(p) {
				out[i] = finite(f(p))
			}
		}
		return value{kind: seriesValue, points: out, id: v.id}, nil
	case arrayValue:
		return env.eachSeries(v, func(s value) (value, error) { return env.each(s, name, f) })
	default:
		return value{}, fmt.Errorf("unsupported operand type for %s: %v", name, v.kind)
	}
}

func (env *mathEnv) eachSeries(v value, f func(value) (value, error)) (value, error) {
	if err := env.spend(len(v.list)); err != nil {
		return value{}, err
	}
	out := value{kind: arrayValue, list: make([]value, len(v.list))}
	for i, s := range v.list {
		r, err := f(s)
		if err != nil {
			return value{}, err
		}
		r.id = s.id
		out.list[i] = r
	}
	return out, nil
}

func operate(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "^":
		return math.Pow(a, b)
	case "==":
		return truth(a == b)
	case "!=":
		return truth(a != b)
	case "<":
		return truth(a < b)
	case "<=":
		return truth(a <= b)
	case ">":
		return truth(a > b)
	case ">=":
		return truth(a >= b)
	case "AND":
		return truth(a != 0 && b != 0)
	default: // OR
		return truth(a != 0 || b != 0)
	}
}

func (env *mathEnv) combine(op string, a, b value) (value, error) {
	switch {
	case a.kind == textValue || b.kind == textValue || a.kind == arrayValue && b.kind == arrayValue:
		return value{}, fmt.Errorf("unsupported operand types for %s: %v and %v", op, a.kind, b.kind)
	case a.kind == scalarValue && b.kind == scalarValue:
		if math.IsNaN(a.scalar) || math.IsNaN(b.scalar) {
			return scalar(missing), nil
		}
		return scalar(finite(operate(op, a.scalar, b.scalar))), nil
	case a.kind == arrayValue:
		return env.eachSeries(a, func(s value) (value, error) { return env.combine(op, s, b) })
	case b.kind == arrayValue:
		return env.eachSeries(b, func(s value) (value, error) { return env.combine(op, a, s) })
	}
	x, y := env.series(a).points, env.series(b).points
	out := make([]float64, len(env.grid))
	for i := range out {
		out[i] = missing
		if !math.IsNaN(x[i]) && !math.IsNaN(y[i]) {
			out[i] = finite(operate(op, x[i], y[i]))
		}
	}
	return seriesOf(out), nil
}

// arity is how many arguments the functions take, least and most.
var arity = map[string][2]int{
	"ABS": {1, 1}, "CEIL": {1, 1}, "FLOOR": {1, 1}, "LOG": {1, 1}, "LOG10": {1, 1},
	"AVG": {1, 1}, "MAX": {1, 1}, "MIN": {1, 1}, "SUM": {1, 1}, "STDDEV": {1, 1},
	"FIRST": {1, 1}, "LAST": {1, 1}, "METRIC_COUNT": {1, 1}, "REMOVE_EMPTY": {1, 1}, "TIME_SERIES": {1, 1},
	"DIFF": {1, 1}, "DIFF_TIME": {1, 1}, "RATE": {1, 1}, "RUNNING_SUM": {1, 1},
	"FILL": {2, 2}, "IF": {2, 3}, "METRICS": {0, 1}, "PERIOD": {1, 1},
	"MINUTE": {1, 1}, "HOUR": {1, 1}, "DAY": {1, 1}, "DATE": {1, 1}, "MONTH": {1, 1}, "YEAR": {1, 1}, "EPOCH": {1, 1},
}

// notServedFunctions exist on AWS.
var notServedFunctions = map[string]bool{
	"ANOMALY_DETECTION_BAND": true, "SEARCH": true, "SERVICE_QUOTA": true, "INSIGHT_RULE_METRIC": true,
	"DB_PERF_INSIGHTS": true, "LAMBDA": true, "SLICE": true, "SORT": true,
}

func (env *mathEnv) call(e *expr) (value, error) {
	bounds, ok := arity[e.text]
	switch {
	case notServedFunctions[e.text]:
		return value{}, fmt.Errorf("the function %s is not served here", e.text)
	case !ok:
		return value{}, fmt.Errorf("unknown function '%s'", e.text)
	case len(e.args) < bounds[0] || len(e.args) > bounds[1]:
		return value{}, fmt.Errorf("wrong number of arguments for %s: %d", e.text, len(e.args))
	}
	switch e.text {
	case "METRICS":
		return env.allMetrics(e)
	case "PERIOD":
		if e.args[0].kind != exprName {
			return value{}, fmt.Errorf("PERIOD needs the id of a metric")
		}
		if _, err := env.lookup(e.args[0].text); err != nil {
			return value{}, err
		}
		return scalar(float64(env.period(e.args[0].text))), nil
	case "FILL":
		return env.fill(e)
	}
	args := make([]value, len(e.args))
	for i, a := range e.args {
		v, err := env.eval(a)
		if err != nil {
			return value{}, err
		}
		if v.kind == textValue {
			return value{}, fmt.Errorf("unsupported argument type for %s: %v", e.text, v.kind)
		}
		args[i] = v
	}
	if e.text == "IF" {
		return env.choose(args)
	}
	return env.apply(e.text, args[0])
}

// apply calls a function of one argument.
func (env *mathEnv) apply(name string, v value) (value, error) {
	switch name {
	case "ABS":
		return env.each(v, name, math.Abs)
	case "CEIL":
		return env.each(v, name, math.Ceil)
	case "FLOOR":
		return env.each(v, name, math.Floor)
	case "LOG":
		return env.each(v, name, math.Log)
	case "LOG10":
		return env.each(v, name, math.Log10)
	case "AVG", "MAX", "MIN", "SUM", "STDDEV":
		return env.aggregate(name, v)
	case "FIRST", "LAST":
		if v.kind != arrayValue || len(v.list) == 0 {
			return value{}, fmt.Errorf("unsupported argument type for %s: %v", name, v.kind)
		}
		if name == "FIRST" {
			return v.list[0], nil
		}
		return v.list[len(v.list)-1], nil
	case "METRIC_COUNT":
		if v.kind == arrayValue {
			return scalar(float64(len(v.list))), nil
		}
		return scalar(1), nil
	case "REMOVE_EMPTY":
		if v.kind != arrayValue {
			return v, nil
		}
		out := value{kind: arrayValue}
		for _, s := range v.list {
			if reduce("COUNT", s.points) > 0 {
				out.list = append(out.list, s)
			}
		}
		return out, nil
	case "TIME_SERIES":
		if v.kind != scalarValue {
			return value{}, fmt.Errorf("unsupported argument type for %s: %v", name, v.kind)
		}
		return env.series(v), nil
	}
	if v.kind == arrayValue {
		return env.eachSeries(v, func(s value) (value, error) { return env.apply(name, s) })
	}
	if v.kind != seriesValue {
		return value{}, fmt.Errorf("unsupported argument type for %s: %v", name, v.kind)
	}
	return seriesOf(env.along(name, v.points)), nil
}

// along computes what depends on a point and those before it, or on its time.
func (env *mathEnv) along(name string, points []float64) []float64 {
	out := make([]float64, len(points))
	last, sum := -1, 0.0 // the point before that exists
	for i, p := range points {
		out[i] = missing
		if math.IsNaN(p) {
			continue
		}
		t := time.Unix(env.grid[i], 0).UTC()
		switch name {
		case "RUNNING_SUM":
			sum += p
			out[i] = sum
		case "MINUTE":
			out[i] = float64(t.Minute())
		case "HOUR":
			out[i] = float64(t.Hour())
		case "DAY": // Monday is 1
			out[i] = float64((int(t.Weekday())+6)%7 + 1)
		case "DATE":
			out[i] = float64(t.Day())
		case "MONTH":
			out[i] = float64(t.Month())
		case "YEAR":
			out[i] = float64(t.Year())
		case "EPOCH":
			out[i] = float64(env.grid[i])
		default: // DIFF, DIFF_TIME, RATE: of two points
			if last < 0 {
				break
			}
			dv, dt := p-points[last], float64(env.grid[i]-env.grid[last])
			switch name {
			case "DIFF":
				out[i] = dv
			case "DIFF_TIME":
				out[i] = dt
			default:
				out[i] = dv / dt
			}
		}
		last = i
	}
	return out
}

// aggregate makes a scalar of a series, and a series of an array.
func (env *mathEnv) aggregate(name string, v value) (value, error) {
	switch v.kind {
	case scalarValue:
		return v, nil
	case seriesValue:
		return scalar(reduce(name, v.points)), nil
	}
	if err := env.spend(len(v.list)); err != nil {
		return value{}, err
	}
	out := make([]float64, len(env.grid))
	column := make([]float64, len(v.list))
	for i := range out {
		for j, s := range v.list {
			column[j] = s.points[i]
		}
		out[i] = reduce(name, column)
	}
	return seriesOf(out), nil
}

// reduce aggregates the points that exist.
func reduce(name string, points []float64) float64 {
	n, sum, low, high := 0.0, 0.0, math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if !math.IsNaN(p) {
			n, sum, low, high = n+1, sum+p, math.Min(low, p), math.Max(high, p)
		}
	}
	switch {
	case name == "COUNT":
		return n
	case n == 0:
		return missing
	case name == "SUM":
		return finite(sum)
	case name == "AVG":
		return finite(sum / n)
	case name == "MIN":
		return low
	case name == "MAX":
		return high
	}
	var squares float64 // STDDEV, of the population
	for _, p := range points {
		if !math.IsNaN(p) {
			squares += (p - sum/n) * (p - sum/n)
		}
	}
	return finite(math.Sqrt(squares / n))
}

// allMetrics is METRICS(), or METRICS("text"): those whose ids contain the text.
func (env *mathEnv) allMetrics(e *expr) (value, error) {
	part := ""
	if len(e.args) == 1 {
		if e.args[0].kind != exprText {
			return value{}, fmt.Errorf("METRICS needs a String")
		}
		part = e.args[0].text
	}
	out := value{kind: arrayValue}
	for _, id := range env.metrics {
		if strings.Contains(id, part) {
			v, err := env.lookup(id)
			if err != nil {
				return value{}, err
			}
			v.id = id
			out.list = append(out.list, v)
		}
	}
	return out, nil
}

// fill puts values in place of missing points: a number, a series' points, the last
// point before (REPEAT) or a straight line between neighbours (LINEAR).
func (env *mathEnv) fill(e *expr) (value, error) {
	v, err := env.eval(e.args[0])
	if err != nil {
		return value{}, err
	}
	var with value
	mode := ""
	if a := e.args[1]; a.kind == exprName && (a.text == "REPEAT" || a.text == "LINEAR") {
		mode = a.text
	} else {
		if with, err = env.eval(a); err != nil {
			return value{}, err
		}
		if with.kind != scalarValue && with.kind != seriesValue {
			return value{}, fmt.Errorf("unsupported argument type for FILL: %v", with.kind)
		}
		with = env.series(with)
	}
	one := func(s value) (value, error) {
		out := make([]float64, len(s.points))
		copy(out, s.points)
		for i := range out {
			if !math.IsNaN(out[i]) {
				continue
			}
			switch mode {
			case "":
				out[i] = with.points[i]
			case "REPEAT":
				if i > 0 {
					out[i] = out[i-1]
				}
			case "LINEAR":
				out[i] = env.between(s.points, out, i)
			}
		}
		return seriesOf(out), nil
	}
	switch v.kind {
	case seriesValue:
		return one(v)
	case arrayValue:
		return env.eachSeries(v, one)
	default:
		return value{}, fmt.Errorf("unsupported argument type for FILL: %v", v.kind)
	}
}

// between is the point at i on the line from the one before, which is filled already, to
// the next that exists.
func (env *mathEnv) between(points, filled []float64, i int) float64 {
	if i == 0 || math.IsNaN(filled[i-1]) {
		return missing
	}
	for j := i + 1; j < len(points); j++ {
		if !math.IsNaN(points[j]) {
			share := float64(env.grid[i]-env.grid[i-1]) / float64(env.grid[j]-env.grid[i-1])
			return filled[i-1] + (points[j]-filled[i-1])*share
		}
	}
	return missing
}

// choose is IF: point by point if any of its arguments is a series.
func (env *mathEnv) choose(args []value) (value, error) {
	for _, a := range args {
		if a.kind == arrayValue {
			return value{}, fmt.Errorf("unsupported argument type for IF: %v", a.kind)
		}
	}
	if len(args) == 2 {
		args = append(args, scalar(missing))
	}
	if args[0].kind == scalarValue && !math.IsNaN(args[0].scalar) {
		if args[0].scalar != 0 {
			return args[1], nil
		}
		if len(args) == 3 && args[2].kind == scalarValue && args[1].kind == seriesValue {
			return env.series(args[2]), nil
		}
		return args[2], nil
	}
	cond, yes, no := env.series(args[0]).points, env.series(args[1]).points, env.series(args[2]).points
	out := make([]float64, len(env.grid))
	for i := range out {
		switch {
		case math.IsNaN(cond[i]):
			out[i] = missing
		case cond[i] != 0:
			out[i] = yes[i]
		default:
			out[i] = no[i]
		}
	}
	return seriesOf(out), nil
}
