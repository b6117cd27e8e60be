package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
	"github.com/sqs-dlq/sqs-dlq/internal/sweep"
	"github.com/sqs-dlq/sqs-dlq/internal/target"
	"github.com/sqs-dlq/sqs-dlq/internal/tfenv"
)

// proveOptions are the flags of dlq prove.
type proveOptions struct {
	receives           receives
	target             string
	reports            reportOptions
	history            string
	keep               bool
	force              bool
	vars, varFiles     []string
	alarmHoldsInFlight bool
	okNotification     bool
	redrive            bool
}

func proveCommand() *cobra.Command {
	o := proveOptions{receives: receives{all: 5}}
	c := &cobra.Command{
		Use:   "prove DIR",
		Short: "Deploy a Terraform stack and prove that its queues' dead-lettering works",
		Long: `Deploy the Terraform root module in DIR as it stands, send healthy and poison
messages to its queue, break the consumers, and judge what they saw: whether each
poison message was received exactly so often as you expect and then landed in the
DLQ, whether nothing was lost, and whether the alarm fired and cleared. Then
destroy the stack.

By default that happens on an AWS endpoint inside this process, whose clock is
moved: no account and no container are needed.

The stack says by its outputs what it has: queue_url and dlq_url, and, if they are
to be proven too, not_empty_alarm_name and notification_queue_url (a queue that
gets the alarm's notifications from SNS). A stack with several queues has an output
that is a map of objects with these attributes. How many receives are expected is
yours to say; it is not read from the stack.`,
		Example: `  dlq prove ./examples/minimal
  dlq prove ./examples/minimal --var max_receive_count=3 --max-receive-count 3
  dlq prove ./examples/fleet -n payments=6,thumbnails=3,invoices=5
  DLQ_ALLOW_AWS=1 dlq prove ./examples/fifo --target aws -o json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("dlq prove takes one directory that holds a Terraform root module, not %d arguments; see dlq prove --help", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return prove(cmd.Context(), args[0], o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.VarP(&o.receives, "max-receive-count", "n", "how many receives you expect before a message is dead-lettered, 1 to 1000; of one queue of several with its name, payments=6; may be repeated")
	f.StringVar(&o.target, "target", target.FromEnv(os.Getenv), "where to deploy: embedded, endpoint (AWS_ENDPOINT_URL) or aws (needs DLQ_ALLOW_AWS=1); default from DLQ_TARGET")
	o.reports.register(c)
	f.StringVar(&o.history, "history", "", "write all that the consumers saw to a `file`, which dlq check judges; of several queues each gets its own")
	f.BoolVar(&o.keep, "keep", false, "don't destroy the stack; the embedded endpoint then runs until it is interrupted")
	f.BoolVar(&o.force, "force", false, "prove queues even if they hold messages or were used in the last minutes")
	f.StringArrayVar(&o.vars, "var", nil, "set a variable of the root module, as `name=value`; may be repeated")
	f.StringArrayVar(&o.varFiles, "var-file", nil, "set variables from a `file`; may be repeated")
	f.BoolVar(&o.alarmHoldsInFlight, "alarm-holds-in-flight", true, "expect the alarm to stay while the DLQ's messages are being inspected")
	f.BoolVar(&o.okNotification, "ok-notification", true, "expect a notification of the alarm's return to OK as well")
	f.BoolVar(&o.redrive, "redrive", true, "prove that a redrive brings messages back and clears the alarm")
	completeFlag(c, "target", target.Names()...)
	return c
}

func (o proveOptions) check() error {
	return o.reports.check()
}

// prove deploys, proves and destroys.
func prove(ctx context.Context, dir string, o proveOptions, stdout, stderr io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	say := newProgress(stderr)
	work, err := tfenv.Copy(dir)
	if err != nil {
		return err
	}
	keepWork := false
	defer func() {
		if !keepWork {
			err = errors.Join(err, work.Close())
		}
	}()
	env, err := tfenv.Find(ctx, tfenv.Options{})
	if err != nil {
		return err
	}
	t, err := target.Select(ctx, o.target, os.Getenv)
	if err != nil {
		return err
	}
	defer t.Close()
	t.Progress = say.line
	if t.Server != nil {
		if err := sweep.MarkEmbedded(work.Dir); err != nil {
			return err
		}
	}
	deployment, err := env.Deploy(work, tfenv.DeployOptions{
		Vars: o.vars, VarFiles: o.varFiles, Env: t.Env, KeepAWS: t.KeepAWS, Progress: say.terraform,
	})
	if err != nil {
		return err
	}
	say.line("preparing " + dir)
	if err := deployment.Init(ctx); err != nil {
		return err
	}
	// registered before anything is deployed
	defer func() {
		switch {
		case t.Server != nil && (err != nil && !errors.Is(err, errNotProven) || ctx.Err() != nil):
			// the endpoint goes, and all that was deployed with it
		case o.keep && ctx.Err() == nil:
			keepWork = t.Server == nil
			keep(ctx, t, work.Dir, stderr)
		default:
			// an interrupt must not keep the stack from being destroyed
			if destroyErr := destroy(context.WithoutCancel(ctx), deployment, say); destroyErr != nil {
				keepWork = t.Server == nil
				err = errors.Join(err, fmt.Errorf("destroying the stack: %w; its state is in %s", destroyErr, work.Dir))
			}
		}
	}()
	say.line("deploying " + dir)
	if err := deployment.Apply(ctx); err != nil {
		return err
	}
	outputs, err := deployment.Outputs(ctx)
	if err != nil {
		return err
	}
	queues, err := queuesOf(outputs)
	if err != nil {
		return err
	}
	if err := o.receives.expect(queues); err != nil {
		return err
	}
	return proveAll(ctx, t, queues, o, stdout, say)
}

// proveAll proves every queue and writes the reports, also of a proof that was cut short.
func proveAll(ctx context.Context, t *target.Target, queues []stackQueue, o proveOptions, stdout io.Writer, say *progress) error {
	var reports []dlqtest.Report
	var failure error
	used := map[string]bool{} // DLQs that an earlier proof of this stack has used
	for _, sq := range queues {
		q := sq.Queue
		q.AlarmHoldsInFlight = o.alarmHoldsInFlight && q.Alarm != ""
		q.NoOKNotification = !o.okNotification
		q.KeepDLQ = !o.redrive
		q.Force = o.force || used[q.DLQ]
		used[q.DLQ] = true
		say.line(fmt.Sprintf("proving %s: %d receives, then the DLQ", q.Name(), q.MaxReceiveCount))
		proof, err := dlqtest.Prove(ctx, t.Target, q)
		if proof != nil {
			report := proof.Report()
			if err != nil {
				report.Error = err.Error()
			}
			reports = append(reports, report)
			if o.history != "" {
				failure = errors.Join(failure, writeFile(historyFile(o.history, q.Name(), len(queues)), proof.History.Write))
			}
		}
		if err != nil {
			failure = errors.Join(failure, fmt.Errorf("proving %s: %w", q.Name(), err))
			if ctx.Err() == nil && proof != nil && slices.ContainsFunc(proof.Verdicts, func(v dlqtest.Verdict) bool { return v.Status == dlqtest.Violated }) {
				failure = errors.Join(failure, errNotProven)
			}
			break
		}
		if !proof.Proven() && failure == nil {
			failure = errNotProven
		}
	}
	if len(reports) == 0 {
		return failure
	}
	if err := o.reports.write(stdout, reports); err != nil {
		return errors.Join(failure, err)
	}
	return failure
}

// keep leaves the stack where it is, and says where that is. An embedded endpoint stays
// as long as this process does.
func keep(ctx context.Context, t *target.Target, dir string, stderr io.Writer) {
	fmt.Fprintf(stderr, "kept: the stack's configuration and state are in %s\n", dir)
	if t.Server == nil {
		return
	}
	fmt.Fprintf(stderr, "kept: the AWS endpoint runs at %s until this is interrupted (Ctrl-C)\n", t.Server.URL)
	for _, name := range slices.Sorted(maps.Keys(t.Env)) {
		fmt.Fprintf(stderr, "  export %s=%s\n", name, t.Env[name])
	}
	<-ctx.Done()
}

// destroy removes the stack.
func destroy(ctx context.Context, d *tfenv.Deployment, say *progress) error {
	say.line("destroying the stack")
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	return d.Destroy(ctx)
}
