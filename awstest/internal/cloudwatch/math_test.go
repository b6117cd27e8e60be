package cloudwatch

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mathBed evaluates expressions on three metrics, minute by minute:
//
//	a: 1 2 3 4      b: 10 - 30 0      gaps: - 5 - 8
func mathBed(expression string) (value, error) {
	e, err := parseMath(expression)
	if err != nil {
		return value{}, err
	}
	n := missing
	data := map[string][]float64{"a": {1, 2, 3, 4}, "b": {10, n, 30, 0}, "gaps": {n, 5, n, 8}}
	grid := make([]int64, 4)
	for i := range grid {
		grid[i] = nine.Unix() + int64(i)*60
	}
	budget := maxPoints
	env := &mathEnv{grid: grid, metrics: []string{"a", "b", "gaps"}, period: func(string) int64 { return 60 }, budget: &budget}
	env.lookup = func(id string) (value, error) {
		if p, ok := data[id]; ok {
			return seriesOf(p), nil
		}
		return value{}, fmt.Errorf("unknown id '%s'", id)
	}
	return env.eval(e)
}

// show writes a value as "1 2 - 4", arrays as "[1 2 | 3 4]" and scalars as "=1".
func show(v value) string {
	switch v.kind {
	case scalarValue:
		if isMissing(v.scalar) {
			return "=-"
		}
		return fmt.Sprintf("=%.6g", v.scalar)
	case arrayValue:
		var all []string
		for _, s := range v.list {
			all = append(all, show(s))
		}
		return "[" + strings.Join(all, " | ") + "]"
	}
	var all []string
	for _, f := range v.points {
		if isMissing(f) {
			all = append(all, "-")
		} else {
			all = append(all, fmt.Sprintf("%.6g", f))
		}
	}
	return strings.Join(all, " ")
}

func TestMetricMath(t *testing.T) {
	for expression, want := range map[string]string{
		// arithmetic
		"a + 1":         "2 3 4 5",
		"a+b":           "11 - 33 4",
		"2 * a - 1":     "1 3 5 7",
		"a / b":         "0.1 - 0.1 -", // what is divided by zero is missing
		"a / 0":         "- - - -",
		"2 ^ a":         "2 4 8 16",
		"2 ^ 3 ^ 2":     "=512",
		"-2 ^ 2":        "=-4",
		"2 ^ -1":        "=0.5",
		"-2 * 3":        "=-6",
		"2 - 3 - 4":     "=-5",
		"12 / 3 / 2":    "=2",
		"2 + 3 * 4":     "=14",
		"(2 + 3) * 4":   "=20",
		"1.5e2 + .5":    "=150.5",
		"100*(a/(a+b))": "9.09091 - 9.09091 100",
		"+a":            "1 2 3 4",
		"--a":           "1 2 3 4",
		"[a, b] + 1":    "[2 3 4 5 | 11 - 31 1]",
		"10 - [a, 1]":   "[9 8 7 6 | 9 9 9 9]",
		"[a, b] * a":    "[1 4 9 16 | 10 - 90 0]",
		"a \n\t+ 1":     "2 3 4 5",
		// comparison and logic
		"a > 2":                "0 0 1 1",
		"a >= 2":               "0 1 1 1",
		"a < b":                "1 - 1 0",
		"a <= 1 OR b == 0":     "1 - 0 1",
		"a == 1 || a == 4":     "1 0 0 1",
		"a > 1 AND a < 4":      "0 1 1 0",
		"a > 1 && a != 3":      "0 1 0 1",
		"a > 3 OR a > 1 AND 0": "0 0 0 1",
		"1 + 1 == 2":           "=1",
		// functions
		"ABS(a - 3)":              "2 1 0 1",
		"CEIL(a / 2)":             "1 1 2 2",
		"FLOOR(a / 2)":            "0 1 1 2",
		"LOG10(100)":              "=2",
		"LOG(1)":                  "=0",
		"AVG(a)":                  "=2.5",
		"AVG([a, b])":             "5.5 2 16.5 2",
		"MAX(a)":                  "=4",
		"MAX([a, b, gaps])":       "10 5 30 8",
		"MIN(b)":                  "=0",
		"MIN([a, b])":             "1 2 3 0",
		"SUM(b)":                  "=40",
		"SUM([a, gaps])":          "1 7 3 12",
		"SUM(METRICS())":          "11 7 33 12",
		`SUM(METRICS("a"))`:       "1 7 3 12", // a and gaps
		"METRICS('b')":            "[10 - 30 0]",
		"STDDEV(a)":               "=1.11803",
		"METRIC_COUNT(METRICS())": "=3",
		"FIRST(METRICS())":        "1 2 3 4",
		"LAST([a, b])":            "10 - 30 0",
		"DIFF(a)":                 "- 1 1 1",
		"DIFF(b)":                 "- - 20 -30", // of the last point that exists
		"DIFF_TIME(b)":            "- - 120 60",
		"RATE(a)":                 "- 0.0166667 0.0166667 0.0166667",
		"RATE(gaps)":              "- - - 0.025",
		"RUNNING_SUM(b)":          "10 - 40 40",
		"FILL(b, 7)":              "10 7 30 0",
		"FILL(b, a)":              "10 2 30 0",
		"FILL(gaps, REPEAT)":      "- 5 5 8",
		"FILL(gaps, LINEAR)":      "- 5 6.5 8",
		"FILL(METRICS(), 0)":      "[1 2 3 4 | 10 0 30 0 | 0 5 0 8]",
		"a + FILL(b, 0)":          "11 2 33 4",
		"IF(a > 2, a)":            "- - 3 4",
		"IF(a > 2, a, 0)":         "0 0 3 4",
		"IF(b, 1, 2)":             "1 - 1 2",
		"IF(1, a, b)":             "1 2 3 4",
		"IF(0, a, 5)":             "5 5 5 5",
		"IF(a > 2 AND b > 1, b)":  "- - 30 -",
		"PERIOD(a)":               "=60",
		"SUM([a]) / PERIOD(a)":    "0.0166667 0.0333333 0.05 0.0666667",
		"TIME_SERIES(3)":          "3 3 3 3",
		"REMOVE_EMPTY([a, a/0])":  "[1 2 3 4]",
		"MINUTE(a)":               "0 1 2 3",
		"HOUR(b)":                 "9 - 9 9",
		"DAY(a)":                  "2 2 2 2", // a Tuesday
		"DATE(a) + MONTH(a)":      "35 35 35 35",
		"YEAR(a)":                 "2026 2026 2026 2026",
		"EPOCH(a) - EPOCH(a)":     "0 0 0 0",
		"MAX(b / 0)":              "=-",
	} {
		t.Run(expression, func(t *testing.T) {
			v, err := mathBed(expression)
			require.NoError(t, err)
			require.Equal(t, want, show(v))
		})
	}
}

