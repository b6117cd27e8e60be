package scheduler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/scheduler"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

const (
	role     = "arn:aws:iam::123456789012:role/redrive"
	queueARN = "arn:aws:sqs:us-east-1:123456789012:work"
	dlqARN   = "arn:aws:sqs:us-east-1:123456789012:work-dlq"
	redrive  = "arn:aws:scheduler:::aws-sdk:sqs:startMessageMoveTask"
)

// did is something that the scheduler did to others.
type did struct {
	at   time.Time
	what string // a queue's ARN, or service:operation
	from fabric.Principal
	fabric.QueueMessage
}

// world is an SQS and an endpoint that remember what the scheduler does, and fail if
// they are told to.
type world struct {
	clk     *clock.Clock
	mu      sync.Mutex
	done    []did
	fail    map[string]error
	metrics map[string]int
}

func (w *world) record(d did) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	d.at = w.clk.Now()
	if err := w.fail[d.what]; err != nil {
		w.done = append(w.done, did{at: d.at, what: d.what + " failed"})
		return err
	}
	w.done = append(w.done, d)
	return nil
}

func (w *world) Deliver(from fabric.Principal, queue string, m fabric.QueueMessage) error {
	return w.record(did{what: queue, from: from, QueueMessage: m})
}

func (w *world) Invoke(_ context.Context, account, region, service, operation string, input []byte) error {
	return w.record(did{what: account + " " + region + " " + service + ":" + operation, QueueMessage: fabric.QueueMessage{Body: string(input)}})
}

func (w *world) metric(_, _, group, metric string, _ time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.metrics[group+" "+metric]++
}

// take returns what was done since the last call.
func (w *world) take() []did {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := w.done
	w.done = nil
	return done
}

// minutes tells when what was done since the last call was, in minutes since start.
func (w *world) minutes() []float64 {
	out := []float64{}
	for _, d := range w.take() {
		out = append(out, d.at.Sub(begin()).Minutes())
	}
	return out
}

func begin() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) }

type fixture struct {
	*sdk.Client
	*world
}

// start starts a scheduler at nine o'clock, on a clock that only moves when it is told.
func start(t *testing.T) *fixture {
	t.Helper()
	clk := clock.New(begin().Add(-time.Hour))
	clk.Pause()
	t.Cleanup(clk.Close)
	w := &world{clk: clk, fail: map[string]error{}, metrics: map[string]int{}}
	svc := scheduler.New(clk, scheduler.Options{Queues: w, Operations: w, Metric: w.metric})
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, svc.API()))
	t.Cleanup(srv.Close)
	clk.AdvanceTo(begin())
	return &fixture{world: w, Client: sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1, HTTPClient: sdkhttp.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "test", ""),
	})}
}

// input is a schedule of the expression that sends "work" to the queue, changed by with.
func input(expression string, with ...func(*sdk.CreateScheduleInput)) *sdk.CreateScheduleInput {
	in := &sdk.CreateScheduleInput{
		Name: aws.String("s"), ScheduleExpression: &expression,
		FlexibleTimeWindow: &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeOff},
		Target:             &types.Target{Arn: aws.String(queueARN), RoleArn: aws.String(role), Input: aws.String("work")},
	}
	for _, change := range with {
		change(in)
	}
	return in
}

func (f *fixture) create(t *testing.T, in *sdk.CreateScheduleInput) string {
	t.Helper()
	out, err := f.CreateSchedule(t.Context(), in)
	require.NoError(t, err)
	f.clk.Advance(0) // runs what is due now
	return *out.ScheduleArn
}

func (f *fixture) exists(t *testing.T) bool {
	t.Helper()
	_, err := f.GetSchedule(t.Context(), &sdk.GetScheduleInput{Name: aws.String("s")})
	var missing *types.ResourceNotFoundException
	if err != nil {
		require.ErrorAs(t, err, &missing)
	}
	return err == nil
}

