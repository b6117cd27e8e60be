package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
	"github.com/sqs-dlq/sqs-dlq/examples/task-processor/tasks"
	"github.com/sqs-dlq/sqs-dlq/internal/target"
)

// TestTaskProcessor deploys the example as it stands, with the programs that its own command
// builds, which run as processes.
func TestTaskProcessor(t *testing.T) {
	needsTerraform(t)
	s := prepareCopyOn(t, functionsTarget(t), "../examples/task-processor", functionInputs(t))
	destroyAtEnd(t, s)
	s.apply(t)
	s.requireNoChanges(t)
	p := processorOf(t, s)
	require.NoError(t, p.check(s.ctx))
	require.NoError(t, p.crash(s.ctx))
	require.NoError(t, p.outage(s.ctx))
}

// functionsTarget is an embedded endpoint that runs functions from their zips.
func functionsTarget(t *testing.T) *target.Target {
	t.Helper()
	srv := awstest.Start(t, awstest.RunFunctions())
	return &target.Target{
		Target: dlqtest.Target{Config: srv.Config(), Clock: srv.Clock, Ground: dlqtest.Embedded}, Env: srv.Env(), Server: srv,
	}
}

// architecture is that of this machine, as Lambda calls it.
func architecture() string {
	return map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
}

// functionInputs are the example's inputs for this machine, with the functions built for it
// by the example's command.
func functionInputs(t *testing.T) map[string]any {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "go", "run", "./examples/task-processor/build", "-o", dir, "-arch", architecture())
	cmd.Dir = ".."
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return map[string]any{"functions_dir": dir, "architecture": architecture()}
}

// processor is a task processor that was deployed.
type processor struct {
	QueueURL      string `json:"queue_url"`
	QueueARN      string `json:"queue_arn"`
	DLQURL        string `json:"dlq_url"`
	DLQARN        string `json:"dlq_arn"`
	TasksTable    string `json:"tasks_table"`
	KeysTable     string `json:"keys_table"`
	Consumer      string `json:"consumer_function_name"`
	DeadLetters   string `json:"dead_letters_function_name"`
	NotEmptyAlarm string `json:"not_empty_alarm_name"`
	DeadAlarm     string `json:"dead_alarm_name"`

	c      *sdkClients
	srv    *awstest.Server
	office tasks.Office
	lambda *lambda.Client
	name   string // of the deployment
	letter string // the id of the dead letter that was seen last
}

func processorOf(t *testing.T, s *stack) *processor {
	t.Helper()
	b, err := json.Marshal(s.outputs)
	require.NoError(t, err)
	return newProcessor(t, s, b)
}

// newProcessor is the processor that the outputs tell of.
func newProcessor(t *testing.T, s *stack, outputs []byte) *processor {
	t.Helper()
	var p processor
	require.NoError(t, json.Unmarshal(outputs, &p))
	cfg := s.target.Config
	p.c, p.srv, p.lambda = clientsOf(s.target.Target), s.target.Server, lambda.NewFromConfig(cfg)
	p.office = tasks.Office{DynamoDB: dynamodb.NewFromConfig(cfg), SQS: p.c.sqs, TasksTable: p.TasksTable, QueueURL: p.QueueURL, Now: p.srv.Clock.Now}
	p.name = queueName(p.QueueURL)
	return &p
}

// check is all that needs no real time to pass: how all is set up, and a day of it.
func (p *processor) check(ctx context.Context) error {
	defer p.c.pause()()
	return errors.Join(p.settings(ctx), p.roles(ctx), p.day(ctx))
}

// day is what becomes of tasks, one after the other, until one goes wrong.
func (p *processor) day(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"a good task", p.good},
		{"a poison task", p.poison},
		{"its death is told", p.told},
		{"the same dead letter again", p.again},
		{"a task that fails four times", p.flaky},
		{"a task that can't be mended", p.permanent},
		{"messages about no task", p.strays},
		{"the redrive", p.redrive},
		{"what the functions call", p.needs},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// expected is how a task is to be.
type expected struct {
	status            tasks.Status
	attempts, effects int
	events            string
	lastError         string // part of it
}