func TestMetricMathSaysWhatIsWrong(t *testing.T) {
	deep := strings.Repeat("(", 200) + "a" + strings.Repeat(")", 200)
	for expression, want := range map[string]string{
		"":                          "unexpected end of expression at char 0",
		"a +":                       "unexpected end of expression at char 3",
		"a b":                       "unexpected 'b' at char 2",
		"(a":                        "unexpected end of expression at char 2",
		"a)":                        "unexpected ')' at char 1",
		"[a, ]":                     "unexpected ']' at char 4",
		"SUM(a,":                    "unexpected end of expression at char 6",
		"AND a":                     "unexpected 'AND' at char 0",
		"a % 2":                     "unsupported character '%' at char 2",
		"a = 2":                     "unsupported character '=' at char 2",
		"a + 'x":                    "unterminated text at char 4",
		"c + 1":                     "unknown id 'c'",
		"NOPE(a)":                   "unknown function 'NOPE'",
		"sum(a)":                    "unknown function 'sum'",
		"ABS(a, b)":                 "wrong number of arguments for ABS: 2",
		"FILL(a)":                   "wrong number of arguments for FILL: 1",
		"[a] + [b]":                 "unsupported operand types for +: Array[TimeSeries] and Array[TimeSeries]",
		"a + 'x'":                   "unsupported operand types for +: TimeSeries and String",
		"-'x'":                      "unsupported operand type for -: String",
		"['x']":                     "a list cannot hold a String",
		"RATE(1)":                   "unsupported argument type for RATE: Scalar",
		"FILL(1, 2)":                "unsupported argument type for FILL: Scalar",
		"FILL(a, [b])":              "unsupported argument type for FILL: Array[TimeSeries]",
		"IF([a], 1, 2)":             "unsupported argument type for IF: Array[TimeSeries]",
		"METRICS(a)":                "METRICS needs a String",
		"PERIOD(1)":                 "PERIOD needs the id of a metric",
		"FIRST(a)":                  "unsupported argument type for FIRST: TimeSeries",
		"TIME_SERIES(a)":            "unsupported argument type for TIME_SERIES: TimeSeries",
		"ANOMALY_DETECTION_BAND(a)": "the function ANOMALY_DETECTION_BAND is not served here",
		"SEARCH('x', 'Sum', 60)":    "the function SEARCH is not served here",
		"1e999":                     "number out of range at char 0",
		deep:                        "the expression is nested deeper than 64 levels",
		strings.Repeat("-", 200):    "the expression is nested deeper than 64 levels",
		strings.Repeat("a", 3000):   "the expression is longer than 2048 characters",
	} {
		name := expression
		if len(name) > 40 {
			name = name[:40]
		}
		t.Run(name, func(t *testing.T) {
			_, err := mathBed(expression)
			require.EqualError(t, err, want)
		})
	}
}

func TestAMissingPointIsNotANumber(t *testing.T) {
	require.True(t, isMissing(missing))
	require.True(t, isMissing(finite(math.Inf(1))))
}
