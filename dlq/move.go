package dlq

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// Mover starts and stops move tasks, by which SQS itself redrives. *sqs.Client is one.
type Mover interface {
	StartMessageMoveTask(ctx context.Context, in *sqs.StartMessageMoveTaskInput, opts ...func(*sqs.Options)) (*sqs.StartMessageMoveTaskOutput, error)
	ListMessageMoveTasks(ctx context.Context, in *sqs.ListMessageMoveTasksInput, opts ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error)
	CancelMessageMoveTask(ctx context.Context, in *sqs.CancelMessageMoveTaskInput, opts ...func(*sqs.Options)) (*sqs.CancelMessageMoveTaskOutput, error)
}

// Move is a redrive by SQS itself: a message move task. It moves all that the dead-letter
// queue has, and counts no redrives. Standard and FIFO queues can be moved from, to a queue
// of the same type; the messages get new MessageIds, and their retention begins anew (SQS
// developer guide, "configure a dead-letter queue redrive").
type Move struct {
	Client Mover
	// DLQ is the queue to redrive from. SQS takes only dead-letter queues of other queues.
	DLQ Queue
	// To gets the messages; nil returns each to the queue that it was dead-lettered from.
	To *Queue
	// Rate is how many messages a second are moved at most, 1 to 500; 0 leaves it to SQS.
	Rate int
	// Sleep waits between looks at the task; nil means for real.
	Sleep func(ctx context.Context, d time.Duration) error
}

// MoveRunningError says that a move task is running on the dead-letter queue already: SQS
// allows one at a time.
type MoveRunningError struct {
	DLQ Queue
	// Task is the one that is running; nil if it has ended meanwhile.
	Task *MoveTask
}

// Error says which.
func (e *MoveRunningError) Error() string {
	text := "a move task is running on " + e.DLQ.Name + " already"
	if e.Task != nil {
		text += fmt.Sprintf(", since %s, and has moved %d messages", e.Task.Started.Format(time.RFC3339), e.Task.Moved)
	}
	return text
}

// NotDLQError says that SQS takes a queue for no dead-letter queue.
type NotDLQError struct{ DLQ Queue }

// Error says which.
func (e *NotDLQError) Error() string {
	return fmt.Sprintf("%s is the dead-letter queue of no SQS queue, and SQS moves messages only out of such; a selective redrive can redrive from any queue", e.DLQ.Name)
}

// MaxMoveRate is the highest rate of a move task, in messages a second.
const MaxMoveRate = 500

