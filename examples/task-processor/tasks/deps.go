package tasks

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// Deps is what the functions are made from.
type Deps struct {
	DynamoDB DynamoDB
	SQS      consumer.VisibilityChanger
	// TasksTable and KeysTable are the names of the tables of tasks and of idempotency
	// keys; the function that works off the dead-letter queue needs only the first.
	TasksTable, KeysTable string
	// Service is the dimension of the metric tasks_dead_total.
	Service string
	// MaxReceiveCount is that of the source queue.
	MaxReceiveCount int
	// Work does a task's work and returns its result. It is called before the effect, and
	// again if an attempt ends in between: see README.md. Nil = the payload is the result.
	Work func(ctx context.Context, t Task) (string, error)
	// Fail is the failure that is injected into tasks that have none of their own: always,
	// times:<n>, permanent, panic, crash-before or crash-after. Empty = none.
	Fail string
	// Exit ends the process at an injected crash.
	Exit func()
	// Clock is the time. Out gets metrics, Log logs.
	Clock consumer.Clock
	Out   io.Writer
	Log   *slog.Logger
}

// FromEnvironment makes Deps from the environment variables TASKS_TABLE, KEYS_TABLE,
// SERVICE, MAX_RECEIVE_COUNT and FAIL, and from what the AWS SDK reads.
func FromEnvironment(ctx context.Context) (Deps, error) {
	n, err := strconv.Atoi(os.Getenv("MAX_RECEIVE_COUNT"))
	if err != nil {
		return Deps{}, fmt.Errorf("reading MAX_RECEIVE_COUNT: %w", err)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Deps{}, fmt.Errorf("configuring the AWS SDK: %w", err)
	}
	return Deps{
		DynamoDB: dynamodb.NewFromConfig(cfg), SQS: sqs.NewFromConfig(cfg),
		TasksTable: os.Getenv("TASKS_TABLE"), KeysTable: os.Getenv("KEYS_TABLE"), Service: os.Getenv("SERVICE"),
		MaxReceiveCount: n, Fail: os.Getenv("FAIL"),
		Exit:  func() { os.Exit(1) },
		Clock: consumer.WallClock{}, Out: os.Stdout, Log: slog.New(slog.NewJSONHandler(os.Stdout, nil)),
	}, nil
}

func (d Deps) table() table { return table{client: d.DynamoDB, name: d.TasksTable, now: d.Clock.Now} }

// backoff is that of both functions: from 5 to 10 s after the first attempt up to 15 min.
func backoff() consumer.Backoff {
	return consumer.Backoff{Base: 10 * time.Second, Factor: 2, Cap: 15 * time.Minute, Jitter: consumer.EqualJitter}
}
