// Command dlq proves that SQS dead-letter queues work, and works on those in use.
//
//	dlq prove ./examples/minimal
//
// deploys a Terraform stack, breaks its consumers, and shows what became of each message.
//
//	dlq status
//	dlq inspect orders-dlq
//
// show which DLQs need attention, and what is in one. The exit status is 0 if all went
// well, 1 if the dead-lettering is not proven, 2 if the command could not do its work, 3
// if a DLQ needs attention, and 130 if it was interrupted.
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
	exitDegraded    = 3
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
		Use:   "dlq",
		Short: "Prove that SQS dead-letter queues work, and work on those in use",
		Long: `Prove that SQS dead-letter queues (DLQs) work, and work on those in use.

The exit status is 0 if all went well, 1 if the dead-lettering is not proven, 2 if the
command could not do its work, 3 if a DLQ needs attention, and 130 if it was interrupted.
Colours are for terminals only; NO_COLOR switches them off.`,
		Example: `  dlq prove ./examples/minimal
  dlq status
  dlq inspect orders-dlq --max 20
  dlq dashboard`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(
		proveCommand(), checkCommand(), serveCommand(), sweepCommand(),
		statusCommand(), inspectCommand(), redriveCommand(), dashboardCommand(),
	)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return 0
	case err == errNotProven:
		return exitNotProven // the report says why
	case errors.Is(err, errNotProven):
		fmt.Fprintf(stderr, "dlq: %s\n", cleanLines(err.Error()))
		return exitNotProven
	case err == errDegraded:
		return exitDegraded // what was shown says why
	case ctx.Err() != nil && !errors.Is(err, errNotSaved):
		// the error may have more to say than that, such as where a stack's state is
		fmt.Fprintf(stderr, "dlq: interrupted: %s\n", cleanLines(err.Error()))
		return exitInterrupted
	default:
		fmt.Fprintf(stderr, "dlq: %s\n", cleanLines(err.Error()))
		return exitFailed
	}
}

var errNotProven = errors.New("not proven")
