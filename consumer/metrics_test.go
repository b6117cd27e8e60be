package consumer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// The form of the document is that of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func TestLambdaWritesADocumentOfMetricsABatch(t *testing.T) {
	var out bytes.Buffer
	f := failFor("a1", "c1", "d1")
	f.ids["b1"] = consumer.Permanent(errors.New("for good"))
	event := records("q.fifo", "a1", "a2", "b1", "c1", "d1", "d2", "e1")
	event.Records[3].Attributes["ApproximateReceiveCount"] = "5" // failed for the last time
	event.Records[5].Attributes["ApproximateReceiveCount"] = "5" // never begun, and its receives are spent
	event.Records[6].Attributes["ApproximateReceiveCount"] = "5" // succeeds at the last
	fn := consumer.Lambda(f.handle, quiet(), consumer.Metrics(&out, "Orders"), consumer.MaxReceiveCount(5), consumer.Time(&hand{time.UnixMilli(1_700_000_000_123)}),
		consumer.Quarantine(consumer.SinkFunc(func(context.Context, consumer.Failure) error { return nil })))
	_, err := fn(t.Context(), event)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	require.True(t, strings.HasSuffix(out.String(), "}\n"))
	require.JSONEq(t, `{
		"_aws": {"Timestamp": 1700000000123, "CloudWatchMetrics": [{
			"Namespace": "Orders", "Dimensions": [["Queue"]],
			"Metrics": [
				{"Name": "Received", "Unit": "Count"}, {"Name": "Succeeded", "Unit": "Count"}, {"Name": "Retried", "Unit": "Count"},
				{"Name": "Permanent", "Unit": "Count"}, {"Name": "Returned", "Unit": "Count"}, {"Name": "DeadSoon", "Unit": "Count"}
			]}]},
		"Queue": "q.fifo", "Received": 7, "Succeeded": 1, "Retried": 3, "Permanent": 1, "Returned": 2, "DeadSoon": 2
	}`, out.String())

	_, err = fn(t.Context(), records("q"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(out.String(), "\n"), "nothing is counted of an empty batch")
}

// safe is a buffer for a worker and its test.
type safe struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *safe) Write(b []byte) (int, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.buf.Write(b) }

func (s *safe) documents(t *testing.T) []map[string]any {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []map[string]any
	for line := range strings.Lines(s.buf.String()) {
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &doc))
		all = append(all, doc)
	}
	return all
}

func TestAWorkerWritesMetricsEachMinuteAndAtItsEnd(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	d := k.desk()
	out := &safe{}
	stop := d.worker(url, func(_ context.Context, m consumer.Message) error {
		if m.Body == "bad" && m.Attempt == 1 {
			return errors.New("bad")
		}
		return nil
	}, consumer.Metrics(out, "n"))
	k.send(url, "good", "bad")
	d.until(func() bool { return k.size(url) == 0 })
	for len(out.documents(t)) == 0 {
		k.eventually(d.idle, "idle")
		d.advance(5 * second)
	}
	first := out.documents(t)[0]
	require.Equal(t, []any{"q", 3.0, 2.0, 1.0}, []any{first["Queue"], first["Received"], first["Succeeded"], first["Retried"]})
	k.eventually(d.idle, "idle")
	k.send(url, "good")
	d.until(func() bool { return k.size(url) == 0 })
	require.NoError(t, stop())
	require.Len(t, out.documents(t), 2)
	require.Equal(t, 1.0, out.documents(t)[1]["Received"])
}

func TestMetricsThatCannotBeWrittenAreLogged(t *testing.T) {
	logs := &logs{}
	response, err := consumer.Lambda(failFor().handle, logs.option(), consumer.Metrics(broken{}, "n"))(t.Context(), records("q", "a"))
	require.NoError(t, err)
	require.Empty(t, failures(response))
	require.Equal(t, 1, logs.count("counting"))
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("full") }

func TestEachOutcomeIsLoggedOnceAtItsLevel(t *testing.T) {
	for _, c := range []struct {
		name  string
		fail  error
		count string
		opts  []consumer.Option
		want  map[string]any
	}{
		{"success", nil, "1", nil, map[string]any{"level": "DEBUG", "msg": "succeeded", "attempt": 1.0}},
		{"failure", errors.New("down"), "2", nil, map[string]any{"level": "WARN", "msg": "failed, will be retried", "attempt": 2.0, "error": "down"}},
		{"failure with backoff", errors.New("down"), "2", []consumer.Option{consumer.BackoffThrough(&hideCalls{}), consumer.Retry(consumer.Backoff{Base: second, Factor: 1, Cap: second, Jitter: consumer.FullJitter})},
			map[string]any{"level": "WARN", "msg": "failed, will be retried", "attempt": 2.0, "error": "down"}},
		{"last attempt", errors.New("down"), "3", nil, map[string]any{"level": "ERROR", "msg": "the last attempt failed: SQS dead-letters it next", "attempt": 3.0, "error": "down"}},
		{"permanent", consumer.Permanent(errors.New("bad")), "1", []consumer.Option{consumer.Quarantine(consumer.SinkFunc(func(context.Context, consumer.Failure) error { return nil }))},
			map[string]any{"level": "ERROR", "msg": "failed for good, recorded", "attempt": 1.0, "error": "bad"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			logs := &logs{}
			event := records("q", "a")
			event.Records[0].Body = "secret"
			event.Records[0].Attributes["ApproximateReceiveCount"] = c.count
			_, err := consumer.Lambda(func(context.Context, consumer.Message) error { return c.fail }, append(c.opts, logs.option(), consumer.MaxReceiveCount(3))...)(t.Context(), event)
			require.NoError(t, err)
			require.Len(t, logs.lines, 1)
			got := logs.lines[0]
			if strings.Contains(c.name, "backoff") {
				require.Contains(t, got, "retry_after")
				delete(got, "retry_after")
			}
			want := map[string]any{"queue": "q", "message_id": "a", "group": "a", "max_receive_count": 3.0}
			for k, v := range c.want {
				want[k] = v
			}
			require.Equal(t, want, got)
		})
	}
}

func TestWhatIsNotBegunOnItsLastReceiveIsLoggedAsLost(t *testing.T) {
	logs := &logs{}
	event := records("q.fifo", "a1", "a2", "a3")
	event.Records[2].Attributes["ApproximateReceiveCount"] = "3"
	_, err := consumer.Lambda(failFor("a1").handle, logs.option(), consumer.MaxReceiveCount(3))(t.Context(), event)
	require.NoError(t, err)
	require.Equal(t, 1, logs.count("handed back"))
	require.Equal(t, 1, logs.count("handed back at its last receive: SQS dead-letters it next"))
	require.Equal(t, "message a1, before it, failed", logs.lines[2]["error"])
}
