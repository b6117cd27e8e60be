package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// library is the redrive as the package dlq does it.
func (r *redriver) library(ctx context.Context, rules *dlq.Rules) (dlq.Redrive, error) {
	lib := dlq.Redrive{
		Client: r.client, DLQ: r.dlq, Rules: rules, To: r.dest, QuarantineFile: r.quarantineFile, DiscardFile: r.discardFile,
		Ledger: r.ledgerFile(), Concurrency: r.concurrency, Rate: r.rate, Max: r.most, Visibility: r.visibility,
		AllowRedrivePolicy: r.policy, Now: r.account.now,
		Waiting: func(messages int64) {
			fmt.Fprintf(r.stderr, "waiting up to a minute for %s in flight elsewhere\n", counted(int(messages), "message"))
		},
	}
	if r.quarantineQueue != "" {
		q, err := dlq.Find(ctx, r.client, r.quarantineQueue)
		if err != nil {
			return lib, fmt.Errorf("--quarantine-queue: %w", err)
		}
		lib.QuarantineQueue = &q
	}
	return lib, nil
}

// selected redrives by rules.
func (r *redriver) selected(ctx context.Context, rules *dlq.Rules) error {
	if r.yes {
		if rules.May(dlq.ActionDiscard) && r.discardFile == "" {
			return errors.New("the rules discard messages: say with --discard-file which file keeps them")
		}
		if rules.May(dlq.ActionQuarantine) && r.quarantineQueue == "" && r.quarantineFile == "" {
			return errors.New("the rules quarantine messages: say where to with --quarantine-queue or --quarantine-file")
		}
	}
	if r.canary > 0 {
		if ok, err := r.canaries(ctx, rules); !ok || err != nil {
			return err
		}
	}
	lib, err := r.library(ctx, rules)
	if err != nil {
		return err
	}
	if lib.DryRun = !r.yes; lib.DryRun {
		lib.Samples = r.samples
	} else if lib.Ledger != "" {
		fmt.Fprintf(r.stderr, "ledger: %s\n", clean(lib.Ledger))
	}
	lib.Progress = r.progress()
	s, err := lib.Run(ctx)
	r.finishProgress()
	if s == nil {
		var policy *dlq.RedrivePolicyError
		if errors.As(err, &policy) {
			return fmt.Errorf("%w; --allow-redrive-policy does so", err)
		}
		return err
	}
	r.result.Selection = s
	if r.output == "text" {
		if err := writeSelection(r.stdout, s, newStyle(r.stdout), r.account.now()); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("batches that were begun are finished, the others are as they were; the same command goes on: %w", err)
	case err != nil:
		return err
	case s.DryRun:
		r.say("%s", r.howTo(s))
	}
	if len(s.Attention()) > 0 {
		return errDegraded
	}
	return nil
}

// howTo says, after a dry run, how to do what it showed.
func (r *redriver) howTo(s *dlq.RedriveSummary) string {
	text := "nothing was changed; --yes does it"
	if s.Discarded > 0 && r.discardFile == "" {
		text += ", with --discard-file for what is discarded"
	}
	if s.Quarantined > 0 && r.quarantineQueue == "" && r.quarantineFile == "" {
		text += ", with --quarantine-queue or --quarantine-file for what is quarantined"
	}
	return text
}

// canaries redrives a few messages and watches them. It says whether to go on.
func (r *redriver) canaries(ctx context.Context, rules *dlq.Rules) (bool, error) {
	lib, err := r.library(ctx, rules)
	if err != nil {
		return false, err
	}
	if lib.Ledger != "" {
		fmt.Fprintf(r.stderr, "ledger: %s\n", clean(lib.Ledger))
	}
	c := dlq.Canary{Redrive: lib, Messages: r.canary, Tolerate: r.canaryTolerate, Window: r.canaryWindow}
	c.Watching = func(sent int, window time.Duration) {
		fmt.Fprintf(r.stderr, "canaries: %d redriven, watching them for up to %s\n", sent, window)
	}
	v, err := c.Run(ctx)
	r.result.Canary = v
	switch {
	case err != nil && ctx.Err() != nil:
		return false, fmt.Errorf("the canaries are redriven, and nothing else: %w", err)
	case err != nil:
		return false, err
	}
	if v.Passed {
		r.say("canaries: %s", v.Why)
		return true, nil
	}
	r.say("canaries: %s; nothing else was redriven", v.Why)
	for _, id := range v.ReturnedIDs {
		r.say("  came back: %s", id)
	}
	r.say("to do: see with dlq inspect %s why they fail, and mend the consumers; or leave out such messages with --select", r.dlq.Name)
	return false, errDegraded
}

