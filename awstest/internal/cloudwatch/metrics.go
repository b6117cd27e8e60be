package cloudwatch

import (
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

const (
	// minuteRetention is how long data points of one minute are kept, in minutes: 15
	// days ("Metrics retention", CloudWatch concepts). CloudWatch keeps coarser ones
	// for longer; here they go with them.
	minuteRetention = 15 * 24 * 60
	// secondRetention is how long data points of less than a minute are kept, in
	// seconds: three hours (ibid.).
	secondRetention = 3 * 60 * 60
)

// metricKey names a metric. Dimensions are in order of their names: a metric is found by
// exactly the dimensions that it was reported with.
type metricKey struct {
	namespace, name string
	dimensions      []Dimension
}

func newMetricKey(namespace, name string, dimensions []Dimension) metricKey {
	dims := slices.Clone(dimensions)
	slices.SortFunc(dims, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	return metricKey{namespace, name, dims}
}

// String is the key in a form that can be compared.
func (k metricKey) String() string {
	var b strings.Builder
	b.WriteString(k.namespace)
	b.WriteByte(0)
	b.WriteString(k.name)
	for _, d := range k.dimensions {
		b.WriteByte(0)
		b.WriteString(d.Name)
		b.WriteByte(0)
		b.WriteString(d.Value)
	}
	return b.String()
}

// metric is what has been reported of one metric.
type metric struct {
	key   metricKey
	units []*unitSeries
	refs  int // alarms that watch it: they keep it from being dropped
}

// unitSeries is a metric in one of its units; nearly all have just one.
type unitSeries struct {
	unit    string
	minutes series
	seconds *series // high resolution, nil if none was reported
}

// metric finds or makes the metric of a key; s.mu is held.
func (sp *space) metric(key metricKey) *metric {
	id := key.String()
	m := sp.metrics[id]
	if m == nil {
		m = &metric{key: key}
		sp.metrics[id] = m
	}
	return m
}

func (m *metric) series(unit string) *unitSeries {
	for _, u := range m.units {
		if u.unit == unit {
			return u
		}
	}
	u := &unitSeries{unit: unit}
	m.units = append(m.units, u)
	return u
}

// in returns the metric's series of a unit, or all if the unit is empty.
func (m *metric) in(unit string) []*unitSeries {
	if unit == "" {
		return m.units
	}
	for i, u := range m.units {
		if u.unit == unit {
			return m.units[i : i+1]
		}
	}
	return nil
}

// window merges what was reported in the seconds from..to-1.
func (u *unitSeries) window(from, to int64) sample {
	if (to-from)%60 == 0 && from%60 == 0 || u.seconds == nil {
		return u.minutes.window(ceilDiv(from, 60), ceilDiv(to, 60))
	}
	return u.seconds.window(from, to)
}

func (u *unitSeries) measured(from, to int64) ([]weighted, bool) {
	if (to-from)%60 == 0 && from%60 == 0 || u.seconds == nil {
		return u.minutes.measured(ceilDiv(from, 60), ceilDiv(to, 60))
	}
	return u.seconds.measured(from, to)
}

func ceilDiv(a, b int64) int64 { return -floorDiv(-a, b) }

func (m *metric) window(unit string, from, to int64) sample {
	var out sample
	for _, u := range m.in(unit) {
		out = out.merge(u.window(from, to))
	}
	return out
}

// empty reports whether no data is left of the metric.
func (m *metric) empty() bool {
	for _, u := range m.units {
		if len(u.minutes.runs) > 0 {
			return false
		}
	}
	return true
}

// lastSecond is when the metric's latest minute ended, in seconds since 1970.
func (m *metric) lastSecond() int64 {
	var last int64
	for _, u := range m.units {
		if len(u.minutes.runs) > 0 {
			last = max(last, u.minutes.end()*60)
		}
	}
	return last
}

// queueKey names a queue as SQS reports it.
type queueKey struct{ account, region, queue string }

// feed is where the metrics of a queue go, in the order in which SQS reports them, so
// that a minute costs one look-up a queue and none a metric.
type feed struct {
	space *space
	queue string
	slots []slot
}

type slot struct {
	metric, unit string
	series       *unitSeries
	of           *metric
}

// PutQueue implements fabric.Metrics: it takes what SQS measured of a queue in the
// minute that begins at the given instant.
func (s *Service) PutQueue(account, region, queue string, minute time.Time, values []fabric.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := queueKey{account, region, queue}
	f := s.queues[k]
	if f == nil {
		f = &feed{space: s.space(account, region), queue: queue}
		s.queues[k] = f
	}
	at := minuteOf(minute)
	next := 0
	for i := range values {
		v := &values[i]
		if v.Count <= 0 {
			continue
		}
		// SQS reports in a fixed order, though not always everything: look on from
		// where the last value was found
		j := next
		for j < len(f.slots) && (f.slots[j].metric != v.Metric || f.slots[j].unit != v.Unit) {
			j++
		}
		if j == len(f.slots) {
			j = f.slot(v.Metric, v.Unit)
		}
		f.slots[j].series.minutes.put(at, sample{v.Sum, v.Min, v.Max, v.Count})
		next = j + 1
	}
}

// slot finds or makes the place of a metric in the feed.
func (f *feed) slot(name, unit string) int {
	for j := range f.slots {
		if f.slots[j].metric == name && f.slots[j].unit == unit {
			return j
		}
	}
	m := f.space.metric(newMetricKey("AWS/SQS", name, []Dimension{{Name: "QueueName", Value: f.queue}}))
	f.slots = append(f.slots, slot{metric: name, unit: unit, series: m.series(unit), of: m})
	return len(f.slots) - 1
}

// prune drops data that has outlived its retention, and metrics and feeds that nothing
// is left of. It walks everything, so it runs once an hour; s.mu is held.
func (s *Service) prune(now time.Time) {
	minute := minuteOf(now)
	for _, sp := range s.places {
		for id, m := range sp.metrics {
			for _, u := range m.units {
				u.minutes.prune(minute - minuteRetention)
				if u.seconds != nil {
					u.seconds.prune(now.Unix() - secondRetention)
				}
			}
			if m.refs == 0 && m.empty() {
				m.units = nil // tells feeds that it is gone
				delete(sp.metrics, id)
			}
		}
		sp.forget(now)
	}
	for k, f := range s.queues {
		if slices.ContainsFunc(f.slots, func(sl slot) bool { return sl.of.units == nil }) {
			delete(s.queues, k)
		}
	}
}
