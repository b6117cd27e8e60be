package sqs

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	maxRate   = 500 // messages per second; also what SQS is taken to choose by itself
	keptTasks = 10  // as many as ListMessageMoveTasks returns
	// headStart is what a caller has over a task with a rate: n messages take n-1
	// periods of its rate from the answer to StartMessageMoveTask on (recorded from AWS
	// in LocalStack's test_move_task_with_throughput_limit), so that none moves before.
	headStart   = 100 * time.Millisecond
	defaultList = 1
)

// taskStatus is the state of a move task.
type taskStatus string

const (
	running   taskStatus = "RUNNING"
	completed taskStatus = "COMPLETED"
	cancelled taskStatus = "CANCELLED"
	failed    taskStatus = "FAILED"
)

// moveTask moves messages out of a dead-letter queue, oldest first, at its rate: with a
// rate given, message by message, the first as soon as the caller knows of the task. It
// is guarded by Service.admin.
type moveTask struct {
	id            string
	source        *queue
	destination   *string // ARN; nil = each message's own source
	rate          *int32
	status        taskStatus
	failureReason string
	started       time.Time
	moved, toMove int64
	tick          *clock.Event
}

// taskHandle is what a TaskHandle says, in base64.
type taskHandle struct {
	TaskID    string `json:"taskId"`
	SourceArn string `json:"sourceArn"`
}

func (t *moveTask) handle() string {
	b, _ := json.Marshal(taskHandle{t.id, t.source.arn}) // of strings
	return base64.StdEncoding.EncodeToString(b)
}