// requireError requires an AWS error of the code whose message contains the text.
func requireError(t *testing.T, err error, code, text string) {
	t.Helper()
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode(), e.ErrorMessage())
	require.Contains(t, e.ErrorMessage(), text)
}

func TestAScheduleHasTheDefaultsOfAWS(t *testing.T) {
	f := start(t)
	arn := f.create(t, input("rate(1 hour)"))
	require.Equal(t, "arn:aws:scheduler:us-east-1:123456789012:schedule/default/s", arn)
	got, err := f.GetSchedule(t.Context(), &sdk.GetScheduleInput{Name: aws.String("s"), GroupName: aws.String("default")})
	require.NoError(t, err)
	require.Equal(t, arn, *got.Arn)
	require.Equal(t, "default", *got.GroupName)
	require.Equal(t, types.ActionAfterCompletionNone, got.ActionAfterCompletion)
	require.Equal(t, types.ScheduleStateEnabled, got.State)
	require.Equal(t, "UTC", *got.ScheduleExpressionTimezone)
	require.Equal(t, begin(), got.CreationDate.UTC())
	require.Nil(t, got.FlexibleTimeWindow.MaximumWindowInMinutes)
	require.EqualValues(t, 185, *got.Target.RetryPolicy.MaximumRetryAttempts)
	require.EqualValues(t, 86400, *got.Target.RetryPolicy.MaximumEventAgeInSeconds)
	require.Nil(t, got.Description)
	require.Nil(t, got.StartDate)
	require.Nil(t, got.Target.DeadLetterConfig)
}

func TestAScheduleIsAsItWasCreated(t *testing.T) {
	f := start(t)
	in := input("cron(0 3 * * ? *)", func(in *sdk.CreateScheduleInput) {
		in.Description = aws.String("d")
		in.StartDate, in.EndDate = aws.Time(begin().Add(time.Hour)), aws.Time(begin().Add(time.Hour*1000))
		in.State = types.ScheduleStateDisabled
		in.ActionAfterCompletion = types.ActionAfterCompletionDelete
		in.ScheduleExpressionTimezone = aws.String("Europe/Berlin")
		in.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: aws.Int32(15)}
		in.Target.SqsParameters = &types.SqsParameters{MessageGroupId: aws.String("g")}
		in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlqARN)}
		in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(0), MaximumEventAgeInSeconds: aws.Int32(60)}
	})
	f.create(t, in)
	got, err := f.GetSchedule(t.Context(), &sdk.GetScheduleInput{Name: in.Name})
	require.NoError(t, err)
	require.Equal(t, in.Description, got.Description)
	require.Equal(t, *in.StartDate, got.StartDate.UTC())
	require.Equal(t, *in.EndDate, got.EndDate.UTC())
	require.Equal(t, in.State, got.State)
	require.Equal(t, in.ActionAfterCompletion, got.ActionAfterCompletion)
	require.Equal(t, in.ScheduleExpression, got.ScheduleExpression)
	require.Equal(t, in.ScheduleExpressionTimezone, got.ScheduleExpressionTimezone)
	require.Equal(t, in.FlexibleTimeWindow, got.FlexibleTimeWindow)
	require.Equal(t, in.Target, got.Target)
}

func TestAnUpdateReplacesAll(t *testing.T) {
	f := start(t)
	f.create(t, input("rate(1 hour)", func(in *sdk.CreateScheduleInput) { in.Description = aws.String("d") }))
	f.clk.Advance(time.Minute)
	in := input("rate(2 hours)")
	_, err := f.UpdateSchedule(t.Context(), &sdk.UpdateScheduleInput{Name: in.Name, ScheduleExpression: in.ScheduleExpression, FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target, State: types.ScheduleStateDisabled})
	require.NoError(t, err)
	got, err := f.GetSchedule(t.Context(), &sdk.GetScheduleInput{Name: in.Name})
	require.NoError(t, err)
	require.Nil(t, got.Description)
	require.Equal(t, "rate(2 hours)", *got.ScheduleExpression)
	require.Equal(t, types.ScheduleStateDisabled, got.State)
	require.Equal(t, begin(), got.CreationDate.UTC())
	require.Equal(t, begin().Add(time.Minute), got.LastModificationDate.UTC())
	_, err = f.UpdateSchedule(t.Context(), &sdk.UpdateScheduleInput{Name: aws.String("none"), ScheduleExpression: in.ScheduleExpression, FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target})
	requireError(t, err, "ResourceNotFoundException", "Schedule none does not exist.")
}

