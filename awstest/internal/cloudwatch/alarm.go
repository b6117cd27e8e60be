package cloudwatch

import (
	"context"
	"slices"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// maxAlarmMetrics is how many metrics, and how many expressions, an alarm may have
	// ("Alarms on math expressions").
	maxAlarmMetrics = 10
	day             = 24 * 60 * 60 // seconds
)

// alarm is a metric alarm or a composite alarm.
type alarm struct {
	space  *space
	name   string
	arn    string
	config alarmConfig
	tags   map[string]string

	state        string
	reason       string
	reasonData   string    // JSON, empty if there is none
	updated      time.Time // of the state's reason
	transitioned time.Time // of the state
	configured   time.Time

	// of a metric alarm
	plan    *plan
	watched *query // what the alarm compares
	period  int64  // seconds
	extra   int    // points before the evaluation range, for functions that look back
	steady  bool   // equal data always gives equal results
	settled settled

	// of a composite alarm
	rule     *rule
	children []string // names, in order of mention
	held     held
}

// alarmConfig is how an alarm was put.
type alarmConfig struct {
	ActionsEnabled bool
	Description    *string
	OKActions, AlarmActions,
	InsufficientDataActions []string

	MetricName, Namespace,
	Statistic, ExtendedStatistic, Unit string
	Dimensions                                         []Dimension
	Period                                             *int32 // seconds
	EvaluationPeriods                                  int32
	DatapointsToAlarm                                  *int32
	Threshold                                          *float64
	ComparisonOperator                                 string
	TreatMissingData, EvaluateLowSampleCountPercentile *string
	Metrics                                            []MetricDataQuery

	// of a composite alarm
	Rule            string
	Suppressor      string // as it was given: a name or an ARN
	WaitPeriod      *int32 // seconds
	ExtensionPeriod *int32 // seconds
}

// treat is how the alarm treats missing data. Alarms on DynamoDB ignore it, whatever they
// say (PutMetricAlarm, TreatMissingData).
func (c *alarmConfig) treat() string {
	if c.Namespace == "AWS/DynamoDB" {
		return treatIgnore
	}
	for _, q := range c.Metrics {
		if q.MetricStat != nil && q.MetricStat.Metric.Namespace == "AWS/DynamoDB" {
			return treatIgnore
		}
	}
	if c.TreatMissingData == nil || *c.TreatMissingData == "" {
		return treatMissing
	}
	return *c.TreatMissingData
}

// toAlarm is M of "M out of N": N unless it is stated.
func (c *alarmConfig) toAlarm() int {
	if c.DatapointsToAlarm != nil {
		return int(*c.DatapointsToAlarm)
	}
	return int(c.EvaluationPeriods)
}

// actions are those of entering a state.
func (c *alarmConfig) actions(state string) []string {
	switch state {
	case stateOK:
		return c.OKActions
	case stateAlarm:
		return c.AlarmActions
	default:
		return c.InsufficientDataActions
	}
}

func (a *alarm) composite() bool { return a.rule != nil }

func (a *alarm) kind() string {
	if a.composite() {
		return compositeAlarm
	}
	return metricAlarm
}

// PutMetricAlarmInput is the input of PutMetricAlarm.
type PutMetricAlarmInput struct {
	AlarmName                        string            `json:"AlarmName"`
	AlarmDescription                 *string           `json:"AlarmDescription,omitempty"`
	ActionsEnabled                   *bool             `json:"ActionsEnabled,omitempty"`
	OKActions                        []string          `json:"OKActions"`
	AlarmActions                     []string          `json:"AlarmActions"`
	InsufficientDataActions          []string          `json:"InsufficientDataActions"`
	MetricName                       string            `json:"MetricName"`
	Namespace                        string            `json:"Namespace"`
	Statistic                        string            `json:"Statistic"`
	ExtendedStatistic                string            `json:"ExtendedStatistic"`
	Dimensions                       []Dimension       `json:"Dimensions"`
	Period                           *int32            `json:"Period"`
	Unit                             string            `json:"Unit"`
	EvaluationPeriods                *int32            `json:"EvaluationPeriods"`
	DatapointsToAlarm                *int32            `json:"DatapointsToAlarm"`
	Threshold                        *float64          `json:"Threshold"`
	ComparisonOperator               string            `json:"ComparisonOperator"`
	TreatMissingData                 *string           `json:"TreatMissingData"`
	EvaluateLowSampleCountPercentile *string           `json:"EvaluateLowSampleCountPercentile"`
	Metrics                          []MetricDataQuery `json:"Metrics"`
	Tags                             []Tag             `json:"Tags"`
	ThresholdMetricID                string            `json:"ThresholdMetricId"`
	EvaluationInterval               *int32            `json:"EvaluationInterval"`
	EvaluationCriteria               *struct{}         `json:"EvaluationCriteria"`
	EvaluationWindow                 *struct{}         `json:"EvaluationWindow"`
	WarmUpConfiguration              *struct{}         `json:"WarmUpConfiguration"`
	ActionConfiguration              *struct{}         `json:"ActionConfiguration"`
}

