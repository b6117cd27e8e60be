package cloudwatch

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func TestANewAlarmIsDescribedAsAWSDescribesIt(t *testing.T) {
	r := newRig(t)
	r.put(&cw.PutMetricAlarmInput{
		AlarmName: aws.String("minimal"), Namespace: aws.String("app"), MetricName: aws.String("errors"), Statistic: types.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
		ComparisonOperator: types.ComparisonOperatorGreaterThanOrEqualToThreshold,
	})
	a := r.describe("minimal")
	for _, at := range []*time.Time{a.AlarmConfigurationUpdatedTimestamp, a.StateUpdatedTimestamp, a.StateTransitionedTimestamp} {
		*at = at.UTC()
	}
	require.Equal(t, types.MetricAlarm{
		AlarmName: aws.String("minimal"), AlarmArn: aws.String(alarmPrefix + "minimal"), ActionsEnabled: aws.Bool(true),
		AlarmActions: []string{}, OKActions: []string{}, InsufficientDataActions: []string{}, Dimensions: []types.Dimension{},
		AlarmConfigurationUpdatedTimestamp: &nine, StateUpdatedTimestamp: &nine, StateTransitionedTimestamp: &nine,
		StateValue: types.StateValueInsufficientData, StateReason: aws.String("Unchecked: Initial alarm creation"),
		Namespace: aws.String("app"), MetricName: aws.String("errors"), Statistic: types.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
		ComparisonOperator: types.ComparisonOperatorGreaterThanOrEqualToThreshold,
	}, a)
}

func TestAnAlarmFollowsItsQueueAndNotifiesOnceATransition(t *testing.T) {
	r := newRig(t)
	r.put(visibleAlarm("not-empty"))
	require.Equal(t, stateInsufficient, r.state("not-empty"))

	r.series("000")
	require.Equal(t, stateOK, r.state("not-empty"))
	r.series("123")
	a := r.describe("not-empty")
	require.Equal(t, types.StateValueAlarm, a.StateValue)
	require.Equal(t, "Threshold Crossed: 1 datapoint [1.0 (24/11/26 09:03:00)] was greater than the threshold (0.0).", *a.StateReason)
	require.Equal(t, nine.Add(4*time.Minute), a.StateTransitionedTimestamp.UTC())
	require.JSONEq(t, `{
		"version": "1.0", "queryDate": "2026-11-24T09:04:00.000+0000", "startDate": "2026-11-24T09:03:00.000+0000",
		"statistic": "Maximum", "period": 60, "recentDatapoints": [1.0], "threshold": 0.0,
		"evaluatedDatapoints": [{"timestamp": "2026-11-24T09:03:00.000+0000", "sampleCount": 1.0, "value": 1.0}]
	}`, *a.StateReasonData)
	r.series("00")
	require.Equal(t, stateOK, r.state("not-empty"))

	require.Equal(t, []string{
		`OK: "not-empty" in US East (N. Virginia)`,
		`ALARM: "not-empty" in US East (N. Virginia)`,
		`OK: "not-empty" in US East (N. Virginia)`,
	}, r.topics.subjects())
	require.Equal(t, nine.Add(4*time.Minute), r.topics.got[1].at)
	require.Equal(t, fabric.Principal{Service: "cloudwatch.amazonaws.com", SourceARN: alarmPrefix + "not-empty", SourceAccount: testAccount}, r.topics.got[1].from)
	require.Equal(t, testTopic, r.topics.got[1].topic)
	require.Equal(t, []string{
		`Alarm "not-empty" created`,
		"Alarm updated from INSUFFICIENT_DATA to OK", "Successfully executed action " + testTopic,
		"Alarm updated from OK to ALARM", "Successfully executed action " + testTopic,
		"Alarm updated from ALARM to OK", "Successfully executed action " + testTopic,
	}, r.history("not-empty"))
}

