package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// statusOptions are the flags of dlq status.
type statusOptions struct {
	account   accountFlags
	selection selectionFlags
	output    string
	watch     bool
	interval  time.Duration
}

func statusCommand() *cobra.Command {
	var o statusOptions
	c := &cobra.Command{
		Use:   "status",
		Short: "Show every DLQ with its sources, and whether it needs attention",
		Long: `Show every DLQ with its sources, how many messages are in it, how old the oldest is,
whether a redrive is running, and whether it needs attention and why. Which queue is the
DLQ of which is read from redrive policies, not from names. Nothing is received or changed.

A DLQ needs attention if it holds messages, visible or not, if it doesn't exist, or if it
can't be read. The exit status is 0 if none does, 3 if any does or a queue couldn't be
read, 2 if the command could not do its work.

OLDEST is CloudWatch's figure, which comes a few minutes late; "-" means that there is
none. Queues that others can see are found by --queue only.

` + accountHelp,
		Example: `  dlq status
  dlq status --prefix orders
  dlq status --tag team=payments --tag env=prod -o json
  dlq status --queue orders-dlq --watch
  dlq status > /dev/null || echo "somebody should look"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return status(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	o.account.register(c)
	o.selection.register(c)
	f := c.Flags()
	f.StringVarP(&o.output, "output", "o", "table", "form of what is shown: table or json")
	f.BoolVarP(&o.watch, "watch", "w", false, "show it again and again, until you interrupt it; with -o json a line each time")
	f.DurationVar(&o.interval, "interval", 10*time.Second, "how long --watch waits in between")
	completeFlag(c, "output", "table", "json")
	return c
}

func (o statusOptions) check() error {
	switch {
	case o.output != "table" && o.output != "json":
		return fmt.Errorf("--output is %q: choose table or json", o.output)
	case o.interval < time.Second:
		return fmt.Errorf("--interval is %s: give 1s or more; each round calls AWS about once a queue", o.interval)
	}
	return nil
}

// selectionFlags say which queues to look at.
type selectionFlags struct {
	prefix string
	tags   []string
	queues []string
}

func (f *selectionFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.prefix, "prefix", "", "queues whose name begins so, and what they are paired with")
	c.Flags().StringArrayVar(&f.tags, "tag", nil, "queues with this tag, as `key=value`; may be repeated, all must fit; reads the tags of every queue")
	c.Flags().StringArrayVar(&f.queues, "queue", nil, "the `queue` of this URL, ARN or name, DLQ or source; may be repeated")
	_ = c.RegisterFlagCompletionFunc("queue", completeQueues) // the flag is there
}

func (f selectionFlags) selection() (dlq.Selection, error) {
	s := dlq.Selection{Prefix: f.prefix, Queues: f.queues}
	if len(f.queues) > 0 && (f.prefix != "" || len(f.tags) > 0) {
		return s, errors.New("--queue doesn't go with --prefix and --tag: name the queues, or say what they have in common")
	}
	for _, t := range f.tags {
		k, v, ok := strings.Cut(t, "=")
		if !ok || k == "" {
			return s, fmt.Errorf("--tag is %q: give key=value", t)
		}
		if s.Tags == nil {
			s.Tags = map[string]string{}
		}
		if other, twice := s.Tags[k]; twice && other != v {
			return s, fmt.Errorf("--tag %s is given with two values, %s and %s: no queue has both", k, other, v)
		}
		s.Tags[k] = v
	}
	return s, nil
}

// fleet returns the account's queues.
func (a account) fleet() dlq.Fleet {
	return dlq.Fleet{SQS: sqs.NewFromConfig(a.Config), Metrics: cloudwatch.NewFromConfig(a.Config), Now: a.now}
}

var errDegraded = errors.New("degraded")

// status shows the status, once or until it is interrupted. It returns errDegraded if the
// last one was.
func status(ctx context.Context, o statusOptions, stdout, stderr io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	selection, err := o.selection.selection()
	if err != nil {
		return err
	}
	account, err := o.account.load(ctx)
	if err != nil {
		return err
	}
	fleet := account.fleet()
	if o.watch {
		return watchStatus(ctx, o, fleet, selection, stdout, stderr)
	}
	bar := newBar(stderr, "reading queues")
	fleet.Progress = bar.set
	s, err := fleet.Status(ctx, selection)
	bar.clear()
	if err != nil {
		return advise(err)
	}
	if o.output == "json" {
		err = writeJSON(stdout, s, "  ")
	} else {
		err = writeStatus(stdout, s, newStyle(stdout))
	}
	if err != nil {
		return err
	}
	return verdict(s)
}

func verdict(s *dlq.Status) error {
	if s != nil && s.Health != dlq.Healthy {
		return errDegraded
	}
	return nil
}

// watchStatus shows the status until ctx is done. What fails in between is told, and tried
// again; only if the first fails is that the end.
func watchStatus(ctx context.Context, o statusOptions, fleet dlq.Fleet, selection dlq.Selection, stdout, stderr io.Writer) error {
	var last *dlq.Status
	for {
		s, err := fleet.Status(ctx, selection)
		switch {
		case ctx.Err() != nil:
			return verdict(last)
		case err != nil && last == nil:
			return advise(err)
		case err != nil:
			fmt.Fprintf(stderr, "dlq: %s; trying again\n", cleanLines(advise(err).Error()))
		default:
			last = s
			if err := showAgain(stdout, s, o); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return verdict(last)
		case <-time.After(o.interval):
		}
	}
}

// showAgain shows one status of several: on a terminal in the place of the one before.
func showAgain(w io.Writer, s *dlq.Status, o statusOptions) error {
	if o.output == "json" {
		return writeJSON(w, s, "")
	}
	var b bytes.Buffer
	if isTerminal(w) {
		b.WriteString("\x1b[H\x1b[2J")
	}
	fmt.Fprintf(&b, "%s, every %s\n\n", s.Time.Format("2006-01-02 15:04:05 UTC"), o.interval)
	if err := writeStatus(&b, s, newStyle(w)); err != nil {
		return err
	}
	if !isTerminal(w) {
		b.WriteString("\n")
	}
	_, err := w.Write(b.Bytes())
	return err
}

// writeStatus writes the status as a table: a row for each source of a DLQ.
func writeStatus(w io.Writer, s *dlq.Status, look style) error {
	if len(s.DLQs) > 0 {
		if err := statusTable(s, look).write(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	for _, d := range s.DLQs {
		for _, r := range d.Reasons {
			fmt.Fprintf(w, "%s: %s\n", look.bold(clean(d.Name)), clean(r.Text))
		}
	}
	writeWarnings(w, s, look)
	for _, p := range s.Problems {
		fmt.Fprintf(w, "%s %s\n", look.warn("unknown:"), clean(problemText(p)))
	}
	_, err := fmt.Fprintln(w, summary(s, look))
	return err
}

// writeWarnings writes the warnings; where a whole fleet has the same, the first stands for
// all, so that it doesn't bury the rest.
func writeWarnings(w io.Writer, s *dlq.Status, look style) {
	const few = 5
	of := map[dlq.Code]int{}
	for _, d := range s.DLQs {
		for _, r := range d.Warnings {
			of[r.Code]++
		}
	}
	for _, d := range s.DLQs {
		for _, r := range d.Warnings {
			who := clean(d.Name)
			switch n := of[r.Code]; {
			case n == 0:
				continue // said
			case n > few:
				who += fmt.Sprintf(" and %d others (-o json names them)", n-1)
				of[r.Code] = 0
			}
			fmt.Fprintf(w, "%s: %s %s\n", who, look.warn("warning:"), clean(r.Text))
		}
	}
}

func statusTable(s *dlq.Status, look style) *table {
	t := &table{right: map[int]bool{1: true, 2: true, 3: true, 4: true, 7: true, 8: true}}
	head := func(names ...string) (cells []cell) {
		for _, n := range names {
			cells = append(cells, painted(look.bold, n))
		}
		return cells
	}
	t.row(head("DLQ", "VISIBLE", "IN FLIGHT", "DELAYED", "OLDEST", "REDRIVE", "SOURCE", "WAITING", "RECEIVES", "HEALTH")...)
	for _, d := range s.DLQs {
		healthCell := painted(look.good, string(d.Health))
		if d.Health != dlq.Healthy {
			healthCell = painted(look.bad, string(d.Health))
		}
		facts := append([]cell{plain(d.Name)}, depthCells(d)...)
		facts = append(facts, ageCell(d.OldestAgeSeconds), plain(redriveText(d.MoveTask)))
		if len(d.Sources) == 0 {
			t.row(append(facts, painted(look.dim, "none"), plain(""), plain(""), healthCell)...)
		}
		for i, src := range d.Sources {
			if i > 0 {
				facts, healthCell = make([]cell, len(facts)), cell{}
			}
			waiting := plain("-")
			if src.Messages != nil {
				waiting = number(src.Messages.Visible)
			}
			t.row(append(facts, plain(src.Name), waiting, number(int64(src.MaxReceiveCount)), healthCell)...)
		}
	}
	return t
}

// depthCells are the numbers of messages, or why there are none.
func depthCells(d dlq.DLQ) []cell {
	if d.Messages == nil {
		return []cell{plain(string(d.State)), plain("-"), plain("-")}
	}
	return []cell{number(d.Messages.Visible), number(d.Messages.InFlight), number(d.Messages.Delayed)}
}

func ageCell(seconds *int64) cell {
	if seconds == nil {
		return plain("-")
	}
	return plain(dlq.Age(*seconds))
}

// redriveText says of a redrive what it is doing, or that the last one failed.
func redriveText(t *dlq.MoveTask) string {
	switch {
	case t.Running() && t.ToMove != nil:
		return fmt.Sprintf("%d of %d", t.Moved, *t.ToMove)
	case t.Running():
		return fmt.Sprintf("%d moved", t.Moved)
	case t != nil && t.Status == "FAILED":
		return "failed"
	}
	return "-"
}

func problemText(p dlq.Problem) string {
	of := map[dlq.Unknown]string{
		dlq.UnknownQueues:  "whether %s may hold dead letters",
		dlq.UnknownAges:    "the age of the oldest message of %s",
		dlq.UnknownTasks:   "whether a redrive is running for %s",
		dlq.UnknownSources: "all sources of %s",
	}[p.What]
	return fmt.Sprintf(of, count(p.Queues, "queue")) + ": " + p.Text
}

func summary(s *dlq.Status, look style) string {
	paint := look.good
	if s.Health != dlq.Healthy {
		paint = look.bad
	}
	parts := []string{
		fmt.Sprintf("%d of %s %s attention", s.Summary.NeedAttention, count(s.Summary.DLQs, "DLQ"), verb(s.Summary.DLQs == 1 || s.Summary.NeedAttention == 1)),
		count(int(s.Summary.Messages), "message") + " in them",
	}
	if n := s.Summary.RunningMoveTasks; n > 0 {
		parts = append(parts, count(n, "redrive")+" running")
	}
	if n := s.Summary.WithoutDLQ; n > 0 {
		parts = append(parts, count(n, "queue")+" without a DLQ")
	}
	text := string(s.Health) + ": " + strings.Join(parts, ", ")
	if s.Account != "" {
		text += fmt.Sprintf(" (account %s, %s)", s.Account, s.Region)
	}
	return paint(clean(text))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func verb(one bool) string {
	if one {
		return "needs"
	}
	return "need"
}

// writeJSON writes a value as JSON, on one line without an indent. What a terminal could
// take for more than text is escaped, beyond what encoding/json escapes.
func writeJSON(w io.Writer, v any, indent string) error {
	b, err := json.MarshalIndent(v, "", indent)
	if indent == "" {
		b, err = json.Marshal(v)
	}
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	_, err = w.Write(append(escapeJSON(b), '\n'))
	return err
}
