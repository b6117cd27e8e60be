package test

import (
	"context"
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/gruntwork-io/terratest/modules/logger"
	"github.com/gruntwork-io/terratest/modules/terraform"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
	"github.com/sqs-dlq/sqs-dlq/internal/target"
	"github.com/sqs-dlq/sqs-dlq/internal/tfenv"
)

// findTerraform looks for Terraform and its providers once.
var findTerraform = sync.OnceValues(func() (*tfenv.Env, error) {
	return tfenv.Find(context.Background(), tfenv.Options{})
})

// installProvider installs the provider once for the stacks that start it themselves: each
// time Terraform would hash all of it, which takes a second. TestMain removes the copy.
var (
	installProvider = sync.OnceValues(func() (*tfenv.Workdir, error) {
		env, err := findTerraform()
		if err != nil {
			return nil, err
		}
		work, err := tfenv.Copy("../examples/minimal")
		if err != nil {
			return nil, err
		}
		installed.Store(work)
		d, err := env.Deploy(work, tfenv.DeployOptions{})
		if err != nil {
			return nil, err
		}
		return work, d.Init(context.Background())
	})
	installed atomic.Pointer[tfenv.Workdir]
)

// stack is a root module that was deployed.
type stack struct {
	target  *target.Target
	options *terraform.Options
	outputs map[string]any
	ctx     context.Context // ends early enough to destroy what was deployed

	sqs        *sqs.Client
	cloudwatch *cloudwatch.Client
	sns        *sns.Client
}

// TestMain lets deployments go on side by side, however few processors there are: most of
// their time is spent in the provider's own waits.
func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", "12"); err != nil {
			panic(err) // the flag is the testing package's
		}
	}
	status := m.Run()
	if work := installed.Load(); work != nil {
		if err := work.Close(); err != nil {
			panic(err)
		}
	}
	os.Exit(status)
}

// needsTerraform leaves a test to the runs that aren't short: it takes minutes, most of
// them spent in the provider's own waits.
func needsTerraform(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("deploys with Terraform, which -short leaves out")
	}
	t.Parallel()
}

// newTarget selects the target of the run.
func newTarget(t *testing.T) *target.Target {
	t.Helper()
	tg, err := target.Select(t.Context(), target.FromEnv(os.Getenv), os.Getenv)
	require.NoError(t, err)
	t.Cleanup(tg.Close)
	return tg
}

// deploy deploys a copy of the root module in dir, and destroys it when the test ends.
func deploy(t *testing.T, dir string, vars map[string]any) *stack {
	t.Helper()
	s := prepareCopy(t, dir, vars)
	destroyAtEnd(t, s)
	s.apply(t)
	return s
}

// prepareCopy makes a copy of the root module in dir ready for apply.
func prepareCopy(t *testing.T, dir string, vars map[string]any) *stack {
	t.Helper()
	return prepareCopyOn(t, newTarget(t), dir, vars)
}

// prepareCopyOn is prepareCopy for a target that was selected.
func prepareCopyOn(t *testing.T, tg *target.Target, dir string, vars map[string]any) *stack {
	t.Helper()
	work, err := tfenv.Copy(dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, work.Close()) })
	return prepareOn(t, tg, work.Dir, vars)
}

// destroyAtEnd destroys what the stack has when the test ends. It comes before apply, so
// that a failed one is cleaned up as well.
func destroyAtEnd(t *testing.T, s *stack) {
	t.Helper()
	t.Cleanup(func() {
		// the test's own context has ended by now
		_, err := terraform.DestroyContextE(t, context.Background(), s.options)
		require.NoError(t, err, "destroying %s", s.options.TerraformDir)
		requireNothingLeft(t, s)
	})
}

// destroyTime is how long before the run's -timeout tests are ended, so that what they have
// deployed to an account can still be destroyed: a timeout skips all cleaning up.
const destroyTime = 5 * time.Minute