func TestTheMessageOfAMetricAlarmIsAWSs(t *testing.T) {
	r := newRig(t)
	in := visibleAlarm("not-empty")
	in.AlarmDescription = aws.String("see the runbook")
	r.put(in)
	r.series("3")
	require.Len(t, r.topics.got, 1)
	// byte for byte: who reads mail by regular expression sees the order of members
	require.Equal(t, `{"AlarmName":"not-empty","AlarmDescription":"see the runbook","AWSAccountId":"000000000000",`+
		`"AlarmConfigurationUpdatedTimestamp":"2026-11-24T09:00:00.000+0000","NewStateValue":"ALARM",`+
		`"NewStateReason":"Threshold Crossed: 1 datapoint [3.0 (24/11/26 09:00:00)] was greater than the threshold (0.0).",`+
		`"StateChangeTime":"2026-11-24T09:01:00.000+0000","Region":"US East (N. Virginia)","AlarmArn":"`+alarmPrefix+`not-empty",`+
		`"OldStateValue":"INSUFFICIENT_DATA","OKActions":["`+testTopic+`"],"AlarmActions":["`+testTopic+`"],"InsufficientDataActions":[],`+
		`"Trigger":{"MetricName":"ApproximateNumberOfMessagesVisible","Namespace":"AWS/SQS","StatisticType":"Statistic","Statistic":"MAXIMUM","Unit":null,`+
		`"Dimensions":[{"value":"dlq","name":"QueueName"}],"Period":60,"EvaluationPeriods":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":0.0,`+
		`"TreatMissingData":"missing","EvaluateLowSampleCountPercentile":""}}`, r.topics.got[0].message)
}

func TestTheMessageOfAMetricMathAlarmIsAWSs(t *testing.T) {
	r := newRig(t)
	r.put(notEmptyAlarm("held"))
	r.minute(gauge(visible, 1), gauge(notVisible, 2))
	require.Len(t, r.topics.got, 1)
	var m struct {
		AlarmDescription *string
		NewStateReason   string
		Trigger          json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(r.topics.got[0].message), &m))
	require.Nil(t, m.AlarmDescription)
	require.Equal(t, "Threshold Crossed: 1 out of the last 1 datapoints [3.0 (24/11/26 09:00:00)] was greater than the threshold (0.0) (minimum 1 datapoint for OK -> ALARM transition).", m.NewStateReason)
	stat := func(id, name string) string {
		return `{"Id":"` + id + `","MetricStat":{"Metric":{"Dimensions":[{"value":"dlq","name":"QueueName"}],"MetricName":"` + name + `","Namespace":"AWS/SQS"},"Period":60,"Stat":"Maximum"},"ReturnData":false}`
	}
	require.Contains(t, r.topics.got[0].message, "OK -> ALARM", "not escaped")
	require.Equal(t, `{"Period":60,"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":0.0,`+
		`"TreatMissingData":"notBreaching","EvaluateLowSampleCountPercentile":"","Metrics":[`+
		`{"Expression":"visible + inflight","Id":"held","Label":"Messages held","ReturnData":true},`+
		stat("visible", visible)+","+stat("inflight", notVisible)+`]}`, string(m.Trigger))
	require.JSONEq(t, `{
		"version": "1.0", "queryDate": "2026-11-24T09:01:00.000+0000", "startDate": "2026-11-24T09:00:00.000+0000",
		"period": 60, "recentDatapoints": [3.0], "threshold": 0.0,
		"evaluatedDatapoints": [{"timestamp": "2026-11-24T09:00:00.000+0000", "value": 3.0}]
	}`, *r.describe("held").StateReasonData)
}

func TestAMessageInFlightKeepsTheMathAlarmOn(t *testing.T) {
	r := newRig(t)
	r.put(notEmptyAlarm("held"))
	r.minute(gauge(visible, 1), gauge(notVisible, 0))
	r.minute(gauge(visible, 0), gauge(notVisible, 1))
	require.Equal(t, stateAlarm, r.state("held"))
	r.minute(gauge(visible, 0), gauge(notVisible, 0))
	require.Equal(t, stateOK, r.state("held"))
}

func TestAnAlarmWithoutDataGoesByItsTreatment(t *testing.T) {
	for treat, want := range map[string]string{
		"":                stateInsufficient,
		treatMissing:      stateInsufficient,
		treatIgnore:       stateAlarm, // which it was before
		treatBreaching:    stateAlarm,
		treatNotBreaching: stateOK,
	} {
		t.Run("treated as "+treat, func(t *testing.T) {
			r := newRig(t)
			in := visibleAlarm("silent")
			if treat != "" {
				in.TreatMissingData = &treat
			}
			r.put(in)
			r.series("1")
			require.Equal(t, stateAlarm, r.state("silent"))
			r.series("-----")
			require.Equal(t, want, r.state("silent"))
		})
	}
}

