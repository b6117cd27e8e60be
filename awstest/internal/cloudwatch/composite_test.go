package cloudwatch

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

func (r *rig) composite(name string) types.CompositeAlarm {
	r.t.Helper()
	out, err := r.sdk.DescribeAlarms(r.t.Context(), &cw.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm}})
	require.NoError(r.t, err)
	require.Len(r.t, out.CompositeAlarms, 1)
	return out.CompositeAlarms[0]
}

func (r *rig) set(name string, state types.StateValue) {
	r.t.Helper()
	_, err := r.sdk.SetAlarmState(r.t.Context(), &cw.SetAlarmStateInput{AlarmName: &name, StateValue: state, StateReason: aws.String("a test")})
	require.NoError(r.t, err)
}

func (r *rig) combine(name, rule string) error {
	_, err := r.sdk.PutCompositeAlarm(r.t.Context(), &cw.PutCompositeAlarmInput{
		AlarmName: &name, AlarmRule: &rule, AlarmActions: []string{testTopic}, OKActions: []string{testTopic},
	})
	return err
}

// silent is an alarm whose state is only ever set: its metric never has data.
func (r *rig) silent(name string) {
	r.put(&cw.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("app"), MetricName: aws.String(name), Statistic: types.StatisticSum, Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		TreatMissingData: aws.String("ignore"),
	})
}

func TestACompositeAlarmFollowsItsChildren(t *testing.T) {
	r := newRig(t)
	r.silent("a")
	r.silent("b")
	require.NoError(t, r.combine("either", `ALARM("`+alarmPrefix+`a") OR ALARM(b)`))
	require.Equal(t, types.StateValueInsufficientData, r.composite("either").StateValue)
	r.minute()
	require.Equal(t, types.StateValueOk, r.composite("either").StateValue)
	require.Len(t, r.topics.got, 1)

	r.set("a", types.StateValueAlarm)
	c := r.composite("either")
	require.Equal(t, types.StateValueAlarm, c.StateValue)
	reason := alarmPrefix + "a transitioned to ALARM at Tuesday 24 November, 2026 09:01:00 UTC"
	require.Equal(t, reason, *c.StateReason)
	require.JSONEq(t, `{"triggeringAlarms":[{"arn":"`+alarmPrefix+`a","state":{"value":"ALARM","timestamp":"2026-11-24T09:01:00.000+0000"}}]}`, *c.StateReasonData)
	r.set("b", types.StateValueAlarm)
	require.Equal(t, reason, *r.composite("either").StateReason, "a second child changes nothing")
	r.set("a", types.StateValueOk)
	require.Len(t, r.topics.got, 2)
	r.set("b", types.StateValueOk)
	require.Contains(t, *r.composite("either").StateReason, "alarm:b transitioned to OK at")

	require.Len(t, r.topics.got, 3)
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.topics.got[1].message), &m))
	require.NotContains(t, m, "Trigger")
	require.Equal(t, `ALARM("`+alarmPrefix+`a") OR ALARM(b)`, m["AlarmRule"])
	require.Equal(t, []any{map[string]any{"Arn": alarmPrefix + "a", "State": map[string]any{"Value": "ALARM", "Timestamp": "2026-11-24T09:01:00.000+0000"}}}, m["TriggeringChildren"])
}

func TestAChangeTravelsUpThroughCompositeAlarms(t *testing.T) {
	r := newRig(t)
	r.put(visibleAlarm("leaf"))
	require.NoError(t, r.combine("middle", "ALARM(leaf)"))
	require.NoError(t, r.combine("top", "ALARM(middle) AND NOT OK(leaf)"))
	r.series("0")
	require.Equal(t, types.StateValueOk, r.composite("top").StateValue)
	r.series("1")
	require.Equal(t, types.StateValueAlarm, r.composite("top").StateValue)
	require.Equal(t, []string{
		`OK: "leaf" in US East (N. Virginia)`, `OK: "middle" in US East (N. Virginia)`, `OK: "top" in US East (N. Virginia)`,
		`ALARM: "leaf" in US East (N. Virginia)`, `ALARM: "middle" in US East (N. Virginia)`, `ALARM: "top" in US East (N. Virginia)`,
	}, r.topics.subjects())
}

func TestCompositeAlarmsInACircleComeToRest(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.combine("a", "FALSE"))
	require.NoError(t, r.combine("b", "NOT ALARM(a)"))
	require.NoError(t, r.combine("a", "ALARM(b)")) // a if b, b unless a
	r.minute()
	require.NotEqual(t, types.StateValueInsufficientData, r.composite("a").StateValue)
	require.LessOrEqual(t, len(r.topics.got), 2*maxRounds+2)
}

func TestARuleOfConstantsNeedsNoChildren(t *testing.T) {
	r := newRig(t)
	require.NoError(t, r.combine("always", "TRUE"))
	r.minute()
	require.Equal(t, types.StateValueAlarm, r.composite("always").StateValue)
	require.NoError(t, r.combine("always", "FALSE"))
	r.minute()
	require.Equal(t, types.StateValueOk, r.composite("always").StateValue, "an update is evaluated")
}

func TestPutCompositeAlarmRefuses(t *testing.T) {
	r := newRig(t)
	r.silent("a")
	require.ErrorContains(t, r.combine("c", "ALARM(a) OR ALARM(x) OR OK(y)"), "Could not save the composite alarm as alarms [x, y] in the alarm rule do not exist")
	require.ErrorContains(t, r.combine("c", "()"), "Error in AlarmRule [Unsupported token ')' at char 1]")
	require.ErrorContains(t, r.combine("a", "TRUE"), "An alarm of a different type with the name a exists already.")
	require.NoError(t, r.combine("c", "TRUE"))
	_, err := r.sdk.PutMetricAlarm(t.Context(), visibleAlarm("c"))
	require.ErrorContains(t, err, "An alarm of a different type with the name c exists already.")
}
