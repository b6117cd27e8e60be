// Command tasks is the operator's: it submits tasks, lists them, and redrives those that
// are DEAD. It reads QUEUE_URL and TASKS_TABLE, outputs of the example, and what the AWS
// SDK reads, from the environment.
//
//	tasks submit t-1 --payload hello --fail always
//	tasks list
//	tasks redrive t-1 --repair
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/examples/task-processor/tasks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := command().ExecuteContext(ctx); err != nil {
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{Use: "tasks", Short: "Submit, list and redrive tasks", SilenceUsage: true}
	var payload, fail string
	submit := &cobra.Command{
		Use: "submit <id>...", Short: "Make tasks and send their messages; repeat it if it was interrupted", Args: cobra.MinimumNArgs(1),
		RunE: each(func(ctx context.Context, o tasks.Office, id string) error { return o.Submit(ctx, id, payload, fail) }),
	}
	submit.Flags().StringVar(&payload, "payload", "", "what the tasks are about")
	submit.Flags().StringVar(&fail, "fail", "", "inject a failure: always, times:<n>, permanent, panic, crash-before or crash-after")
	var repair bool
	redrive := &cobra.Command{
		Use: "redrive <id>...", Short: "Make DEAD tasks PENDING and send their messages again; repeat it if it was interrupted", Args: cobra.MinimumNArgs(1),
		RunE: each(func(ctx context.Context, o tasks.Office, id string) error { return o.Redrive(ctx, id, repair) }),
	}
	redrive.Flags().BoolVar(&repair, "repair", false, "take the injected failure away, as if its cause had been mended")
	list := &cobra.Command{
		Use: "list", Short: "List all tasks", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := office(cmd.Context())
			if err != nil {
				return err
			}
			all, err := o.List(cmd.Context())
			if err != nil {
				return err
			}
			return print(cmd.OutOrStdout(), all)
		},
	}
	root.AddCommand(submit, list, redrive)
	return root
}

// each runs fn for each id.
func each(fn func(context.Context, tasks.Office, string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, ids []string) error {
		o, err := office(cmd.Context())
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := fn(cmd.Context(), o, id); err != nil {
				return err
			}
		}
		return nil
	}
}

func office(ctx context.Context) (tasks.Office, error) {
	for _, name := range []string{"QUEUE_URL", "TASKS_TABLE"} {
		if os.Getenv(name) == "" {
			return tasks.Office{}, fmt.Errorf("%s is not set: it is an output of the example (terraform output -raw %s)", name, strings.ToLower(name))
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return tasks.Office{}, fmt.Errorf("configuring the AWS SDK: %w", err)
	}
	return tasks.Office{
		DynamoDB: dynamodb.NewFromConfig(cfg), SQS: sqs.NewFromConfig(cfg), TasksTable: os.Getenv("TASKS_TABLE"), QueueURL: os.Getenv("QUEUE_URL"), Now: time.Now,
	}, nil
}

func print(w io.Writer, all []tasks.Task) error {
	slices.SortFunc(all, func(a, b tasks.Task) int { return strings.Compare(a.ID, b.ID) })
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "TASK\tSTATUS\tATTEMPTS\tEFFECTS\tLAST ERROR")
	for _, task := range all {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%s\n", task.ID, task.Status, task.Attempts, task.Effects, task.LastError)
	}
	return t.Flush()
}
