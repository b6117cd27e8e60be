// Command dlq proves that SQS dead-letter queues work.
//
//	dlq prove ./examples/minimal
//
// deploys a Terraform stack, breaks its consumers, and shows what became of each
// message. The exit status is 0 if all went well, 1 if the dead-lettering is not
// proven, 2 if the command could not do its work, and 130 if it was interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit statuses.
const (
	exitNotProven   = 1
	exitFailed      = 2
	exitInterrupted = 130
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the command: it returns the exit status. The first interrupt ends the work in
// good order, the second at once.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the next signal has its default effect

	root := &cobra.Command{
		Use:           "dlq",
		Short:         "Prove that SQS dead-letter queues work",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(proveCommand(), checkCommand(), serveCommand(), sweepCommand())
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case err == errNotProven:
		return exitNotProven // the report says why
	case errors.Is(err, errNotProven):
		fmt.Fprintf(stderr, "dlq: %v\n", err)
		return exitNotProven
	case ctx.Err() != nil && !errors.Is(err, errNotSaved):
		// the error may have more to say than that, such as where a stack's state is
		fmt.Fprintf(stderr, "dlq: interrupted: %v\n", err)
		return exitInterrupted
	default:
		fmt.Fprintf(stderr, "dlq: %v\n", err)
		return exitFailed
	}
}

var errNotProven = errors.New("not proven")