// thresholdOperators compare with a number, bandOperators with an anomaly detection band.
var (
	thresholdOperators = []string{"GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"}
	bandOperators      = []string{"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"}
)

func (s *Service) putMetricAlarm(_ context.Context, c *wire.Call, in *PutMetricAlarmInput) (*wire.Empty, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	old := sp.alarms[in.AlarmName]
	if old != nil && old.composite() {
		return nil, validationError("An alarm of a different type with the name %s exists already.", in.AlarmName)
	}
	next := &alarm{space: sp, name: in.AlarmName, config: in.config()}
	// compile first: what fails must leave nothing behind
	if err := next.compile(in, func(k metricKey) *metric {
		if m := sp.metrics[k.String()]; m != nil {
			return m
		}
		return &metric{key: k}
	}); err != nil {
		return nil, err
	}
	next.watch(sp)
	a := old
	if a == nil {
		a = sp.create(in.AlarmName, in.Tags, c.Time)
		s.alarms = append(s.alarms, a)
	} else {
		a.unwatch(s)
	}
	// PutMetricAlarm over an existing alarm replaces all of its configuration and
	// leaves its state and its tags
	a.config, a.plan, a.watched, a.period, a.extra, a.steady = next.config, next.plan, next.watched, next.period, next.extra, next.steady
	a.settled = settled{}
	a.configured = c.Time
	if a.period < 60 {
		s.seconds++
	}
	sp.recordConfiguration(a, old == nil, c.Time)
	return &wire.Empty{}, nil
}

// create makes an alarm in its first state.
func (sp *space) create(name string, tags []Tag, now time.Time) *alarm {
	a := &alarm{
		space: sp, name: name, arn: sp.alarmARN(name), tags: map[string]string{},
		state: stateInsufficient, reason: initialReason, updated: now, transitioned: now,
	}
	for _, t := range tags {
		a.tags[t.Key] = t.Value
	}
	sp.alarms[name] = a
	return a
}

// watch ties the alarm's metrics to those of the space, so that they stay.
func (a *alarm) watch(sp *space) {
	for _, q := range a.plan.queries {
		if q.metric != nil {
			q.metric = sp.metric(q.metric.key)
			q.metric.refs++
		}
	}
}

func (a *alarm) unwatch(s *Service) {
	for _, q := range a.plan.queries {
		if q.metric != nil {
			if q.metric.refs--; q.metric.refs == 0 && len(q.metric.units) == 0 {
				delete(a.space.metrics, q.metric.key.String())
			}
		}
	}
	if a.period < 60 {
		s.seconds--
	}
}

