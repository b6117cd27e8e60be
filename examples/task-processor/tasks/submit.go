package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Office submits, redrives and lists tasks. Submitting and redriving write to the table
// first and send then; between the two a task is marked as unsent. Whoever dies in between
// repeats the call: it goes on where it ended. A task that is sent twice is done once.
type Office struct {
	DynamoDB   *dynamodb.Client
	SQS        *sqs.Client
	TasksTable string
	QueueURL   string
	Now        func() time.Time
}

// Submit makes a task and sends its message. fail is a failure to inject, empty for none.
func (o Office) Submit(ctx context.Context, id, payload, fail string) error {
	e := edit{
		update: "#status = :pending, unsent = :true, payload = :payload", condition: "attribute_not_exists(id)",
		values: item{":true": &types.AttributeValueMemberBOOL{Value: true}, ":payload": text(payload)}, event: Event{Name: "submitted"},
	}
	if fail != "" {
		e.update += ", injected_failure = :failure"
		e.values[":failure"] = text(fail)
	}
	t, err := o.table().change(ctx, id, e)
	if errors.Is(err, errRefused) && !t.Unsent {
		return fmt.Errorf("there is a task %s already, and it is %s", id, t.Status)
	}
	return o.send(ctx, id, err)
}

// Redrive makes a DEAD task PENDING and sends its message again. repair takes the injected
// failure away from it, as if its cause had been mended.
func (o Office) Redrive(ctx context.Context, id string, repair bool) error {
	e := edit{
		update: "#status = :pending, unsent = :true", condition: "#status = :dead AND attribute_exists(payload)",
		values: item{":true": &types.AttributeValueMemberBOOL{Value: true}}, event: Event{Name: "redriven"},
	}
	if repair {
		e.update += " REMOVE injected_failure"
	}
	t, err := o.table().change(ctx, id, e)
	if errors.Is(err, errRefused) && !(t.Status == Pending && t.Unsent) {
		if t.ID == "" {
			return fmt.Errorf("there is no task %s", id)
		}
		return fmt.Errorf("task %s is %s: only tasks that are DEAD can be redriven", id, t.Status)
	}
	return o.send(ctx, id, err)
}

// send sends the message of a task that is marked as unsent. err is what marking it
// returned.
func (o Office) send(ctx context.Context, id string, err error) error {
	if err != nil && !errors.Is(err, errRefused) {
		return err
	}
	body := bodyOf(id)
	if _, err := o.SQS.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &o.QueueURL, MessageBody: &body}); err != nil {
		return fmt.Errorf("sending the message of task %s (repeat the call): %w", id, err)
	}
	_, err = o.table().change(ctx, id, edit{
		update: "unsent = :false", condition: "attribute_exists(id)", values: item{":false": &types.AttributeValueMemberBOOL{}},
	})
	return err
}

// List returns all tasks, in no order.
func (o Office) List(ctx context.Context) ([]Task, error) {
	var all []Task
	pages := dynamodb.NewScanPaginator(o.DynamoDB, &dynamodb.ScanInput{TableName: &o.TasksTable})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", o.TasksTable, err)
		}
		for _, it := range page.Items {
			all = append(all, read(it))
		}
	}
	return all, nil
}

func (o Office) table() table { return table{client: o.DynamoDB, name: o.TasksTable, now: o.Now} }