func TestZeroIsDataAndSilenceIsNot(t *testing.T) {
	r := newRig(t)
	in := visibleAlarm("watch")
	in.ComparisonOperator, in.Threshold = types.ComparisonOperatorLessThanThreshold, aws.Float64(1)
	r.put(in)
	r.series("0")
	require.Equal(t, stateAlarm, r.state("watch"), "0 is less than 1")
	r.series("----")
	require.Equal(t, stateInsufficient, r.state("watch"), "nothing is not less than 1")
	require.Equal(t, "Insufficient Data: 1 datapoint was unknown.", *r.describe("watch").StateReason)
}

func TestMOfN(t *testing.T) {
	r := newRig(t)
	in := visibleAlarm("flapping")
	in.EvaluationPeriods, in.DatapointsToAlarm = aws.Int32(5), aws.Int32(3)
	r.put(in)
	r.series("00000")
	for _, step := range []struct{ minute, want string }{
		{"1", stateOK}, {"0", stateOK}, {"1", stateOK}, {"0", stateOK}, {"1", stateAlarm},
		{"0", stateOK}, {"1", stateAlarm}, {"0", stateOK}, {"0", stateOK},
	} {
		r.series(step.minute)
		require.Equal(t, step.want, r.state("flapping"))
	}
}

func TestPeriodsSlideByTheMinute(t *testing.T) {
	r := newRig(t)
	in := visibleAlarm("five-minutes")
	in.Period, in.Statistic, in.Threshold = aws.Int32(300), types.StatisticSum, aws.Float64(2)
	r.put(in)
	r.series("00000001")
	require.Equal(t, stateOK, r.state("five-minutes"))
	r.series("11")
	require.Equal(t, stateAlarm, r.state("five-minutes"), "three in the last five minutes, whatever the hour")
	r.series("0000")
	require.Equal(t, stateOK, r.state("five-minutes"))
}

func TestADynamoDBAlarmIgnoresMissingData(t *testing.T) {
	require.Equal(t, treatIgnore, (&alarmConfig{Namespace: "AWS/DynamoDB", TreatMissingData: aws.String(treatBreaching)}).treat())
}

func TestDataFromBeforeTheAlarmCounts(t *testing.T) {
	r := newRig(t)
	r.series("4")
	r.put(visibleAlarm("late"))
	require.Equal(t, stateInsufficient, r.state("late"), "not before the next minute")
	r.series("-")
	require.Equal(t, stateAlarm, r.state("late"))
}

func TestPutOverAnAlarmReplacesItsConfigurationAndKeepsItsState(t *testing.T) {
	r := newRig(t)
	in := visibleAlarm("kept")
	in.AlarmDescription, in.DatapointsToAlarm = aws.String("old"), aws.Int32(1)
	r.put(in)
	r.series("1")
	r.put(visibleAlarm("kept"))
	a := r.describe("kept")
	require.Equal(t, types.StateValueAlarm, a.StateValue)
	require.Nil(t, a.AlarmDescription)
	require.Nil(t, a.DatapointsToAlarm)
	require.Equal(t, nine.Add(time.Minute), a.AlarmConfigurationUpdatedTimestamp.UTC())
	require.Len(t, r.topics.got, 1)

	raised := visibleAlarm("kept")
	raised.Threshold = aws.Float64(5)
	r.put(raised)
	r.series("1")
	require.Equal(t, stateOK, r.state("kept"), "though the data is what it was")
}

func TestSetAlarmStateLastsUntilTheNextEvaluation(t *testing.T) {
	r := newRig(t)
	r.put(visibleAlarm("set"))
	r.series("000")
	_, err := r.sdk.SetAlarmState(t.Context(), &cw.SetAlarmStateInput{
		AlarmName: aws.String("set"), StateValue: types.StateValueAlarm, StateReason: aws.String("a test"), StateReasonData: aws.String(`{"who":"me"}`),
	})
	require.NoError(t, err)
	a := r.describe("set")
	require.Equal(t, types.StateValueAlarm, a.StateValue)
	require.Equal(t, "a test", *a.StateReason)
	require.JSONEq(t, `{"who":"me"}`, *a.StateReasonData)
	require.Len(t, r.topics.got, 2, "it notifies at once")
	r.series("0")
	require.Equal(t, stateOK, r.state("set"))
	require.Len(t, r.topics.got, 3)

	_, err = r.sdk.SetAlarmState(t.Context(), &cw.SetAlarmStateInput{AlarmName: aws.String("set"), StateValue: "INVALID", StateReason: aws.String("x")})
	require.Equal(t, "ValidationError", code(err))
	require.ErrorContains(t, err, "1 validation error detected: Value 'INVALID' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]")
	_, err = r.sdk.SetAlarmState(t.Context(), &cw.SetAlarmStateInput{AlarmName: aws.String("none"), StateValue: "OK", StateReason: aws.String("x")})
	require.Equal(t, "ResourceNotFound", code(err))
	_, err = r.sdk.SetAlarmState(t.Context(), &cw.SetAlarmStateInput{AlarmName: aws.String("set"), StateValue: "OK", StateReason: aws.String("x"), StateReasonData: aws.String("{")})
	require.Equal(t, "InvalidFormat", code(err))
}

