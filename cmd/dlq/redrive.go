package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// redriveOptions are the flags of dlq redrive.
type redriveOptions struct {
	account accountFlags
	to      string
	rate    int
	output  string

	watch             bool
	interval          time.Duration
	cancelOnInterrupt bool
	cancel, status    bool

	canary         int
	canaryWindow   time.Duration
	canaryTolerate int

	rules           string
	yes             bool
	quarantineQueue string
	quarantineFile  string
	discardFile     string
	ledger          string
	concurrency     int
	most            int
	visibility      time.Duration
	samples         int
	policy          bool
}

// noLedger is the value of --ledger for none.
const noLedger = "none"

func redriveCommand() *cobra.Command {
	var o redriveOptions
	var variables strings.Builder
	for _, v := range dlq.Variables() {
		fmt.Fprintf(&variables, "  %-14s %-10s %s\n", v.Name, v.Type, v.Meaning)
	}
	c := &cobra.Command{
		Use:   "redrive DLQ",
		Short: "Send the messages in a DLQ back to where they came from, all or selected ones",
		Long: `Send the messages in a DLQ, named by its URL, its ARN or its name, back to the queues
that they came from, or to the one that --to names.

Without --select SQS itself does it, by a message move task, of standard and FIFO queues
alike: that is started, and goes on by itself. --watch shows its progress until it has
ended, or that of the one that is running already; --cancel ends it; --status shows the
latest ones. An interrupt ends only the watching, unless --cancel-on-interrupt is given.

With --canary a few messages are redriven first and watched: if they come back to the DLQ,
the consumers still fail, nothing else is redriven, and the exit status is 3. How long it
takes a consumer to fail is known from the queue's settings; --canary-window says otherwise.

With --select rules say what becomes of each message: redrive, quarantine, discard or leave.
Nothing is changed without --yes: messages are received, classified, shown, and given back.

  redrive_limit: 3        # how often a message is redriven; then it is quarantined
  otherwise: leave        # what no rule is about
  rules:                  # the first that applies decides
    - name: test traffic
      when: is_json && has(body.tenant) && body.tenant == "test"
      then: discard
    - name: timed out
      when: age < duration("24h") && has(attributes.error) && attributes.error == "Timeout"
      then: redrive

Conditions are CEL expressions (https://cel.dev), over

` + variables.String() + `
A message is left if a condition can't be evaluated for it, as for lack of a field: ask with
has(body.field) or has(attributes.name) first.

A message is sent first and deleted from the DLQ afterwards, and what is discarded is in
the file before. So nothing is lost, whatever happens when. What a run did is in its
--ledger: if it is killed, the same command finishes its work and sends nothing again that
is known to be sent. Only what was being sent in that moment may be there twice, at most
--concurrency times ten messages, and is counted as that; SQS drops such from FIFO queues
within five minutes. What is redriven carries the attribute ` + dlq.RedriveCountAttribute + `, which counts.

The exit status is 0 if all went as told, 3 if somebody has to look at something that is
said, 2 if the command could not do its work, and 130 if it was interrupted.

` + accountHelp,
		Example: `  dlq redrive orders-dlq --watch
  dlq redrive orders-dlq --to orders-replay --rate 50
  dlq redrive orders-dlq --canary 5 --rate 100 --watch
  dlq redrive orders-dlq --cancel
  dlq redrive orders-dlq --select rules.yaml
  dlq redrive orders-dlq --select rules.yaml --discard-file discarded.jsonl --quarantine-queue orders-quarantine --yes`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("dlq redrive takes one queue, by its URL, ARN or name, not %d arguments; dlq status shows the DLQs there are", len(args))
			}
			return nil
		},
		ValidArgsFunction: completeDLQ,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags().Changed); err != nil {
				return err
			}
			return redrive(cmd.Context(), args[0], o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.account.register(c)
	f := c.Flags()
	f.StringVar(&o.to, "to", "", "the `queue` to send to, by its URL, ARN or name; default: each message to the queue that it came from")
	f.IntVar(&o.rate, "rate", 0, "how many messages a second at most, 1 to 500; default: as fast as SQS finds right, or with --select as fast as can be")
	f.StringVarP(&o.output, "output", "o", "text", "form of what is shown: text or json")

	f.BoolVarP(&o.watch, "watch", "w", false, "show the progress of SQS's move task until it has ended")
	f.DurationVar(&o.interval, "interval", 2*time.Second, "how long --watch waits in between")
	f.BoolVar(&o.cancelOnInterrupt, "cancel-on-interrupt", false, "with --watch, cancel the move task if interrupted")
	f.BoolVar(&o.cancel, "cancel", false, "cancel the move task that is running; what is moved stays where it is")
	f.BoolVar(&o.status, "status", false, "show the latest move tasks, up to ten")

	f.IntVar(&o.canary, "canary", 0, "redrive `n` messages first, and the others only if these don't come back")
	f.DurationVar(&o.canaryWindow, "canary-window", 0, "how long to watch them; default: maxReceiveCount x visibility timeout of the queue, its delay, and a minute")
	f.IntVar(&o.canaryTolerate, "canary-tolerate", 0, "how many of them may come back")

	f.StringVar(&o.rules, "select", "", "`file` with rules that say what becomes of each message")
	f.BoolVarP(&o.yes, "yes", "y", false, "with --select: do it, rather than show what would be done")
	f.StringVar(&o.quarantineQueue, "quarantine-queue", "", "`queue` for what is quarantined, as it is")
	f.StringVar(&o.quarantineFile, "quarantine-file", "", "or a `file`, to which a JSON object a line is added; readable by you alone")
	f.StringVar(&o.discardFile, "discard-file", "", "`file` that keeps what is discarded, likewise")
	f.StringVar(&o.ledger, "ledger", "", "`file` by which a run that was killed can be finished; default: one in the working directory, named after the queue; "+noLedger+": none")
	f.IntVar(&o.concurrency, "concurrency", 4, "how many batches of ten are worked on at a time")
	f.IntVarP(&o.most, "max", "n", 0, "end after so many messages; 0 means all")
	f.DurationVar(&o.visibility, "visibility", 5*time.Minute, "how long messages are hidden while they are worked on; after a kill they are visible again by then")
	f.IntVar(&o.samples, "samples", 3, "how many messages of each outcome a dry run shows")
	f.BoolVar(&o.policy, "allow-redrive-policy", false, "receive from a queue that has a redrive policy itself, by which receiving may move messages")
	completeFlag(c, "output", "text", "json")
	_ = c.RegisterFlagCompletionFunc("to", completeQueues) // the flags are there
	_ = c.RegisterFlagCompletionFunc("quarantine-queue", completeQueues)
	return c
}

