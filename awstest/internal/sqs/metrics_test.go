package sqs

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

// recorder is a sink that keeps the last minute's values, by queue and metric.
type recorder struct {
	minute time.Time
	queues map[string]map[string]fabric.Value
}

func (r *recorder) PutQueue(_, _, queue string, minute time.Time, values []fabric.Value) {
	r.minute = minute
	r.queues[queue] = map[string]fabric.Value{}
	for _, v := range values {
		r.queues[queue][v.Metric] = v
	}
}

// publish advances to the end of a minute, and returns its metrics.
func (h *harness) publish() map[string]map[string]fabric.Value {
	h.clk.Advance(time.Minute)
	r := &recorder{queues: map[string]map[string]fabric.Value{}}
	h.svc.PublishMetrics(h.clk.Now(), r)
	if len(r.queues) > 0 {
		require.Equal(h, h.clk.Now().Add(-time.Minute), r.minute)
	}
	return r.queues
}

func one(metric, unit string, v float64) fabric.Value {
	return fabric.Value{Metric: metric, Unit: unit, Sum: v, Min: v, Max: v, Count: 1}
}

func TestANewQueuePublishesZeros(t *testing.T) {
	h := newHarness(t, Options{})
	h.queue("q")
	want := map[string]fabric.Value{}
	for _, m := range []string{
		"ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed",
		"NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted", "NumberOfEmptyReceives",
	} {
		want[m] = one(m, "Count", 0)
	}
	require.Equal(t, map[string]map[string]fabric.Value{"q": want}, h.publish())
}

func TestCountersAddUpOverTheMinute(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	h.send(q, "Hello")
	h.send(q, "Hello, you")
	h.delete(q, h.receive(q, 1)[0])
	h.receive(q, 10)
	require.Empty(t, h.receive(q, 10))
	got := h.publish()["q"]
	for metric, v := range map[string]float64{"NumberOfMessagesSent": 2, "NumberOfMessagesReceived": 2, "NumberOfMessagesDeleted": 1, "NumberOfEmptyReceives": 1} {
		require.Equal(t, one(metric, "Count", v), got[metric])
	}
	require.Equal(t, fabric.Value{Metric: "SentMessageSize", Unit: "Bytes", Sum: 15, Min: 5, Max: 10, Count: 2}, got["SentMessageSize"])
	got = h.publish()["q"]
	require.Zero(t, got["NumberOfMessagesSent"].Sum)
	require.NotContains(t, got, "SentMessageSize")
}

func TestGaugesAreThoseOfTheMinutesEnd(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	require.NotContains(t, h.publish()["q"], "ApproximateAgeOfOldestMessage")
	h.send(q, "x")
	h.send(q, "y")
	require.Len(t, h.receiveFor(q, 1, 90), 1)
	require.NoError(t, h.set(q, "DelaySeconds", "900"))
	h.send(q, "z")
	got := h.publish()["q"]
	require.Equal(t, 1.0, got["ApproximateNumberOfMessagesVisible"].Max)
	require.Equal(t, 1.0, got["ApproximateNumberOfMessagesNotVisible"].Max)
	require.Equal(t, 1.0, got["ApproximateNumberOfMessagesDelayed"].Max)
	require.Equal(t, one("ApproximateAgeOfOldestMessage", "Seconds", 60), got["ApproximateAgeOfOldestMessage"])
	got = h.publish()["q"]
	require.Equal(t, 2.0, got["ApproximateNumberOfMessagesVisible"].Max, "the visibility timeout has lapsed meanwhile")
}

func TestTheAgeOfTheOldestMessage(t *testing.T) {
	h := newHarness(t, Options{})
	dlq := h.queue("dlq", "VisibilityTimeout", "0")
	q := h.queue("q", "RedrivePolicy", redriveTo("dlq", 4), "VisibilityTimeout", "0")
	age := func() [2]float64 {
		got := h.publish()
		return [2]float64{got["q"]["ApproximateAgeOfOldestMessage"].Max, got["dlq"]["ApproximateAgeOfOldestMessage"].Max}
	}
	h.send(q, "poison")
	require.Equal(t, [2]float64{60, 0}, age())
	h.send(q, "other")
	for range 3 {
		require.Equal(t, "poison", *h.receive(q, 1)[0].Body)
	}
	require.Equal(t, [2]float64{60, 0}, age(), "received three times, a message isn't looked at")
	require.Equal(t, "other", *h.receive(q, 1)[0].Body)
	require.NoError(t, h.set(q, "RedrivePolicy", redriveTo("dlq", 3)))
	require.Equal(t, []string{"other"}, bodies(h.receive(q, 10)))
	require.Equal(t, [2]float64{120, 60}, age(), "in the DLQ it counts from the move")
	for range 4 {
		require.Len(t, h.receive(dlq, 1), 1)
	}
	require.Equal(t, [2]float64{180, 120}, age(), "however often it is looked at there")
}

func TestARedrivePolicysMovesDontCountAsSent(t *testing.T) {
	h := newHarness(t, Options{})
	dlq := h.queue("dlq")
	q := h.queue("q", "RedrivePolicy", redriveTo("dlq", 1))
	h.kill(q, 2)
	got := h.publish()["dlq"]
	require.Zero(t, got["NumberOfMessagesSent"].Sum)
	require.NotContains(t, got, "SentMessageSize")
	require.Equal(t, 2.0, got["ApproximateNumberOfMessagesVisible"].Max)
	_, err := h.move("dlq", nil, nil)
	require.NoError(t, err)
	require.Equal(t, [3]int{2, 0, 0}, h.counts(q))
	require.Equal(t, 2.0, h.publish()["q"]["NumberOfMessagesSent"].Sum, "but a move task's do")
	require.Equal(t, [3]int{0, 0, 0}, h.counts(dlq))
}

func TestAQueueIsActiveWhileItHasMessagesAndSixHoursAfterACall(t *testing.T) {
	h := newHarness(t, Options{})
	h.queue("idle")
	q := h.queue("q", "MessageRetentionPeriod", "86400")
	h.send(q, "x")
	h.clk.Advance(6*time.Hour - time.Minute)
	got := h.publish()
	require.Contains(t, got, "idle")
	got = h.publish()
	require.NotContains(t, got, "idle")
	require.Contains(t, got, "q")
	h.clk.Advance(18 * time.Hour)
	require.NotContains(t, h.publish(), "q", "its message has expired")
	h.attributes("idle")
	require.Contains(t, h.publish(), "idle")
}

func TestFIFOQueuesCountGroupsInFlightAndDuplicates(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.fifo("q.fifo")
	for _, m := range []string{"1", "1", "2", "3"} {
		h.sendTo(q, "g"+m, m)
	}
	require.Len(t, h.receive(q, 2), 2)
	got := h.publish()["q.fifo"]
	require.Equal(t, 3.0, got["NumberOfMessagesSent"].Sum)
	require.Equal(t, 1.0, got["NumberOfDeduplicatedSentMessages"].Sum)
	require.Zero(t, got["ApproximateNumberOfGroupsWithInflightMessages"].Sum, "the visibility timeout has lapsed")
	require.Len(t, h.receiveFor(q, 2, 600), 2)
	require.Equal(t, 2.0, h.publish()["q.fifo"]["ApproximateNumberOfGroupsWithInflightMessages"].Sum)
}
