package consumer

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Counts is what is counted, once a receive: Received is the sum of Succeeded, Retried,
// Permanent and Returned; DeadSoon are those among Retried and Returned whose receive was
// the last.
type Counts struct {
	Received  int // begun or handed back
	Succeeded int // acknowledged, duplicates of what was done before included
	Retried   int // failed; they come back
	Permanent int // failed for good, recorded and acknowledged
	Returned  int // handed back, see Returned
	DeadSoon  int // the next receive dead-letters them; needs the option MaxReceiveCount
}

func (c *Counts) add(m Message, r Result) {
	c.Received++
	if m.LastAttempt && !r.Outcome.finished() {
		c.DeadSoon++
	}
	switch r.Outcome {
	case Succeeded:
		c.Succeeded++
	case Retried:
		c.Retried++
	case Quarantined:
		c.Permanent++
	case Returned:
		c.Returned++
	}
}

// metrics writes counts in CloudWatch's embedded metric format, a line a document.
//
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
type metrics struct {
	namespace string

	mu  sync.Mutex // one line at a time
	out io.Writer
}

type emfDirective struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []emfMetric
}

type emfMetric struct{ Name, Unit string }

// write is called with what was counted since the last call. Nothing counted writes
// nothing.
func (m *metrics) write(queue string, c Counts, now time.Time) error {
	if m == nil || c == (Counts{}) {
		return nil
	}
	directive := emfDirective{Namespace: m.namespace, Dimensions: [][]string{{"Queue"}}}
	doc := map[string]any{"Queue": queue}
	for _, v := range []struct {
		name  string
		count int
	}{
		{"Received", c.Received}, {"Succeeded", c.Succeeded}, {"Retried", c.Retried},
		{"Permanent", c.Permanent}, {"Returned", c.Returned}, {"DeadSoon", c.DeadSoon},
	} {
		directive.Metrics = append(directive.Metrics, emfMetric{v.name, "Count"})
		doc[v.name] = v.count
	}
	doc["_aws"] = map[string]any{"Timestamp": now.UnixMilli(), "CloudWatchMetrics": []emfDirective{directive}}
	line, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("encoding metrics: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}
