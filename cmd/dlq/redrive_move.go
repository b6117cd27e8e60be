package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// move has SQS redrive.
func (r *redriver) move(ctx context.Context) error {
	move := dlq.Move{Client: r.client, DLQ: r.dlq, To: r.dest, Rate: r.rate}
	if r.canary > 0 {
		if ok, err := r.canaries(ctx, dlq.RedriveAll()); !ok || err != nil {
			return err
		}
	}
	task, err := move.Start(ctx)
	var running *dlq.MoveRunningError
	var notDLQ *dlq.NotDLQError
	switch {
	case errors.As(err, &running) && r.watch && r.dest == nil && r.rate == 0 && running.Task != nil:
		r.say("a move task is running already: watching that one")
		task = running.Task
	case errors.As(err, &running):
		return fmt.Errorf("%w\n  to do: watch it with %s, or end it with %s", err, r.again("--watch"), r.again("--cancel"))
	case errors.As(err, &notDLQ):
		return fmt.Errorf("%w: give --select, with a file that says otherwise: redrive, and --to", err)
	case err != nil:
		return err
	default:
		r.say("%s: SQS is moving %s to %s", r.dlq.Name, about(task.ToMove), r.destination(*task))
	}
	r.result.Move = task
	if !r.watch {
		if task.Running() {
			r.say("it goes on by itself; watch it with %s, end it with %s", r.again("--watch"), r.again("--cancel"))
			return nil
		}
		return r.ended(task)
	}
	return r.watchMove(ctx, move, task)
}

// watchMove shows the task's progress until it has ended.
func (r *redriver) watchMove(ctx context.Context, move dlq.Move, task *dlq.MoveTask) error {
	bar, shows := newBar(r.stderr, "moving messages"), isTerminal(r.stderr)
	last := int64(-1)
	ended, err := move.Watch(ctx, task.Started, r.interval, func(t dlq.MoveTask) {
		total := int(t.Moved)
		if t.ToMove != nil {
			total = max(total, int(*t.ToMove))
		}
		bar.set(int(t.Moved), total)
		if !shows && t.Moved != last && t.Running() {
			fmt.Fprintf(r.stderr, "moved %d of %s\n", t.Moved, about(t.ToMove))
			last = t.Moved
		}
	})
	bar.clear()
	if ended != nil {
		r.result.Move = ended
	}
	switch {
	case err == nil:
		return r.ended(ended)
	case ctx.Err() != nil && r.cancelOnInterrupt:
		moved, err := dlq.CancelMove(context.WithoutCancel(ctx), r.client, r.dlq)
		if errors.Is(err, dlq.ErrNoMove) {
			return errors.New("the move task had ended just before it was to be cancelled")
		}
		if err != nil {
			return fmt.Errorf("%w; end it with %s", err, r.again("--cancel"))
		}
		return fmt.Errorf("the move task is cancelled; about %d messages are moved, and stay where they are", moved)
	case ctx.Err() != nil:
		return fmt.Errorf("the move task goes on by itself; watch it with %s, end it with %s", r.again("--watch"), r.again("--cancel"))
	}
	return err
}

// ended tells how a task ended.
func (r *redriver) ended(t *dlq.MoveTask) error {
	text := fmt.Sprintf("%s: %s, moved %s of %s to %s", r.dlq.Name, outcomeOfMove(t.Status), strconv.FormatInt(t.Moved, 10), about(t.ToMove), r.destination(*t))
	if t.Status == "COMPLETED" {
		r.say("%s", text)
		return nil
	}
	if t.FailureReason != "" {
		text += "\nSQS says: " + t.FailureReason
	}
	if advice := t.Advice(); advice != "" {
		text += "\nto do: " + advice
	}
	r.say("%s", text)
	return errDegraded
}

func outcomeOfMove(status string) string {
	switch status {
	case "COMPLETED":
		return "completed"
	case "FAILED":
		return "failed"
	case "CANCELLED":
		return "cancelled"
	case "CANCELLING":
		return "being cancelled"
	case "RUNNING":
		return "running"
	}
	return status
}

// destination is where a task moves to.
func (r *redriver) destination(t dlq.MoveTask) string {
	if t.Destination == "" {
		return "the queues they came from"
	}
	return t.Destination
}

func about(n *int64) string {
	switch {
	case n == nil:
		return "an unknown number of messages"
	case *n == 1:
		return "about 1 message"
	}
	return fmt.Sprintf("about %d messages", *n)
}

// cancelMove ends the task that is running.
func (r *redriver) cancelMove(ctx context.Context) error {
	moved, err := dlq.CancelMove(ctx, r.client, r.dlq)
	if errors.Is(err, dlq.ErrNoMove) {
		return fmt.Errorf("%w: there is nothing to cancel; %s shows the latest ones", err, r.again("--status"))
	}
	if err != nil {
		return err
	}
	r.say("%s: the move task is cancelled; about %d messages are moved, and stay where they are", r.dlq.Name, moved)
	if tasks, err := dlq.Moves(ctx, r.client, r.dlq); err == nil && len(tasks) > 0 {
		r.result.Move = &tasks[0]
	}
	return nil
}

// showMoves shows the latest tasks.
func (r *redriver) showMoves(ctx context.Context) error {
	tasks, err := dlq.Moves(ctx, r.client, r.dlq)
	if err != nil {
		return err
	}
	r.result.Moves = tasks
	if r.output == "json" {
		return nil
	}
	if len(tasks) == 0 {
		r.say("%s: SQS knows of no move task", r.dlq.Name)
		return nil
	}
	style := newStyle(r.stdout)
	t := table{right: map[int]bool{2: true, 3: true, 4: true}}
	t.row(plain("STARTED"), plain("STATUS"), plain("MOVED"), plain("OF ABOUT"), plain("RATE"), plain("TO"), plain("REASON"))
	for _, task := range tasks {
		paint := style.good
		switch {
		case task.Status == "FAILED":
			paint = style.bad
		case task.Status != "COMPLETED":
			paint = style.warn
		}
		of, rate := "-", "-"
		if task.ToMove != nil {
			of = strconv.FormatInt(*task.ToMove, 10)
		}
		if task.MaxPerSecond != nil {
			rate = strconv.Itoa(int(*task.MaxPerSecond)) + "/s"
		}
		t.row(plain(task.Started.Format(time.RFC3339)), painted(paint, outcomeOfMove(task.Status)), number(task.Moved), plain(of), plain(rate), plain(r.destination(task)), plain(task.FailureReason))
	}
	return t.write(r.stdout)
}
