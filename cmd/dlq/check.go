package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

func checkCommand() *cobra.Command {
	var reports reportOptions
	c := &cobra.Command{
		Use:   "check HISTORY",
		Short: "Judge a history that was recorded before",
		Long: `Judge the history in a file, as dlq prove --history writes it, one JSON object a
line: the header, then an event each. Nothing but the history is looked at. The exit
status is 0 if every invariant held, 1 if not, 2 if the file is no history. "-" reads
standard input.`,
		Example: `  dlq prove ./examples/minimal --history history.jsonl
  dlq check history.jsonl --report timeline.html`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("dlq check takes one file that holds a history, not %d arguments; see dlq check --help", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := reports.check(); err != nil {
				return err
			}
			h, err := readHistory(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			proof := &dlqtest.Proof{History: h, Verdicts: dlqtest.Check(h)}
			if err := reports.write(cmd.OutOrStdout(), []dlqtest.Report{proof.Report()}); err != nil {
				return err
			}
			if !proof.Proven() {
				return errNotProven
			}
			return nil
		},
	}
	reports.register(c)
	return c
}

func readHistory(name string, stdin io.Reader) (*dlqtest.History, error) {
	in := stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening the history: %w", err)
		}
		defer f.Close()
		in = f
	}
	h, err := dlqtest.ReadHistory(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; dlq prove --history writes such files", name, err)
	}
	return h, nil
}