func (p *processor) expect(ctx context.Context, id string, want expected) error {
	all, err := p.office.List(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t tasks.Task) bool { return t.ID == id })
	if i < 0 {
		return fmt.Errorf("there is no task %s", id)
	}
	t := all[i]
	var events []string
	for _, e := range t.Events {
		events = append(events, e.Name)
		if e.Name == "dead" {
			p.letter = e.MessageID
		}
	}
	got := expected{t.Status, t.Attempts, t.Effects, strings.Join(events, ", "), t.LastError}
	if strings.Contains(got.lastError, want.lastError) && want.lastError != "" {
		got.lastError = want.lastError
	}
	if got != want {
		return fmt.Errorf("task %s is %+v, want %+v", id, got, want)
	}
	return nil
}

// receives are when the function was handed messages of the queue, since the calls were
// last reset.
func (p *processor) receives(queueARN string) []time.Time {
	var at []time.Time
	for _, c := range p.srv.Calls() {
		if c.Operation == "ReceiveMessage" && c.Resource == queueARN {
			at = append(at, c.Time)
		}
	}
	return at
}

// expectReceives wants so many receives of a queue and, of the other, so many.
func (p *processor) expectReceives(source, dlq int) error {
	if s, d := len(p.receives(p.QueueARN)), len(p.receives(p.DLQARN)); s != source || d != dlq {
		return fmt.Errorf("%d receives of the source queue and %d of the DLQ, want %d and %d", s, d, source, dlq)
	}
	return p.c.expectNothingIn(context.Background(), p.QueueURL, p.DLQURL)
}

// run submits a task and lets half an hour pass.
func (p *processor) run(ctx context.Context, id, fail string) error {
	p.srv.ResetCalls()
	if err := p.office.Submit(ctx, id, "work of "+id, fail); err != nil {
		return err
	}
	return p.c.target.Clock.Sleep(ctx, 30*time.Minute)
}

func (p *processor) good(ctx context.Context) error {
	return errors.Join(p.run(ctx, "good", ""), p.expect(ctx, "good", expected{tasks.Done, 1, 1, "submitted, done", ""}), p.expectReceives(1, 0))
}

// poison is received five times, each time after twice as long, and recorded once.
func (p *processor) poison(ctx context.Context) error {
	if err := errors.Join(
		p.run(ctx, "poison", "always"),
		p.expect(ctx, "poison", expected{tasks.Dead, 5, 0, "submitted, dead", "injected: it always fails"}), p.expectReceives(5, 1),
	); err != nil {
		return err
	}
	at := append(p.receives(p.QueueARN), p.receives(p.DLQARN)...)
	for i, bounds := range [][2]time.Duration{
		{5 * time.Second, 10 * time.Second}, {10 * time.Second, 20 * time.Second}, {20 * time.Second, 40 * time.Second}, {40 * time.Second, 80 * time.Second}, {80 * time.Second, 160 * time.Second},
	} {
		const notice = 100 * time.Millisecond // until a mapping has noticed
		if pause := at[i+1].Sub(at[i]); pause < bounds[0] || pause > bounds[1]+notice {
			return fmt.Errorf("the pause after receive %d was %v, want %v to %v", i+1, pause, bounds[0], bounds[1])
		}
	}
	return nil
}

// told wants one death in the metric, the alarm and the log, with the last error.
func (p *processor) told(ctx context.Context) error {
	told := 0
	for _, line := range p.srv.FunctionOutput(p.DeadLetters) {
		if strings.HasPrefix(line, "SDK ") {
			return fmt.Errorf("the SDK complains: %s", line)
		}
		var l struct {
			Msg, TaskID, LastError string
		}
		var raw map[string]any
		if json.Unmarshal([]byte(line), &raw) == nil && raw["msg"] == "a task is dead" {
			l.TaskID, _ = raw["task_id"].(string)
			l.LastError, _ = raw["last_error"].(string)
			if l.TaskID != "poison" || l.LastError != "injected: it always fails" {
				return fmt.Errorf("the log says %s", line)
			}
			told++
		}
	}
	if told != 1 {
		return fmt.Errorf("the log tells of %d deaths, want 1", told)
	}
	if err := p.expectDeaths(ctx, 1); err != nil {
		return err
	}
	history, err := p.c.cloudwatch.DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: &p.DeadAlarm, HistoryItemType: cwtypes.HistoryItemTypeStateUpdate})
	if err != nil {
		return err
	}
	alarmed := 0
	for _, item := range history.AlarmHistoryItems {
		if strings.Contains(aws.ToString(item.HistorySummary), "to ALARM") {
			alarmed++
		}
	}
	if alarmed != 1 {
		return fmt.Errorf("alarm %s went to ALARM %d times, want once", p.DeadAlarm, alarmed)
	}
	return errors.Join(p.c.expectState(ctx, p.DeadAlarm, cwtypes.StateValueOk), p.c.expectState(ctx, p.NotEmptyAlarm, cwtypes.StateValueOk))
}

