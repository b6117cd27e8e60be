package logs

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

// The bounds of the embedded metric format. [CloudWatch user guide, "Specification:
// Embedded metric format"]
const (
	maxDimensions  = 30
	maxMetrics     = 100
	maxValues      = 100
	maxDirectives  = 10
	maxDimensionOf = 1024 // characters
)

// directive says which members of an event are metrics.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct{ Name, Unit string }
}

// embedded extracts the metrics of events in the embedded metric format: JSON objects with
// a member _aws. What doesn't follow the format is no metric, and stays a log event.
func (s *Service) embedded(account, region string, events []event) {
	if s.opts.Metrics == nil {
		return
	}
	for _, e := range events {
		text := strings.TrimSpace(e.message)
		if !strings.HasPrefix(text, "{") || !strings.Contains(text, `"_aws"`) {
			continue
		}
		var root map[string]json.RawMessage
		var meta struct {
			CloudWatchMetrics []directive
		}
		if json.Unmarshal([]byte(text), &root) != nil || json.Unmarshal(root["_aws"], &meta) != nil || len(meta.CloudWatchMetrics) > maxDirectives {
			continue
		}
		// its own time is that of the function's clock, which isn't the endpoint's
		at := time.UnixMilli(e.at)
		for _, d := range meta.CloudWatchMetrics {
			s.extract(account, region, at, d, root)
		}
	}
}

func (s *Service) extract(account, region string, at time.Time, d directive, root map[string]json.RawMessage) {
	if d.Namespace == "" || len(d.Namespace) > 1024 || len(d.Metrics) > maxMetrics || len(d.Dimensions) > maxDimensions {
		return
	}
	sets := d.Dimensions
	if len(sets) == 0 {
		sets = [][]string{{}}
	}
	for _, names := range sets {
		dimensions, ok := dimensionsOf(names, root)
		if !ok {
			continue
		}
		for _, m := range d.Metrics {
			for _, v := range valuesOf(root[m.Name]) {
				unit := m.Unit
				if unit == "" {
					unit = "None"
				}
				s.opts.Metrics.Put(account, region, d.Namespace, at, dimensions, fabric.Value{Metric: m.Name, Unit: unit, Sum: v, Min: v, Max: v, Count: 1})
			}
		}
	}
}

func dimensionsOf(names []string, root map[string]json.RawMessage) (out [][2]string, ok bool) {
	if len(names) > maxDimensions {
		return nil, false
	}
	for _, name := range names {
		var value string
		if json.Unmarshal(root[name], &value) != nil || value == "" || len(value) > maxDimensionOf {
			return nil, false
		}
		out = append(out, [2]string{name, value})
	}
	return out, true
}

// valuesOf reads a metric's value: a number or a list of them.
func valuesOf(raw json.RawMessage) []float64 {
	var one float64
	if raw == nil || string(raw) == "null" {
		return nil
	}
	if json.Unmarshal(raw, &one) == nil {
		if math.IsInf(one, 0) {
			return nil
		}
		return []float64{one}
	}
	var many []float64
	if json.Unmarshal(raw, &many) != nil || len(many) > maxValues {
		return nil
	}
	return many
}
