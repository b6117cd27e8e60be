package sqs

import (
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

// activeFor is how long after its last API call an empty queue goes on publishing.
const activeFor = 6 * time.Hour

// minute counts what happens to a queue between two publications.
type minute struct {
	sent, received, deleted, empty, deduplicated int64
	sizes, sizeMin, sizeMax                      float64 // of the messages sent, bytes
}

func (c *minute) size(n int) {
	v := float64(n)
	if c.sizes == 0 || v < c.sizeMin {
		c.sizeMin = v
	}
	c.sizeMax = max(c.sizeMax, v)
	c.sizes += v
}

// gauges are what a queue stands at.
type gauges struct {
	visible, notVisible, delayed, groups float64
	age                                  float64 // of the oldest message, seconds
	aged                                 bool    // there is such a message
}

// PublishMetrics publishes the metrics of every active queue for the minute that ends
// now: the gauges as they stand, the counters as they added up since the last call. See
// "Available CloudWatch metrics for Amazon SQS" in the SQS developer guide.
func (s *Service) PublishMetrics(now time.Time, sink fabric.Metrics) {
	at := now.UnixNano()
	begin := now.Add(-time.Minute)
	var buf [12]fabric.Value
	values := buf[:0]
	for _, q := range *s.all.Load() {
		if values = q.publish(values[:0], at); len(values) > 0 {
			sink.PutQueue(q.key.account, q.key.region, q.key.name, begin, values)
		}
	}
}

// publish appends the queue's values, none if it is inactive, and begins a new minute.
func (q *queue) publish(values []fabric.Value, now int64) []fabric.Value {
	q.mu.Lock()
	defer q.unlock()
	q.settle(now)
	if len(q.waiters) > 0 {
		q.serve(now)
	}
	c := q.minute
	q.minute = minute{}
	if q.byAge.len == 0 && c == (minute{}) && now-q.called.Load() > int64(activeFor) || q.defective.silent(q) {
		return values
	}
	put := func(metric, unit string, v float64) {
		values = append(values, fabric.Value{Metric: metric, Unit: unit, Sum: v, Min: v, Max: v, Count: 1})
	}
	g := q.defective.sample(q, q.gauges(now), now)
	put("ApproximateNumberOfMessagesVisible", "Count", g.visible)
	put("ApproximateNumberOfMessagesNotVisible", "Count", g.notVisible)
	put("ApproximateNumberOfMessagesDelayed", "Count", g.delayed)
	if g.aged {
		put("ApproximateAgeOfOldestMessage", "Seconds", g.age)
	}
	put("NumberOfMessagesSent", "Count", float64(c.sent))
	put("NumberOfMessagesReceived", "Count", float64(c.received))
	put("NumberOfMessagesDeleted", "Count", float64(c.deleted))
	put("NumberOfEmptyReceives", "Count", float64(c.empty))
	if c.sent > 0 {
		values = append(values, fabric.Value{
			Metric: "SentMessageSize", Unit: "Bytes", Sum: c.sizes, Min: c.sizeMin, Max: c.sizeMax, Count: float64(c.sent),
		})
	}
	if q.fifo {
		put("ApproximateNumberOfGroupsWithInflightMessages", "Count", g.groups)
		put("NumberOfDeduplicatedSentMessages", "Count", float64(c.deduplicated))
	}
	return values
}

func (q *queue) gauges(now int64) gauges {
	g := gauges{
		visible: float64(q.count[ready]), notVisible: float64(q.count[inFlight]), delayed: float64(q.count[delayed]),
		groups: float64(q.groups.inFlight),
	}
	if q.oldest != nil {
		g.aged, g.age = true, float64(max(now-q.oldest.arrived, 0)/int64(time.Second))
	}
	return g
}