func TestDisabledActionsAreNotPerformed(t *testing.T) {
	r := newRig(t)
	r.put(visibleAlarm("quiet"))
	names := []string{"quiet", "no such alarm"}
	_, err := r.sdk.DisableAlarmActions(t.Context(), &cw.DisableAlarmActionsInput{AlarmNames: names})
	require.NoError(t, err)
	r.series("1")
	require.Equal(t, stateAlarm, r.state("quiet"))
	require.Empty(t, r.topics.got)
	_, err = r.sdk.EnableAlarmActions(t.Context(), &cw.EnableAlarmActionsInput{AlarmNames: names})
	require.NoError(t, err)
	r.series("1")
	require.Empty(t, r.topics.got, "actions are for transitions")
	r.series("0")
	require.Len(t, r.topics.got, 1)
}

func TestARefusedNotificationIsInTheHistory(t *testing.T) {
	r := newRig(t)
	r.topics.refuse = &wire.Error{Code: "AuthorizationError", Message: "CloudWatch Alarms is not authorized to perform: SNS:Publish on resource: " + testTopic}
	in := visibleAlarm("refused")
	in.AlarmActions = []string{testTopic, "arn:aws:automate:us-east-1:ec2:stop"}
	r.put(in)
	r.series("1")
	items := r.items("refused")
	require.Len(t, items, 4)
	require.Equal(t, types.HistoryItemTypeAction, items[2].HistoryItemType)
	require.Equal(t, "Failed to execute action "+testTopic+`. Received error: "CloudWatch Alarms is not authorized to perform: SNS:Publish on resource: `+testTopic+`"`, *items[2].HistorySummary)
	require.Contains(t, *items[2].HistoryData, `"actionState":"Failed"`)
	require.Equal(t, "Did not execute action arn:aws:automate:us-east-1:ec2:stop. Only actions that notify SNS topics are served here.", *items[3].HistorySummary)
}

func TestWithoutSNSEveryNotificationFails(t *testing.T) {
	r := newRig(t)
	r.svc.topics = nil
	r.put(visibleAlarm("alone"))
	r.series("1")
	require.Contains(t, r.history("alone")[2], "Failed to execute action")
}

func TestATopicMayLookBackAtTheAlarm(t *testing.T) {
	r := newRig(t)
	var seen string
	r.topics.during = func() { seen = r.state("callback") }
	r.put(visibleAlarm("callback"))
	r.series("1")
	require.Equal(t, stateAlarm, seen)
}

func TestHistoryDataHasBothStates(t *testing.T) {
	r := newRig(t)
	r.put(visibleAlarm("told"))
	r.series("01")
	out, err := r.sdk.DescribeAlarmHistory(t.Context(), &cw.DescribeAlarmHistoryInput{AlarmName: aws.String("told"), HistoryItemType: types.HistoryItemTypeStateUpdate, MaxRecords: aws.Int32(1)})
	require.NoError(t, err)
	require.Len(t, out.AlarmHistoryItems, 1)
	i := out.AlarmHistoryItems[0]
	require.Equal(t, "Alarm updated from OK to ALARM", *i.HistorySummary, "newest first")
	require.Equal(t, types.AlarmTypeMetricAlarm, i.AlarmType)
	var data struct {
		Version            string
		OldState, NewState struct {
			StateValue, StateReason string
			StateReasonData         *reasonData
		}
	}
	require.NoError(t, json.Unmarshal([]byte(*i.HistoryData), &data))
	require.Equal(t, "1.0", data.Version)
	require.Equal(t, stateOK, data.OldState.StateValue)
	require.Equal(t, stateAlarm, data.NewState.StateValue)
	require.Contains(t, data.NewState.StateReason, "was greater than the threshold (0.0)")
	require.Equal(t, []jsonDouble{1}, data.NewState.StateReasonData.RecentDatapoints)

	require.NotNil(t, out.NextToken)
	rest, err := r.sdk.DescribeAlarmHistory(t.Context(), &cw.DescribeAlarmHistoryInput{AlarmName: aws.String("told"), HistoryItemType: types.HistoryItemTypeStateUpdate, NextToken: out.NextToken})
	require.NoError(t, err)
	require.Len(t, rest.AlarmHistoryItems, 1)
	require.Equal(t, "Alarm updated from INSUFFICIENT_DATA to OK", *rest.AlarmHistoryItems[0].HistorySummary)
}

