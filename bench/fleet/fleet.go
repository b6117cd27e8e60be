package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/internal/tfenv"
)

// fleet is a layout's deployment to an endpoint of its own, and what it has cost so far.
type fleet struct {
	name   string
	server *awstest.Server

	terraform terraform
	work      *tfenv.Workdir
	progress  io.Writer
	pairs     int

	first, applied, noOp []cost
}

// cost is that of one command.
type cost struct {
	wall, cpu time.Duration
	calls     map[string]int // by service and operation, such as "sqs GetQueueAttributes"
}

func (c cost) allCalls() (n int) {
	for _, m := range c.calls {
		n += m
	}
	return n
}

// What a plan must find.
const (
	hasNone    = 0 // the exit status of `plan -detailed-exitcode` without changes
	hasChanges = 2
)

// prepare copies a layout's root module and initializes it; nothing is deployed yet.
func prepare(ctx context.Context, env *tfenv.Env, l layout, o options, progress io.Writer) (_ *fleet, err error) {
	work, err := tfenv.Copy(l.directory)
	if err != nil {
		return nil, err
	}
	f := &fleet{name: l.name, work: work, progress: progress, pairs: o.pairs}
	defer func() {
		if err != nil {
			_ = f.close(false)
		}
	}()
	if f.server, err = awstest.New(); err != nil {
		return nil, err
	}
	f.server.Clock.Pause() // or alarms are evaluated while it is measured
	if o.latency > 0 {
		f.server.Inject(awstest.Fault{Kind: awstest.Latency, Delay: o.latency})
	}
	variables, err := json.Marshal(l.variables)
	if err != nil {
		return nil, fmt.Errorf("writing the variables: %w", err)
	}
	if err := os.WriteFile(filepath.Join(work.Dir, "fleet.auto.tfvars.json"), variables, 0o600); err != nil {
		return nil, fmt.Errorf("writing the variables: %w", err)
	}
	d, err := env.Deploy(work, tfenv.DeployOptions{Env: f.server.Env()})
	if err != nil {
		return nil, err
	}
	f.terraform = terraform{binary: env.Binary, directory: work.Dir, environment: env.TerratestEnv(f.server.Env(), false)}
	return f, d.Init(ctx)
}

// close ends the endpoint, and with it all that was deployed.
func (f *fleet) close(keep bool) error {
	if f.server != nil {
		f.server.Close()
	}
	if keep {
		fmt.Fprintf(f.progress, "%s: kept in %s\n", f.name, f.work.Dir)
		return nil
	}
	return f.work.Close()
}

// plan plans with Terraform's own parallelism and adds what it cost.
func (f *fleet) plan(ctx context.Context, costs *[]cost, want int) error {
	c, status, err := f.measure(ctx, io.Discard, "plan", "-detailed-exitcode", "-lock=false")
	if err != nil {
		return err
	}
	if status != want {
		return fmt.Errorf("the plan ended with status %d, not %d (0 = no changes, 2 = changes)", status, want)
	}
	*costs = append(*costs, c)
	fmt.Fprintf(f.progress, "%s: planned in %.1f s, %d calls\n", f.name, c.wall.Seconds(), c.allCalls())
	return nil
}

// apply deploys the fleet. The provider waits 25 s for each step of a queue, so that
// everything that can go side by side does.
func (f *fleet) apply(ctx context.Context) error {
	created := &counter{of: []byte(": Creation complete"), every: 10 * time.Second, tell: func(n int) {
		fmt.Fprintf(f.progress, "%s: %d resources created\n", f.name, n)
	}}
	c, status, err := f.measure(ctx, created, "apply", "-auto-approve", "-parallelism="+strconv.Itoa(10*f.pairs))
	if err != nil {
		return err
	}
	if status != 0 {
		return fmt.Errorf("the apply ended with status %d", status)
	}
	f.applied = append(f.applied, c)
	fmt.Fprintf(f.progress, "%s: applied in %.1f s, %d calls\n", f.name, c.wall.Seconds(), c.allCalls())
	return nil
}

func (f *fleet) measure(ctx context.Context, stdout io.Writer, args ...string) (cost, int, error) {
	f.server.ResetCalls()
	c, status, err := f.terraform.run(ctx, stdout, append(args, "-input=false", "-no-color")...)
	if err != nil {
		return c, status, err
	}
	c.calls = map[string]int{}
	for _, call := range f.server.Calls() { // keeps the latest only, but counts all
		c.calls[call.Service+" "+call.Operation] = f.server.Count(call.Service, call.Operation)
	}
	return c, status, nil
}

// state is what is measured of a state file.
type state struct {
	bytes           int
	resources, data map[string]int    // instances by type
	documents       map[string]string // IAM policies by "ROLE of QUEUE"
}

func (f *fleet) state() (state, error) {
	s := state{resources: map[string]int{}, data: map[string]int{}, documents: map[string]string{}}
	text, err := os.ReadFile(filepath.Join(f.work.Dir, "terraform.tfstate"))
	if err != nil {
		return s, fmt.Errorf("reading the state: %w", err)
	}
	s.bytes = len(text)
	var content struct {
		Resources []struct {
			Mode, Type string
			Instances  []json.RawMessage
		}
		Outputs struct {
			Documents struct{ Value map[string]map[string]string } `json:"iam_documents"`
		}
	}
	if err := json.Unmarshal(text, &content); err != nil {
		return s, fmt.Errorf("reading the state: %w", err)
	}
	for _, r := range content.Resources {
		if r.Mode == "data" {
			s.data[r.Type] += len(r.Instances)
		} else {
			s.resources[strings.TrimPrefix(r.Type, "aws_")] += len(r.Instances)
		}
	}
	for role, documents := range content.Outputs.Documents.Value {
		for queue, document := range documents {
			s.documents[role+" of "+queue] = document
		}
	}
	return s, nil
}
