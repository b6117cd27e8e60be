package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sqs-dlq/sqs-dlq/consumer/dynamostore"
)

// DynamoDB is what the functions need of a client.
type DynamoDB interface {
	dynamostore.Client
	UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// table is the table of tasks. Every write has a condition, so that it may be repeated and
// come in any order.
type table struct {
	client DynamoDB
	name   string
	now    func() time.Time
}

// errRefused says that a task is not in a state in which the change may be made.
var errRefused = errors.New("the task is in another state")

// edit is a change to a task: what SET sets, and under which condition. In both, #status
// stands for its status, and :pending, :processing, :done, :failed and :dead for the states.
type edit struct {
	update, condition string
	values            item
	event             Event // appended, if it has a name
}

// change changes a task and returns what it is then. If the condition doesn't hold it
// returns errRefused and the task as it is, or a zero task if there is none.
func (t table) change(ctx context.Context, id string, e edit) (Task, error) {
	u := t.expressions(id, e)
	out, err := t.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression, ConditionExpression: u.ConditionExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
		ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var refused *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &refused):
		return read(refused.Item), errRefused
	case err != nil:
		return Task{}, fmt.Errorf("changing task %s in %s: %w", id, t.name, err)
	}
	return read(out.Attributes), nil
}

func (t table) expressions(id string, e edit) *types.Update {
	values := item{}
	for name, value := range e.values {
		values[name] = value
	}
	update := e.update
	if e.event.Name != "" {
		e.event.At = t.now()
		update = "SET #events = list_append(if_not_exists(#events, :none), :event), " + update
		values[":none"] = &types.AttributeValueMemberL{}
		values[":event"] = &types.AttributeValueMemberL{Value: []types.AttributeValue{e.event.value()}}
	} else {
		update = "SET " + update
	}
	names := map[string]string{}
	for _, attribute := range []string{"status", "events", "result"} {
		if mentions(update, "#"+attribute) || mentions(e.condition, "#"+attribute) {
			names["#"+attribute] = attribute
		}
	}
	for name, status := range map[string]Status{":pending": Pending, ":processing": Processing, ":done": Done, ":failed": Failed, ":dead": Dead} {
		if mentions(update, name) || mentions(e.condition, name) {
			values[name] = text(string(status))
		}
	}
	return &types.Update{
		TableName: &t.name, Key: item{"id": text(id)}, UpdateExpression: &update, ConditionExpression: aws.String(e.condition),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}
}

// mentions says whether an expression has the name, as a whole.
func mentions(expression, name string) bool {
	for i := 0; i+len(name) <= len(expression); i++ {
		if expression[i:i+len(name)] != name {
			continue
		}
		if end := i + len(name); end == len(expression) || expression[end] != '_' && (expression[end] < 'a' || expression[end] > 'z') {
			return true
		}
	}
	return false
}

// open says that a task is not in one of its last states.
const open = "#status IN (:pending, :processing)"

// begin says that work on the task begins.
func (t table) begin(ctx context.Context, id string) (Task, error) {
	return t.change(ctx, id, edit{
		update: "#status = :processing ADD attempts :one", condition: open,
		values: item{":one": &types.AttributeValueMemberN{Value: "1"}},
	})
}

// note keeps why an attempt failed.
func (t table) note(ctx context.Context, id string, cause error) error {
	_, err := t.change(ctx, id, edit{update: "last_error = :error", condition: open, values: item{":error": text(cause.Error())}})
	if errors.Is(err, errRefused) {
		return nil
	}
	return err
}

// finish is the effect: the task is done, and the key with it, or neither. done is the
// item that says that the key is done.
func (t table) finish(ctx context.Context, id, messageID, result, keys string, done item) error {
	update := t.expressions(id, edit{
		update: "#status = :done, #result = :result ADD effects :one", condition: "#status = :processing",
		values: item{":one": &types.AttributeValueMemberN{Value: "1"}, ":result": text(result)},
		event:  Event{Name: "done", MessageID: messageID},
	})
	_, err := t.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: update}, {Put: &types.Put{TableName: &keys, Item: done}},
	}})
	if err != nil {
		return fmt.Errorf("finishing task %s: %w", id, err)
	}
	return nil
}

// fail records that no retry can mend the task.
func (t table) fail(ctx context.Context, id, messageID string, cause error) (Task, error) {
	return t.change(ctx, id, edit{
		update: "#status = :failed, last_error = :error", condition: open,
		values: item{":error": text(cause.Error())}, event: Event{Name: "failed", MessageID: messageID},
	})
}

// bury records that the task's message was dead-lettered. A message is counted once,
// whatever has become of the task since.
func (t table) bury(ctx context.Context, id, messageID, body string) (Task, error) {
	return t.change(ctx, id, edit{
		update:    "#status = :dead, body = :body ADD dead_messages :messages",
		condition: open + " AND NOT contains(dead_messages, :message)",
		values: item{
			":body": text(body), ":message": text(messageID), ":messages": &types.AttributeValueMemberSS{Value: []string{messageID}},
		},
		event: Event{Name: "dead", MessageID: messageID},
	})
}

// keep stores a message that is about no task, so that it isn't lost. It is known by its
// own id; storing it again changes nothing.
func (t table) keep(ctx context.Context, status Status, messageID, body, cause string) (kept bool, err error) {
	state, name := ":failed", "failed"
	if status == Dead {
		state, name = ":dead", "dead"
	}
	_, err = t.change(ctx, strayID(messageID), edit{
		update: "#status = " + state + ", body = :body, last_error = :error", condition: "attribute_not_exists(id)",
		values: item{":body": text(body), ":error": text(cause)}, event: Event{Name: name, MessageID: messageID},
	})
	if errors.Is(err, errRefused) {
		return false, nil
	}
	return err == nil, err
}