func TestHistoryOutlivesItsAlarmForThirtyDays(t *testing.T) {
	r := newRig(t)
	r.put(visibleAlarm("gone"))
	_, err := r.sdk.DeleteAlarms(t.Context(), &cw.DeleteAlarmsInput{AlarmNames: []string{"gone"}})
	require.NoError(t, err)
	require.Equal(t, []string{`Alarm "gone" created`, `Alarm "gone" deleted`}, r.history("gone"))
	r.clk.Advance(31 * 24 * time.Hour)
	r.minute()
	require.Empty(t, r.history("gone"))
}

func TestDescribeAlarmsSelects(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	for _, name := range []string{"b-two", "a-one", "b-three"} {
		r.put(visibleAlarm(name))
	}
	_, err := r.sdk.SetAlarmState(ctx, &cw.SetAlarmStateInput{AlarmName: aws.String("b-two"), StateValue: types.StateValueAlarm, StateReason: aws.String("x")})
	require.NoError(t, err)
	_, err = r.sdk.PutCompositeAlarm(ctx, &cw.PutCompositeAlarmInput{AlarmName: aws.String("c-both"), AlarmRule: aws.String("ALARM(a-one) OR ALARM(b-two)")})
	require.NoError(t, err)
	both := []types.AlarmType{types.AlarmTypeCompositeAlarm, types.AlarmTypeMetricAlarm}
	for name, c := range map[string]struct {
		in   cw.DescribeAlarmsInput
		want []string
	}{
		"metric alarms by default":       {cw.DescribeAlarmsInput{}, []string{"a-one", "b-three", "b-two"}},
		"both types":                     {cw.DescribeAlarmsInput{AlarmTypes: both}, []string{"a-one", "b-three", "b-two", "c-both"}},
		"composite alarms":               {cw.DescribeAlarmsInput{AlarmTypes: both[:1]}, []string{"c-both"}},
		"names, those that exist":        {cw.DescribeAlarmsInput{AlarmNames: []string{"b-two", "none"}}, []string{"b-two"}},
		"a prefix":                       {cw.DescribeAlarmsInput{AlarmNamePrefix: aws.String("b-")}, []string{"b-three", "b-two"}},
		"a state":                        {cw.DescribeAlarmsInput{StateValue: types.StateValueAlarm}, []string{"b-two"}},
		"an action":                      {cw.DescribeAlarmsInput{ActionPrefix: aws.String("arn:aws:sns"), AlarmTypes: both}, []string{"a-one", "b-three", "b-two"}},
		"the children of a composite":    {cw.DescribeAlarmsInput{ChildrenOfAlarmName: aws.String("c-both")}, []string{"a-one", "b-two"}},
		"the parents of a metric alarm":  {cw.DescribeAlarmsInput{ParentsOfAlarmName: aws.String("a-one")}, []string{"c-both"}},
		"no parents where there is none": {cw.DescribeAlarmsInput{ParentsOfAlarmName: aws.String("b-three")}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := []string{}
			in := c.in
			in.MaxRecords = aws.Int32(2) // so that it takes pages
			for {
				out, err := r.sdk.DescribeAlarms(ctx, &in)
				require.NoError(t, err)
				for _, a := range out.MetricAlarms {
					got = append(got, *a.AlarmName)
				}
				for _, a := range out.CompositeAlarms {
					got = append(got, *a.AlarmName)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
			}
			require.Equal(t, c.want, got)
		})
	}
	_, err = r.sdk.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{NextToken: aws.String("nonsense")})
	require.Equal(t, "InvalidNextToken", code(err))

	out, err := r.sdk.DescribeAlarmsForMetric(ctx, &cw.DescribeAlarmsForMetricInput{
		Namespace: aws.String("AWS/SQS"), MetricName: aws.String(visible), Dimensions: []types.Dimension{{Name: aws.String("QueueName"), Value: aws.String("dlq")}},
	})
	require.NoError(t, err)
	require.Len(t, out.MetricAlarms, 3)
	out, err = r.sdk.DescribeAlarmsForMetric(ctx, &cw.DescribeAlarmsForMetricInput{Namespace: aws.String("AWS/SQS"), MetricName: aws.String(visible)})
	require.NoError(t, err)
	require.Empty(t, out.MetricAlarms, "dimensions must match exactly")
}

