// Command memory fills one queue of `dlq serve` with messages of 1 KiB and measures, on the
// way, how long a receive takes at different depths and how much memory the process holds:
//
//	go run ./bench/memory
//
// It prints a Markdown table. Memory is known on Linux only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sqs-dlq/sqs-dlq/bench/internal/command"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/load"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/peer"
)

func main() { command.Main("memory", run) }

// run is the command.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("memory", flag.ContinueOnError)
	flags.SetOutput(stderr)
	depths := depthList{0, 1_000, 100_000, 1_000_000}
	flags.Var(&depths, "depths", "how many messages are queued at each measurement, rising")
	receives := flags.Int("receives", 2000, "how many receives are measured at each depth")
	size := flags.Int("size", 1024, "size of a message, in bytes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *receives < 1 || *size < 1 {
		return errors.New("-receives and -size must be positive")
	}
	dir, err := os.MkdirTemp("", "dlq-bench-")
	if err != nil {
		return fmt.Errorf("making a directory for the program: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	process, err := peer.Ours(ctx, dir)
	if err != nil {
		return err
	}
	defer process.Stop()
	queue, err := load.NewLean(ctx, process.URL, "deep")
	if err != nil {
		return err
	}

	var table strings.Builder
	table.WriteString("| messages queued | receive p50 | receive p99 | memory resident | memory at most |\n|--:|--:|--:|--:|--:|\n")
	body, depth := strings.Repeat("x", *size), 0
	for _, d := range depths {
		fmt.Fprintf(stderr, "filling the queue up to %d messages\n", d)
		if err := fill(ctx, queue, body, d-depth); err != nil {
			return fmt.Errorf("filling the queue up to %d messages: %w", d, err)
		}
		depth = d
		took, err := receive(ctx, queue, body, *receives)
		if err != nil {
			return fmt.Errorf("receiving at a depth of %d messages: %w", d, err)
		}
		resident, most := "unknown", "unknown"
		if u, err := process.Usage(); err == nil {
			resident, most = mebibytes(u.Resident), mebibytes(u.Peak)
		}
		fmt.Fprintf(&table, "| %d | %d µs | %d µs | %s | %s |\n", d,
			load.Quantile(took, 0.5).Microseconds(), load.Quantile(took, 0.99).Microseconds(), resident, most)
	}
	fmt.Fprintf(stdout, "dlq serve (%s), one queue with messages of %d bytes, %d receives at each depth, one at a time:\n\n%s",
		process.Version, *size, *receives, table.String())
	return nil
}

// fill sends n messages, in batches of ten.
func fill(ctx context.Context, queue *load.Lean, body string, n int) error {
	const senders, batch = 4, 10
	work, ctx := errgroup.WithContext(ctx)
	for i := range senders {
		share := n / senders
		if i < n%senders {
			share++
		}
		w := queue.Worker()
		work.Go(func() error {
			defer w.Close()
			for ; share > 0; share -= batch {
				if err := queue.SendBatch(ctx, w, body, min(share, batch)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return work.Wait()
}

// receive measures n receives and returns what they took, sorted. The depth of the queue
// stays what it is: each message that is received is deleted, and another was sent before.
func receive(ctx context.Context, queue *load.Lean, body string, n int) ([]time.Duration, error) {
	w := queue.Worker()
	defer w.Close()
	took := make([]time.Duration, 0, n)
	for range n {
		if err := w.Send(ctx, body); err != nil {
			return nil, err
		}
		begin := time.Now()
		handle, err := w.Receive(ctx)
		took = append(took, time.Since(begin))
		if err != nil {
			return nil, err
		}
		if handle == "" {
			return nil, errors.New("no message was received although there are some")
		}
		if err := w.Delete(ctx, handle); err != nil {
			return nil, err
		}
	}
	slices.Sort(took)
	return took, nil
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// depthList is a flag: rising numbers, separated by commas.
type depthList []int

func (l *depthList) String() string {
	var s []string
	for _, n := range *l {
		s = append(s, strconv.Itoa(n))
	}
	return strings.Join(s, ",")
}

func (l *depthList) Set(value string) error {
	*l = nil
	for s := range strings.SplitSeq(value, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is no number of messages", s)
		}
		*l = append(*l, n)
	}
	if !slices.IsSorted(*l) {
		return errors.New("the depths must be rising")
	}
	return nil
}
