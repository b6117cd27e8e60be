package awstest

import (
	"context"
	"net/http"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/cloudwatch"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/dynamodb"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/events"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/iam"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/kms"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/lambda"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/logs"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/s3"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/scheduler"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sns"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sqs"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sts"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// services are the endpoint's services, wired: SQS tells CloudWatch its metrics,
// CloudWatch notifies SNS, SNS sends to SQS, S3 tells SQS, SNS and EventBridge of
// objects, the scheduler calls the operations of all, and Lambda's functions consume
// queues, as IAM lets them.
type services struct {
	sqs        *sqs.Service
	sns        *sns.Service
	cloudwatch *cloudwatch.Service
	iam        *iam.Service
	kms        *kms.Service
	events     *events.Service
	scheduler  *scheduler.Service
	s3         *s3.Service
	dynamodb   *dynamodb.Service
	logs       *logs.Service
	lambda     *lambda.Service
	served     []*wire.Service
}

// newServices makes the services of a server. processes says that functions may run as
// processes.
func newServices(clk *clock.Clock, server *Server, processes bool) *services {
	s := &services{iam: iam.New(clk), kms: kms.New(clk)}
	s.sqs = sqs.New(clk, sqs.Options{Allowed: policy.Allowed, Keys: s.kms})
	s.sns = sns.New(clk, s.sqs)
	s.cloudwatch = cloudwatch.New(clk, s.sns)
	s.events = events.New(clk, s.sqs)
	s.scheduler = scheduler.New(clk, scheduler.Options{Queues: s.sqs, Operations: s, Roles: s.iam, Needs: s.needs, Metric: s.countSchedule})
	s.s3 = s3.New(clk, s3.Options{Queues: s.sqs, Topics: s.sns, Events: s.events})
	s.dynamodb = dynamodb.New(clk)
	s.logs = logs.New(clk, logs.Options{Metrics: s.cloudwatch})
	s.lambda = lambda.New(clk, lambda.Options{
		Queues: queueSource{s.sqs, server}, DeadLetters: s.sqs, Roles: s.iam, Metrics: s.cloudwatch, Logs: s.logs,
		Endpoint: server.URL, Processes: processes,
	})
	s.served = []*wire.Service{
		s.sqs.API(), s.cloudwatch.API(), s.sns.API(), sts.New(clk).API(), s.iam.API(), s.scheduler.API(),
		s.s3.API(), s.kms.API(), s.events.API(), s.lambda.API(), s.logs.API(), s.dynamodb.API(),
	}
	return s
}

// everyMinute publishes what was measured in the minute that ends, and then evaluates the
// alarms on it; those with periods of less than a minute every ten seconds. It begins
// with the minute that the given instant lies in.
func (s *services) everyMinute(clk *clock.Clock, since time.Time) {
	const step = 10 * time.Second
	var tick func(time.Time)
	tick = func(now time.Time) {
		next := now.Truncate(time.Minute).Add(time.Minute)
		if now.Truncate(time.Minute).Equal(now) {
			s.sqs.PublishMetrics(now, s.cloudwatch)
			s.cloudwatch.Tick(now)
		}
		if s.cloudwatch.NeedsSeconds() {
			s.cloudwatch.TickSeconds(now)
			next = now.Truncate(step).Add(step)
		}
		clk.At(next, tick)
	}
	clk.At(since.Truncate(time.Minute).Add(time.Minute), tick)
}

// Invoke calls an operation on another service's behalf.
func (s *services) Invoke(ctx context.Context, account, region, service, operation string, input []byte) error {
	for _, api := range s.served {
		if api.Name == service {
			_, err := api.Invoke(ctx, &wire.Call{Service: service, Operation: operation, Account: account, Region: region, HTTP: &http.Request{}}, input)
			return err
		}
	}
	return &wire.Error{Code: "NotImplemented", Message: "The service " + service + " is not served here.", Status: http.StatusNotImplemented}
}