func TestDeleteAlarmsDeletesAllOrNone(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	r.put(visibleAlarm("a"))
	r.put(visibleAlarm("b"))
	for _, p := range []string{"p1", "p2"} {
		_, err := r.sdk.PutCompositeAlarm(ctx, &cw.PutCompositeAlarmInput{AlarmName: &p, AlarmRule: aws.String("ALARM(a)")})
		require.NoError(t, err)
	}
	del := func(names ...string) error {
		_, err := r.sdk.DeleteAlarms(ctx, &cw.DeleteAlarmsInput{AlarmNames: names})
		return err
	}
	require.Equal(t, "ResourceNotFound", code(del("b", "none")))
	require.ErrorContains(t, del("a", "b"), "Cannot delete a as there are composite alarm(s) depending on it.")
	require.ErrorContains(t, del("p1", "p2"), "at most one composite alarm")
	require.Equal(t, stateInsufficient, r.state("b"))
	require.NoError(t, del("p1"))
	require.NoError(t, del("p2", "a", "b"))
	r.series("1")
	require.Empty(t, r.topics.got)
	require.Empty(t, r.svc.alarms)
}

func TestPutMetricAlarmRefuses(t *testing.T) {
	r := newRig(t)
	math := func(change func(*cw.PutMetricAlarmInput)) func() *cw.PutMetricAlarmInput {
		return func() *cw.PutMetricAlarmInput { in := notEmptyAlarm("x"); change(in); return in }
	}
	single := func(change func(*cw.PutMetricAlarmInput)) func() *cw.PutMetricAlarmInput {
		return func() *cw.PutMetricAlarmInput { in := visibleAlarm("x"); change(in); return in }
	}
	for name, c := range map[string]struct {
		in      func() *cw.PutMetricAlarmInput
		code    string
		message string
	}{
		"more datapoints to alarm than periods": {single(func(in *cw.PutMetricAlarmInput) { in.DatapointsToAlarm = aws.Int32(2) }), "ValidationError", "DatapointsToAlarm must be less than or equal to EvaluationPeriods"},
		"an unknown operator":                   {single(func(in *cw.PutMetricAlarmInput) { in.ComparisonOperator = "Equals" }), "ValidationError", "Value 'Equals' at 'comparisonOperator' failed to satisfy constraint: Member must satisfy enum value set: ["},
		"no period at all":                      {single(func(in *cw.PutMetricAlarmInput) { in.EvaluationPeriods = aws.Int32(0) }), "ValidationError", "Value '0' at 'evaluationPeriods' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		"two faults in one":                     {single(func(in *cw.PutMetricAlarmInput) { in.EvaluationPeriods = aws.Int32(0); in.Unit = "Apples" }), "ValidationError", "2 validation errors detected: "},
		"an odd period":                         {single(func(in *cw.PutMetricAlarmInput) { in.Period = aws.Int32(61) }), "ValidationError", "Period must be 10, 20, 30, or a multiple of 60, but is 61"},
		"a span of more than a day":             {single(func(in *cw.PutMetricAlarmInput) { in.EvaluationPeriods = aws.Int32(1441) }), "ValidationError", "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400)."},
		"a span of more than a week": {single(func(in *cw.PutMetricAlarmInput) {
			in.Period = aws.Int32(86400)
			in.EvaluationPeriods = aws.Int32(8)
		}), "ValidationError", "EvaluationPeriods * Period must be <= 604800"},
		"no metric":                  {single(func(in *cw.PutMetricAlarmInput) { in.MetricName = nil }), "ValidationError", "MetricName must not be null"},
		"no threshold":               {single(func(in *cw.PutMetricAlarmInput) { in.Threshold = nil }), "ValidationError", "Threshold must not be null"},
		"no statistic":               {single(func(in *cw.PutMetricAlarmInput) { in.Statistic = "" }), "ValidationError", "Statistic and ExtendedStatistic cannot both be null"},
		"two statistics":             {single(func(in *cw.PutMetricAlarmInput) { in.ExtendedStatistic = aws.String("p99") }), "ValidationError", "cannot both be set"},
		"an unknown treatment":       {single(func(in *cw.PutMetricAlarmInput) { in.TreatMissingData = aws.String("pretend") }), "ValidationError", "TreatMissingData"},
		"six actions":                {single(func(in *cw.PutMetricAlarmInput) { in.OKActions = []string{"a", "b", "c", "d", "e", "f"} }), "ValidationError", "Member must have length less than or equal to 5"},
		"a trimmed mean":             {single(func(in *cw.PutMetricAlarmInput) { in.Statistic = ""; in.ExtendedStatistic = aws.String("tm90") }), "NotImplemented", "The statistic tm90 is not served here"},
		"both metric and metrics":    {math(func(in *cw.PutMetricAlarmInput) { in.MetricName = aws.String("x") }), "ValidationError", "MetricName should not be set if list of Metrics is set."},
		"both statistic and metrics": {math(func(in *cw.PutMetricAlarmInput) { in.Statistic = "Sum" }), "ValidationError", "Statistic should not be set if list of Metrics is set."},
		"a threshold and its metric": {math(func(in *cw.PutMetricAlarmInput) { in.ThresholdMetricId = aws.String("m") }), "ValidationError", "Threshold and ThresholdMetricId cannot both be set"},
		"an anomaly detection band":  {math(func(in *cw.PutMetricAlarmInput) { in.Threshold = nil; in.ThresholdMetricId = aws.String("m") }), "NotImplemented", "anomaly detection bands are not served here"},
		"nothing that returns data":  {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[0].ReturnData = aws.Bool(false) }), "ValidationError", "exactly one metric with ReturnData set to true, but has 0"},
		"two that return data":       {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[1].ReturnData = nil }), "ValidationError", "exactly one metric with ReturnData set to true, but has 2"},
		"neither a metric nor a period": {math(func(in *cw.PutMetricAlarmInput) {
			in.Metrics = in.Metrics[:1]
			in.Metrics[0].Expression = aws.String("TIME_SERIES(1)")
		}), "ValidationError", "Period must not be null"},
		"a Metrics Insights query": {math(func(in *cw.PutMetricAlarmInput) {
			in.Metrics = in.Metrics[:1]
			in.Metrics[0].Expression, in.Metrics[0].Period = aws.String(`SELECT MAX(x) FROM SCHEMA("AWS/SQS", QueueName)`), aws.Int32(60)
		}), "NotImplemented", "Metrics Insights queries (SELECT) are not served here."},
		"different periods":            {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[1].MetricStat.Period = aws.Int32(120) }), "ValidationError", "same Period for all metrics"},
		"an unknown id":                {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[0].Expression = aws.String("visible + nope") }), "ValidationError", "Error in expression 'held': unknown id 'nope'"},
		"broken syntax":                {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[0].Expression = aws.String("visible +") }), "ValidationError", "Error in expression 'held': unexpected end of expression at char 9"},
		"an expression on itself":      {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[0].Expression = aws.String("held + 1") }), "ValidationError", "Error in expression 'held': the expression refers to itself"},
		"an expression of many series": {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[0].Expression = aws.String("METRICS()") }), "ValidationError", "Error in expression 'held': the result is an Array[TimeSeries] of 2, where one TimeSeries is needed"},
		"a bad id":                     {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[0].Id = aws.String("Held") }), "ValidationError", "an id begins with a lower-case letter"},
		"an id twice":                  {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[1].Id = aws.String("inflight") }), "ValidationError", "must be unique: inflight"},
		"SQL":                          {math(func(in *cw.PutMetricAlarmInput) { in.Metrics[0].Expression = aws.String("SELECT MAX(x) FROM y") }), "NotImplemented", "Metrics Insights"},
		"a tag twice": {single(func(in *cw.PutMetricAlarmInput) {
			in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("a"), Value: aws.String("2")}}
		}), "InvalidParameterValue", "Duplicate tag keys"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.sdk.PutMetricAlarm(t.Context(), c.in())
			require.Equal(t, c.code, code(err))
			require.ErrorContains(t, err, c.message)
		})
	}
	require.Empty(t, r.svc.alarms)
	for _, sp := range r.svc.places {
		require.Empty(t, sp.metrics, "what is refused leaves nothing behind")
	}
}