// interrupts ends when the run is interrupted; a second interrupt has its default effect.
// On the embedded endpoint the first one has, for there is nothing to destroy.
var interrupts = sync.OnceValue(func() context.Context {
	if target.FromEnv(os.Getenv) == string(dlqtest.Embedded) {
		return context.Background()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
})

// runContext is the test's context, and ends with an interrupt or when time runs short.
func runContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	unhook := context.AfterFunc(interrupts(), cancel)
	t.Cleanup(func() { unhook(); cancel() })
	if deadline, ok := t.Deadline(); ok && target.FromEnv(os.Getenv) != string(dlqtest.Embedded) {
		early, cancel := context.WithDeadline(ctx, deadline.Add(-destroyTime))
		t.Cleanup(cancel)
		return early
	}
	return ctx
}

// prepare selects the target and makes the directory ready for apply.
func prepare(t *testing.T, dir string, vars map[string]any) *stack {
	t.Helper()
	return prepareOn(t, newTarget(t), dir, vars)
}

// prepareOn makes the directory ready for apply on the target.
func prepareOn(t *testing.T, tg *target.Target, dir string, vars map[string]any) *stack {
	t.Helper()
	env, err := findTerraform()
	require.NoError(t, err)
	s := &stack{
		target: tg, ctx: runContext(t),
		options: &terraform.Options{
			TerraformDir: dir, TerraformBinary: env.Binary, Vars: vars,
			EnvVars: env.TerratestEnv(tg.Env, tg.KeepAWS), NoColor: true, Logger: logger.Discard,
			Parallelism: 100, // a queue's 25 s are spent waiting
		},
		sqs: sqs.NewFromConfig(tg.Config), cloudwatch: cloudwatch.NewFromConfig(tg.Config), sns: sns.NewFromConfig(tg.Config),
	}
	if testing.Verbose() {
		s.options.Logger = logger.TestingT
	}
	if tg.Server != nil {
		s.startProvider(t, env)
	}
	s.init(t)
	return s
}

// startProvider starts the provider once for all the stack's commands, which saves more than
// half of their CPU time. Only on the embedded endpoint: elsewhere what was deployed is to be
// destroyed after an interrupt, which would end the provider as well.
func (s *stack) startProvider(t *testing.T, env *tfenv.Env) {
	t.Helper()
	work, err := installProvider()
	require.NoError(t, err)
	provider, err := env.StartProvider(context.Background(), work.Dir, s.target.Env, s.target.KeepAWS)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, provider.Close()) })
	maps.Copy(s.options.EnvVars, provider.Env())
}

// init downloads or links what the configuration needs; again when it has changed.
func (s *stack) init(t *testing.T) {
	t.Helper()
	env, err := findTerraform()
	require.NoError(t, err)
	unlock, err := env.LockInit(t.Context())
	require.NoError(t, err)
	defer unlock()
	_, err = terraform.InitContextE(t, t.Context(), s.options)
	require.NoError(t, err)
}

func (s *stack) apply(t *testing.T) {
	t.Helper()
	// with the test's own context: an apply that is killed leaves more than its state knows
	_, err := terraform.ApplyContextE(t, t.Context(), s.options)
	require.NoError(t, err)
	require.NoError(t, s.ctx.Err(), "interrupted, or short of time")
	s.outputs, err = terraform.OutputAllContextE(t, t.Context(), s.options)
	require.NoError(t, err)
}

// requireNoChanges asserts that another apply would change nothing.
func (s *stack) requireNoChanges(t *testing.T) {
	t.Helper()
	status, err := terraform.PlanExitCodeContextE(t, t.Context(), s.options)
	require.NoError(t, err)
	require.Equal(t, terraform.DefaultSuccessExitCode, status, "a second plan is not empty")
}

// output decodes an output into v.
func (s *stack) output(t *testing.T, name string, v any) {
	t.Helper()
	require.Contains(t, s.outputs, name, "outputs")
	b, err := json.Marshal(s.outputs[name])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v), "output %s", name)
}