// progress returns what shows the progress: a bar on a terminal, else a line now and then.
func (r *redriver) progress() func(dlq.RedriveProgress) {
	b := newBar(r.stderr, "redriving messages")
	r.bar = b
	if isTerminal(r.stderr) {
		return func(p dlq.RedriveProgress) { b.set(p.Met, max(p.Total, p.Met)) }
	}
	told := time.Now()
	return func(p dlq.RedriveProgress) {
		if time.Since(told) < 10*time.Second {
			return
		}
		told = time.Now()
		fmt.Fprintf(r.stderr, "met %d of about %d messages: %d redriven, %d quarantined, %d discarded, %d left\n", p.Met, max(p.Total, p.Met), p.Redriven, p.Quarantined, p.Discarded, p.Left)
	}
}

func (r *redriver) finishProgress() { r.bar.clear() }

// writeSelection shows what a selective redrive did or would do.
func writeSelection(w io.Writer, s *dlq.RedriveSummary, style style, now time.Time) error {
	if s.DryRun {
		fmt.Fprintf(w, "%s: met %s; this is what would be done\n\n", clean(s.DLQ.Name), counted(s.Met, "message"))
	} else {
		fmt.Fprintf(w, "%s: met %s in %s\n\n", clean(s.DLQ.Name), counted(s.Met, "message"), s.Ended.Sub(s.Started).Round(time.Millisecond))
	}
	t := table{right: map[int]bool{1: true}}
	t.row(plain("ACTION"), plain("MESSAGES"), plain("RULE"))
	for _, r := range s.Rules {
		name := r.Rule
		if name == "" {
			name = "(otherwise)"
		}
		t.row(plain(string(r.Action)), number(int64(r.Messages)), plain(name))
	}
	if len(s.Rules) > 0 {
		if err := t.write(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	if !s.DryRun {
		fmt.Fprintf(w, "redriven %d, quarantined %d, discarded %d, left %d\n", s.Redriven, s.Quarantined, s.Discarded, s.Left)
		if s.Finished > 0 {
			fmt.Fprintf(w, "%s deleted that an earlier run had stored elsewhere\n", counted(s.Finished, "message"))
		}
		for _, name := range slices.Sorted(maps.Keys(s.Targets)) {
			fmt.Fprintf(w, "  %d to %s\n", s.Targets[name], clean(name))
		}
	}
	for _, r := range s.LeftBecause {
		if r.Wanted {
			fmt.Fprintf(w, "%s left: %s\n", counted(r.Messages, "message"), clean(r.Why))
		}
	}
	for _, text := range s.Attention() {
		fmt.Fprintln(w, style.warn(clean("attention: "+text)))
	}
	if s.Remaining.Total() > 0 && !s.DryRun {
		fmt.Fprintf(w, "the DLQ has %s now\n", counted(int(s.Remaining.Total()), "message"))
	}
	if len(s.Samples) > 0 {
		fmt.Fprintln(w, "samples")
	}
	for _, m := range s.Samples {
		by := ""
		if m.Rule != "" {
			by = " by rule " + strconv.Quote(m.Rule)
		}
		fmt.Fprintf(w, "  %s%s: %s, %s old, %s, %s\n", style.bold(string(m.Action)), clean(by), clean(m.MessageID),
			dlq.Age(int64(now.Sub(m.Sent).Seconds())), counted(m.ReceiveCount, "receive"), counted(m.RedriveCount, "redrive"))
		if m.Why != "" {
			fmt.Fprintf(w, "    because %s\n", clean(m.Why))
		}
		fmt.Fprintf(w, "    %s\n", style.dim(clean(m.Body)))
	}
	_, err := fmt.Fprintln(w)
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
