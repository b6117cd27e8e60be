package cloudwatch

import (
	"context"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// MetricAlarm is a metric alarm as DescribeAlarms returns it.
type MetricAlarm struct {
	AlarmName                          string            `json:"AlarmName"`
	AlarmArn                           string            `json:"AlarmArn"`
	AlarmDescription                   *string           `json:"AlarmDescription,omitempty"`
	AlarmConfigurationUpdatedTimestamp wire.Time         `json:"AlarmConfigurationUpdatedTimestamp"`
	ActionsEnabled                     bool              `json:"ActionsEnabled"`
	OKActions                          []string          `json:"OKActions"`
	AlarmActions                       []string          `json:"AlarmActions"`
	InsufficientDataActions            []string          `json:"InsufficientDataActions"`
	StateValue                         string            `json:"StateValue"`
	StateReason                        string            `json:"StateReason"`
	StateReasonData                    string            `json:"StateReasonData,omitempty"`
	StateUpdatedTimestamp              wire.Time         `json:"StateUpdatedTimestamp"`
	StateTransitionedTimestamp         wire.Time         `json:"StateTransitionedTimestamp"`
	MetricName                         string            `json:"MetricName,omitempty"`
	Namespace                          string            `json:"Namespace,omitempty"`
	Statistic                          string            `json:"Statistic,omitempty"`
	ExtendedStatistic                  string            `json:"ExtendedStatistic,omitempty"`
	Dimensions                         []Dimension       `json:"Dimensions"`
	Period                             *int32            `json:"Period,omitempty"`
	Unit                               string            `json:"Unit,omitempty"`
	EvaluationPeriods                  int32             `json:"EvaluationPeriods"`
	DatapointsToAlarm                  *int32            `json:"DatapointsToAlarm,omitempty"`
	Threshold                          *float64          `json:"Threshold,omitempty"`
	ComparisonOperator                 string            `json:"ComparisonOperator"`
	TreatMissingData                   *string           `json:"TreatMissingData,omitempty"`
	EvaluateLowSampleCountPercentile   *string           `json:"EvaluateLowSampleCountPercentile,omitempty"`
	Metrics                            []MetricDataQuery `json:"Metrics,omitempty"`
}

func (a *alarm) describe() MetricAlarm {
	c := &a.config
	return MetricAlarm{
		AlarmName: a.name, AlarmArn: a.arn, AlarmDescription: c.Description, AlarmConfigurationUpdatedTimestamp: wire.At(a.configured),
		ActionsEnabled: c.ActionsEnabled, OKActions: c.OKActions, AlarmActions: c.AlarmActions, InsufficientDataActions: c.InsufficientDataActions,
		StateValue: a.state, StateReason: a.reason, StateReasonData: a.reasonData,
		StateUpdatedTimestamp: wire.At(a.updated), StateTransitionedTimestamp: wire.At(a.transitioned),
		MetricName: c.MetricName, Namespace: c.Namespace, Statistic: c.Statistic, ExtendedStatistic: c.ExtendedStatistic,
		Dimensions: c.Dimensions, Period: c.Period, Unit: c.Unit, EvaluationPeriods: c.EvaluationPeriods, DatapointsToAlarm: c.DatapointsToAlarm,
		Threshold: c.Threshold, ComparisonOperator: c.ComparisonOperator, TreatMissingData: c.TreatMissingData,
		EvaluateLowSampleCountPercentile: c.EvaluateLowSampleCountPercentile, Metrics: c.Metrics,
	}
}

// CompositeAlarm is a composite alarm as DescribeAlarms returns it.
type CompositeAlarm struct {
	AlarmName                          string    `json:"AlarmName"`
	AlarmArn                           string    `json:"AlarmArn"`
	AlarmDescription                   *string   `json:"AlarmDescription,omitempty"`
	AlarmConfigurationUpdatedTimestamp wire.Time `json:"AlarmConfigurationUpdatedTimestamp"`
	ActionsEnabled                     bool      `json:"ActionsEnabled"`
	OKActions                          []string  `json:"OKActions"`
	AlarmActions                       []string  `json:"AlarmActions"`
	InsufficientDataActions            []string  `json:"InsufficientDataActions"`
	StateValue                         string    `json:"StateValue"`
	StateReason                        string    `json:"StateReason"`
	StateReasonData                    string    `json:"StateReasonData,omitempty"`
	StateUpdatedTimestamp              wire.Time `json:"StateUpdatedTimestamp"`
	StateTransitionedTimestamp         wire.Time `json:"StateTransitionedTimestamp"`
	AlarmRule                          string    `json:"AlarmRule"`
	ActionsSuppressor                  string    `json:"ActionsSuppressor,omitempty"`
	ActionsSuppressorWaitPeriod        *int32    `json:"ActionsSuppressorWaitPeriod,omitempty"`      // seconds
	ActionsSuppressorExtensionPeriod   *int32    `json:"ActionsSuppressorExtensionPeriod,omitempty"` // seconds
	ActionsSuppressedBy                string    `json:"ActionsSuppressedBy,omitempty"`
	ActionsSuppressedReason            string    `json:"ActionsSuppressedReason,omitempty"`
}

func (a *alarm) describeComposite() CompositeAlarm {
	c := &a.config
	return CompositeAlarm{
		AlarmName: a.name, AlarmArn: a.arn, AlarmDescription: c.Description, AlarmConfigurationUpdatedTimestamp: wire.At(a.configured),
		ActionsEnabled: c.ActionsEnabled, OKActions: c.OKActions, AlarmActions: c.AlarmActions, InsufficientDataActions: c.InsufficientDataActions,
		StateValue: a.state, StateReason: a.reason, StateReasonData: a.reasonData,
		StateUpdatedTimestamp: wire.At(a.updated), StateTransitionedTimestamp: wire.At(a.transitioned), AlarmRule: c.Rule,
		ActionsSuppressor: c.Suppressor, ActionsSuppressorWaitPeriod: c.WaitPeriod, ActionsSuppressorExtensionPeriod: c.ExtensionPeriod,
		ActionsSuppressedBy: a.held.by, ActionsSuppressedReason: a.held.reason(),
	}
}

// DescribeAlarmsInput is the input of DescribeAlarms.
type DescribeAlarmsInput struct {
	AlarmNames          []string `json:"AlarmNames"`
	AlarmNamePrefix     string   `json:"AlarmNamePrefix"`
	AlarmTypes          []string `json:"AlarmTypes"`
	ActionPrefix        string   `json:"ActionPrefix"`
	StateValue          string   `json:"StateValue"`
	ChildrenOfAlarmName string   `json:"ChildrenOfAlarmName"`
	ParentsOfAlarmName  string   `json:"ParentsOfAlarmName"`
	MaxRecords          *int32   `json:"MaxRecords"`
	NextToken           string   `json:"NextToken"`
}

// DescribeAlarmsOutput is the output of DescribeAlarms.
type DescribeAlarmsOutput struct {
	CompositeAlarms []CompositeAlarm `json:"CompositeAlarms"`
	MetricAlarms    []MetricAlarm    `json:"MetricAlarms"`
	NextToken       string           `json:"NextToken,omitempty"`
}

func (s *Service) describeAlarms(_ context.Context, c *wire.Call, in *DescribeAlarmsInput) (*DescribeAlarmsOutput, error) {
	var v constraints
	v.oneOf(in.StateValue, "stateValue", states)
	v.between(in.MaxRecords, "maxRecords", 1, 100)
	v.length(in.AlarmNamePrefix, "alarmNamePrefix", 255)
	if len(in.AlarmNames) > 100 {
		v.add(len(in.AlarmNames), "alarmNames", "Member must have length less than or equal to 100")
	}
	for _, t := range in.AlarmTypes {
		v.oneOf(t, "alarmTypes", alarmTypes)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	if len(in.AlarmNames) > 0 && in.AlarmNamePrefix != "" {
		return nil, invalidCombination("You cannot specify both AlarmNames and AlarmNamePrefix.")
	}
	if in.ChildrenOfAlarmName != "" && in.ParentsOfAlarmName != "" {
		return nil, invalidCombination("You cannot specify both ChildrenOfAlarmName and ParentsOfAlarmName.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	wanted, err := sp.filter(in)
	if err != nil {
		return nil, err
	}
	var found []*alarm
	for _, name := range sp.names() {
		if a := sp.alarms[name]; wanted(a) {
			found = append(found, a)
		}
	}
	limit := in.MaxRecords
	if limit == nil && len(in.AlarmNames) > 0 {
		all := int32(100) // names that are asked for come in one page
		limit = &all
	}
	found, next, err := page(found, in.NextToken, limit, 50)
	if err != nil {
		return nil, err
	}
	out := &DescribeAlarmsOutput{CompositeAlarms: []CompositeAlarm{}, MetricAlarms: []MetricAlarm{}, NextToken: next}
	for _, a := range found {
		if a.composite() {
			out.CompositeAlarms = append(out.CompositeAlarms, a.describeComposite())
		} else {
			out.MetricAlarms = append(out.MetricAlarms, a.describe())
		}
	}
	return out, nil
}

// filter makes a test of what DescribeAlarms is asked for.
func (sp *space) filter(in *DescribeAlarmsInput) (func(*alarm) bool, error) {
	types := in.AlarmTypes
	related := ""
	switch {
	case in.ChildrenOfAlarmName != "":
		related = in.ChildrenOfAlarmName
	case in.ParentsOfAlarmName != "":
		related = in.ParentsOfAlarmName
	}
	if len(types) == 0 {
		if types = []string{metricAlarm}; related != "" {
			types = alarmTypes // relatives come in both types, unless one is asked for
		}
	}
	related = sp.alarmName(related)
	parent := sp.alarms[related]
	if in.ChildrenOfAlarmName != "" && (parent == nil || !parent.composite()) {
		return nil, alarmNotFound()
	}
	return func(a *alarm) bool {
		switch {
		case !slices.Contains(types, a.kind()),
			len(in.AlarmNames) > 0 && !slices.Contains(in.AlarmNames, a.name),
			!strings.HasPrefix(a.name, in.AlarmNamePrefix),
			in.StateValue != "" && in.StateValue != a.state,
			in.ChildrenOfAlarmName != "" && !slices.Contains(parent.children, a.name),
			in.ParentsOfAlarmName != "" && !slices.Contains(a.children, related),
			in.ActionPrefix != "" && !a.hasAction(in.ActionPrefix):
			return false
		}
		return true
	}, nil
}

func (a *alarm) hasAction(prefix string) bool {
	for _, actions := range [][]string{a.config.OKActions, a.config.AlarmActions, a.config.InsufficientDataActions} {
		for _, arn := range actions {
			if strings.HasPrefix(arn, prefix) {
				return true
			}
		}
	}
	return false
}

// DescribeAlarmsForMetricInput is the input of DescribeAlarmsForMetric.
type DescribeAlarmsForMetricInput struct {
	MetricName        string      `json:"MetricName"`
	Namespace         string      `json:"Namespace"`
	Dimensions        []Dimension `json:"Dimensions"`
	Statistic         string      `json:"Statistic"`
	ExtendedStatistic string      `json:"ExtendedStatistic"`
	Period            *int32      `json:"Period"`
	Unit              string      `json:"Unit"`
}

// DescribeAlarmsForMetricOutput is the output of DescribeAlarmsForMetric.
type DescribeAlarmsForMetricOutput struct {
	MetricAlarms []MetricAlarm `json:"MetricAlarms"`
}

func (s *Service) describeAlarmsForMetric(_ context.Context, c *wire.Call, in *DescribeAlarmsForMetricInput) (*DescribeAlarmsForMetricOutput, error) {
	var v constraints
	v.required(in.MetricName != "", "metricName")
	v.required(in.Namespace != "", "namespace")
	if err := v.err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	key := newMetricKey(in.Namespace, in.MetricName, in.Dimensions).String()
	out := &DescribeAlarmsForMetricOutput{MetricAlarms: []MetricAlarm{}}
	for _, name := range sp.names() {
		a := sp.alarms[name]
		if a.composite() || !slices.ContainsFunc(a.plan.queries, func(q *query) bool { return q.metric != nil && q.metric.key.String() == key }) {
			continue
		}
		if cfg := &a.config; (in.Statistic == "" || in.Statistic == cfg.Statistic) && (in.ExtendedStatistic == "" || in.ExtendedStatistic == cfg.ExtendedStatistic) &&
			(in.Period == nil || int64(*in.Period) == a.period) && (in.Unit == "" || in.Unit == cfg.Unit) {
			out.MetricAlarms = append(out.MetricAlarms, a.describe())
		}
	}
	return out, nil
}
