package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/sqs-dlq/sqs-dlq/consumer"
	"github.com/sqs-dlq/sqs-dlq/consumer/dynamostore"
)

// Function is a Lambda function of a queue, for lambda.Start.
type Function = func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

// keptFor is for how long a key stays done: as long as SQS keeps a message.
const keptFor = 14 * 24 * time.Hour

// NewConsumer is the function that works off the source queue.
func NewConsumer(d Deps) Function {
	w := worker{d, d.table()}
	// All messages about a task are the same work, however often they were sent, received
	// or redriven.
	once := consumer.Idempotency{Store: dynamostore.New(d.DynamoDB, d.KeysTable), Key: taskID, TTL: keptFor}
	return consumer.Lambda(w.handle,
		consumer.MaxReceiveCount(d.MaxReceiveCount),
		consumer.Retry(backoff()),
		consumer.BackoffThrough(d.SQS),
		consumer.Idempotent(once),
		consumer.Quarantine(consumer.SinkFunc(w.record)),
		consumer.Hooks(w.noteFailure),
		consumer.Concurrency(10),
		consumer.Metrics(d.Out, "TaskProcessor"),
		consumer.Logger(d.Log), consumer.Time(d.Clock),
	)
}

type worker struct {
	Deps
	tasks table
}

// handle is an attempt.
func (w worker) handle(ctx context.Context, m consumer.Message) error {
	id, err := taskID(m)
	if err != nil {
		return err
	}
	t, err := w.tasks.begin(ctx, id)
	switch {
	case errors.Is(err, errRefused) && t.Status == Done:
		return nil
	case errors.Is(err, errRefused) && t.ID == "":
		return consumer.Permanent(fmt.Errorf("there is no task %s", id))
	case errors.Is(err, errRefused):
		// Not a success, which would make the key done, and a redrive come to nothing.
		return consumer.Permanent(fmt.Errorf("the task is %s already", t.Status))
	case err != nil:
		return err
	}
	if err := w.inject(t, false); err != nil {
		return err
	}
	result, err := w.work(ctx, t)
	if err != nil {
		return err
	}
	if err := w.tasks.finish(ctx, id, m.ID, result, w.KeysTable, dynamostore.DoneItem(m.Key, w.Clock.Now().Add(keptFor))); err != nil {
		return err
	}
	return w.inject(t, true)
}

func (w worker) work(ctx context.Context, t Task) (string, error) {
	if w.Work == nil {
		return t.Payload, nil
	}
	return w.Work(ctx, t)
}

// noteFailure keeps with the task why an attempt failed, for whoever will look at it.
func (w worker) noteFailure(ctx context.Context, m consumer.Message) (context.Context, func(consumer.Result)) {
	keep := context.WithoutCancel(ctx)
	return ctx, func(r consumer.Result) {
		id, err := taskID(m)
		if err != nil || r.Outcome != consumer.Retried {
			return
		}
		keep, cancel := context.WithTimeout(keep, time.Second)
		defer cancel()
		if err := w.tasks.note(keep, id, r.Err); err != nil {
			w.Log.WarnContext(keep, "keeping the error", slog.String("task_id", id), slog.Any("error", err))
		}
	}
}

// record is the quarantine: the task is FAILED. A message about no task is kept as it is.
func (w worker) record(ctx context.Context, f consumer.Failure) error {
	id, err := taskID(f.Message)
	if err == nil {
		t, err := w.tasks.fail(ctx, id, f.Message.ID, f.Err)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, errRefused):
			return err
		case t.ID != "":
			return nil // it has ended already
		}
	}
	_, err = w.tasks.keep(ctx, Failed, f.Message.ID, f.Message.Body, f.Err.Error())
	return err
}