func TestSchedulesAreChecked(t *testing.T) {
	f := start(t)
	target := func(change func(*types.Target)) func(*sdk.CreateScheduleInput) {
		return func(in *sdk.CreateScheduleInput) { change(in.Target) }
	}
	for name, tt := range map[string]struct {
		expression string
		change     func(*sdk.CreateScheduleInput)
		code, err  string
	}{
		"an expression":                {"rate(10 seconds)", nil, "ValidationException", "Invalid Schedule Expression rate(10 seconds)."},
		"a zone":                       {"", func(in *sdk.CreateScheduleInput) { in.ScheduleExpressionTimezone = aws.String("Europe/Atlantis") }, "ValidationException", "Europe/Atlantis"},
		"the machine's zone":           {"", func(in *sdk.CreateScheduleInput) { in.ScheduleExpressionTimezone = aws.String("Local") }, "ValidationException", "Local"},
		"a name":                       {"", func(in *sdk.CreateScheduleInput) { in.Name = aws.String("a b") }, "ValidationException", "'name' failed to satisfy constraint"},
		"a group":                      {"", func(in *sdk.CreateScheduleInput) { in.GroupName = aws.String("none") }, "ResourceNotFoundException", "Schedule group none does not exist."},
		"dates":                        {"", func(in *sdk.CreateScheduleInput) { in.StartDate, in.EndDate = aws.Time(begin()), aws.Time(begin()) }, "ValidationException", "StartDate"},
		"a state":                      {"", func(in *sdk.CreateScheduleInput) { in.State = "ASLEEP" }, "ValidationException", "'state' failed to satisfy constraint: Member must satisfy enum value set: [ENABLED, DISABLED]"},
		"no flexible window":           {"", func(in *sdk.CreateScheduleInput) { in.FlexibleTimeWindow.Mode = "FLEXIBLE" }, "ValidationException", "MaximumWindowInMinutes"},
		"a flexible window":            {"", func(in *sdk.CreateScheduleInput) { in.FlexibleTimeWindow.MaximumWindowInMinutes = aws.Int32(5) }, "ValidationException", "MaximumWindowInMinutes"},
		"a role":                       {"", target(func(t *types.Target) { t.RoleArn = aws.String("admin") }), "ValidationException", "admin"},
		"a target":                     {"", target(func(t *types.Target) { t.Arn = aws.String("queue") }), "ValidationException", "Provided Arn is not in correct format."},
		"a table":                      {"", target(func(t *types.Target) { t.Arn = aws.String("arn:aws:dynamodb:us-east-1:123456789012:table/t") }), "ValidationException", "Provided Arn is not in correct format."},
		"an operation that reads":      {"", target(func(t *types.Target) { t.Arn = aws.String("arn:aws:scheduler:::aws-sdk:sqs:listQueues") }), "ValidationException", "only reads"},
		"the input of an operation":    {"", target(func(t *types.Target) { t.Arn = aws.String(redrive) }), "ValidationException", "JSON"},
		"a FIFO queue without group":   {"", target(func(t *types.Target) { t.Arn = aws.String(queueARN + ".fifo") }), "ValidationException", "MessageGroupId"},
		"a FIFO queue as DLQ":          {"", target(func(t *types.Target) { t.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlqARN + ".fifo")} }), "ValidationException", "'target.deadLetterConfig.arn'"},
		"too many retries":             {"", target(func(t *types.Target) { t.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(186)} }), "ValidationException", "Member must have value less than or equal to 185"},
		"retries for too short a time": {"", target(func(t *types.Target) { t.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(59)} }), "ValidationException", "Member must have value greater than or equal to 60"},
	} {
		t.Run(name, func(t *testing.T) {
			in := input("rate(1 hour)")
			if tt.expression != "" {
				in.ScheduleExpression = &tt.expression
			}
			if tt.change != nil {
				tt.change(in)
			}
			_, err := f.CreateSchedule(t.Context(), in)
			requireError(t, err, tt.code, tt.err)
		})
	}
}

