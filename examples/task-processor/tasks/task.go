package tasks

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// Status is how far a task has come.
type Status string

// The states of a task.
const (
	Pending    Status = "PENDING"
	Processing Status = "PROCESSING"
	Done       Status = "DONE"
	Failed     Status = "FAILED"
	Dead       Status = "DEAD"
)

// Task is an item of the table of tasks.
type Task struct {
	ID      string
	Status  Status
	Payload string
	// Result is what the work returned, empty unless it is done.
	Result string
	// Attempts is how often work on it has begun, since it was submitted.
	Attempts int
	// Effects is how often its effect has happened: 1 when it is done.
	Effects int
	// LastError is why its latest failed attempt failed.
	LastError string
	// Fail is the failure that is injected, see Deps.Fail.
	Fail string
	// Unsent says that it has no message yet: see Submit.
	Unsent bool
	// Events are what has become of it, oldest first.
	Events []Event
}

// Event is a step in a task's life.
type Event struct {
	Name string // "submitted", "done", "failed", "dead", "redriven"
	At   time.Time
	// MessageID is that of the message that brought it about, if one did.
	MessageID string
}

// message is the body of a task's message.
type message struct {
	TaskID string `json:"task_id"`
}

func bodyOf(id string) string {
	b, err := json.Marshal(message{id})
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return string(b)
}

// taskID reads which task a message is about. A body that doesn't say so never will.
func taskID(m consumer.Message) (string, error) {
	var body message
	if err := json.Unmarshal([]byte(m.Body), &body); err != nil {
		return "", consumer.Permanent(fmt.Errorf("reading the message: %w", err))
	}
	if body.TaskID == "" {
		return "", consumer.Permanent(errors.New("the message names no task_id"))
	}
	return body.TaskID, nil
}

// strayID is the id under which a message is kept that is about no task.
func strayID(messageID string) string { return "stray-" + messageID }

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func (e Event) value() types.AttributeValue {
	m := item{"name": text(e.Name), "at": text(e.At.UTC().Format(time.RFC3339Nano))}
	if e.MessageID != "" {
		m["message_id"] = text(e.MessageID)
	}
	return &types.AttributeValueMemberM{Value: m}
}

// read makes a task of an item. What is missing or of another type is left zero.
func read(it item) Task {
	t := Task{
		ID: str(it["id"]), Status: Status(str(it["status"])), Payload: str(it["payload"]), Result: str(it["result"]),
		Attempts: number(it["attempts"]), Effects: number(it["effects"]), LastError: str(it["last_error"]), Fail: str(it["injected_failure"]),
	}
	if b, ok := it["unsent"].(*types.AttributeValueMemberBOOL); ok {
		t.Unsent = b.Value
	}
	if l, ok := it["events"].(*types.AttributeValueMemberL); ok {
		for _, v := range l.Value {
			m, ok := v.(*types.AttributeValueMemberM)
			if !ok {
				continue
			}
			at, _ := time.Parse(time.RFC3339Nano, str(m.Value["at"]))
			t.Events = append(t.Events, Event{str(m.Value["name"]), at, str(m.Value["message_id"])})
		}
	}
	return t
}

func str(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func number(v types.AttributeValue) int {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		i, _ := strconv.Atoi(n.Value)
		return i
	}
	return 0
}
