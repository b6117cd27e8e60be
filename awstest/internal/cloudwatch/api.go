package cloudwatch

import "github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"

// API returns the operations of the service, in the protocols that CloudWatch speaks:
// Query/XML (clients until 2025), JSON and Smithy RPC v2 CBOR.
func (s *Service) API() *wire.Service {
	return &wire.Service{
		Name:         "monitoring",
		JSONTarget:   "GraniteServiceVersion20100801",
		CBORName:     "GraniteServiceVersion20100801",
		XMLNamespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
		Version:      "2010-08-01",
		Shapes:       "com.amazonaws.cloudwatch",
		Operations: map[string]wire.Operation{
			"PutMetricAlarm":          wire.Op(s.putMetricAlarm),
			"PutCompositeAlarm":       wire.Op(s.putCompositeAlarm),
			"DescribeAlarms":          wire.Op(s.describeAlarms),
			"DescribeAlarmsForMetric": wire.Op(s.describeAlarmsForMetric),
			"DescribeAlarmHistory":    wire.Op(s.describeAlarmHistory),
			"DeleteAlarms":            wire.Op(s.deleteAlarms),
			"SetAlarmState":           wire.Op(s.setAlarmState),
			"EnableAlarmActions":      wire.Op(s.enableAlarmActions),
			"DisableAlarmActions":     wire.Op(s.disableAlarmActions),
			"PutMetricData":           wire.Op(s.putMetricData),
			"GetMetricData":           wire.Op(s.getMetricData),
			"GetMetricStatistics":     wire.Op(s.getMetricStatistics),
			"ListMetrics":             wire.Op(s.listMetrics),
			"TagResource":             wire.Op(s.tagResource),
			"UntagResource":           wire.Op(s.untagResource),
			"ListTagsForResource":     wire.Op(s.listTagsForResource),
			"PutDashboard":            wire.Op(s.putDashboard),
			"GetDashboard":            wire.Op(s.getDashboard),
			"ListDashboards":          wire.Op(s.listDashboards),
			"DeleteDashboards":        wire.Op(s.deleteDashboards),
		},
	}
}

// Dimension is a name and value that tell metrics of one name apart.
type Dimension struct {
	Name  string `json:"Name"`
	Value string `json:"Value"`
}

// Tag is a tag of an alarm.
type Tag struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

// Metric names a metric.
type Metric struct {
	Namespace  string      `json:"Namespace,omitempty"`
	MetricName string      `json:"MetricName,omitempty"`
	Dimensions []Dimension `json:"Dimensions"`
}

// MetricStat is a metric with the statistic and period to read it by.
type MetricStat struct {
	Metric Metric `json:"Metric"`
	Period *int32 `json:"Period,omitempty"` // seconds
	Stat   string `json:"Stat,omitempty"`
	Unit   string `json:"Unit,omitempty"`
}

// MetricDataQuery is a metric, or an expression over others.
type MetricDataQuery struct {
	ID         string      `json:"Id"`
	MetricStat *MetricStat `json:"MetricStat,omitempty"`
	Expression string      `json:"Expression,omitempty"`
	Label      string      `json:"Label,omitempty"`
	ReturnData *bool       `json:"ReturnData,omitempty"`
	Period     *int32      `json:"Period,omitempty"` // seconds
	AccountID  string      `json:"AccountId,omitempty"`
}

func (q *MetricDataQuery) returnsData() bool { return q.ReturnData == nil || *q.ReturnData }

// The states of an alarm.
const (
	stateOK           = "OK"
	stateAlarm        = "ALARM"
	stateInsufficient = "INSUFFICIENT_DATA"
)

// The types of alarms.
const (
	metricAlarm    = "MetricAlarm"
	compositeAlarm = "CompositeAlarm"
)

var (
	states     = []string{stateInsufficient, stateAlarm, stateOK}
	alarmTypes = []string{compositeAlarm, metricAlarm}
)