func TestANameIsTakenOnceInAGroup(t *testing.T) {
	f := start(t)
	in := input("rate(1 hour)", func(in *sdk.CreateScheduleInput) { in.ClientToken = aws.String("once") })
	f.create(t, in)
	f.create(t, in) // the same call again
	_, err := f.CreateSchedule(t.Context(), input("rate(1 hour)"))
	requireError(t, err, "ConflictException", "Schedule s already exists.")
	_, err = f.CreateScheduleGroup(t.Context(), &sdk.CreateScheduleGroupInput{Name: aws.String("other")})
	require.NoError(t, err)
	f.create(t, input("rate(1 hour)", func(in *sdk.CreateScheduleInput) { in.GroupName = aws.String("other") }))
}

func TestARateBeginsAtOnce(t *testing.T) {
	f := start(t)
	f.create(t, input("rate(5 minutes)"))
	f.clk.Advance(11 * time.Minute)
	require.Equal(t, []float64{0, 5, 10}, f.minutes())
}

func TestEveryMinuteIsEveryMinute(t *testing.T) {
	f := start(t)
	f.create(t, input("cron(* * * * ? *)"))
	f.clk.Advance(3 * time.Minute)
	require.Equal(t, []float64{0, 1, 2, 3}, f.minutes())
}

func TestStartAndEndDatesBoundARate(t *testing.T) {
	f := start(t)
	f.create(t, input("rate(5 minutes)", func(in *sdk.CreateScheduleInput) {
		in.StartDate, in.EndDate = aws.Time(begin().Add(7*time.Minute)), aws.Time(begin().Add(17*time.Minute))
		in.ActionAfterCompletion = types.ActionAfterCompletionDelete
	}))
	f.clk.Advance(16 * time.Minute)
	require.Equal(t, []float64{7, 12}, f.minutes())
	require.True(t, f.exists(t))
	f.clk.Advance(24 * time.Hour)
	require.Equal(t, []float64{17}, f.minutes())
	require.False(t, f.exists(t), "deleted after its last occurrence")
}

func TestACronOccursInItsZone(t *testing.T) {
	f := start(t)
	f.create(t, input("cron(30 10,11 ? * TUE *)", func(in *sdk.CreateScheduleInput) { in.ScheduleExpressionTimezone = aws.String("Europe/Berlin") }))
	f.clk.Advance(8 * 24 * time.Hour)
	const week = 7 * 24 * 60
	require.Equal(t, []float64{30, 90, week + 30, week + 90}, f.minutes())
}

func TestOnceIsOnce(t *testing.T) {
	for action, stays := range map[types.ActionAfterCompletion]bool{types.ActionAfterCompletionNone: true, types.ActionAfterCompletionDelete: false} {
		t.Run(string(action), func(t *testing.T) {
			f := start(t)
			f.create(t, input("at(2026-11-24T09:10:00)", func(in *sdk.CreateScheduleInput) { in.ActionAfterCompletion = action }))
			f.clk.Advance(10*time.Minute - time.Second)
			require.Empty(t, f.minutes())
			require.True(t, f.exists(t))
			f.clk.Advance(48 * time.Hour)
			require.Equal(t, []float64{10}, f.minutes())
			require.Equal(t, stays, f.exists(t))
		})
	}
}

func TestOnceInThePastIsNever(t *testing.T) {
	f := start(t)
	f.create(t, input("at(2026-11-24T08:59:59)"))
	f.clk.Advance(48 * time.Hour)
	require.Empty(t, f.take())
}

