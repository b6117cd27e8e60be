// Command redrive measures the selective redrive, beside a bare loop that receives, sends
// and deletes in batches with the SDK, and how much memory it takes:
//
//	go run ./bench/redrive
//
// It starts `dlq serve` as a child process, has both take turns at the same messages with
// the same concurrency, and prints Markdown tables.
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

	"github.com/sqs-dlq/sqs-dlq/bench/internal/command"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/peer"
)

func main() { command.Main("redrive", run) }

// run is the command.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("redrive", flag.ContinueOnError)
	flags.SetOutput(stderr)
	messages := flags.Int("messages", 10_000, "how many messages are redriven in each round")
	rounds := flags.Int("rounds", 5, "how often either redrives")
	concurrencies := numbers{1, 4, 16}
	flags.Var(&concurrencies, "concurrency", "how many batches are worked on at a time")
	depths := numbers{1_000, 10_000, 100_000}
	flags.Var(&depths, "depths", "how many messages are redriven when the memory is measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *messages < 1 || *rounds < 1 {
		return errors.New("-messages and -rounds must be positive")
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
	b := newBench(process.URL, dir)
	defer b.close()

	var table strings.Builder
	table.WriteString("| batches at a time | bare loop, messages/s | selective redrive, messages/s | of the bare loop | bare loop's CPU | selective redrive's CPU |\n|--:|--:|--:|--:|--:|--:|\n")
	for _, c := range concurrencies {
		var bare, ours []measurement
		for round := range *rounds {
			for _, m := range []struct {
				do func(ctx context.Context, concurrency int) error
				to *[]measurement
			}{{b.bare, &bare}, {b.selective, &ours}} {
				got, err := b.measure(ctx, *messages, c, m.do)
				if err != nil {
					return err
				}
				*m.to = append(*m.to, got)
			}
			fmt.Fprintf(stderr, "%d at a time, round %d of %d: bare loop %.0f, selective redrive %.0f messages/s\n", c, round+1, *rounds, bare[round].rate, ours[round].rate)
		}
		fmt.Fprintf(&table, "| %d | %.0f | %.0f | %.2fx | %.0f µs | %.0f µs |\n", c, median(bare, rate), median(ours, rate), median(ours, rate)/median(bare, rate), median(bare, cpuTime), median(ours, cpuTime))
	}
	fmt.Fprintf(stdout, "%d messages, median of %d rounds, dlq serve (%s):\n\n%s", *messages, *rounds, process.Version, table.String())

	table.Reset()
	table.WriteString("| messages | what | heap at most | heap in use at the end |\n|--:|---|--:|--:|\n")
	for _, n := range depths {
		for _, m := range []struct {
			name string
			do   func(ctx context.Context, concurrency int) error
		}{{"redriven", b.selective}, {"left, in a dry run", b.dryRun}} {
			fmt.Fprintf(stderr, "memory: %d messages %s\n", n, m.name)
			most, end, err := b.memory(ctx, n, m.do)
			if err != nil {
				return err
			}
			fmt.Fprintf(&table, "| %d | %s | %.1f MiB | %.1f MiB |\n", n, m.name, mebibytes(most), mebibytes(end))
		}
	}
	fmt.Fprintf(stdout, "\nMemory of the redriving process, 4 batches at a time:\n\n%s", table.String())
	return nil
}

func rate(m measurement) float64    { return m.rate }
func cpuTime(m measurement) float64 { return m.cpu }

// median is that of a value of each.
func median(all []measurement, value func(measurement) float64) float64 {
	var sorted []float64
	for _, m := range all {
		sorted = append(sorted, value(m))
	}
	slices.Sort(sorted)
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

func mebibytes(n uint64) float64 { return float64(n) / (1 << 20) }

// numbers is a flag: positive numbers, separated by commas.
type numbers []int

func (l *numbers) String() string {
	var s []string
	for _, n := range *l {
		s = append(s, strconv.Itoa(n))
	}
	return strings.Join(s, ",")
}

func (l *numbers) Set(value string) error {
	*l = nil
	for s := range strings.SplitSeq(value, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("%q is no positive number", s)
		}
		*l = append(*l, n)
	}
	return nil
}
