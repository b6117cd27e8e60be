package cloudwatch

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// notification is the actions of one transition, with all that they need: the alarm may
// have changed again by the time they are performed.
type notification struct {
	space       *space
	from        fabric.Principal
	alarm, kind string
	actions     []string
	subject     string
	message     string
	at          time.Time
}

// enqueue has the actions of an alarm's new state performed by notify; s.mu is held.
func (s *Service) enqueue(a *alarm, oldState string, now time.Time, trigger []*alarm) {
	actions := a.config.actions(a.state)
	if len(actions) == 0 {
		return
	}
	s.outbox = append(s.outbox, notification{
		space:   a.space,
		from:    fabric.Principal{Service: "cloudwatch.amazonaws.com", SourceARN: a.arn, SourceAccount: a.space.account},
		alarm:   a.name,
		kind:    a.kind(),
		actions: actions,
		subject: subject(a),
		message: toJSON(newMessage(a, oldState, now, trigger)),
		at:      now,
	})
}

// maxSubject is how long a subject SNS takes, in characters.
const maxSubject = 100

// subject is that of the notification, cut to what SNS takes.
func subject(a *alarm) string {
	text := []rune(fmt.Sprintf("%s: \"%s\" in %s", a.state, a.name, regionName(a.space.region)))
	for i, r := range text {
		if r < ' ' || r > '~' { // SNS takes printable ASCII only
			text[i] = '?'
		}
	}
	if len(text) > maxSubject {
		text = append(text[:maxSubject-3], '.', '.', '.')
	}
	return string(text)
}

// notify performs the actions of the transitions so far, in their order, without s.mu:
// what they lead to may come back here.
func (s *Service) notify() {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	for {
		s.mu.Lock()
		if len(s.outbox) == 0 {
			s.outbox = nil
			s.mu.Unlock()
			return
		}
		n := s.outbox[0]
		s.outbox = s.outbox[1:]
		s.mu.Unlock()
		for _, action := range n.actions {
			i := s.perform(n, action)
			s.mu.Lock()
			n.space.record(i)
			s.mu.Unlock()
		}
	}
}

var topicARN = regexp.MustCompile(`^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$`)

// performedAction is HistoryData of an action.
type performedAction struct {
	ActionState          string `json:"actionState"`
	StateUpdateTimestamp int64  `json:"stateUpdateTimestamp"` // milliseconds
	NotificationResource string `json:"notificationResource"`
	PublishedMessage     string `json:"publishedMessage,omitempty"`
	Error                string `json:"error,omitempty"`
}

// perform carries out one action and returns what the alarm's history has to say of it.
func (s *Service) perform(n notification, action string) historyItem {
	i := historyItem{alarm: n.alarm, kind: n.kind, item: itemAction, at: n.at}
	data := performedAction{ActionState: "Succeeded", StateUpdateTimestamp: n.at.UnixMilli(), NotificationResource: action}
	if !topicARN.MatchString(action) {
		i.summary = fmt.Sprintf("Did not execute action %s. Only actions that notify SNS topics are served here.", action)
		data.ActionState = "NotPerformed"
		i.data = toJSON(data)
		return i
	}
	err := errors.New("there is no SNS to notify")
	if s.topics != nil {
		err = s.topics.Publish(n.from, action, n.subject, n.message)
	}
	data.PublishedMessage = n.message
	if err == nil {
		i.summary = "Successfully executed action " + action
	} else {
		text := err.Error()
		var refused *wire.Error
		if errors.As(err, &refused) {
			text = refused.Message
		}
		i.summary = fmt.Sprintf("Failed to execute action %s. Received error: %q", action, text)
		data.ActionState, data.Error = "Failed", text
	}
	i.data = toJSON(data)
	return i
}

// message is what an alarm publishes, as a JSON string. Members and their order are those
// of messages that AWS has sent.
type message struct {
	AlarmName                          string
	AlarmDescription                   *string
	AWSAccountID                       string `json:"AWSAccountId"`
	AlarmConfigurationUpdatedTimestamp string
	NewStateValue                      string
	NewStateReason                     string
	StateChangeTime                    string
	Region                             string
	AlarmArn                           string
	OldStateValue                      string
	OKActions                          []string
	AlarmActions                       []string
	InsufficientDataActions            []string
	// of a metric alarm
	Trigger any `json:",omitempty"`
	// of a composite alarm
	AlarmRule          string            `json:",omitempty"`
	TriggeringChildren []triggeringChild `json:",omitempty"`
}

type triggeringChild struct {
	Arn   string
	State struct{ Value, Timestamp string }
}