func TestAFlexibleWindowSpreadsCallsWithinIt(t *testing.T) {
	f := start(t)
	in := input("cron(0 * * * ? *)", func(in *sdk.CreateScheduleInput) {
		in.FlexibleTimeWindow = &types.FlexibleTimeWindow{Mode: types.FlexibleTimeWindowModeFlexible, MaximumWindowInMinutes: aws.Int32(30)}
	})
	f.create(t, in)
	f.clk.Advance(48*time.Hour - time.Second)
	got := f.minutes()
	require.Len(t, got, 48)
	offsets := map[float64]bool{}
	for i, at := range got {
		offset := at - float64(60*i)
		require.GreaterOrEqual(t, offset, 0.0)
		require.Less(t, offset, 30.0)
		offsets[offset] = true
	}
	require.Greater(t, len(offsets), 24, "spread")

	again := start(t)
	again.create(t, in)
	again.clk.Advance(48*time.Hour - time.Second)
	require.Equal(t, got, again.minutes(), "the same on every run")
}

func TestADisabledScheduleRests(t *testing.T) {
	f := start(t)
	in := input("rate(5 minutes)")
	f.create(t, in)
	update := func(state types.ScheduleState, expression string) {
		_, err := f.UpdateSchedule(t.Context(), &sdk.UpdateScheduleInput{Name: in.Name, ScheduleExpression: &expression, FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target, State: state})
		require.NoError(t, err)
		f.clk.Advance(0)
	}
	update(types.ScheduleStateDisabled, "rate(5 minutes)")
	f.clk.Advance(12 * time.Minute)
	require.Equal(t, []float64{0}, f.minutes())
	update(types.ScheduleStateEnabled, "rate(5 minutes)")
	f.clk.Advance(7 * time.Minute)
	require.Equal(t, []float64{12, 17}, f.minutes())
	update(types.ScheduleStateEnabled, "rate(5 minutes)")
	f.clk.Advance(5 * time.Minute)
	require.Equal(t, []float64{22}, f.minutes(), "keeps its beat")
	update(types.ScheduleStateEnabled, "rate(3 minutes)")
	f.clk.Advance(3 * time.Minute)
	require.Equal(t, []float64{24, 27}, f.minutes(), "a new beat")
	_, err := f.DeleteSchedule(t.Context(), &sdk.DeleteScheduleInput{Name: in.Name})
	require.NoError(t, err)
	f.clk.Advance(time.Hour)
	require.Empty(t, f.take())
}

func TestAQueueGetsTheInput(t *testing.T) {
	f := start(t)
	arn := f.create(t, input("at(2026-11-24T09:01:00)", func(in *sdk.CreateScheduleInput) {
		in.Target.Arn = aws.String(queueARN + ".fifo")
		in.Target.SqsParameters = &types.SqsParameters{MessageGroupId: aws.String("g")}
		in.Target.Input = aws.String("<aws.scheduler.schedule-arn> <aws.scheduler.scheduled-time> <aws.scheduler.attempt-number>")
	}))
	f.clk.Advance(time.Minute)
	got := f.take()
	require.Len(t, got, 1)
	require.Equal(t, queueARN+".fifo", got[0].what)
	require.Equal(t, fabric.Principal{SourceARN: role, SourceAccount: "123456789012"}, got[0].from)
	require.Equal(t, fabric.QueueMessage{Body: arn + " 2026-11-24T09:01:00Z 1", GroupID: "g"}, got[0].QueueMessage)
}

func TestWithoutInputAQueueGetsTheDefaultNotification(t *testing.T) {
	f := start(t)
	arn := f.create(t, input("at(2026-11-24T09:01:00)", func(in *sdk.CreateScheduleInput) { in.Target.Input = nil }))
	f.clk.Advance(time.Minute)
	got := f.take()
	require.Len(t, got, 1)
	var body map[string]any
	require.NoError(t, json.Unmarshal([]byte(got[0].Body), &body))
	require.NotEmpty(t, body["id"])
	delete(body, "id")
	require.Equal(t, map[string]any{
		"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "account": "123456789012",
		"time": "2026-11-24T09:01:00Z", "region": "us-east-1", "resources": []any{arn}, "detail": "{}",
	}, body)
}

