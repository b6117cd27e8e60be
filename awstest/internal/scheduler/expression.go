package scheduler

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/cron"
)

// plan says when a schedule occurs.
type plan struct {
	expression string
	zone       *time.Location
	start, end time.Time // zero if not limited

	once   time.Time        // of at()
	every  time.Duration    // of rate()
	fields *cron.Expression // of cron()
	anchor time.Time        // since when the schedule has been as it is; a rate counts from it
}

var errExpression = errors.New("not a schedule expression")

var ratePattern = regexp.MustCompile(`^rate\(([0-9]{1,9}) (minute|hour|day)s?\)$`)

// parseExpression reads at(yyyy-mm-ddThh:mm:ss), rate(value unit) and cron(fields).
// [EventBridge Scheduler user guide, "Schedule types"; what is refused is recorded]
func parseExpression(expression string, zone *time.Location) (plan, error) {
	p := plan{expression: expression, zone: zone}
	if m := ratePattern.FindStringSubmatch(expression); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil || n == 0 {
			return p, errExpression
		}
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
		if n > int(100*365*24*time.Hour/unit) {
			return p, errExpression
		}
		p.every = time.Duration(n) * unit
		return p, nil
	}
	inner, ok := strings.CutSuffix(expression, ")")
	if !ok {
		return p, errExpression
	}
	if text, ok := strings.CutPrefix(inner, "at("); ok {
		t, err := time.ParseInLocation("2006-01-02T15:04:05", text, zone)
		p.once = cron.First(t)
		return p, err
	}
	if text, ok := strings.CutPrefix(inner, "cron("); ok {
		fields, err := cron.Parse(text)
		p.fields = fields
		return p, err
	}
	return p, errExpression
}

// sameAs reports whether two plans occur at the same instants, given the same anchor.
func (p plan) sameAs(q plan) bool {
	return p.expression == q.expression && p.zone.String() == q.zone.String() && p.start.Equal(q.start) && p.end.Equal(q.end)
}

// next returns the first occurrence after the instant, false if there is none.
func (p plan) next(after time.Time) (time.Time, bool) {
	if p.fields == nil && p.every == 0 {
		// start and end don't apply to one-time schedules; one in the past never occurs
		return p.once, p.once.After(after)
	}
	if !p.start.IsZero() && after.Before(p.start) {
		after = p.start.Add(-time.Nanosecond)
	}
	t, ok := p.recur(after)
	return t, ok && (p.end.IsZero() || !t.After(p.end))
}

func (p plan) recur(after time.Time) (time.Time, bool) {
	if p.fields != nil {
		return p.fields.Next(after, p.zone)
	}
	// a rate begins at once, or at the start date
	origin := p.anchor
	if !p.start.IsZero() {
		origin = p.start
	}
	if after.Before(origin) {
		return origin, true
	}
	return origin.Add((after.Sub(origin)/p.every + 1) * p.every), true
}