func (in *PutMetricAlarmInput) validate() error {
	var c constraints
	validateNaming(&c, in.AlarmName, in.AlarmDescription)
	validateActions(&c, in.OKActions, in.AlarmActions, in.InsufficientDataActions)
	c.required(in.EvaluationPeriods != nil, "evaluationPeriods")
	c.required(in.ComparisonOperator != "", "comparisonOperator")
	c.oneOf(in.ComparisonOperator, "comparisonOperator", append(slices.Clone(thresholdOperators), bandOperators...))
	c.oneOf(in.Statistic, "statistic", plainStatistics)
	c.oneOf(in.Unit, "unit", units)
	c.between(in.EvaluationPeriods, "evaluationPeriods", 1, 1<<31-1)
	c.between(in.DatapointsToAlarm, "datapointsToAlarm", 1, 1<<31-1)
	c.between(in.Period, "period", 1, 1<<31-1)
	validateDimensions(&c, in.Dimensions)
	if err := c.err(); err != nil {
		return err
	}
	if t := in.TreatMissingData; t != nil && !slices.Contains([]string{treatMissing, treatIgnore, treatBreaching, treatNotBreaching}, *t) {
		return validationError("Value %.80s for parameter TreatMissingData is invalid: it must be breaching, notBreaching, ignore or missing.", *t)
	}
	if e := in.EvaluateLowSampleCountPercentile; e != nil && *e != "evaluate" && *e != "ignore" {
		return validationError("Option %.80s is not supported for EvaluateLowSampleCountPercentile: it must be evaluate or ignore.", *e)
	}
	if in.DatapointsToAlarm != nil && *in.DatapointsToAlarm > *in.EvaluationPeriods {
		return validationError("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
	}
	switch {
	case in.Threshold != nil && in.ThresholdMetricID != "":
		return validationError("Threshold and ThresholdMetricId cannot both be set")
	case in.ThresholdMetricID != "" || slices.Contains(bandOperators, in.ComparisonOperator):
		return notServed("Alarms on anomaly detection bands are not served here.")
	case in.EvaluationCriteria != nil || in.EvaluationInterval != nil:
		return notServed("Alarms on PromQL queries are not served here.")
	case in.EvaluationWindow != nil || in.WarmUpConfiguration != nil || in.ActionConfiguration != nil:
		return notServed("EvaluationWindow, WarmUpConfiguration and ActionConfiguration are not served here.")
	case in.Threshold == nil:
		return validationError("Threshold must not be null")
	}
	if err := validateTags(in.Tags); err != nil {
		return err
	}
	if len(in.Metrics) > 0 {
		return in.validateMetrics()
	}
	return in.validateMetric()
}

// validateMetric is for alarms on a single metric.
func (in *PutMetricAlarmInput) validateMetric() error {
	switch {
	case in.MetricName == "":
		return validationError("MetricName must not be null")
	case in.Namespace == "":
		return validationError("Namespace must not be null")
	case in.Period == nil:
		return validationError("Period must not be null")
	case in.Statistic == "" && in.ExtendedStatistic == "":
		return validationError("Statistic and ExtendedStatistic cannot both be null")
	case in.Statistic != "" && in.ExtendedStatistic != "":
		return validationError("Statistic and ExtendedStatistic cannot both be set")
	}
	return checkAlarmPeriod(*in.Period, *in.EvaluationPeriods)
}

// validateMetrics is for alarms on metric math.
func (in *PutMetricAlarmInput) validateMetrics() error {
	for _, p := range []struct {
		name string
		set  bool
	}{
		{"MetricName", in.MetricName != ""}, {"Namespace", in.Namespace != ""}, {"Dimensions", len(in.Dimensions) > 0},
		{"Period", in.Period != nil}, {"Unit", in.Unit != ""}, {"Statistic", in.Statistic != ""}, {"ExtendedStatistic", in.ExtendedStatistic != ""},
	} {
		if p.set {
			return validationError("%s should not be set if list of Metrics is set.", p.name)
		}
	}
	metrics, expressions, returned := 0, 0, 0
	var period int32
	periodless := false // whether what the alarm watches is an expression without a period
	for i := range in.Metrics {
		q := &in.Metrics[i]
		if q.returnsData() {
			returned++
			periodless = q.MetricStat == nil && q.Period == nil
		}
		if q.MetricStat == nil {
			expressions++
			if q.Period != nil {
				if err := checkAlarmPeriod(*q.Period, *in.EvaluationPeriods); err != nil {
					return err
				}
			}
			continue
		}
		metrics++
		if q.MetricStat.Period == nil {
			continue // compile says so
		}
		if err := checkAlarmPeriod(*q.MetricStat.Period, *in.EvaluationPeriods); err != nil {
			return err
		}
		if period != 0 && period != *q.MetricStat.Period {
			return validationError("Metrics list must have the same Period for all metrics.")
		}
		period = *q.MetricStat.Period
	}
	switch {
	case metrics > maxAlarmMetrics || expressions > maxAlarmMetrics:
		return validationError("Metrics list must contain at most %d metrics and %d expressions.", maxAlarmMetrics, maxAlarmMetrics)
	case returned != 1:
		return validationError("Metrics list must contain exactly one metric with ReturnData set to true, but has %d.", returned)
	case metrics == 0 && periodless: // there is no metric to take it from
		return validationError("Period must not be null")
	}
	return nil
}

// checkAlarmPeriod holds a period to what alarms may have: 10, 20 or 30 seconds or
// multiples of 60, and a range of a day, or of a week from periods of an hour on.
func checkAlarmPeriod(period, evaluations int32) error {
	if err := checkPeriod(period, 10, 20, 30); err != nil {
		return err
	}
	switch span := int64(period) * int64(evaluations); {
	case period < 3600 && span > day:
		return validationError("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= %d).", day)
	case span > 7*day:
		return validationError("Metrics cannot be checked across more than 7 days (EvaluationPeriods * Period must be <= %d).", 7*day)
	}
	return nil
}

// config is the input without what it leaves to defaults.
func (in *PutMetricAlarmInput) config() alarmConfig {
	return alarmConfig{
		ActionsEnabled: in.ActionsEnabled == nil || *in.ActionsEnabled,
		Description:    in.AlarmDescription,
		OKActions:      list(in.OKActions), AlarmActions: list(in.AlarmActions), InsufficientDataActions: list(in.InsufficientDataActions),
		MetricName: in.MetricName, Namespace: in.Namespace, Statistic: in.Statistic, ExtendedStatistic: in.ExtendedStatistic, Unit: in.Unit,
		Dimensions: list(in.Dimensions), Period: in.Period, EvaluationPeriods: *in.EvaluationPeriods, DatapointsToAlarm: in.DatapointsToAlarm,
		Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator,
		TreatMissingData: in.TreatMissingData, EvaluateLowSampleCountPercentile: in.EvaluateLowSampleCountPercentile,
		Metrics: in.Metrics,
	}
}

// list is l, empty rather than nil, since AWS always returns the member.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// compile makes the alarm's plan.
func (a *alarm) compile(in *PutMetricAlarmInput, find func(metricKey) *metric) error {
	queries := in.Metrics
	if len(queries) == 0 {
		stat := in.Statistic
		if stat == "" {
			stat = in.ExtendedStatistic
		}
		queries = []MetricDataQuery{{ID: "m1", MetricStat: &MetricStat{
			Metric: Metric{Namespace: in.Namespace, MetricName: in.MetricName, Dimensions: in.Dimensions},
			Period: in.Period, Stat: stat, Unit: in.Unit,
		}}}
	}
	p, err := compile(queries, find)
	if err != nil {
		return err
	}
	a.plan, a.steady = p, true
	for _, q := range p.queries {
		if q.returns {
			a.watched = q
		}
		if q.expr != nil {
			a.steady = a.steady && !q.expr.calls(timeFunctions...)
			if q.expr.calls(lookBack...) {
				a.extra = 1
			}
		}
	}
	if a.period = a.watched.period; a.period == 0 {
		a.period = p.byID[p.metrics[0]].period
	}
	v, err := p.evaluate(a.watched, []int64{0}, a.period)
	if err == nil {
		_, err = v.single(1)
	}
	if err != nil {
		return expressionError(a.watched.id, err)
	}
	return nil
}

// validateNaming checks what all alarms have.
func validateNaming(c *constraints, name string, description *string) {
	c.required(name != "", "alarmName")
	c.length(name, "alarmName", 255)
	if description != nil {
		c.length(*description, "alarmDescription", 1024)
	}
}

// maxActions is how many actions an alarm may have for a state.
const maxActions = 5

func validateActions(c *constraints, ok, alarm, insufficient []string) {
	for _, m := range []struct {
		name    string
		actions []string
	}{{"oKActions", ok}, {"alarmActions", alarm}, {"insufficientDataActions", insufficient}} {
		if len(m.actions) > maxActions {
			c.add(m.actions, m.name, "Member must have length less than or equal to 5")
		}
		for _, arn := range m.actions {
			c.length(arn, m.name, 1024)
		}
	}
}

// maxDimensions is how many dimensions a metric may have.
const maxDimensions = 30

func validateDimensions(c *constraints, dims []Dimension) {
	if len(dims) > maxDimensions {
		c.add(len(dims), "dimensions", "Member must have length less than or equal to 30")
	}
	for _, d := range dims {
		c.required(d.Name != "", "dimensions.member.name")
		c.required(d.Value != "", "dimensions.member.value")
		c.length(d.Name, "dimensions.member.name", 255)
		c.length(d.Value, "dimensions.member.value", 1024)
	}
}