func TestTagsLiveAndDieWithTheirAlarm(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	in := visibleAlarm("tagged")
	in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}, {Key: aws.String("stage"), Value: aws.String("x")}}
	r.put(in)
	arn := aws.String(alarmPrefix + "tagged")
	tags := func() map[string]string {
		out, err := r.sdk.ListTagsForResource(ctx, &cw.ListTagsForResourceInput{ResourceARN: arn})
		require.NoError(t, err)
		m := map[string]string{}
		for _, tag := range out.Tags {
			m[*tag.Key] = *tag.Value
		}
		return m
	}
	require.Equal(t, map[string]string{"team": "a", "stage": "x"}, tags())
	again := visibleAlarm("tagged")
	again.Tags = []types.Tag{{Key: aws.String("ignored"), Value: aws.String("on update")}}
	r.put(again)
	_, err := r.sdk.TagResource(ctx, &cw.TagResourceInput{ResourceARN: arn, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("b")}}})
	require.NoError(t, err)
	_, err = r.sdk.UntagResource(ctx, &cw.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"stage", "none"}})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"team": "b"}, tags())

	_, err = r.sdk.TagResource(ctx, &cw.TagResourceInput{ResourceARN: aws.String(alarmPrefix + "none"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}})
	require.Equal(t, "ResourceNotFoundException", code(err))
	_, err = r.sdk.ListTagsForResource(ctx, &cw.ListTagsForResourceInput{ResourceARN: aws.String("nonsense")})
	require.Equal(t, "InvalidParameterValue", code(err))
	_, err = r.sdk.DeleteAlarms(ctx, &cw.DeleteAlarmsInput{AlarmNames: []string{"tagged"}})
	require.NoError(t, err)
	require.Empty(t, tags())
}