func TestAnOperationIsCalledWithItsInput(t *testing.T) {
	f := start(t)
	f.create(t, input("rate(1 hour)", func(in *sdk.CreateScheduleInput) {
		in.Target.Arn = aws.String(redrive)
		in.Target.Input = aws.String(`{"SourceArn":"` + dlqARN + `"}`)
	}))
	got := f.take()
	require.Len(t, got, 1)
	require.Equal(t, "123456789012 us-east-1 sqs:StartMessageMoveTask", got[0].what)
	require.Equal(t, `{"SourceArn":"`+dlqARN+`"}`, got[0].Body)
}

func TestATopicGetsTheInput(t *testing.T) {
	f := start(t)
	const topic = "arn:aws:sns:us-east-1:123456789012:news"
	f.create(t, input("at(2026-11-24T10:00:00)", func(in *sdk.CreateScheduleInput) { in.Target.Arn = aws.String(topic) }))
	f.clk.Advance(time.Hour)
	done := f.take()
	require.Len(t, done, 1)
	require.Equal(t, "123456789012 us-east-1 sns:Publish", done[0].what)
	require.JSONEq(t, `{"TopicArn": "`+topic+`", "Message": "work"}`, done[0].Body)
}

func TestTargetsOfServicesThatAreNotServedAreKeptAndFail(t *testing.T) {
	for name, target := range map[string]*types.Target{
		"a function":      {Arn: aws.String("arn:aws:lambda:us-east-1:123456789012:function:f")},
		"a state machine": {Arn: aws.String("arn:aws:states:us-east-1:123456789012:stateMachine:s")},
		"an event bus": {
			Arn:                   aws.String("arn:aws:events:us-east-1:123456789012:event-bus/default"),
			EventBridgeParameters: &types.EventBridgeParameters{DetailType: aws.String("paid"), Source: aws.String("shop")},
		},
		"a task": {
			Arn: aws.String("arn:aws:ecs:us-east-1:123456789012:cluster/c"),
			EcsParameters: &types.EcsParameters{
				TaskDefinitionArn: aws.String("arn:aws:ecs:us-east-1:123456789012:task-definition/t:1"), TaskCount: aws.Int32(2), LaunchType: types.LaunchTypeFargate,
				NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-1"}, AssignPublicIp: types.AssignPublicIpDisabled}},
			},
		},
		"a stream":   {Arn: aws.String("arn:aws:kinesis:us-east-1:123456789012:stream/s"), KinesisParameters: &types.KinesisParameters{PartitionKey: aws.String("k")}},
		"a pipeline": {Arn: aws.String("arn:aws:sagemaker:us-east-1:123456789012:pipeline/p"), SageMakerPipelineParameters: &types.SageMakerPipelineParameters{PipelineParameterList: []types.SageMakerPipelineParameter{{Name: aws.String("n"), Value: aws.String("v")}}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			target.RoleArn, target.Input = aws.String(role), aws.String(`{"k":"<v>"}`)
			target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(1), MaximumEventAgeInSeconds: aws.Int32(600)}
			target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlqARN)}
			f.create(t, input("at(2026-11-24T10:00:00)", func(in *sdk.CreateScheduleInput) { in.Target = target }))
			got, err := f.GetSchedule(t.Context(), &sdk.GetScheduleInput{Name: aws.String("s")})
			require.NoError(t, err)
			require.Equal(t, target, got.Target)

			f.clk.Advance(2 * time.Hour)
			done := f.take()
			require.Len(t, done, 1)
			require.Equal(t, dlqARN, done[0].what)
			require.Equal(t, `{"k":"<v>"}`, done[0].Body)
			require.Equal(t, "NotImplemented", done[0].Attributes["ERROR_CODE"].StringValue)
			require.Equal(t, "1", done[0].Attributes["RETRY_ATTEMPTS"].StringValue)
		})
	}
}

