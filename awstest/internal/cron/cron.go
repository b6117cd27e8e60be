// Package cron reads the cron expressions of EventBridge's rules and schedules, and says
// when they hold:
//
//	e, err := cron.Parse("0 9 ? * MON-FRI *")
//	next, ok := e.Next(now, time.UTC)
package cron

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Expression is a parsed cron expression: minutes, hours, day of month, month, day of
// week, year. [EventBridge Scheduler user guide, "Cron-based schedules"]
type Expression struct {
	minutes, hours, months, years set
	monthDays                     *monthDays // nil if it is ?
	weekDays                      *weekDays  // nil if it is ?
}

// set holds the values that a field allows.
type set map[int]bool

// monthDays is the field day of month.
type monthDays struct {
	days    set
	last    bool  // L: the last day
	nearest []int // nW: the weekday nearest to n, in the same month
}

// weekDays is the field day of week; Sunday is 1.
type weekDays struct {
	days set
	last set         // nL: the last such day of the month
	nth  map[int]set // n#k: the k-th such day of the month, by n
}

const firstYear, lastYear = 1970, 2199

var errExpression = errors.New("not a cron expression")

// Parse reads an expression's six fields, without the cron() around them.
func Parse(text string) (*Expression, error) {
	fields := strings.Fields(text)
	if len(fields) != 6 || len(text) > 256 {
		return nil, errExpression
	}
	// one of the two days must be ?, and only one
	if (fields[2] == "?") == (fields[4] == "?") {
		return nil, errExpression
	}
	c := &Expression{}
	var err error
	for _, f := range []struct {
		into      *set
		text      string
		low, high int
		names     []string
	}{
		{&c.minutes, fields[0], 0, 59, nil},
		{&c.hours, fields[1], 0, 23, nil},
		{&c.months, fields[3], 1, 12, monthNames()},
		{&c.years, fields[5], firstYear, lastYear, nil},
	} {
		if *f.into, err = parseSet(f.text, f.low, f.high, f.names); err != nil {
			return nil, err
		}
	}
	if fields[2] != "?" {
		c.monthDays, err = parseMonthDays(fields[2])
	} else {
		c.weekDays, err = parseWeekDays(fields[4])
	}
	return c, err
}

func monthNames() []string {
	return []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
}

func dayNames() []string { return []string{"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"} }

