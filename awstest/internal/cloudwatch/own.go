package cloudwatch

import (
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

var _ fabric.ServiceMetrics = (*Service)(nil)

// Put implements fabric.ServiceMetrics: metrics of services, in namespaces that
// PutMetricData is refused for, and those that functions log.
func (s *Service) Put(account, region, namespace string, at time.Time, dimensions [][2]string, v fabric.Value) {
	if v.Count <= 0 {
		return
	}
	dims := make([]Dimension, len(dimensions))
	for i, d := range dimensions {
		dims[i] = Dimension{Name: d[0], Value: d[1]}
	}
	a := sample{v.Sum, v.Min, v.Max, v.Count}
	var values []weighted
	if v.Min == v.Max { // all measurements are the same
		values = []weighted{{v.Min, v.Count}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.space(account, region).metric(newMetricKey(namespace, v.Metric, dims)).series(v.Unit).minutes.add(minuteOf(at), a, values)
}
