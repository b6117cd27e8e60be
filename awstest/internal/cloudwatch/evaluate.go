package cloudwatch

import (
	"math"
	"time"
)

// Tick evaluates the alarms at an instant that begins a minute, once the metrics of the
// minute before it are in, and performs the actions of those that change their state.
func (s *Service) Tick(now time.Time) {
	s.mu.Lock()
	minute := minuteOf(now)
	for _, a := range s.alarms {
		if !a.isSettled(minute) {
			s.evaluate(a, now)
		}
	}
	s.evaluateComposites(now)
	if minute-s.pruned >= 60 {
		s.pruned = minute
		s.prune(now)
	}
	s.mu.Unlock()
	s.notify()
}

// NeedsSeconds reports whether there are alarms with periods of less than a minute, which
// TickSeconds evaluates.
func (s *Service) NeedsSeconds() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seconds > 0
}

// TickSeconds evaluates the alarms with periods of 10, 20 or 30 seconds, at an instant
// that is a multiple of ten seconds.
func (s *Service) TickSeconds(now time.Time) {
	s.mu.Lock()
	if s.seconds > 0 {
		for _, a := range s.alarms {
			if a.period < 60 {
				s.evaluate(a, now)
			}
		}
		s.evaluateComposites(now)
	}
	s.mu.Unlock()
	s.notify()
}

// evaluate judges a metric alarm by the periods that end now.
func (s *Service) evaluate(a *alarm, now time.Time) {
	c := &a.config
	n := int(c.EvaluationPeriods)
	if a.period*int64(n) > day && minuteOf(now)%60 != 0 {
		return // alarms that look back more than a day are evaluated once an hour
	}
	treat := c.treat()
	at := now
	breaches := c.breaches
	if s.defects != nil {
		treat, at, breaches = s.distort(c, treat, at)
	}
	grid := a.grid(at, n+spare)
	points := a.points(grid)[a.extra:]
	grid = grid[a.extra:]
	v := judge(points, breaches, n, c.toAlarm(), treat)
	switch {
	case v.state == "" || v.state == a.state:
	case a.state == stateAlarm && s.has(StuckAlarm):
	default:
		reason, data := a.explain(v, grid, points, breaches, now)
		s.transition(a, v.state, reason, data, now, nil)
	}
	a.settled = settled{}
	if s.defects == nil {
		a.settle(minuteOf(at), grid, points, v)
	}
}

// grid is when the periods of the evaluation range begin, oldest first: periods end now,
// wherever in the hour that is. "At the end of minute 6, the alarm is evaluated based on
// the data from minutes 2 to 6" (Alarm evaluation, of a period of 5 minutes).
func (a *alarm) grid(now time.Time, n int) []int64 {
	end := now.Unix()
	if a.period >= 60 {
		end = minuteOf(now) * 60
	} else {
		end = floorDiv(end, 10) * 10
	}
	grid := make([]int64, n+a.extra)
	for i := range grid {
		grid[i] = end - int64(len(grid)-i)*a.period
	}
	return grid
}

// points are the data points of the grid's periods.
func (a *alarm) points(grid []int64) []float64 {
	if q := a.watched; q.expr == nil {
		out := make([]float64, len(grid))
		for i, from := range grid {
			out[i] = q.stat.of(q.metric, q.unit, from, from+a.period)
		}
		return out
	}
	v, err := a.plan.evaluate(a.watched, grid, a.period)
	if err == nil {
		var out []float64
		if out, err = v.single(len(grid)); err == nil {
			return out
		}
	}
	// the types were checked when the alarm was put; what remains depends on the data,
	// as REMOVE_EMPTY does, and says that there is none
	out := make([]float64, len(grid))
	for i := range out {
		out[i] = missing
	}
	return out
}

func (c *alarmConfig) breaches(f float64) bool {
	switch c.ComparisonOperator {
	case "GreaterThanThreshold":
		return f > *c.Threshold
	case "GreaterThanOrEqualToThreshold":
		return f >= *c.Threshold
	case "LessThanThreshold":
		return f < *c.Threshold
	default:
		return f <= *c.Threshold
	}
}

// distort has an evaluation go wrong in the ways that were planted.
func (s *Service) distort(c *alarmConfig, treat string, at time.Time) (string, time.Time, func(float64) bool) {
	breaches := c.breaches
	if s.has(WrongComparison) {
		breaches = func(f float64) bool { return f == *c.Threshold || c.breaches(f) }
	}
	if s.has(WrongMissingData) {
		treat = map[string]string{
			treatBreaching: treatNotBreaching, treatNotBreaching: treatBreaching,
			treatMissing: treatIgnore, treatIgnore: treatMissing,
		}[treat]
	}
	if s.has(StaleData) {
		at = at.Add(-time.Hour)
	}
	return treat, at, breaches
}

