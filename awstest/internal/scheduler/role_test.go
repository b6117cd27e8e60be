package scheduler_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/scheduler"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

// permissions are what the one role may do; it is assumed by schedules of the group.
type permissions struct {
	group   string
	allowed []fabric.Permission
}

func (p *permissions) Assumable(roleARN string, by fabric.Principal) bool {
	return roleARN == role && by == fabric.Principal{
		Service: "scheduler.amazonaws.com", SourceARN: "arn:aws:scheduler:us-east-1:123456789012:schedule-group/" + p.group, SourceAccount: "123456789012",
	}
}

func (p *permissions) Permits(roleARN, action, resource string) bool {
	return roleARN == role && slices.Contains(p.allowed, fabric.Permission{Action: action, Resource: resource})
}

// startWithRoles starts a scheduler that asks what roles may do.
func startWithRoles(t *testing.T, p *permissions) *fixture {
	t.Helper()
	clk := clock.New(begin())
	clk.Pause()
	t.Cleanup(clk.Close)
	w := &world{clk: clk, fail: map[string]error{}, metrics: map[string]int{}}
	needs := func(account, region, service, operation string, input []byte) []fabric.Permission {
		if service == "sqs" && operation == "SendMessage" {
			_, name, _ := strings.Cut(string(input), account+"/")
			return []fabric.Permission{{Action: "sqs:SendMessage", Resource: "arn:aws:sqs:" + region + ":" + account + ":" + name[:strings.IndexByte(name, '"')]}}
		}
		return []fabric.Permission{{Action: service + ":" + operation, Resource: "*"}}
	}
	svc := scheduler.New(clk, scheduler.Options{Queues: w, Operations: w, Metric: w.metric, Roles: p, Needs: needs})
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, svc.API()))
	t.Cleanup(srv.Close)
	return &fixture{world: w, Client: sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, RetryMaxAttempts: 1, HTTPClient: sdkhttp.Client(),
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "test", ""),
	})}
}

func TestASchedulesRoleMustTrustTheScheduler(t *testing.T) {
	p := &permissions{group: "another"}
	f := startWithRoles(t, p)
	const refusal = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
	in := input("rate(1 hour)")
	_, err := f.CreateSchedule(t.Context(), in)
	requireError(t, err, "ValidationException", refusal)
	p.group = "default"
	f.create(t, in)
	in.Target.RoleArn = aws.String(role + "-of-nobody")
	_, err = f.UpdateSchedule(t.Context(), &sdk.UpdateScheduleInput{Name: in.Name, ScheduleExpression: in.ScheduleExpression, FlexibleTimeWindow: in.FlexibleTimeWindow, Target: in.Target})
	requireError(t, err, "ValidationException", refusal)
}

func TestARoleMustBePermittedWhatItsScheduleDoes(t *testing.T) {
	send := fabric.Permission{Action: "sqs:SendMessage", Resource: queueARN}
	bury := fabric.Permission{Action: "sqs:SendMessage", Resource: dlqARN}
	move := fabric.Permission{Action: "sqs:StartMessageMoveTask", Resource: "*"}
	for name, tt := range map[string]struct {
		target  string
		allowed []fabric.Permission
		done    string // what is done, first of all
		why     string // part of the dead letter's message, if there is one
	}{
		"a queue":                             {queueARN, []fabric.Permission{send}, queueARN, ""},
		"a queue to which it may not send":    {queueARN, []fabric.Permission{bury}, dlqARN, "User: " + role + " is not authorized to perform: sqs:sendmessage on resource: " + queueARN},
		"an operation":                        {redrive, []fabric.Permission{move}, "123456789012 us-east-1 sqs:StartMessageMoveTask", ""},
		"an operation that it may not call":   {redrive, []fabric.Permission{bury}, dlqARN, "sqs:startmessagemovetask"},
		"neither that nor to send to its DLQ": {redrive, nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := startWithRoles(t, &permissions{group: "default", allowed: tt.allowed})
			f.create(t, input("at(2026-11-24T10:00:00)", func(in *sdk.CreateScheduleInput) {
				in.Target.Arn, in.Target.Input = &tt.target, aws.String("{}")
				in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(0)}
				in.Target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlqARN)}
			}))
			f.clk.Advance(2 * time.Hour)
			done := f.take()
			if tt.done == "" {
				require.Empty(t, done)
				require.Equal(t, 1, f.metrics["default InvocationsFailedToBeSentToDeadLetterCount"])
				return
			}
			require.Len(t, done, 1)
			require.Equal(t, tt.done, done[0].what)
			require.Contains(t, done[0].Attributes["ERROR_MESSAGE"].StringValue, tt.why)
			if tt.why != "" {
				require.Equal(t, "AccessDeniedException", done[0].Attributes["ERROR_CODE"].StringValue)
			}
		})
	}
}

func TestARoleThatIsGoneFailsTheCall(t *testing.T) {
	p := &permissions{group: "default", allowed: []fabric.Permission{{Action: "sqs:SendMessage", Resource: queueARN}}}
	f := startWithRoles(t, p)
	f.create(t, input("at(2026-11-24T10:00:00)", func(in *sdk.CreateScheduleInput) {
		in.Target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(0)}
	}))
	p.group = "none"
	f.clk.Advance(2 * time.Hour)
	require.Empty(t, f.take())
	require.Equal(t, 1, f.metrics["default InvocationDroppedCount"])
}
