package dlq_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

func (m *morning) move() dlq.Move {
	return dlq.Move{Client: m.sqs, DLQ: m.dlq, Sleep: m.srv.Clock.Sleep}
}

func TestAMoveReturnsTheMessagesToTheirSourceAtItsRate(t *testing.T) {
	m := newMorning(t)
	m.srv.Clock.Pause()
	m.fail(m.orders, numbered(21)...)
	move := m.move()
	move.Rate = 2
	task, err := move.Start(t.Context())
	require.NoError(t, err)
	require.Equal(t, "RUNNING", task.Status)
	require.Equal(t, int64(21), *task.ToMove)
	var moved []int64
	task, err = move.Watch(t.Context(), task.Started, 5*time.Second, func(t dlq.MoveTask) { moved = append(moved, t.Moved) })
	require.NoError(t, err)
	require.Equal(t, "COMPLETED", task.Status)
	require.Equal(t, []int64{0, 10, 20, 21}, moved)
	require.Len(t, m.drain(m.orders), 21)
}

func TestAMoveGoesToAnotherQueueAndOfFIFOQueuesToo(t *testing.T) {
	m := newFIFOMorning(t)
	m.fail(m.orders, inGroup("g", "1"), inGroup("g", "2"))
	other := m.create("other")
	move := m.move()
	move.To = &other
	task, err := move.Start(t.Context())
	require.NoError(t, err)
	require.Equal(t, "COMPLETED", task.Status)
	require.Equal(t, other.ARN, task.Destination)
	require.Equal(t, []string{"1", "2"}, bodies(m.drain(other)))
}

func TestASecondMoveIsRefusedWithWhatTheFirstHasDone(t *testing.T) {
	m := newMorning(t)
	m.srv.Clock.Pause()
	m.fail(m.orders, numbered(5)...)
	move := m.move()
	move.Rate = 1
	first, err := move.Start(t.Context())
	require.NoError(t, err)
	m.srv.Clock.Advance(3 * time.Second)
	_, err = move.Start(t.Context())
	var running *dlq.MoveRunningError
	require.ErrorAs(t, err, &running)
	require.Equal(t, int64(3), running.Task.Moved)
	require.True(t, running.Task.Started.Equal(first.Started))
	require.ErrorContains(t, err, "a move task is running on orders-dlq already, since ")

	moved, err := dlq.CancelMove(t.Context(), m.sqs, m.dlq)
	require.NoError(t, err)
	require.Equal(t, int64(3), moved)
	_, err = dlq.CancelMove(t.Context(), m.sqs, m.dlq)
	require.ErrorIs(t, err, dlq.ErrNoMove)
	tasks, err := dlq.Moves(t.Context(), m.sqs, m.dlq)
	require.NoError(t, err)
	require.Len(t, tasks, 1)
	require.Equal(t, "CANCELLED", tasks[0].Status)
}

func TestAMoveThatFailsSaysWhyAndWhatToDo(t *testing.T) {
	m := newMorning(t)
	m.send(m.dlq, body("sent to the DLQ"))
	task, err := m.move().Start(t.Context())
	require.NoError(t, err)
	require.Equal(t, "FAILED", task.Status)
	require.Equal(t, "CouldNotDetermineMessageSource", task.FailureReason)
	require.Contains(t, task.Advice(), "--to")
}

func TestAMoveIsRefusedWhereItCannotWork(t *testing.T) {
	m := newMorning(t)
	fifo := dlq.Queue{Name: "x.fifo", ARN: "arn:aws:sqs:us-east-1:000000000000:x.fifo"}
	for _, tt := range []struct {
		want   string
		change func(*dlq.Move)
	}{
		{"501 messages a second: SQS takes 1 to 500", func(v *dlq.Move) { v.Rate = 501 }},
		{"-1 messages a second: SQS takes 1 to 500", func(v *dlq.Move) { v.Rate = -1 }},
		{"can't be moved to that queue itself", func(v *dlq.Move) { v.To = &m.dlq }},
		{"SQS moves between queues of the same type only", func(v *dlq.Move) { v.To = &fifo }},
		{"orders is the dead-letter queue of no SQS queue", func(v *dlq.Move) { v.DLQ = m.orders }},
	} {
		v := m.move()
		tt.change(&v)
		_, err := v.Start(t.Context())
		require.ErrorContains(t, err, tt.want)
	}
}

func TestTheNewestMoveIsFoundAmongOlderOnes(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(1)...)
	first, err := m.move().Start(t.Context())
	require.NoError(t, err)
	m.failAll(m.orders)
	m.srv.Clock.Advance(time.Second)
	v := m.move()
	v.Client = &lateList{Mover: m.sqs}
	second, err := v.Start(t.Context())
	require.NoError(t, err)
	require.True(t, second.Started.After(first.Started))
	_, err = v.Watch(t.Context(), time.Unix(1, 0), time.Second, nil)
	require.ErrorContains(t, err, "SQS doesn't list the move task of orders-dlq that was started at ")
}

// lateList lists a new task only after a while, as a distributed service may.
type lateList struct {
	dlq.Mover
	calls int
	old   *sqs.ListMessageMoveTasksOutput
}

func (l *lateList) ListMessageMoveTasks(ctx context.Context, in *sqs.ListMessageMoveTasksInput, opts ...func(*sqs.Options)) (*sqs.ListMessageMoveTasksOutput, error) {
	if l.calls++; l.calls == 1 {
		out, err := l.Mover.ListMessageMoveTasks(ctx, in, opts...)
		l.old = out
		return out, err
	}
	if l.calls < 4 {
		return l.old, nil
	}
	return l.Mover.ListMessageMoveTasks(ctx, in, opts...)
}