// expectDeaths wants so many in the metric, of all times.
func (p *processor) expectDeaths(ctx context.Context, want float64) error {
	now := p.srv.Clock.Now()
	out, err := p.c.cloudwatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("TaskProcessor"), MetricName: aws.String("tasks_dead_total"), Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
		Dimensions: []cwtypes.Dimension{{Name: aws.String("Service"), Value: &p.name}}, StartTime: aws.Time(now.Add(-24 * time.Hour)), EndTime: aws.Time(now.Add(time.Minute)), Period: aws.Int32(300),
	})
	if err != nil {
		return err
	}
	got := 0.0
	for _, d := range out.Datapoints {
		got += *d.Sum
	}
	if got != want {
		return fmt.Errorf("tasks_dead_total is %v, want %v", got, want)
	}
	return nil
}

// again hands the function the dead letter that it has recorded. Nothing may change.
func (p *processor) again(ctx context.Context) error {
	if err := p.deadLetter(ctx, "poison", p.letter); err != nil {
		return err
	}
	return errors.Join(p.expect(ctx, "poison", expected{tasks.Dead, 5, 0, "submitted, dead", "injected: it always fails"}), p.c.target.Clock.Sleep(ctx, time.Minute), p.expectDeaths(ctx, 1))
}

// deadLetter invokes the function with a dead letter.
func (p *processor) deadLetter(ctx context.Context, task, messageID string) error {
	payload, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: messageID, Body: fmt.Sprintf(`{"task_id":%q}`, task), EventSource: "aws:sqs", EventSourceARN: p.DLQARN, ReceiptHandle: "again",
		Attributes: map[string]string{"ApproximateReceiveCount": "7"},
	}}})
	if err != nil {
		return err
	}
	out, err := p.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &p.DeadLetters, Payload: payload})
	if err != nil {
		return err
	}
	if string(out.Payload) != `{"batchItemFailures":[]}` {
		return fmt.Errorf("the function answered %s", out.Payload)
	}
	return nil
}

func (p *processor) flaky(ctx context.Context) error {
	return errors.Join(
		p.run(ctx, "flaky", "times:4"),
		p.expect(ctx, "flaky", expected{tasks.Done, 5, 1, "submitted, done", "injected: attempt 4 of 4 that fail"}), p.expectReceives(5, 0),
	)
}

func (p *processor) permanent(ctx context.Context) error {
	return errors.Join(
		p.run(ctx, "hopeless", "permanent"),
		p.expect(ctx, "hopeless", expected{tasks.Failed, 1, 0, "submitted, failed", "injected: no retry can mend it"}), p.expectReceives(1, 0),
	)
}

// strays are messages that no retry can make sense of. They are kept.
func (p *processor) strays(ctx context.Context) error {
	p.srv.ResetCalls()
	want := map[string]string{"no JSON": "reading the message: invalid character", `{"task_id":""}`: "the message names no task_id", `{"task_id":"nobody's"}`: "there is no task nobody's"}
	ids := map[string]string{}
	for body := range want {
		out, err := p.c.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &p.QueueURL, MessageBody: &body})
		if err != nil {
			return err
		}
		ids[body] = *out.MessageId
	}
	errs := []error{p.c.target.Clock.Sleep(ctx, time.Hour), p.c.expectNothingIn(ctx, p.QueueURL, p.DLQURL)}
	for body, id := range ids {
		errs = append(errs, p.expect(ctx, "stray-"+id, expected{tasks.Failed, 0, 0, "failed", want[body]}))
	}
	if n := len(p.receives(p.DLQARN)); n > 0 {
		errs = append(errs, fmt.Errorf("%d of them were dead-lettered", n))
	}
	return errors.Join(errs...)
}

