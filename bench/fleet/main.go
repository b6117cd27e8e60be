// Command fleet measures what a fleet of queues costs to plan and to apply, with the modules
// of this repository and in the layout of terraform-aws-modules/sqs, in one run:
//
//	go run ./bench/fleet
//	go run ./bench/fleet -pairs 20 -repeats 3 -markdown
//	go run ./bench/fleet -plain-alarms -without-iam
//
// Each layout is deployed to an embedded endpoint of its own. The two take turns, so that
// other load on the machine meets both, and what they have deployed must be the same.
// README.md says what the layouts are.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"github.com/sqs-dlq/sqs-dlq/bench/internal/command"
	"github.com/sqs-dlq/sqs-dlq/internal/tfenv"
)

func main() { command.Main("fleet", run) }

// options are the command's flags.
type options struct {
	pairs, repeats int
	latency        time.Duration
	plainAlarms    bool
	withoutIAM     bool
	keep, markdown bool
}

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.pairs, "pairs", 200, "how many pairs of a source queue and its DLQ there are")
	flags.IntVar(&o.repeats, "repeats", 5, "how often each layout is planned when there is nothing to change")
	flags.DurationVar(&o.latency, "latency", 0, "how much longer each API call takes, as AWS does")
	flags.BoolVar(&o.plainAlarms, "plain-alarms", false, "compare with alarms that are plain resources, not instances of a module")
	flags.BoolVar(&o.withoutIAM, "without-iam", false, "compare without IAM policy documents for the queues' users")
	flags.BoolVar(&o.keep, "keep", false, "leave the working directories, with the states, and say where they are")
	flags.BoolVar(&o.markdown, "markdown", false, "print Markdown")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.pairs < 1 || o.repeats < 1 || o.latency < 0 {
		return o, errors.New("-pairs and -repeats must be positive, and -latency must not be negative")
	}
	return o, nil
}

// layout is a root module that deploys the fleet, and its variables.
type layout struct {
	name, directory string
	variables       map[string]any
}

// layouts are what is compared, the first with the second. Their directories are next to
// this source file, wherever the command is run.
func layouts(o options) [2]layout {
	_, file, _, _ := runtime.Caller(0)
	here := filepath.Dir(file)
	peer := "terraform-aws-modules layout"
	if o.plainAlarms {
		peer += ", plain alarms"
	}
	return [2]layout{
		{"this repository", filepath.Join(here, "ours"), map[string]any{"pairs": o.pairs, "iam_documents": !o.withoutIAM}},
		{peer, filepath.Join(here, "peer"), map[string]any{"pairs": o.pairs, "iam_documents": !o.withoutIAM, "plain_alarms": o.plainAlarms}},
	}
}

// run is the command.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	env, err := tfenv.Find(ctx, tfenv.Options{})
	if err != nil {
		return err
	}
	var fleets [2]*fleet
	defer func() {
		for _, f := range fleets {
			if f != nil {
				err = errors.Join(err, f.close(o.keep))
			}
		}
	}()
	for i, l := range layouts(o) {
		if fleets[i], err = prepare(ctx, env, l, o, stderr); err != nil {
			return fmt.Errorf("preparing the %s: %w", l.name, err)
		}
	}
	steps := []func(*fleet) error{
		func(f *fleet) error { return f.plan(ctx, &f.first, hasChanges) },
		func(f *fleet) error { return f.apply(ctx) },
	}
	for range o.repeats {
		steps = append(steps, func(f *fleet) error { return f.plan(ctx, &f.noOp, hasNone) })
	}
	for i, step := range steps {
		for turn := range fleets {
			f := fleets[(i+turn)%2] // who comes first takes turns, too
			if err := step(f); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	if err := sameDeployed(ctx, fleets[0].server, fleets[1].server); err != nil {
		return fmt.Errorf("the layouts have not deployed the same: %w", err)
	}
	var states [2]state
	for i, f := range fleets {
		if states[i], err = f.state(); err != nil {
			return err
		}
	}
	if err := sameDocuments(states[0].documents, states[1].documents); err != nil {
		return fmt.Errorf("the layouts' IAM policy documents are not the same: %w", err)
	}
	report(stdout, fleets, states, o)
	return nil
}