// text returns an output that is a string.
func (s *stack) text(t *testing.T, name string) string {
	t.Helper()
	var v string
	s.output(t, name, &v)
	return v
}

// onlyPair is the pair of a stack that has one.
func (s *stack) onlyPair(t *testing.T) pair {
	t.Helper()
	p := pair{
		QueueURL: s.text(t, "queue_url"), QueueARN: s.text(t, "queue_arn"), DLQURL: s.text(t, "dlq_url"), DLQARN: s.text(t, "dlq_arn"),
		AlarmName: s.text(t, "not_empty_alarm_name"),
	}
	if _, ok := s.outputs["notification_queue_url"]; ok {
		p.Notification = s.text(t, "notification_queue_url")
	}
	return p
}

// uniqueName returns a name that no other run uses.
func uniqueName(name string) string {
	return "proof-" + strconv.FormatUint(rand.Uint64()>>24, 36) + "-" + name
}

// sleep lets time pass on the stack's target.
func (s *stack) sleep(t *testing.T, d time.Duration) {
	t.Helper()
	var clock dlqtest.Clock = dlqtest.WallClock{}
	if s.virtual() {
		clock = s.target.Clock
	}
	require.NoError(t, clock.Sleep(s.ctx, d))
}

// virtual says whether time can be skipped on the stack's target.
func (s *stack) virtual() bool { return s.target.Clock != nil }

// requireNothingLeft asserts that the embedded endpoint is as empty as it began.
func requireNothingLeft(t *testing.T, s *stack) {
	t.Helper()
	if s.target.Server == nil {
		return // an account has other things in it
	}
	ctx := context.Background()
	queues, err := s.sqs.ListQueues(ctx, &sqs.ListQueuesInput{})
	require.NoError(t, err)
	require.Empty(t, queues.QueueUrls)
	alarms, err := s.cloudwatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
	require.NoError(t, err)
	require.Empty(t, alarms.MetricAlarms)
	dashboards, err := s.cloudwatch.ListDashboards(ctx, &cloudwatch.ListDashboardsInput{})
	require.NoError(t, err)
	require.Empty(t, dashboards.DashboardEntries)
	topics, err := s.sns.ListTopics(ctx, &sns.ListTopicsInput{})
	require.NoError(t, err)
	require.Empty(t, topics.Topics)
	subscriptions, err := s.sns.ListSubscriptions(ctx, &sns.ListSubscriptionsInput{})
	require.NoError(t, err)
	require.Empty(t, subscriptions.Subscriptions)
	roles, err := iam.NewFromConfig(s.target.Config).ListRoles(ctx, &iam.ListRolesInput{})
	require.NoError(t, err)
	require.Empty(t, roles.Roles)
	groups, err := scheduler.NewFromConfig(s.target.Config).ListScheduleGroups(ctx, &scheduler.ListScheduleGroupsInput{})
	require.NoError(t, err)
	require.Len(t, groups.ScheduleGroups, 1, "AWS's own group, default, is always there")
	schedules, err := scheduler.NewFromConfig(s.target.Config).ListSchedules(ctx, &scheduler.ListSchedulesInput{})
	require.NoError(t, err)
	require.Empty(t, schedules.Schedules)
	functions, err := lambda.NewFromConfig(s.target.Config).ListFunctions(ctx, &lambda.ListFunctionsInput{})
	require.NoError(t, err)
	require.Empty(t, functions.Functions)
	mappings, err := lambda.NewFromConfig(s.target.Config).ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{})
	require.NoError(t, err)
	require.Empty(t, mappings.EventSourceMappings)
	logs, err := cloudwatchlogs.NewFromConfig(s.target.Config).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	require.NoError(t, err)
	require.Empty(t, logs.LogGroups)
	tables, err := dynamodb.NewFromConfig(s.target.Config).ListTables(ctx, &dynamodb.ListTablesInput{})
	require.NoError(t, err)
	require.Empty(t, tables.TableNames)
}