func TestAFailingTargetIsRetriedAndThenDeadLettered(t *testing.T) {
	gone := &wire.Error{Code: "AWS.SimpleQueueService.NonExistentQueue", Message: "The specified queue does not exist."}
	tests := map[string]struct {
		attempts, age int32
		failures      int
		condition     string
	}{
		"no retries":              {0, 86400, 1, "MaximumRetryAttempts"},
		"three retries":           {3, 86400, 4, "MaximumRetryAttempts"},
		"retries within a minute": {185, 60, 6, "MaximumEventAgeInSeconds"}, // after 0, 1, 3, 7, 15 and 31 s
		"retries within a day":    {185, 86400, 186, "MaximumRetryAttempts"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			f.fail[queueARN] = gone
			arn := f.create(t, input("at(2026-11-24T09:01:00)", func(in *sdk.CreateScheduleInput) {
				in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: &tt.attempts, MaximumEventAgeInSeconds: &tt.age}
				in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlqARN)}
				in.ActionAfterCompletion = types.ActionAfterCompletionDelete
			}))
			f.clk.Advance(48 * time.Hour)
			got := f.take()
			require.Len(t, got, tt.failures+1)
			last := got[tt.failures]
			require.Equal(t, dlqARN, last.what)
			require.Equal(t, role, last.from.SourceARN)
			require.JSONEq(t, `{"MessageBody":"work","QueueUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/work"}`, last.Body)
			require.NotEmpty(t, last.Attributes["EXECUTION_ID"].StringValue)
			delete(last.Attributes, "EXECUTION_ID")
			values := map[string]string{}
			for name, a := range last.Attributes {
				require.Equal(t, "String", a.DataType)
				values[name] = a.StringValue
			}
			require.Equal(t, map[string]string{
				"ERROR_CODE": gone.Code, "ERROR_MESSAGE": gone.Message, "EXHAUSTED_RETRY_CONDITION": tt.condition, "IS_PAYLOAD_TRUNCATED": "false",
				"RETRY_ATTEMPTS": fmt.Sprint(tt.failures - 1), "SCHEDULED_TIME": "2026-11-24T09:01:00Z", "SCHEDULE_ARN": arn, "TARGET_ARN": queueARN,
			}, values)
			require.Equal(t, map[string]int{
				"default InvocationAttemptCount": tt.failures, "default TargetErrorCount": tt.failures,
				"default InvocationDroppedCount": 1, "default InvocationsSentToDeadLetterCount": 1,
			}, f.metrics)
		})
	}
}

func TestARetryThatSucceedsIsTheEnd(t *testing.T) {
	f := start(t)
	f.fail[queueARN] = fmt.Errorf("out of order")
	f.create(t, input("at(2026-11-24T09:01:00)"))
	f.clk.Advance(61 * time.Second)
	f.mu.Lock()
	delete(f.fail, queueARN)
	f.mu.Unlock()
	f.clk.Advance(time.Hour)
	got := f.take()
	require.Len(t, got, 3)
	require.Equal(t, "work", got[2].Body)
	require.Equal(t, begin().Add(63*time.Second), got[2].at, "1 s and 2 s later")
}

func TestWhatTheDeadLetterQueueRefusesIsCounted(t *testing.T) {
	f := start(t)
	f.fail[queueARN], f.fail[dlqARN] = fmt.Errorf("broken"), fmt.Errorf("broken")
	f.create(t, input("at(2026-11-24T09:01:00)", func(in *sdk.CreateScheduleInput) {
		in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(0)}
		in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlqARN)}
	}))
	f.clk.Advance(time.Hour)
	require.Equal(t, 1, f.metrics["default InvocationsFailedToBeSentToDeadLetterCount"])
}

