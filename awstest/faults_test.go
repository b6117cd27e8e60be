package awstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

func TestFaults(t *testing.T) {
	type outcome struct {
		code   string // of the error; empty if there is none that AWS made
		status int
		sent   bool // the message arrived
		failed bool // the caller saw an error
	}
	for _, test := range []struct {
		kind awstest.FaultKind
		want outcome
	}{
		{awstest.Throttle, outcome{code: "RequestThrottled", status: 400, failed: true}},
		{awstest.Unavailable, outcome{code: "ServiceUnavailable", status: 503, failed: true}},
		{awstest.InternalError, outcome{code: "InternalFailure", status: 500, failed: true}},
		{awstest.Latency, outcome{sent: true}},
		{awstest.DropRequest, outcome{failed: true}},
		{awstest.DropResponse, outcome{sent: true, failed: true}},
		{awstest.TruncateResponse, outcome{sent: true, failed: true}},
	} {
		t.Run(string(test.kind), func(t *testing.T) {
			k := start(t)
			url := k.queue("q")
			client := sqs.NewFromConfig(once(k.srv))
			fault := awstest.Fault{Kind: test.kind, Service: "sqs", Operation: "SendMessage", Delay: 20 * time.Millisecond}
			remove := k.srv.Inject(fault)
			began := time.Now()
			_, err := client.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("body")})
			took := time.Since(began)
			remove()

			got := outcome{failed: err != nil, sent: len(k.receive(url)) == 1}
			var api smithy.APIError
			if errors.As(err, &api) {
				got.code = api.ErrorCode()
			}
			var response *awshttp.ResponseError
			if errors.As(err, &response) && got.code != "" {
				got.status = response.HTTPStatusCode()
			}
			require.Equal(t, test.want, got)
			if test.kind == awstest.Latency {
				require.GreaterOrEqual(t, took, fault.Delay)
			}
			for _, c := range k.srv.Calls() {
				if c.Operation == "SendMessage" {
					require.Equal(t, fault.String(), c.Fault)
					require.Equal(t, test.want.code, c.Error)
				}
			}
		})
	}
}

func TestLatencyEndsWhenTheClientGivesUp(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.srv.Inject(awstest.Fault{Kind: awstest.Latency, Operation: "SendMessage", Delay: time.Hour})
	ctx, cancel := context.WithCancel(k.ctx)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { cancel() }})
	_, err := k.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("body")})
	require.Error(t, err)
	require.Eventually(t, func() bool { return k.srv.Count("sqs", "SendMessage") == 1 }, time.Minute, time.Millisecond)
}

// The SDK repeats throttled calls of every service: each has its own way to say so.
func TestThrottlingIsRetriedByTheSDK(t *testing.T) {
	for _, test := range []struct {
		service, operation, code string
		call                     func(context.Context, aws.Config) error
	}{
		{"sqs", "ListQueues", "RequestThrottled", func(ctx context.Context, cfg aws.Config) error {
			_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{})
			return err
		}},
		{"sns", "ListTopics", "Throttling", func(ctx context.Context, cfg aws.Config) error {
			_, err := sns.NewFromConfig(cfg).ListTopics(ctx, &sns.ListTopicsInput{})
			return err
		}},
		{"monitoring", "DescribeAlarms", "Throttling", func(ctx context.Context, cfg aws.Config) error {
			_, err := cloudwatch.NewFromConfig(cfg).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
			return err
		}},
		{"sts", "GetCallerIdentity", "Throttling", func(ctx context.Context, cfg aws.Config) error {
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		}},
		{"iam", "ListRoles", "Throttling", func(ctx context.Context, cfg aws.Config) error {
			_, err := iam.NewFromConfig(cfg).ListRoles(ctx, &iam.ListRolesInput{})
			return err
		}},
		{"scheduler", "ListSchedules", "ThrottlingException", func(ctx context.Context, cfg aws.Config) error {
			_, err := scheduler.NewFromConfig(cfg).ListSchedules(ctx, &scheduler.ListSchedulesInput{})
			return err
		}},
		{"lambda", "ListFunctions", "TooManyRequestsException", func(ctx context.Context, cfg aws.Config) error {
			_, err := lambda.NewFromConfig(cfg).ListFunctions(ctx, &lambda.ListFunctionsInput{})
			return err
		}},
		{"dynamodb", "ListTables", "ThrottlingException", func(ctx context.Context, cfg aws.Config) error {
			_, err := dynamodb.NewFromConfig(cfg).ListTables(ctx, &dynamodb.ListTablesInput{})
			return err
		}},
		{"logs", "DescribeLogGroups", "ThrottlingException", func(ctx context.Context, cfg aws.Config) error {
			_, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
			return err
		}},
	} {
		t.Run(test.service, func(t *testing.T) {
			srv := awstest.Start(t)
			srv.Inject(awstest.Fault{Kind: awstest.Throttle, Service: test.service, Times: 2})
			require.NoError(t, test.call(t.Context(), eager(srv)))
			require.Equal(t, 3, srv.Count(test.service, test.operation))
			require.Equal(t, test.code, srv.Calls()[0].Error)
			require.Empty(t, srv.Calls()[2].Error)
		})
	}
}

