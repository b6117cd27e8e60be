package cloudwatch

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	initialReason = "Unchecked: Initial alarm creation"
	// listed is how many data points a reason lists at most; from that many on they
	// come in a sentence of their own.
	listed = 5
)

// comparisons are the operators in the words of state reasons.
var comparisons = map[string]string{
	"GreaterThanThreshold":          "greater than",
	"GreaterThanOrEqualToThreshold": "greater than or equal to",
	"LessThanThreshold":             "less than",
	"LessThanOrEqualToThreshold":    "less than or equal to",
}

// point is an evaluated data point.
type point struct {
	at    time.Time
	value float64 // NaN if missing
	count float64 // samples; of a metric only
}

// count puts "1 datapoint" or "3 datapoints".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// thresholdReason is why an alarm has gone to ALARM or OK. shown are the points that made
// the state, oldest first. The wordings are those of notifications that AWS has sent.
func thresholdReason(c *alarmConfig, state string, shown []point, v verdict) string {
	n := int(c.EvaluationPeriods)
	filled := ""
	if v.filled > 0 && (c.treat() == treatBreaching || c.treat() == treatNotBreaching) {
		as := "Breaching"
		if c.treat() == treatNotBreaching {
			as = "NonBreaching"
		}
		filled = fmt.Sprintf("%s %s treated as [%s]", count(v.filled, "missing datapoint"), was(v.filled), as)
	}
	if len(shown) == 0 {
		if len(v.used) == 0 {
			return fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s.", count(n, "period"), filled)
		}
		return fmt.Sprintf("Threshold Crossed: %s %s received for %s and %s.", count(len(v.used), "datapoint"), was(len(v.used)), count(n, "period"), filled)
	}
	not := ""
	if state == stateOK {
		not = "not "
	}
	subject := count(len(shown), "datapoint")
	if c.DatapointsToAlarm != nil {
		subject = fmt.Sprintf("%d out of the last %d datapoints", len(shown), n)
	}
	points := make([]string, 0, listed)
	for i := len(shown) - 1; i >= 0 && len(points) < listed; i-- {
		points = append(points, javaDouble(shown[i].value)+" ("+shown[i].at.UTC().Format("02/01/06 15:04:05")+")")
	}
	list := "[" + strings.Join(points, ", ") + "]"
	compared := fmt.Sprintf("%s %s%s the threshold (%s)", was(len(shown)), not, comparisons[c.ComparisonOperator], javaDouble(*c.Threshold))
	if filled != "" {
		filled = " and " + filled
	}
	minimum := ""
	if c.DatapointsToAlarm != nil {
		need, from, to := int(*c.DatapointsToAlarm), stateOK, stateAlarm
		if state == stateOK {
			need, from, to = n-need+1, stateAlarm, stateOK
		}
		minimum = fmt.Sprintf(" (minimum %s for %s -> %s transition)", count(need, "datapoint"), from, to)
	}
	if len(shown) < listed {
		return fmt.Sprintf("Threshold Crossed: %s %s %s%s%s.", subject, list, compared, filled, minimum)
	}
	return fmt.Sprintf("Threshold Crossed: %s %s%s. The most recent datapoints which crossed the threshold: %s%s.", subject, compared, filled, list, minimum)
}

// insufficientReason is why an alarm has gone to INSUFFICIENT_DATA.
func insufficientReason(unknown int) string {
	return fmt.Sprintf("Insufficient Data: %s %s unknown.", count(unknown, "datapoint"), was(unknown))
}

// javaDouble formats a number as Double.toString does: always with a fraction, and in
// scientific notation from 10^7 on and below 10^-3.
func javaDouble(f float64) string {
	if f == 0 {
		return "0.0"
	}
	if a := math.Abs(f); a < 1e-3 || a >= 1e7 {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, 64), "E")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		n, err := strconv.Atoi(exponent)
		if err != nil {
			return mantissa // Inf and NaN, which no data point is
		}
		return mantissa + "E" + strconv.Itoa(n)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// jsonDouble is a float64 that JSON has as AWS writes it: 1.0, not 1.
type jsonDouble float64

// MarshalJSON implements json.Marshaler.
func (d jsonDouble) MarshalJSON() ([]byte, error) { return []byte(javaDouble(float64(d))), nil }

// longTime is the form of times in history, reason data and notifications.
func longTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

// reasonData is StateReasonData of a metric alarm.
type reasonData struct {
	Version             string          `json:"version"`
	QueryDate           string          `json:"queryDate"`
	StartDate           string          `json:"startDate,omitempty"`
	Unit                string          `json:"unit,omitempty"`
	Statistic           string          `json:"statistic,omitempty"`
	Period              int64           `json:"period"`
	RecentDatapoints    []jsonDouble    `json:"recentDatapoints"`
	Threshold           jsonDouble      `json:"threshold"`
	EvaluatedDatapoints []evaluatedData `json:"evaluatedDatapoints"`
}

type evaluatedData struct {
	Timestamp   string      `json:"timestamp"`
	SampleCount *jsonDouble `json:"sampleCount,omitempty"`
	Value       *jsonDouble `json:"value,omitempty"`
}

// newReasonData describes an evaluation by its points, oldest first: those used, or the
// missing ones if there are no others.
func newReasonData(c *alarmConfig, period int64, now time.Time, points []point) reasonData {
	d := reasonData{
		Version: "1.0", QueryDate: longTime(now), Unit: c.Unit, Statistic: c.Statistic, Period: period,
		RecentDatapoints: []jsonDouble{}, Threshold: jsonDouble(*c.Threshold), EvaluatedDatapoints: []evaluatedData{},
	}
	if d.Statistic == "" {
		d.Statistic = c.ExtendedStatistic
	}
	for i := range points {
		p := points[len(points)-1-i] // newest first
		e := evaluatedData{Timestamp: longTime(p.at)}
		if !isMissing(p.value) {
			v := jsonDouble(p.value)
			e.Value = &v
			if p.count > 0 {
				n := jsonDouble(p.count)
				e.SampleCount = &n
			}
			d.StartDate = longTime(p.at)
			d.RecentDatapoints = append([]jsonDouble{v}, d.RecentDatapoints...)
		}
		d.EvaluatedDatapoints = append(d.EvaluatedDatapoints, e)
	}
	return d
}