func TestRegionsAreApart(t *testing.T) {
	r := newRig(t)
	r.put(visibleAlarm("here"))
	other := r.client("eu-west-1")
	out, err := other.DescribeAlarms(t.Context(), &cw.DescribeAlarmsInput{})
	require.NoError(t, err)
	require.Empty(t, out.MetricAlarms)
	in := visibleAlarm("there")
	_, err = other.PutMetricAlarm(t.Context(), in)
	require.NoError(t, err)
	out, err = other.DescribeAlarms(t.Context(), &cw.DescribeAlarmsInput{})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:there", *out.MetricAlarms[0].AlarmArn)
	require.Equal(t, "aws-cn", wire.Partition("cn-north-1"))
	require.Equal(t, "aws-us-gov", wire.Partition("us-gov-west-1"))
}

func TestAPeriodOfSecondsIsEvaluatedEveryTenSeconds(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	require.False(t, r.svc.NeedsSeconds())
	r.put(&cw.PutMetricAlarmInput{
		AlarmName: aws.String("quick"), Namespace: aws.String("app"), MetricName: aws.String("errors"), Statistic: types.StatisticSum,
		Period: aws.Int32(10), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		TreatMissingData: aws.String("notBreaching"),
	})
	require.True(t, r.svc.NeedsSeconds())
	step := func(v float64) string {
		_, err := r.sdk.PutMetricData(ctx, &cw.PutMetricDataInput{Namespace: aws.String("app"), MetricData: []types.MetricDatum{{
			MetricName: aws.String("errors"), Value: &v, StorageResolution: aws.Int32(1),
		}}})
		require.NoError(t, err)
		r.clk.Advance(10 * time.Second)
		r.svc.TickSeconds(r.clk.Now())
		return r.state("quick")
	}
	require.Equal(t, stateOK, step(1))
	require.Equal(t, stateAlarm, step(2))
	require.Equal(t, stateOK, step(0))
	_, err := r.sdk.DeleteAlarms(ctx, &cw.DeleteAlarmsInput{AlarmNames: []string{"quick"}})
	require.NoError(t, err)
	require.False(t, r.svc.NeedsSeconds())
}

func TestAnAlarmMayWatchAnExpressionThatHasNoMetric(t *testing.T) {
	r := newRig(t)
	r.put(&cw.PutMetricAlarmInput{
		AlarmName: aws.String("always"), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
		Metrics: []types.MetricDataQuery{{Id: aws.String("e1"), Expression: aws.String("TIME_SERIES(2)"), Label: aws.String("two"), Period: aws.Int32(60)}},
	})
	r.minute()
	require.Equal(t, stateAlarm, r.state("always"))
	require.Equal(t, int32(60), *r.describe("always").Metrics[0].Period)
}
