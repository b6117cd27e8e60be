package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// NewUndertaker is the function that works off the dead-letter queue: each task whose
// message is there is DEAD. It never gives up on a message: a dead-letter queue has none of
// its own, so one that can't be recorded stays, and the alarm on the queue tells.
func NewUndertaker(d Deps) Function {
	u := undertaker{d, d.table()}
	return consumer.Lambda(u.handle,
		consumer.ReceivedBefore(d.MaxReceiveCount),
		consumer.Retry(backoff()),
		consumer.BackoffThrough(d.SQS),
		consumer.Concurrency(10),
		consumer.Logger(d.Log), consumer.Time(d.Clock),
	)
}

type undertaker struct {
	Deps
	tasks table
}

// handle records a dead letter. One that comes again changes nothing.
func (u undertaker) handle(ctx context.Context, m consumer.Message) error {
	id, unreadable := taskID(m)
	var t Task
	err := errRefused
	if unreadable == nil {
		t, err = u.tasks.bury(ctx, id, m.ID, m.Body)
	}
	about := []any{slog.String("task_id", id), slog.String("message_id", m.ID)}
	switch {
	case err == nil:
		return u.tell(ctx, about, t.LastError)
	case !errors.Is(err, errRefused):
		return err
	case t.ID != "":
		u.Log.InfoContext(ctx, "a dead letter that changes nothing", append(about, slog.String("status", string(t.Status)))...)
		return nil
	}
	cause := fmt.Sprintf("there is no task %s", id)
	if unreadable != nil {
		cause = unreadable.Error()
	}
	kept, err := u.tasks.keep(ctx, Dead, m.ID, m.Body, cause)
	if err != nil || !kept {
		return err
	}
	return u.tell(ctx, about, cause)
}

// tell logs and counts a death. It comes after the record of it, so that a crash in between
// leaves a death uncounted rather than counts it twice: what counts is the table.
func (u undertaker) tell(ctx context.Context, about []any, lastError string) error {
	u.Log.ErrorContext(ctx, "a task is dead", append(about, slog.String("last_error", lastError))...)
	line, err := json.Marshal(map[string]any{
		"Service": u.Service, "tasks_dead_total": 1,
		"_aws": map[string]any{
			"Timestamp": u.Clock.Now().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": "TaskProcessor", "Dimensions": [][]string{{"Service"}},
				"Metrics": []any{map[string]string{"Name": "tasks_dead_total", "Unit": "Count"}},
			}},
		},
	})
	if err == nil {
		_, err = u.Out.Write(append(line, '\n'))
	}
	if err != nil { // it is recorded, and must not come again for that
		u.Log.ErrorContext(ctx, "counting a death", append(about, slog.Any("error", err))...)
	}
	return nil
}