// redrive is told to finish one of two that are DEAD, when what ailed them is mended. A
// copy of the old dead letter, late, changes nothing.
func (p *processor) redrive(ctx context.Context) error {
	if err := errors.Join(p.run(ctx, "panics", "panic"), p.expect(ctx, "panics", expected{tasks.Dead, 5, 0, "submitted, dead", "the handler panicked: injected"}), p.expectReceives(5, 1)); err != nil {
		return err
	}
	if err := errors.Join(p.expect(ctx, "poison", expected{tasks.Dead, 5, 0, "submitted, dead", "injected: it always fails"})); err != nil {
		return err
	}
	old := p.letter
	p.srv.ResetCalls()
	if err := p.office.Redrive(ctx, "poison", true); err != nil {
		return err
	}
	if err := errors.Join(p.deadLetter(ctx, "poison", old), p.expect(ctx, "poison", expected{tasks.Pending, 5, 0, "submitted, dead, redriven", "injected: it always fails"})); err != nil {
		return err
	}
	if err := p.c.target.Clock.Sleep(ctx, 30*time.Minute); err != nil {
		return err
	}
	if err := errors.Join(
		p.expect(ctx, "poison", expected{tasks.Done, 6, 1, "submitted, dead, redriven, done", "injected: it always fails"}),
		p.expect(ctx, "panics", expected{tasks.Dead, 5, 0, "submitted, dead", "the handler panicked: injected"}),
		p.expectReceives(1, 0),
	); err != nil {
		return err
	}
	for id, want := range map[string]string{"poison": "task poison is DONE", "hopeless": "task hopeless is FAILED", "nobody": "there is no task nobody"} {
		if err := p.office.Redrive(ctx, id, false); err == nil || !strings.Contains(err.Error(), want) {
			return fmt.Errorf("redriving %s: %w, want %q", id, err, want)
		}
	}
	return nil
}

// crash has the process die before the work, and after the effect. The first attempt of
// the one leaves a lease on the key, which lasts for as long as the function could have
// worked: 5 s by the function's own clock, the only one here that can't be moved.
func (p *processor) crash(ctx context.Context) error {
	defer p.c.pause()()
	for id, fail := range map[string]string{"late": "crash-after", "unlucky": "crash-before"} { // not in one batch
		if err := errors.Join(p.office.Submit(ctx, id, "work of "+id, fail), p.c.target.Clock.Sleep(ctx, time.Second)); err != nil {
			return err
		}
	}
	if err := errors.Join(
		p.expect(ctx, "late", expected{tasks.Done, 1, 1, "submitted, done", ""}),
		p.expect(ctx, "unlucky", expected{tasks.Processing, 1, 0, "submitted", ""}),
	); err != nil {
		return fmt.Errorf("when the processes have died: %w", err)
	}
	time.Sleep(5 * time.Second)
	return errors.Join(
		p.c.target.Clock.Sleep(ctx, 30*time.Minute),
		p.expect(ctx, "late", expected{tasks.Done, 1, 1, "submitted, done", ""}),
		p.expect(ctx, "unlucky", expected{tasks.Done, 2, 1, "submitted, done", ""}),
		p.c.expectNothingIn(ctx, p.QueueURL, p.DLQURL),
	)
}

// outage makes all fail by the function's environment, as the input fail does; and after
// it those that are told to are done.
func (p *processor) outage(ctx context.Context) error {
	defer p.c.pause()()
	was, err := p.lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &p.Consumer})
	if err != nil {
		return err
	}
	fail := func(how string) error {
		variables := with(was.Environment.Variables, map[string]string{"FAIL": how})
		_, err := p.lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &p.Consumer, Environment: &lambdatypes.Environment{Variables: variables}})
		return err
	}
	if err := errors.Join(fail("always"), p.run(ctx, "of-the-outage", ""), p.expect(ctx, "of-the-outage", expected{tasks.Dead, 5, 0, "submitted, dead", "injected: it always fails"})); err != nil {
		return err
	}
	return errors.Join(
		fail(""), p.office.Redrive(ctx, "of-the-outage", false), p.c.target.Clock.Sleep(ctx, time.Minute),
		p.expect(ctx, "of-the-outage", expected{tasks.Done, 6, 1, "submitted, dead, redriven, done", "injected: it always fails"}),
	)
}