// selectFlags and moveFlags are of use with --select only, and without it only.
func selectFlags() []string {
	return []string{"yes", "quarantine-queue", "quarantine-file", "discard-file", "max", "samples"}
}

func moveFlags() []string {
	return []string{"watch", "interval", "cancel-on-interrupt", "cancel", "status"}
}

func (o redriveOptions) check(given func(flag string) bool) error {
	switch {
	case o.output != "text" && o.output != "json":
		return fmt.Errorf("--output is %q: choose text or json", o.output)
	case given("rate") && (o.rate < 1 || o.rate > dlq.MaxMoveRate):
		return fmt.Errorf("--rate is %d: give 1 to %d messages a second", o.rate, dlq.MaxMoveRate)
	case o.interval < 100*time.Millisecond:
		return fmt.Errorf("--interval is %s: give 100ms or more", o.interval)
	case given("canary") && o.canary < 1:
		return fmt.Errorf("--canary is %d: give how many messages to redrive first", o.canary)
	case o.canary == 0 && (given("canary-window") || given("canary-tolerate")):
		return errors.New("--canary-window and --canary-tolerate are for --canary n: say how many messages to redrive first")
	case o.canaryWindow < 0 || o.canaryTolerate < 0:
		return errors.New("neither --canary-window nor --canary-tolerate can be negative")
	case o.cancel && o.status:
		return errors.New("choose one of --cancel and --status")
	case (o.cancel || o.status) && (o.watch || o.canary > 0 || o.to != "" || o.rate != 0):
		return errors.New("--cancel and --status are about a move task that was started before: leave the other flags away")
	case o.cancelOnInterrupt && !o.watch:
		return errors.New("--cancel-on-interrupt is for --watch: without it the command has ended before it could be interrupted")
	case o.samples < 0 || o.most < 0:
		return errors.New("neither --samples nor --max can be negative")
	}
	wrong, why := moveFlags(), "is about SQS's move task, which does not select: leave it or --select away"
	if o.rules == "" {
		wrong, why = selectFlags(), "is for a redrive with --select: give a file with rules, e.g. one that says otherwise: redrive"
	}
	for _, flag := range wrong {
		if given(flag) {
			return fmt.Errorf("--%s %s", flag, why)
		}
	}
	if o.rules == "" && o.canary == 0 {
		for _, flag := range []string{"ledger", "concurrency", "visibility", "allow-redrive-policy"} {
			if given(flag) {
				return fmt.Errorf("--%s is for a redrive with --select or --canary: SQS's move task has no such setting", flag)
			}
		}
	}
	if o.rules != "" && o.canary > 0 && !o.yes {
		return errors.New("--canary redrives messages, and with --select nothing is redriven without --yes: leave it away for a dry run")
	}
	return nil
}

