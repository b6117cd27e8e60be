// Package load keeps an SQS endpoint busy and measures it from the outside:
//
//	client, err := load.NewLean(ctx, "http://127.0.0.1:4566", "bench")
//	result, err := load.Cycles(ctx, client, load.Plan{Clients: 8, For: 5 * time.Second, Body: body})
//
// A cycle is a send, a receive and a delete. Of the two clients, SDK is what users
// have; Lean costs next to nothing, so that the endpoint's own speed shows.
package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Client uses one queue of an endpoint.
type Client interface {
	// Worker returns what one of the concurrent users of the queue works with.
	Worker() Worker
	// Close deletes the queue.
	Close(ctx context.Context) error
}

// Worker is not safe for concurrent use.
type Worker interface {
	// Send sends one message.
	Send(ctx context.Context, body string) error
	// Receive takes one message and returns its receipt handle, "" if there was none.
	Receive(ctx context.Context) (handle string, err error)
	// Delete deletes the message with that receipt handle.
	Delete(ctx context.Context, handle string) error
	// Close ends the worker's connection, if it has one of its own.
	Close()
}

// Plan says how much load there is.
type Plan struct {
	Clients int           // concurrent workers
	WarmUp  time.Duration // not measured
	For     time.Duration // measured
	Body    string
}

// Result is what a load measured.
type Result struct {
	Cycles  int
	Elapsed time.Duration
	// Median and P99 are the time that a cycle took.
	Median, P99 time.Duration
}

// PerSecond is how many cycles there were a second.
func (r Result) PerSecond() float64 { return float64(r.Cycles) / r.Elapsed.Seconds() }

// errEmpty is that an endpoint has no message for the one who just sent one.
var errEmpty = errors.New("the endpoint keeps returning no message although there are some")

// Cycles has plan.Clients workers send, receive and delete, each one message after the
// other, all on one queue. measured, if not nil, is called when the warm-up is over.
func Cycles(ctx context.Context, c Client, plan Plan, measured func()) (Result, error) {
	if plan.WarmUp > 0 {
		if _, err := cycles(ctx, c, plan, plan.WarmUp); err != nil {
			return Result{}, fmt.Errorf("warming up: %w", err)
		}
	}
	if measured != nil {
		measured()
	}
	return cycles(ctx, c, plan, plan.For)
}

func cycles(ctx context.Context, c Client, plan Plan, d time.Duration) (Result, error) {
	took := make([][]time.Duration, plan.Clients)
	work, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for i := range plan.Clients {
		w := c.Worker()
		work.Go(func() error {
			defer w.Close()
			for begin := start; begin.Sub(start) < d; {
				if err := Cycle(ctx, w, plan.Body); err != nil {
					return err
				}
				end := time.Now()
				took[i] = append(took[i], end.Sub(begin))
				begin = end
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return Result{}, err
	}
	r := Result{Elapsed: time.Since(start)}
	all := slices.Concat(took...)
	slices.Sort(all)
	r.Cycles = len(all)
	r.Median, r.P99 = Quantile(all, 0.5), Quantile(all, 0.99)
	return r, nil
}

// Cycle sends, receives and deletes a message. What is received may be what another sent.
func Cycle(ctx context.Context, w Worker, body string) error {
	if err := w.Send(ctx, body); err != nil {
		return fmt.Errorf("sending: %w", err)
	}
	// whatever the others took, there is one left for each that has sent one; an
	// endpoint that is not consistent at once may need another try
	for range 1000 {
		handle, err := w.Receive(ctx)
		if err != nil {
			return fmt.Errorf("receiving: %w", err)
		}
		if handle == "" {
			continue
		}
		if err := w.Delete(ctx, handle); err != nil {
			return fmt.Errorf("deleting: %w", err)
		}
		return nil
	}
	return errEmpty
}

// Quantile is the q-quantile of sorted durations, 0 if there are none.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