// startMessageMoveTask implements StartMessageMoveTask.
func (s *Service) startMessageMoveTask(_ context.Context, c *wire.Call, in *startMessageMoveTaskInput) (*startMessageMoveTaskOutput, error) {
	source, err := s.taskSource(c, in.SourceArn)
	if err != nil {
		return nil, err
	}
	if r := in.MaxNumberOfMessagesPerSecond; r != nil && (*r < 1 || *r > maxRate) {
		return nil, invalidValue(*r, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	if !s.isDeadLetterQueue(source) {
		return nil, invalidParameter("Source queue must be configured as a Dead Letter Queue.")
	}
	if d := in.DestinationArn; d != nil {
		destination := s.findARN(*d)
		if destination == nil {
			return nil, noSuchResource("DestinationArn")
		}
		if destination.fifo != source.fifo {
			return nil, invalidParameter("Source and destination queues must be of the same type.")
		}
	}
	tasks := s.tasks[source.key]
	if n := len(tasks); n > 0 && tasks[n-1].status == running {
		return nil, invalidParameter("There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
	}
	now := source.lock()
	t := &moveTask{
		id: newUUID().String(), source: source, destination: in.DestinationArn, rate: in.MaxNumberOfMessagesPerSecond,
		status: running, started: time.Unix(0, now), toMove: int64(source.count[ready] + source.count[delayed] + source.count[inFlight]),
	}
	source.unlock()
	if len(tasks) >= keptTasks {
		tasks = tasks[1:]
	}
	s.tasks[source.key] = append(slices.Clone(tasks), t)
	if asked := !c.Time.IsZero(); asked && t.rate != nil { // else another service asks, which doesn't wait
		s.runAt(t, t.started.Add(headStart))
	} else {
		s.run(t, t.started)
	}
	return &startMessageMoveTaskOutput{t.handle()}, nil
}

// taskSource finds the source of a move task.
func (s *Service) taskSource(c *wire.Call, arn string) (*queue, error) {
	if arn == "" {
		return nil, missingParameter("SourceArn")
	}
	q := s.findARN(arn)
	if q == nil {
		return nil, noSuchResource("SourceArn")
	}
	q.touch(c)
	return q, nil
}

// run carries out a tick of the task and schedules the next.
func (s *Service) run(t *moveTask, now time.Time) {
	step, batch := time.Second, maxRate
	if t.rate != nil {
		step, batch = time.Second/time.Duration(*t.rate), 1
	}
	for range batch {
		if !s.moveOne(t) {
			return
		}
	}
	s.runAt(t, now.Add(step))
}

// runAt schedules a tick of the task.
func (s *Service) runAt(t *moveTask, at time.Time) {
	t.tick = s.clk.At(at, func(now time.Time) {
		s.admin.Lock()
		defer s.admin.Unlock()
		if t.status == running {
			s.run(t, now)
		}
	})
}

// moveOne moves the next message. It reports whether there may be more: if not, the task
// has ended.
func (s *Service) moveOne(t *moveTask) bool {
	q := t.source
	now := q.lock()
	defer q.unlock()
	m := q.next()
	if m == nil {
		t.status = completed
		return false
	}
	arn := m.deadLetterFrom()
	if t.destination != nil {
		arn = *t.destination
	}
	if arn == "" {
		t.status, t.failureReason = failed, "CouldNotDetermineMessageSource"
		return false
	}
	destination := s.findARN(arn)
	if destination == nil || destination.closing() {
		t.status, t.failureReason = failed, prefix+"NonExistentQueue"
		return false
	}
	q.drop(m)
	moved := renew(m, now)
	moved.links[turn].key = now + destination.settings.Load().delay
	if destination.fifo {
		moved.extra.sequence = s.nextSequence()
	}
	for _, n := range q.defective.redriven(q, m, moved) {
		destination.post(n)
	}
	q.pokes = append(q.pokes, destination)
	t.moved++
	// without more, the task is complete at once, not only at the next tick
	if q.next() == nil {
		t.status = completed
		return false
	}
	return true
}

// next is the ready message that a move task takes next.
func (q *queue) next() *message {
	if !q.fifo {
		return q.ready.first()
	}
	if g := q.groups.head; g != nil {
		return q.defective.foremost(q, g)
	}
	return nil
}

// renew is a new message with m's contents, as AWS says of messages that are redriven.
func renew(m *message, now int64) *message {
	n := &message{id: newUUID(), md5: m.md5, body: m.body, sender: m.sender, arrived: now, posted: true}
	n.links[age].key = now
	if x := m.extra; x != nil {
		n.extra = &extra{
			attributes: x.attributes, traceHeader: x.traceHeader,
			groupID: x.groupID, deduplicationID: x.deduplicationID,
		}
	}
	return n
}

// dropTasks forgets the tasks of a queue that has been deleted.
func (s *Service) dropTasks(source *queue) {
	for _, t := range s.tasks[source.key] {
		if t.tick != nil {
			t.tick.Stop()
		}
	}
	delete(s.tasks, source.key)
}

// cancelMessageMoveTask implements CancelMessageMoveTask.
func (s *Service) cancelMessageMoveTask(_ context.Context, c *wire.Call, in *cancelMessageMoveTaskInput) (*cancelMessageMoveTaskOutput, error) {
	if in.TaskHandle == "" {
		return nil, missingParameter("TaskHandle")
	}
	var h taskHandle
	b, err := base64.StdEncoding.DecodeString(in.TaskHandle)
	if err != nil || json.Unmarshal(b, &h) != nil || h.TaskID == "" || h.SourceArn == "" {
		return nil, invalidParameter("Value for parameter TaskHandle is invalid.")
	}
	source, err := s.taskSource(c, h.SourceArn)
	if err != nil {
		return nil, err
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	for _, t := range s.tasks[source.key] {
		if t.id == h.TaskID && t.status == running {
			t.status = cancelled
			if t.tick != nil {
				t.tick.Stop()
			}
			return &cancelMessageMoveTaskOutput{t.moved}, nil
		}
	}
	return nil, resourceNotFound("Task does not exist.")
}

// listMessageMoveTasks implements ListMessageMoveTasks.
func (s *Service) listMessageMoveTasks(_ context.Context, c *wire.Call, in *listMessageMoveTasksInput) (*listMessageMoveTasksOutput, error) {
	source, err := s.taskSource(c, in.SourceArn)
	if err != nil {
		return nil, err
	}
	limit := defaultList
	if n := in.MaxResults; n != nil {
		if *n < 1 || *n > keptTasks {
			return nil, invalidValue(*n, "MaxResults", "Must be between 1 and 10, if provided.")
		}
		limit = int(*n)
	}
	s.admin.Lock()
	defer s.admin.Unlock()
	out := &listMessageMoveTasksOutput{}
	for _, t := range slices.Backward(s.tasks[source.key]) {
		if len(out.Results) == limit {
			break
		}
		r := moveTaskResult{
			Status: string(t.status), SourceArn: t.source.arn, DestinationArn: t.destination,
			MaxNumberOfMessagesPerSecond:     t.rate,
			ApproximateNumberOfMessagesMoved: t.moved, ApproximateNumberOfMessagesToMove: t.toMove,
			FailureReason: t.failureReason, StartedTimestamp: t.started.UnixMilli(),
		}
		if t.status == running {
			r.TaskHandle = t.handle()
		}
		out.Results = append(out.Results, r)
	}
	return out, nil
}