func TestGroups(t *testing.T) {
	f := start(t)
	name := aws.String("g")
	out, err := f.CreateScheduleGroup(t.Context(), &sdk.CreateScheduleGroupInput{Name: name, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:scheduler:us-east-1:123456789012:schedule-group/g", *out.ScheduleGroupArn)
	_, err = f.CreateScheduleGroup(t.Context(), &sdk.CreateScheduleGroupInput{Name: name})
	requireError(t, err, "ConflictException", "Schedule group g already exists.")
	got, err := f.GetScheduleGroup(t.Context(), &sdk.GetScheduleGroupInput{Name: name})
	require.NoError(t, err)
	require.Equal(t, types.ScheduleGroupStateActive, got.State)
	list, err := f.ListScheduleGroups(t.Context(), &sdk.ListScheduleGroupsInput{})
	require.NoError(t, err)
	require.Len(t, list.ScheduleGroups, 2)
	require.Equal(t, "default", *list.ScheduleGroups[0].Name)

	_, err = f.TagResource(t.Context(), &sdk.TagResourceInput{ResourceArn: out.ScheduleGroupArn, Tags: []types.Tag{{Key: aws.String("l"), Value: aws.String("w")}, {Key: aws.String("m"), Value: aws.String("x")}}})
	require.NoError(t, err)
	_, err = f.UntagResource(t.Context(), &sdk.UntagResourceInput{ResourceArn: out.ScheduleGroupArn, TagKeys: []string{"k", "m"}})
	require.NoError(t, err)
	tags, err := f.ListTagsForResource(t.Context(), &sdk.ListTagsForResourceInput{ResourceArn: out.ScheduleGroupArn})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{{Key: aws.String("l"), Value: aws.String("w")}}, tags.Tags)

	f.create(t, input("rate(5 minutes)", func(in *sdk.CreateScheduleInput) { in.GroupName = name }))
	_, err = f.DeleteScheduleGroup(t.Context(), &sdk.DeleteScheduleGroupInput{Name: name})
	require.NoError(t, err)
	f.take()
	f.clk.Advance(time.Hour)
	require.Empty(t, f.take(), "its schedules are gone, too")
	_, err = f.GetScheduleGroup(t.Context(), &sdk.GetScheduleGroupInput{Name: name})
	requireError(t, err, "ResourceNotFoundException", "Schedule group g does not exist.")
	_, err = f.DeleteScheduleGroup(t.Context(), &sdk.DeleteScheduleGroupInput{Name: aws.String("default")})
	requireError(t, err, "ValidationException", "default")
}

func TestSchedulesAreListed(t *testing.T) {
	f := start(t)
	for i := range 5 {
		f.create(t, input("rate(1 day)", func(in *sdk.CreateScheduleInput) {
			in.Name = aws.String(fmt.Sprint("s", i))
			if i == 4 {
				in.State = types.ScheduleStateDisabled
			}
		}))
	}
	var names []string
	pages := sdk.NewListSchedulesPaginator(f.Client, &sdk.ListSchedulesInput{MaxResults: aws.Int32(2), NamePrefix: aws.String("s"), State: types.ScheduleStateEnabled, GroupName: aws.String("default")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, s := range page.Schedules {
			names = append(names, *s.Name)
			require.Equal(t, queueARN, *s.Target.Arn)
		}
	}
	require.Equal(t, []string{"s0", "s1", "s2", "s3"}, names)
}

func TestConcurrentUse(t *testing.T) {
	f := start(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			name := aws.String(fmt.Sprint("s", i))
			in := input("rate(1 minute)", func(in *sdk.CreateScheduleInput) { in.Name = name })
			if _, err := f.CreateSchedule(t.Context(), in); err != nil {
				t.Error(err)
			}
			f.clk.Advance(time.Minute)
			if _, err := f.DeleteSchedule(t.Context(), &sdk.DeleteScheduleInput{Name: name}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	f.clk.Advance(time.Minute)
	f.take()
	f.clk.Advance(time.Hour)
	require.Empty(t, f.take())
}
