package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
	"github.com/sqs-dlq/sqs-dlq/internal/sweep"
	"github.com/sqs-dlq/sqs-dlq/internal/target"
)

// sweepOptions are the flags of dlq sweep.
type sweepOptions struct {
	target    string
	olderThan time.Duration
	run       string
	local     bool
	yes       bool
	output    string
}

func sweepCommand() *cobra.Command {
	var o sweepOptions
	c := &cobra.Command{
		Use:   "sweep",
		Short: "Show what killed proofs left behind, and remove it",
		Long: `Show what proofs left behind that were killed before they could clean up, and, with
--yes, remove it: queues, SNS topics with their subscriptions, and alarms that carry a
proof's tags (` + target.TagRun + `, ` + target.TagStarted + `), in the region and the account of the target;
and the proofs' working directories among this machine's temporary files. What lacks the
tags is never touched. What dlq prove --keep has kept carries them, too.

The age of a resource is that of the proof that created it: leave --older-than longer
than any proof that may be under way. A working directory is removed only if its process
is gone, and everything in its Terraform state.`,
		Example: `  dlq sweep --target endpoint
  DLQ_ALLOW_AWS=1 dlq sweep --target aws --older-than 6h --yes
  dlq sweep --local --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return sweepAll(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.target, "target", target.FromEnv(os.Getenv), "where to sweep: endpoint (AWS_ENDPOINT_URL) or aws (needs DLQ_ALLOW_AWS=1); default from DLQ_TARGET")
	f.DurationVar(&o.olderThan, "older-than", 2*time.Hour, "how long ago the proof must have begun")
	f.StringVar(&o.run, "run", "", "only what this `run` created, as the value of the tag "+target.TagRun+" names it")
	f.BoolVar(&o.local, "local", false, "only working directories on this machine")
	f.BoolVar(&o.yes, "yes", false, "remove what was found, after showing it")
	f.StringVarP(&o.output, "output", "o", "text", "form of what is shown: text or json")
	completeFlag(c, "output", "text", "json")
	completeFlag(c, "target", "endpoint", "aws")
	return c
}

func (o sweepOptions) check() error {
	switch {
	case o.output != "text" && o.output != "json":
		return fmt.Errorf("--output is %q: choose text or json", o.output)
	case o.olderThan < 0:
		return fmt.Errorf("--older-than is %s: give an age, e.g. 2h, or 0s for any", o.olderThan)
	case o.local && o.run != "":
		return errors.New("--local and --run don't go together: working directories are of no run")
	case !o.local && o.target == string(dlqtest.Embedded):
		return errors.New("an embedded endpoint ends with its process, so there is nothing to sweep on it: choose --target endpoint or aws, or --local for the working directories on this machine")
	}
	return nil
}

// swept is what dlq sweep found, and what became of it.
type swept struct {
	Resources   []sweptResource `json:"resources"`
	Directories []sweptWorkdir  `json:"directories"`
}

type sweptResource struct {
	sweep.Resource
	Deleted bool `json:"deleted"`
}

type sweptWorkdir struct {
	sweep.Workdir
	Deleted bool `json:"deleted"`
	// Advice is what to do about it by hand.
	Advice string `json:"advice,omitempty"`
}

// sweepAll finds, shows and, if that was asked for, deletes. Errors don't keep it from
// sweeping the rest.
func sweepAll(ctx context.Context, o sweepOptions, stdout, stderr io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	say := newProgress(stderr)
	filter := sweep.Filter{OlderThan: o.olderThan, Run: o.run, Now: time.Now()}
	var all *sweep.Sweeper
	var found []sweep.Resource
	var errs []error
	if !o.local {
		t, err := target.Select(ctx, o.target, os.Getenv)
		if err != nil {
			return err
		}
		defer t.Close()
		all = sweep.New(t.Config)
		all.Progress = say.line
		if found, err = all.Find(ctx, filter); err != nil {
			errs = append(errs, err)
		}
	}
	var dirs []sweep.Workdir
	if o.run == "" {
		var err error
		if dirs, err = sweep.FindWorkdirs(os.TempDir(), filter); err != nil {
			errs = append(errs, err)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	result := swept{Resources: []sweptResource{}, Directories: []sweptWorkdir{}}
	for _, r := range found {
		result.Resources = append(result.Resources, sweptResource{Resource: r})
	}
	for _, d := range dirs {
		result.Directories = append(result.Directories, sweptWorkdir{Workdir: d, Advice: d.Advice(found)})
	}
	if o.output == "text" {
		if err := result.show(stdout, filter.Now); err != nil {
			return err
		}
	}
	if o.yes {
		if err := result.delete(ctx, all); err != nil {
			errs = append(errs, err)
		}
	}
	if o.output == "json" {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		errs = append(errs, encoder.Encode(result))
	} else {
		result.tell(stdout, o)
	}
	return errors.Join(errs...)
}

// show shows what was found.
func (s swept) show(w io.Writer, now time.Time) error {
	if len(s.Resources) > 0 {
		table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "KIND\tNAME\tRUN\tAGE\tMESSAGES")
		for _, r := range s.Resources {
			messages := "-"
			if r.URL != "" {
				messages = strconv.Itoa(r.Messages)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.Kind, r.Name, r.Run, now.Sub(r.Started).Round(time.Second), messages)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	for _, d := range s.Directories {
		if _, err := fmt.Fprintf(w, "directory  %s, of process %d, %s old\n", d.Path, d.Process, now.Sub(d.Changed).Round(time.Second)); err != nil {
			return err
		}
		if d.Advice != "" {
			fmt.Fprintf(w, "  stays: %s\n", d.Advice)
		}
	}
	return nil
}

// delete deletes what was found, and then the directories whose state is empty by that.
func (s swept) delete(ctx context.Context, all *sweep.Sweeper) error {
	var errs []error
	var deleted []sweep.Resource
	if all != nil {
		var found []sweep.Resource
		for _, r := range s.Resources {
			found = append(found, r.Resource)
		}
		var err error
		if deleted, err = all.Delete(ctx, found); err != nil {
			errs = append(errs, err)
		}
	}
	gone := map[string]bool{}
	for _, r := range deleted {
		gone[string(r.Kind)+r.ARN+r.URL] = true
	}
	for i := range s.Resources {
		r := &s.Resources[i]
		r.Deleted = gone[string(r.Kind)+r.ARN+r.URL]
	}
	for i := range s.Directories {
		d := &s.Directories[i]
		if d.Advice = d.Workdir.Advice(deleted); d.Advice != "" || ctx.Err() != nil {
			continue
		}
		if err := d.Remove(); err != nil {
			errs = append(errs, err)
			continue
		}
		d.Deleted = true
	}
	return errors.Join(errs...)
}

// tell tells what became of it.
func (s swept) tell(w io.Writer, o sweepOptions) {
	removed, removable := 0, len(s.Resources)
	for _, r := range s.Resources {
		if r.Deleted {
			removed++
		}
	}
	for _, d := range s.Directories {
		if d.Advice == "" {
			removable++
		}
		if d.Deleted {
			removed++
		}
	}
	switch {
	case len(s.Resources)+len(s.Directories) == 0:
		fmt.Fprintf(w, "nothing is left of proofs older than %s\n", o.olderThan)
	case o.yes:
		fmt.Fprintf(w, "removed %d of %d\n", removed, len(s.Resources)+len(s.Directories))
	case removable > 0:
		fmt.Fprintf(w, "nothing was removed; --yes removes %d of these\n", removable)
	}
}
