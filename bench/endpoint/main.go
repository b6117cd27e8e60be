// Command endpoint measures how fast `dlq serve` and its peers are, all in one run:
//
//	go run ./bench/endpoint
//
// It starts each endpoint that can be had here as a child process (fauxqs is installed
// with npm, moto must be), has a number of clients send, receive and delete, with one
// endpoint after the other and that several times over, and prints the medians as a
// Markdown table. Nothing leaves the loopback interface but npm's download.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/bench/internal/command"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/load"
	"github.com/sqs-dlq/sqs-dlq/bench/internal/peer"
)

func main() { command.Main("endpoint", run) }

// run is the command.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("endpoint", flag.ContinueOnError)
	flags.SetOutput(stderr)
	names := flags.String("peers", "dlq,fauxqs,moto", "the endpoints to measure")
	rounds := flags.Int("rounds", 3, "how often each endpoint is measured")
	duration := flags.Duration("for", 5*time.Second, "how long a measurement takes")
	warmUp := flags.Duration("warm-up", 2*time.Second, "how long the load runs before each measurement")
	clients := flags.Int("clients", 8, "concurrent clients")
	size := flags.Int("size", 256, "size of a message, in bytes")
	cache := flags.String("cache", defaultCache(), "`directory` that fauxqs is installed in")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *rounds < 1 || *clients < 1 || *size < 1 || *duration <= 0 {
		return errors.New("-rounds, -clients, -size and -for must be positive")
	}

	dir, err := os.MkdirTemp("", "dlq-bench-")
	if err != nil {
		return fmt.Errorf("making a directory for the program: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var measured []*measurements
	defer func() {
		for _, m := range measured {
			m.process.Stop()
		}
	}()
	var absent []string
	for name := range strings.SplitSeq(*names, ",") {
		p, err := startPeer(ctx, name, dir, *cache)
		var missing *peer.Missing
		switch {
		case errors.As(err, &missing):
			absent = append(absent, name+" is "+missing.Error())
			continue
		case err != nil:
			return err
		}
		fmt.Fprintf(stderr, "%s %s is at %s\n", p.Name, p.Version, p.URL)
		measured = append(measured, &measurements{process: p})
	}
	plan := load.Plan{Clients: *clients, WarmUp: *warmUp, For: *duration, Body: strings.Repeat("x", *size)}
	for round := range *rounds {
		for _, m := range measured {
			for _, kind := range kinds {
				if err := m.measure(ctx, kind, plan, fmt.Sprintf("bench-%d-%s", round, kind.name)); err != nil {
					return fmt.Errorf("measuring %s with the %s client: %w", m.process.Name, kind.name, err)
				}
			}
			fmt.Fprintf(stderr, "round %d of %d: %s\n", round+1, *rounds, m.latest())
		}
	}
	if len(measured) == 0 {
		return fmt.Errorf("there is nothing to measure: %s", strings.Join(absent, "; "))
	}
	fmt.Fprintf(stdout, "%d clients, messages of %d bytes, median of %d rounds of %v:\n\n", *clients, *size, *rounds, *duration)
	fmt.Fprint(stdout, table(measured))
	for _, line := range absent {
		fmt.Fprintf(stdout, "\n%s\n", line)
	}
	return nil
}

func defaultCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "dlq-bench")
}

func startPeer(ctx context.Context, name, dir, cache string) (*peer.Process, error) {
	switch name {
	case "dlq":
		return peer.Ours(ctx, dir)
	case "fauxqs":
		return peer.Fauxqs(ctx, cache)
	case "moto":
		return peer.Moto(ctx)
	}
	return nil, fmt.Errorf("-peers: there is no %q; there are dlq, fauxqs and moto", name)
}