func TestServerErrorsAndDroppedConnectionsAreRetriedByTheSDK(t *testing.T) {
	for _, kind := range []awstest.FaultKind{awstest.Unavailable, awstest.InternalError, awstest.DropRequest, awstest.DropResponse} {
		t.Run(string(kind), func(t *testing.T) {
			srv := awstest.Start(t)
			srv.Inject(awstest.Fault{Kind: kind, Times: 2})
			_, err := sqs.NewFromConfig(eager(srv)).ListQueues(t.Context(), &sqs.ListQueuesInput{})
			require.NoError(t, err)
			require.Equal(t, 3, srv.Count("sqs", "ListQueues"))
		})
	}
}

// A send whose answer is lost is repeated by the SDK: what a consumer has to live with.
func TestALostAnswerDuplicatesAMessageInAStandardQueueOnly(t *testing.T) {
	k := start(t)
	client := sqs.NewFromConfig(eager(k.srv))
	standard, fifo := k.queue("q"), k.queue("q.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
	k.srv.Inject(awstest.Fault{Kind: awstest.DropResponse, Operation: "SendMessage", Queue: "q", Times: 1})
	k.srv.Inject(awstest.Fault{Kind: awstest.DropResponse, Operation: "SendMessage", Queue: "q.fifo", Times: 1})
	_, err := client.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &standard, MessageBody: aws.String("body")})
	require.NoError(t, err)
	_, err = client.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &fifo, MessageBody: aws.String("body"), MessageGroupId: aws.String("g")})
	require.NoError(t, err)
	require.Len(t, k.receive(standard), 2)
	require.Len(t, k.receive(fifo), 1)
}

// sends makes n sends to each queue and says which of them failed.
func sends(k *kit, n int, urls ...string) string {
	client := sqs.NewFromConfig(once(k.srv))
	marks := ""
	for range n {
		for _, url := range urls {
			_, err := client.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("body")})
			if err != nil {
				marks += "x"
			} else {
				marks += "."
			}
		}
	}
	return marks
}

func TestWhichCallsAFaultMeets(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault awstest.Fault
		want  string // of four rounds of sends to two queues
	}{
		{"all", awstest.Fault{}, "xxxxxxxx"},
		{"those of a service", awstest.Fault{Service: "sqs"}, "xxxxxxxx"},
		{"not those of another service", awstest.Fault{Service: "sns"}, "........"},
		{"those of an operation", awstest.Fault{Operation: "SendMessage"}, "xxxxxxxx"},
		{"not those of another operation", awstest.Fault{Operation: "SendMessageBatch"}, "........"},
		{"those of a queue", awstest.Fault{Queue: "b"}, ".x.x.x.x"},
		{"not those of a queue whose name is longer", awstest.Fault{Queue: "bb"}, "........"},
		{"those after the first", awstest.Fault{Skip: 3}, "...xxxxx"},
		{"the first", awstest.Fault{Times: 3}, "xxx....."},
		{"some in the middle", awstest.Fault{Skip: 2, Times: 3}, "..xxx..."},
		{"the second of a queue", awstest.Fault{Queue: "a", Skip: 1, Times: 1}, "..x....."},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := start(t)
			a, b := k.queue("a"), k.queue("b")
			test.fault.Kind = awstest.Throttle
			k.srv.Inject(test.fault)
			require.Equal(t, test.want, sends(k, 4, a, b))
		})
	}
}

func TestAShareOfCallsFailsAndTheSeedRepeatsIt(t *testing.T) {
	run := func(seed uint64) string {
		k := start(t)
		k.srv.Inject(awstest.Fault{Kind: awstest.InternalError, Operation: "SendMessage", Share: 0.3, Seed: seed})
		return sends(k, 100, k.queue("q"))
	}
	first := run(7)
	require.Equal(t, first, run(7))
	require.NotEqual(t, first, run(8))
	failed := 0
	for _, c := range first {
		if c == 'x' {
			failed++
		}
	}
	require.InDelta(t, 30, failed, 15)
}

func TestFaultsAreRemovedOneByOne(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	first := k.srv.Inject(awstest.Fault{Kind: awstest.Throttle, Operation: "SendMessage"})
	second := k.srv.Inject(awstest.Fault{Kind: awstest.Unavailable, Operation: "SendMessage"})
	errorOf := func() string {
		sends(k, 1, url)
		calls := k.srv.Calls()
		return calls[len(calls)-1].Error
	}
	require.Equal(t, "RequestThrottled", errorOf(), "of several the first meets a call")
	first()
	first()
	require.Equal(t, "ServiceUnavailable", errorOf())
	second()
	require.Empty(t, errorOf())
}

func TestAFaultPrintsAsWhatItDoes(t *testing.T) {
	for want, f := range map[string]awstest.Fault{
		"throttle on any service:*":                                             {Kind: awstest.Throttle},
		"latency of 2s on sqs:*":                                                {Kind: awstest.Latency, Service: "sqs", Delay: 2 * time.Second},
		"drop response on sqs:SendMessage of orders, 1 times":                   {Kind: awstest.DropResponse, Service: "sqs", Operation: "SendMessage", Queue: "orders", Times: 1},
		"internal error on any service:*, 25% of calls (seed 3), after 4 calls": {Kind: awstest.InternalError, Share: 0.25, Seed: 3, Skip: 4},
	} {
		require.Equal(t, want, fmt.Sprint(f))
	}
}