// parseSet parses a list of values, ranges and steps: 1,5-9,10/5,*/2.
func parseSet(text string, low, high int, names []string) (set, error) {
	out := set{}
	for part := range strings.SplitSeq(text, ",") {
		if err := out.add(part, low, high, names); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s set) add(part string, low, high int, names []string) error {
	span, step, stepped := strings.Cut(part, "/")
	by := 1
	if stepped {
		n, err := strconv.Atoi(step)
		if err != nil || n < 1 {
			return errExpression
		}
		by = n
	}
	from, to := low, high
	if span != "*" {
		begin, end, ranged := strings.Cut(span, "-")
		var err error
		if from, err = parseValue(begin, low, high, names); err != nil {
			return err
		}
		switch {
		case ranged:
			if to, err = parseValue(end, low, high, names); err != nil {
				return err
			}
		case !stepped:
			to = from
		}
		if to < from {
			return errExpression
		}
	}
	for v := from; v <= to; v += by {
		s[v] = true
	}
	return nil
}

// parseValue parses a number or, if the field has names, a name, the first of which is
// low.
func parseValue(text string, low, high int, names []string) (int, error) {
	for i, name := range names {
		if strings.EqualFold(text, name) {
			return low + i, nil
		}
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high || text[0] == '+' {
		return 0, errExpression
	}
	return n, nil
}

func parseMonthDays(text string) (*monthDays, error) {
	out := &monthDays{days: set{}}
	for part := range strings.SplitSeq(text, ",") {
		if part == "L" {
			out.last = true
		} else if day, ok := strings.CutSuffix(part, "W"); ok {
			n, err := parseValue(day, 1, 31, nil)
			if err != nil {
				return nil, err
			}
			out.nearest = append(out.nearest, n)
		} else if err := out.days.add(part, 1, 31, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parseWeekDays(text string) (*weekDays, error) {
	out := &weekDays{days: set{}, last: set{}, nth: map[int]set{}}
	for part := range strings.SplitSeq(text, ",") {
		if part == "L" { // the last day of the week
			out.days[7] = true
			continue
		}
		if day, ok := strings.CutSuffix(part, "L"); ok {
			n, err := parseValue(day, 1, 7, dayNames())
			if err != nil {
				return nil, err
			}
			out.last[n] = true
			continue
		}
		if day, count, ok := strings.Cut(part, "#"); ok {
			n, err := parseValue(day, 1, 7, dayNames())
			if err != nil {
				return nil, err
			}
			k, err := parseValue(count, 1, 5, nil)
			if err != nil {
				return nil, err
			}
			if out.nth[n] == nil {
				out.nth[n] = set{}
			}
			out.nth[n][k] = true
			continue
		}
		if err := out.days.add(part, 1, 7, dayNames()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Next returns the first instant after the given one at which the expression holds in
// the zone, false if there is none. Local times that don't exist, where clocks are put
// forward, are skipped.
func (c *Expression) Next(after time.Time, zone *time.Location) (time.Time, bool) {
	local := after.In(zone)
	year, month, day := local.Date()
	if year < firstYear {
		year, month, day = firstYear, time.January, 1
	}
	for ; year <= lastYear; year, month = year+1, time.January {
		if !c.years[year] {
			day = 1
			continue
		}
		for ; month <= time.December; month++ {
			if c.months[int(month)] {
				for length := daysIn(year, month); day <= length; day++ {
					if c.onDay(year, month, day) {
						if t, ok := c.within(year, month, day, after, zone); ok {
							return t, true
						}
					}
				}
			}
			day = 1
		}
	}
	return time.Time{}, false
}

// within returns the first instant of a day after the given one.
func (c *Expression) within(year int, month time.Month, day int, after time.Time, zone *time.Location) (time.Time, bool) {
	for hour := range 24 {
		if !c.hours[hour] {
			continue
		}
		for minute := range 60 {
			if !c.minutes[minute] {
				continue
			}
			t := time.Date(year, month, day, hour, minute, 0, 0, zone)
			if t.Day() != day || t.Hour() != hour || t.Minute() != minute {
				continue // there is no such local time
			}
			if t = First(t); t.After(after) {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

func (c *Expression) onDay(year int, month time.Month, day int) bool {
	length := daysIn(year, month)
	if m := c.monthDays; m != nil {
		if m.days[day] || m.last && day == length {
			return true
		}
		for _, n := range m.nearest {
			if n <= length && day == nearestWeekday(year, month, n) {
				return true
			}
		}
		return false
	}
	w := c.weekDays
	weekday := int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()) + 1
	return w.days[weekday] || w.last[weekday] && day+7 > length || w.nth[weekday][(day-1)/7+1]
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// nearestWeekday returns the day from Monday to Friday that is nearest to the given
// one without leaving its month.
func nearestWeekday(year int, month time.Month, day int) int {
	switch time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == daysIn(year, month) {
			return day - 2
		}
		return day + 1
	}
	return day
}

// First returns the earlier of the two instants that have the local time of t, where
// clocks are put back: the schedule runs once then, not twice. [EventBridge Scheduler
// user guide, "Daylight savings time"]
func First(t time.Time) time.Time {
	_, offset := t.Zone()
	begin, _ := t.ZoneBounds()
	if begin.IsZero() {
		return t
	}
	_, before := begin.Add(-time.Nanosecond).Zone()
	if earlier := t.Add(time.Duration(offset-before) * time.Second); earlier.Before(begin) {
		return earlier
	}
	return t
}