// Start starts the task and returns it as it is then. That one is running already is an
// error of type *MoveRunningError, that the queue is no dead-letter queue one of type
// *NotDLQError. It needs sqs:StartMessageMoveTask, sqs:ReceiveMessage, sqs:DeleteMessage and
// sqs:GetQueueAttributes on the dead-letter queue and sqs:SendMessage on the destinations.
func (m Move) Start(ctx context.Context) (*MoveTask, error) {
	in := &sqs.StartMessageMoveTaskInput{SourceArn: &m.DLQ.ARN}
	if m.Rate != 0 {
		if m.Rate < 1 || m.Rate > MaxMoveRate {
			return nil, fmt.Errorf("%d messages a second: SQS takes 1 to %d", m.Rate, MaxMoveRate)
		}
		in.MaxNumberOfMessagesPerSecond = aws.Int32(int32(m.Rate))
	}
	if m.To != nil {
		switch {
		case m.To.ARN == m.DLQ.ARN:
			return nil, fmt.Errorf("messages of %s can't be moved to that queue itself: choose another", m.DLQ.Name)
		case m.To.FIFO() != m.DLQ.FIFO():
			return nil, fmt.Errorf("messages of %s can't be moved to %s: one of the two queues is FIFO, and SQS moves between queues of the same type only", m.DLQ.Name, m.To.Name)
		}
		in.DestinationArn = &m.To.ARN
	}
	var before time.Time // when the latest one so far was started
	if tasks, err := Moves(ctx, m.Client, m.DLQ); err == nil && len(tasks) > 0 {
		before = tasks[0].Started
	}
	out, err := m.Client.StartMessageMoveTask(ctx, in)
	var api smithy.APIError
	switch {
	case errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "already a task running"):
		running := &MoveRunningError{DLQ: m.DLQ}
		if tasks, err := Moves(ctx, m.Client, m.DLQ); err == nil && len(tasks) > 0 && tasks[0].Running() {
			running.Task = &tasks[0]
		}
		return nil, running
	case errors.As(err, &api) && strings.Contains(api.ErrorMessage(), "must be configured as a Dead Letter Queue"):
		return nil, &NotDLQError{m.DLQ}
	case err != nil:
		return nil, fmt.Errorf("starting to move the messages of %s: %w", m.DLQ.Name, err)
	}
	// While it runs it is listed with its handle, and once it has ended as the newest one
	// without. Until it is listed at all, an older one may be the newest.
	for tries := 0; ; tries++ {
		results, err := listMoves(ctx, m.Client, m.DLQ)
		if err != nil {
			return nil, err
		}
		if len(results) > 0 {
			newest := moveTaskOf(results[0])
			if stringOf(results[0].TaskHandle) == stringOf(out.TaskHandle) || !newest.Started.Equal(before) && !newest.Running() {
				return &newest, nil
			}
		}
		if tries == 10 {
			return nil, fmt.Errorf("the messages of %s are being moved, but SQS doesn't list the task", m.DLQ.Name)
		}
		if err := m.sleep(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

func (m Move) sleep(ctx context.Context, d time.Duration) error {
	if m.Sleep != nil {
		return m.Sleep(ctx, d)
	}
	return pause(ctx, d)
}

// Watch looks at the task that was started at that time until it has ended, and tells of
// each look. It needs sqs:ListMessageMoveTasks.
func (m Move) Watch(ctx context.Context, started time.Time, every time.Duration, tell func(MoveTask)) (*MoveTask, error) {
	for {
		tasks, err := Moves(ctx, m.Client, m.DLQ)
		if err != nil {
			return nil, err
		}
		var task *MoveTask
		for i := range tasks {
			if tasks[i].Started.Equal(started) {
				task = &tasks[i]
			}
		}
		if task == nil {
			return nil, fmt.Errorf("SQS doesn't list the move task of %s that was started at %s any more", m.DLQ.Name, started.Format(time.RFC3339))
		}
		if tell != nil {
			tell(*task)
		}
		if !task.Running() {
			return task, nil
		}
		if err := m.sleep(ctx, every); err != nil {
			return task, err
		}
	}
}

// Moves returns a dead-letter queue's move tasks, the newest first, of which SQS keeps ten
// at most. It needs sqs:ListMessageMoveTasks.
func Moves(ctx context.Context, client Mover, q Queue) ([]MoveTask, error) {
	results, err := listMoves(ctx, client, q)
	if err != nil {
		return nil, err
	}
	tasks := make([]MoveTask, len(results))
	for i, r := range results {
		tasks[i] = moveTaskOf(r)
	}
	return tasks, nil
}

func listMoves(ctx context.Context, client Mover, q Queue) ([]types.ListMessageMoveTasksResultEntry, error) {
	out, err := client.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &q.ARN, MaxResults: aws.Int32(10)})
	if err != nil {
		return nil, fmt.Errorf("listing the move tasks of %s: %w", q.Name, err)
	}
	return out.Results, nil
}

// CancelMove cancels the move task that is running on a dead-letter queue, and returns how
// many messages it has moved, approximately; these stay where they are. That none is
// running is ErrNoMove. It needs sqs:CancelMessageMoveTask and sqs:ListMessageMoveTasks.
func CancelMove(ctx context.Context, client Mover, q Queue) (moved int64, err error) {
	results, err := listMoves(ctx, client, q)
	if err != nil {
		return 0, err
	}
	for _, r := range results {
		if r.TaskHandle == nil {
			continue
		}
		out, err := client.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: r.TaskHandle})
		if ErrorCode(err) == "ResourceNotFoundException" { // it has ended in between
			break
		}
		if err != nil {
			return 0, fmt.Errorf("cancelling the move task of %s: %w", q.Name, err)
		}
		return out.ApproximateNumberOfMessagesMoved, nil
	}
	return 0, fmt.Errorf("%w on %s", ErrNoMove, q.Name)
}

// ErrNoMove says that no move task is running.
var ErrNoMove = errors.New("no move task is running")

func moveTaskOf(r types.ListMessageMoveTasksResultEntry) MoveTask {
	return MoveTask{
		Status: stringOf(r.Status), Started: time.UnixMilli(r.StartedTimestamp).UTC(), Destination: stringOf(r.DestinationArn),
		Moved: r.ApproximateNumberOfMessagesMoved, ToMove: r.ApproximateNumberOfMessagesToMove, MaxPerSecond: r.MaxNumberOfMessagesPerSecond,
		FailureReason: stringOf(r.FailureReason),
	}
}

// Advice is what to do about a move task that failed, "" if nothing is known.
func (t *MoveTask) Advice() string {
	switch t.FailureReason {
	case "CouldNotDetermineMessageSource":
		return "a message was sent to the DLQ and not dead-lettered, so that SQS doesn't know where it came from: say where to with --to, or redrive with --select"
	case "AWS.SimpleQueueService.NonExistentQueue":
		return "the queue that a message came from, or the destination, doesn't exist any more: say where to with --to, or redrive with --select"
	}
	return ""
}