type dimensionOf struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

// metricTrigger is the Trigger of an alarm on a single metric.
type metricTrigger struct {
	MetricName        string
	Namespace         string
	StatisticType     string
	Statistic         string `json:",omitempty"`
	ExtendedStatistic string `json:",omitempty"`
	Unit              *string
	Dimensions        []dimensionOf
	Period            int64
	condition
}

// mathTrigger is the Trigger of an alarm on metric math.
type mathTrigger struct {
	Period int64
	condition
	Metrics []triggerQuery
}

type condition struct {
	EvaluationPeriods                int32
	DatapointsToAlarm                *int32 `json:",omitempty"`
	ComparisonOperator               string
	Threshold                        jsonDouble
	TreatMissingData                 string
	EvaluateLowSampleCountPercentile string
}

type triggerQuery struct {
	Expression string             `json:",omitempty"`
	ID         string             `json:"Id"`
	Label      string             `json:",omitempty"`
	MetricStat *triggerMetricStat `json:",omitempty"`
	Period     *int32             `json:",omitempty"`
	ReturnData bool
}

type triggerMetricStat struct {
	Metric struct {
		Dimensions []dimensionOf
		MetricName string
		Namespace  string
	}
	Period int32
	Stat   string
	Unit   string `json:",omitempty"`
}

func newMessage(a *alarm, oldState string, now time.Time, trigger []*alarm) message {
	c := &a.config
	m := message{
		AlarmName: a.name, AlarmDescription: c.Description, AWSAccountID: a.space.account,
		AlarmConfigurationUpdatedTimestamp: longTime(a.configured),
		NewStateValue:                      a.state, NewStateReason: a.reason, StateChangeTime: longTime(now),
		Region: regionName(a.space.region), AlarmArn: a.arn, OldStateValue: oldState,
		OKActions: c.OKActions, AlarmActions: c.AlarmActions, InsufficientDataActions: c.InsufficientDataActions,
	}
	if a.composite() {
		m.AlarmRule = c.Rule
		for _, child := range trigger {
			t := triggeringChild{Arn: child.arn}
			t.State.Value, t.State.Timestamp = child.state, longTime(child.transitioned)
			m.TriggeringChildren = append(m.TriggeringChildren, t)
		}
		return m
	}
	cond := condition{
		EvaluationPeriods: c.EvaluationPeriods, DatapointsToAlarm: c.DatapointsToAlarm,
		ComparisonOperator: c.ComparisonOperator, Threshold: jsonDouble(*c.Threshold), TreatMissingData: c.treat(),
	}
	if c.EvaluateLowSampleCountPercentile != nil {
		cond.EvaluateLowSampleCountPercentile = *c.EvaluateLowSampleCountPercentile
	}
	if len(c.Metrics) > 0 {
		m.Trigger = mathTrigger{Period: a.period, condition: cond, Metrics: triggerQueries(c.Metrics)}
		return m
	}
	t := metricTrigger{
		MetricName: c.MetricName, Namespace: c.Namespace, StatisticType: "Statistic", Statistic: upperSnake(c.Statistic),
		Dimensions: dimensionsOf(c.Dimensions), Period: a.period, condition: cond,
	}
	if c.ExtendedStatistic != "" {
		t.StatisticType, t.ExtendedStatistic = "ExtendedStatistic", c.ExtendedStatistic
	}
	if c.Unit != "" {
		t.Unit = &c.Unit
	}
	m.Trigger = t
	return m
}

func triggerQueries(queries []MetricDataQuery) []triggerQuery {
	out := make([]triggerQuery, len(queries))
	for i := range queries {
		q := &queries[i]
		out[i] = triggerQuery{Expression: q.Expression, ID: q.ID, Label: q.Label, Period: q.Period, ReturnData: q.returnsData()}
		if st := q.MetricStat; st != nil {
			t := &triggerMetricStat{Period: *st.Period, Stat: st.Stat, Unit: st.Unit}
			t.Metric.Dimensions, t.Metric.MetricName, t.Metric.Namespace = dimensionsOf(st.Metric.Dimensions), st.Metric.MetricName, st.Metric.Namespace
			out[i].MetricStat = t
		}
	}
	return out
}

func dimensionsOf(dims []Dimension) []dimensionOf {
	out := make([]dimensionOf, len(dims))
	for i, d := range dims {
		out[i] = dimensionOf{Value: d.Value, Name: d.Name}
	}
	return out
}

// upperSnake makes SAMPLE_COUNT of SampleCount.
func upperSnake(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}