// redriver is one call of the command.
type redriver struct {
	redriveOptions
	account account
	client  *sqs.Client
	dlq     dlq.Queue
	dest    *dlq.Queue // nil: each message to the queue that it came from
	say     func(format string, args ...any)
	stdout  io.Writer
	stderr  io.Writer
	result  redriveResult
	bar     *bar
}

// redriveResult is what -o json shows.
type redriveResult struct {
	DLQ       dlq.Queue           `json:"dlq"`
	Canary    *dlq.CanaryVerdict  `json:"canary,omitempty"`
	Move      *dlq.MoveTask       `json:"move,omitempty"`
	Moves     []dlq.MoveTask      `json:"moves,omitempty"`
	Selection *dlq.RedriveSummary `json:"selection,omitempty"`
}

// redrive does what the flags say. It returns errDegraded if somebody has to look at
// something that was said.
func redrive(ctx context.Context, queue string, o redriveOptions, stdout, stderr io.Writer) error {
	var rules *dlq.Rules
	if o.rules != "" {
		var err error
		if rules, err = dlq.LoadRules(o.rules); err != nil {
			return err
		}
	}
	account, err := o.account.load(ctx)
	if err != nil {
		return err
	}
	r := &redriver{redriveOptions: o, account: account, client: sqs.NewFromConfig(account.Config), stdout: stdout, stderr: stderr}
	out := stdout
	if o.output == "json" {
		out = stderr
	}
	r.say = func(format string, args ...any) { fmt.Fprintln(out, cleanLines(fmt.Sprintf(format, args...))) }
	if r.dlq, err = dlq.Find(ctx, r.client, queue); err != nil {
		return advise(err)
	}
	r.result.DLQ = r.dlq
	if o.to != "" {
		to, err := dlq.Find(ctx, r.client, o.to)
		if err != nil {
			return advise(fmt.Errorf("--to: %w", err))
		}
		r.dest = &to
	}
	switch {
	case o.status:
		err = r.showMoves(ctx)
	case o.cancel:
		err = r.cancelMove(ctx)
	case rules != nil:
		err = r.selected(ctx, rules)
	default:
		err = r.move(ctx)
	}
	if err != nil && err != errDegraded {
		err = advise(err)
	}
	if o.output == "json" && (err == nil || err == errDegraded || r.result.Selection != nil || r.result.Canary != nil || r.result.Move != nil) {
		err = errors.Join(err, writeJSON(stdout, r.result, "  "))
		if errors.Is(err, errDegraded) {
			err = errDegraded
		}
	}
	return err
}

// ledgerFile is the ledger's file, empty for none.
func (r *redriver) ledgerFile() string {
	switch r.ledger {
	case noLedger:
		return ""
	case "":
		a, err := arn.Parse(r.dlq.ARN)
		if err != nil {
			return "dlq-redrive-" + r.dlq.Name + ".ledger.jsonl"
		}
		return fmt.Sprintf("dlq-redrive-%s-%s-%s.ledger.jsonl", a.Region, a.AccountID, a.Resource)
	}
	return r.ledger
}

// again is the command by which to go on.
func (r *redriver) again(flags string) string {
	text := "dlq redrive " + r.dlq.Name + " " + flags
	if r.redriveOptions.account.region != "" {
		text += " --region " + r.redriveOptions.account.region
	}
	if r.redriveOptions.account.profile != "" {
		text += " --profile " + r.redriveOptions.account.profile
	}
	return text
}
