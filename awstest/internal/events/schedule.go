package events

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/cron"
)

// schedule says when a rule occurs: by cron in UTC, or at a rate.
type schedule struct {
	fields *cron.Expression
	every  time.Duration
	anchor time.Time // since when the rule has been as it is; a rate counts from it
}

var errSchedule = errors.New("not a schedule expression")

var ratePattern = regexp.MustCompile(`^rate\(([1-9][0-9]{0,8}) (minute|hour|day)(s?)\)$`)

// parseSchedule reads cron(fields) and rate(value unit), whose unit is singular with 1 and
// plural with more. [EventBridge user guide, "Rate expressions reference"]
func parseSchedule(expression string) (*schedule, error) {
	if m := ratePattern.FindStringSubmatch(expression); m != nil {
		n, err := strconv.Atoi(m[1])
		unit := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[m[2]]
		if err != nil || (n == 1) != (m[3] == "") || n > int(100*365*24*time.Hour/unit) {
			return nil, errSchedule
		}
		return &schedule{every: time.Duration(n) * unit}, nil
	}
	text, begins := strings.CutPrefix(expression, "cron(")
	text, ends := strings.CutSuffix(text, ")")
	if !begins || !ends {
		return nil, errSchedule
	}
	fields, err := cron.Parse(text)
	return &schedule{fields: fields}, err
}

// next returns the first occurrence after the instant, false if there is none. A rate
// occurs first when a period has passed.
func (p *schedule) next(after time.Time) (time.Time, bool) {
	if p.fields != nil {
		return p.fields.Next(after, time.UTC)
	}
	if after.Before(p.anchor) {
		after = p.anchor
	}
	return p.anchor.Add((after.Sub(p.anchor)/p.every + 1) * p.every), true
}