// explain puts a verdict in words and in data.
func (a *alarm) explain(v verdict, grid []int64, points []float64, breaches func(float64) bool, now time.Time) (reason, data string) {
	at := func(i int) point {
		p := point{at: time.Unix(grid[i], 0), value: points[i]}
		if q := a.watched; q.expr == nil && len(a.config.Metrics) == 0 && !isMissing(p.value) {
			p.count = q.metric.window(q.unit, grid[i], grid[i]+a.period).count
		}
		return p
	}
	var used, shown []point
	for _, i := range v.used {
		p := at(i)
		used = append(used, p)
		if breaches(p.value) == (v.state == stateAlarm) {
			shown = append(shown, p)
		}
	}
	if len(used) == 0 {
		for i := len(grid) - int(a.config.EvaluationPeriods); i < len(grid); i++ {
			used = append(used, at(i))
		}
	}
	if v.state == stateInsufficient {
		reason = insufficientReason(v.filled)
	} else {
		reason = thresholdReason(&a.config, v.state, shown, v)
	}
	return reason, toJSON(newReasonData(&a.config, a.period, now, used))
}

// transition puts an alarm into another state, records it and has its actions performed
// once s.mu is free. trigger is the child that made a composite alarm change.
func (s *Service) transition(a *alarm, state, reason, data string, now time.Time, trigger []*alarm) {
	old := *a
	a.state, a.reason, a.reasonData = state, reason, data
	a.updated, a.transitioned = now, now
	a.space.recordTransition(&old, a, now)
	s.changed = append(s.changed, a)
	s.suppressorChanged(a, now)
	if a.config.Suppressor != "" {
		s.hold(a, act{old.state, trigger}, now)
		return
	}
	s.act(a, old.state, now, trigger)
}

// act has the actions of an alarm's state performed once s.mu is free.
func (s *Service) act(a *alarm, oldState string, now time.Time, trigger []*alarm) {
	if a.config.ActionsEnabled && !s.has(DropNotification) {
		s.enqueue(a, oldState, now, trigger)
		if s.has(RepeatNotification) {
			s.enqueue(a, oldState, now, trigger)
		}
	}
}

// settled says that an alarm need not be evaluated while its metrics go on as they do.
// Most alarms watch queues that nobody touches: over two weeks that is 20,160
// evaluations with one result.
type settled struct {
	until int64 // the minute from which on it must be evaluated again; 0 if it isn't settled
	marks []mark
}

// mark is how a metric went on when the alarm settled.
type mark struct {
	series *series // nil if there was none
	units  int
	end    int64 // of its data, if it has none in the range
	start  int64 // of its last run, if that covers the range
	live   bool
}

// isSettled reports whether the evaluation at a minute can be left out.
func (a *alarm) isSettled(minute int64) bool {
	if a.settled.until <= minute {
		return false
	}
	i := 0
	for _, q := range a.plan.queries {
		if q.metric == nil {
			continue
		}
		m := &a.settled.marks[i]
		i++
		if len(q.metric.units) != m.units {
			return false
		}
		switch s := m.series; {
		case s == nil:
		case m.live:
			// late data in the range would have split the run
			if r := s.lastRun(); r == nil || r.start != m.start || r.end() != minute {
				return false
			}
		case s.end() != m.end:
			return false
		}
	}
	return true
}

// settle works out whether the verdict stands while every metric continues its last run,
// or stays silent.
func (a *alarm) settle(minute int64, grid []int64, points []float64, v verdict) {
	if a.period < 60 || !a.steady {
		return
	}
	from := floorDiv(grid[0]-int64(a.extra)*a.period, 60)
	marks := make([]mark, 0, len(a.plan.queries))
	var slope *run
	for _, q := range a.plan.queries {
		m := q.metric
		if m == nil {
			continue
		}
		k := mark{units: len(m.units)}
		if k.units > 1 || k.units == 1 && q.unit != "" && m.units[0].unit != q.unit {
			return
		}
		if k.units == 1 {
			k.series = &m.units[0].minutes
			r := k.series.lastRun()
			switch {
			case r == nil || r.end() <= from:
				k.end = k.series.end()
			case r.start <= from && r.end() == minute:
				k.live, k.start = true, r.start
				if !r.flat() {
					slope = r
				}
			default:
				return
			}
		}
		marks = append(marks, k)
	}
	until := int64(math.MaxInt64)
	if slope != nil {
		if until = a.crossing(minute, points, v); until <= minute {
			return
		}
	}
	a.settled = settled{until: until, marks: marks}
}

// crossing is a minute before which a metric in a straight line does not reach the
// threshold, so that all of its points stay on the side on which they are; minute if
// that cannot be said.
func (a *alarm) crossing(minute int64, points []float64, v verdict) int64 {
	q := a.watched
	if q.expr != nil || v.breach != 0 && v.breach != len(v.used) {
		return minute // an expression may bend the line
	}
	last := len(points) - 1
	// periods may overlap from minute to minute, so the slope of a minute is that of a
	// period over its minutes: the line is straight
	perMinute := (points[last] - points[last-1]) / float64(a.period/60)
	left := (*a.config.Threshold - points[last]) / perMinute
	switch {
	case math.IsNaN(left) || math.IsInf(left, 0):
		return minute
	case left < 0: // moves away
		return math.MaxInt64
	case left > 1<<40:
		return minute + 1<<40
	}
	// a minute early, lest rounding make it late
	return max(minute, minute+int64(left)-1)
}
