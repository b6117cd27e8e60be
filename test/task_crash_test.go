package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/examples/task-processor/tasks"
)

// The functions of examples/task-processor, the very code, in this process and on the
// virtual clock, where a function can be made to die at any instant: before or after any of
// its calls, or when it has done everything and not yet answered.

// TestTasksSurviveCrashesAtAnyInstant runs 1,000 random schedules of failures and crashes.
// Each task must end DONE, its effect having happened once, or DEAD, without one. None is
// lost: no queue holds a message that nobody works on. Of those that are DEAD, the ones that
// are redriven become DONE, and no others.
func TestTasksSurviveCrashesAtAnyInstant(t *testing.T) {
	t.Parallel()
	schedules := uint64(1000)
	if testing.Short() {
		schedules = 50
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var group errgroup.Group
	group.SetLimit(2)
	for seed := range schedules {
		group.Go(func() error {
			counts, err := runCrashes(t.Context(), seed, sound)
			if err != nil {
				return fmt.Errorf("schedule %d: %w", seed, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for what, n := range counts {
				seen[what] += n
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	t.Logf("%d schedules: %v", schedules, seen)
	// the schedules are worth something only if all of this has happened, and often
	for _, what := range []string{"done", "dead", "failed", "redriven", "crashes", "crashes of the undertaker", "crashes after the effect", "work repeated"} {
		require.Greater(t, seen[what], int(schedules/100), what)
	}
}

// TestAnUndertakerThatDiesMidwayConverges has the function that records dead letters die at
// each of its calls, before and after it takes effect, and when it is done; once, and again
// and again. The task is DEAD in the end, once.
func TestAnUndertakerThatDiesMidwayConverges(t *testing.T) {
	t.Parallel()
	for name, fates := range map[string][]fate{
		"before it records":            {{1, false}},
		"after it has recorded":        {{1, true}},
		"when it is done":              {{2, false}},
		"each time at another instant": {{1, false}, {2, false}, {1, true}, {1, false}, {2, true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := newCrashRig(t.Context(), 9, sound)
			require.NoError(t, err)
			defer r.srv.Close()
			r.fates = fates
			require.NoError(t, r.office.Submit(t.Context(), "poison", "the payload of poison", "always"))
			r.srv.Clock.Advance(20 * time.Minute)
			require.NoError(t, r.judge(t.Context(), map[string]string{"poison": "always"}, nil))
			require.Equal(t, map[string]int{"dead": 1, "crashes": len(fates), "crashes of the undertaker": len(fates)}, r.counts)
		})
	}
}

// flaw is what is wrong with a processor.
type flaw string

const (
	sound              flaw = "nothing"
	noConditions       flaw = "writes without conditions"
	noReports          flaw = "a mapping that doesn't report failures"
	forgetfulKeys      flaw = "keys that are forgotten, and tasks that are begun again when they are done"
	givesUp            flaw = "an undertaker that acknowledges what it may not have recorded"
	permanentIsDropped flaw = "permanent failures that aren't recorded"
)

// TestFlawsOfTheTaskProcessorAreNoticed holds the schedules themselves to what they are for.
func TestFlawsOfTheTaskProcessorAreNoticed(t *testing.T) {
	t.Parallel()
	for f, want := range map[flaw]string{
		noConditions:       "events",
		noReports:          "is PROCESSING",
		forgetfulKeys:      "effects",
		givesUp:            "is PROCESSING",
		permanentIsDropped: "is PROCESSING",
	} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			var err error
			for seed := uint64(0); seed < 1000 && err == nil; seed++ { // the rarest takes some 20
				_, err = runCrashes(t.Context(), seed, f)
			}
			require.ErrorContains(t, err, want, "the flaw survived")
		})
	}
}

// crashRig is a task processor in this process.
type crashRig struct {
	seed   uint64
	flaw   flaw
	srv    *awstest.Server
	began  time.Time
	cfg    aws.Config
	office tasks.Office
	dlqURL string

	// fates are how lives of the undertaker end, one after the other, where they aren't drawn
	fates []fate

	mu     sync.Mutex
	counts map[string]int
	worked map[string]int // by task: how often its work was done
	errs   []error
}

// fate is how a life ends: at which call, and whether that takes effect. A life that has
// fewer calls ends when all is done and nobody has been answered.
type fate struct {
	end   int
	after bool
}

const (
	tasksTable, keysTable = "tasks", "keys"
	maxReceives           = 5
)

// runCrashes runs the schedule of that seed, and returns how often what has happened.
func runCrashes(ctx context.Context, seed uint64, f flaw) (map[string]int, error) {
	r, err := newCrashRig(ctx, seed, f)
	if err != nil {
		return nil, err
	}
	srv := r.srv
	defer srv.Close()
	random := rand.New(rand.NewPCG(seed, 1))
	kinds := map[string]string{}
	for i := range 1 + random.IntN(3) {
		id := fmt.Sprintf("t-%d", i)
		kinds[id] = []string{"", "", "", "always", "times:2", "times:4", "permanent", "panic", "crash-before", "crash-after"}[random.IntN(10)]
		if err := r.submit(ctx, id, kinds[id], random); err != nil {
			return nil, err
		}
	}
	srv.Clock.Advance(20 * time.Minute)
	if err := r.judge(ctx, kinds, nil); err != nil {
		return nil, err
	}
	// those with an even number are told to go on, whatever it was having been mended
	redriven, err := r.redrive(ctx, random)
	if err != nil {
		return nil, err
	}
	srv.Clock.Advance(20 * time.Minute)
	if err := r.judge(ctx, kinds, redriven); err != nil {
		return nil, fmt.Errorf("after the redrive: %w", err)
	}
	return r.counts, nil
}

// newCrashRig is a processor on an endpoint of its own, which the caller closes.
func newCrashRig(ctx context.Context, seed uint64, f flaw) (*crashRig, error) {
	srv, err := awstest.New()
	if err != nil {
		return nil, err
	}
	srv.Clock.Pause()
	r := &crashRig{seed: seed, flaw: f, srv: srv, began: srv.Clock.Now(), cfg: srv.DirectConfig(), counts: map[string]int{}, worked: map[string]int{}}
	if err := r.build(ctx); err != nil {
		srv.Close()
		return nil, err
	}
	return r, nil
}

// build makes the queues, the tables, the functions and the mappings.
func (r *crashRig) build(ctx context.Context) error {
	client, db, fn := sqs.NewFromConfig(r.cfg), dynamodb.NewFromConfig(r.cfg), lambda.NewFromConfig(r.cfg)
	const arn = "arn:aws:sqs:us-east-1:000000000000:"
	dlq, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("work-dlq")})
	if err != nil {
		return err
	}
	queue, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("work"), Attributes: map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn+"work-dlq", maxReceives),
	}})
	if err != nil {
		return err
	}
	r.dlqURL = *dlq.QueueUrl
	r.office = tasks.Office{DynamoDB: db, SQS: client, TasksTable: tasksTable, QueueURL: *queue.QueueUrl, Now: r.srv.Clock.Now}
	for _, table := range []string{tasksTable, keysTable} {
		_, err := db.CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName: &table, BillingMode: dbtypes.BillingModePayPerRequest,
			AttributeDefinitions: []dbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dbtypes.ScalarAttributeTypeS}},
			KeySchema:            []dbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dbtypes.KeyTypeHash}},
		})
		if err != nil {
			return err
		}
	}
	r.srv.HandleFunction("consumer", r.function("consumer", tasks.NewConsumer))
	r.srv.HandleFunction("undertaker", r.function("undertaker", tasks.NewUndertaker))
	for name, queue := range map[string]string{"consumer": "work", "undertaker": "work-dlq"} {
		in := &lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(arn + queue), FunctionName: &name, BatchSize: aws.Int32(int32(1 + r.seed%10))}
		if r.flaw != noReports {
			in.FunctionResponseTypes = []lambdatypes.FunctionResponseType{lambdatypes.FunctionResponseTypeReportBatchItemFailures}
		}
		if _, err := fn.CreateEventSourceMapping(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// function is a Lambda function each of whose invocations may be the last thing that its
// process does.
func (r *crashRig) function(name string, make func(tasks.Deps) tasks.Function) awstest.FunctionHandler {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		var event events.SQSEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		l := r.lifeOf(name, event)
		cfg := r.cfg.Copy()
		cfg.HTTPClient = l
		cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
		d := tasks.Deps{
			DynamoDB: r.flawed(dynamodb.NewFromConfig(cfg)), SQS: sqs.NewFromConfig(cfg), TasksTable: tasksTable, KeysTable: keysTable,
			Service: "test", MaxReceiveCount: maxReceives, Work: r.work, Exit: l.die, Clock: r.srv.Clock, Out: io.Discard, Log: slog.New(slog.DiscardHandler),
		}
		answer, err := make(d)(ctx, event)
		r.doneTogether(ctx, l)
		if r.flaw == givesUp && name == "undertaker" {
			return []byte("{}"), nil
		}
		if l.ended(r) { // nobody is left to answer
			r.count("crashes")
			if name == "undertaker" {
				r.count("crashes of the undertaker")
			}
			return nil, errors.New("Runtime exited with error: exit status 1")
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(answer)
	}
}

// doneTogether wants, at whatever instant a life has ended that had an effect, each task that
// is DONE to have its key done.
func (r *crashRig) doneTogether(ctx context.Context, l *life) {
	l.mu.Lock()
	effect := l.effect
	l.mu.Unlock()
	if !effect {
		return
	}
	all, err := r.office.List(ctx)
	for _, t := range all {
		if t.Status != tasks.Done || err != nil {
			continue
		}
		var done bool
		if done, err = r.keyIsDone(ctx, t.ID); err == nil && !done {
			err = fmt.Errorf("%s is DONE, and its key was not when the process ended", t.ID)
		}
	}
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errs = append(r.errs, err)
	}
}

// work is the tasks' work. It must not be asked for once the key is done.
func (r *crashRig) work(ctx context.Context, t tasks.Task) (string, error) {
	done, err := r.keyIsDone(ctx, t.ID)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && done {
		err = fmt.Errorf("work on %s was begun when it was done", t.ID)
	}
	if err != nil {
		r.errs = append(r.errs, err)
	}
	if r.worked[t.ID]++; r.worked[t.ID] == 2 {
		r.counts["work repeated"]++
	}
	return "worked on " + t.Payload, nil
}

func (r *crashRig) count(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[what]++
}

func (r *crashRig) keyIsDone(ctx context.Context, id string) (bool, error) {
	out, err := r.office.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String(keysTable), Key: map[string]dbtypes.AttributeValue{"id": &dbtypes.AttributeValueMemberS{Value: id}}})
	if err != nil {
		return false, err
	}
	state, _ := out.Item["state"].(*dbtypes.AttributeValueMemberS)
	return state != nil && state.Value == "done", nil
}

// life is that of a process. It ends at a call, or at the very end.
type life struct {
	inner aws.HTTPClient
	fate  // of end 0: it lives on

	mu     sync.Mutex
	calls  int
	dead   bool
	effect bool // a transaction was carried out
}

// lifeOf draws how the life of an invocation ends, by what it was invoked with: each
// attempt at each task has a fate of its own. The undertaker, which never gives up, lives
// from the fourth attempt on.
func (r *crashRig) lifeOf(name string, event events.SQSEvent) *life {
	h := fnv.New64a()
	spared := name == "undertaker"
	for _, m := range event.Records {
		fmt.Fprintln(h, name, m.Body, m.Attributes["ApproximateReceiveCount"], r.office.Now().Sub(r.began).Seconds())
		var n int
		_, _ = fmt.Sscan(m.Attributes["ApproximateReceiveCount"], &n)
		spared = spared && n > maxReceives+3
	}
	random := rand.New(rand.NewPCG(r.seed, h.Sum64()))
	l := &life{inner: r.cfg.HTTPClient}
	if r.fates != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if name == "undertaker" && len(r.fates) > 0 {
			l.fate, r.fates = r.fates[0], r.fates[1:]
		}
		return l
	}
	calls := map[string]int{"consumer": 5, "undertaker": 1}[name] // for a message, about
	if !spared && random.IntN(10) < 4 {
		l.end = 1 + random.IntN(1+calls*len(event.Records))
		l.after = random.IntN(2) == 0
	}
	return l
}

var errDied = errors.New("the process has ended")

// Do carries out a call of the living.
func (l *life) Do(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.calls++
	last := l.calls == l.end
	l.dead = l.dead || last && !l.after
	if l.dead {
		l.mu.Unlock()
		return nil, errDied
	}
	if last {
		l.dead = true
	}
	l.mu.Unlock()
	resp, err := l.inner.Do(req)
	if err == nil && req.Header.Get("X-Amz-Target") == "DynamoDB_20120810.TransactWriteItems" && resp.StatusCode == http.StatusOK {
		l.mu.Lock()
		l.effect = true
		l.mu.Unlock()
	}
	if last {
		return nil, errDied
	}
	return resp, err
}

func (l *life) die() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

// ended says whether the process died before it could answer. One whose end was to come
// after more calls than it made dies now.
func (l *life) ended(r *crashRig) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	dead := l.dead || l.end > 0
	if dead && l.effect {
		r.count("crashes after the effect")
	}
	return dead
}

// submit submits a task, and dies in between now and then.
func (r *crashRig) submit(ctx context.Context, id, fail string, random *rand.Rand) error {
	return r.dying(random, func(o tasks.Office) error { return o.Submit(ctx, id, "the payload of "+id, fail) })
}

// redrive redrives the DEAD tasks with an even number.
func (r *crashRig) redrive(ctx context.Context, random *rand.Rand) (map[string]bool, error) {
	all, err := r.office.List(ctx)
	if err != nil {
		return nil, err
	}
	redriven := map[string]bool{}
	for _, t := range all {
		if t.Status != tasks.Dead || (t.ID[len(t.ID)-1]-'0')%2 != 0 {
			continue
		}
		redriven[t.ID] = true
		r.count("redriven")
		if err := r.dying(random, func(o tasks.Office) error { return o.Redrive(ctx, t.ID, true) }); err != nil {
			return nil, err
		}
	}
	return redriven, nil
}

// dying has somebody do something who may die at any of their calls, and then do it again.
func (r *crashRig) dying(random *rand.Rand, do func(tasks.Office) error) error {
	if end := random.IntN(8); end > 0 && end < 4 {
		cfg := r.cfg.Copy()
		cfg.HTTPClient = &life{inner: r.cfg.HTTPClient, fate: fate{end, random.IntN(2) == 0}}
		cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
		o := r.office
		o.DynamoDB, o.SQS = dynamodb.NewFromConfig(cfg), sqs.NewFromConfig(cfg)
		err := do(o)
		if !errors.Is(err, errDied) {
			return fmt.Errorf("one who should have died: %w", err)
		}
		// while nobody has noticed, the message may be there
		r.srv.Clock.Advance(time.Duration(random.IntN(2)) * time.Second)
	}
	err := do(r.office)
	if end := "only tasks that are DEAD"; err != nil && containsAny(err.Error(), end, "already, and it is") {
		return nil // it had been sent, and worked on since
	}
	return err
}

// judge looks at what has become of all.
func (r *crashRig) judge(ctx context.Context, kinds map[string]string, redriven map[string]bool) error {
	all, err := r.office.List(ctx)
	if err != nil {
		return err
	}
	r.mu.Lock()
	errs := slices.Clone(r.errs)
	r.mu.Unlock()
	found := map[string]bool{}
	for _, t := range all {
		found[t.ID] = true
		if kind, ok := kinds[t.ID]; ok {
			errs = append(errs, r.judgeTask(ctx, t, kind, redriven))
		} else {
			errs = append(errs, fmt.Errorf("a task that nobody submitted: %+v", t))
		}
	}
	for id := range kinds {
		if !found[id] {
			errs = append(errs, fmt.Errorf("%s is gone", id))
		}
	}
	c := &sdkClients{sqs: r.office.SQS}
	errs = append(errs, c.expectNothingIn(ctx, r.office.QueueURL, r.dlqURL))
	return errors.Join(errs...)
}

func (r *crashRig) judgeTask(ctx context.Context, t tasks.Task, kind string, redriven map[string]bool) error {
	events := map[string]int{}
	for _, e := range t.Events {
		events[e.Name]++
	}
	done, err := r.keyIsDone(ctx, t.ID)
	if err != nil {
		return err
	}
	var errs []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s (%q): %s: %+v", t.ID, kind, fmt.Sprintf(format, args...), t))
		}
	}
	again := 0
	if redriven[t.ID] {
		again = 1
	}
	expect(events["submitted"] == 1 && events["redriven"] == again, "events of its submission or redrive: %v", events)
	switch t.Status {
	case tasks.Done:
		r.count("done")
		expect(t.Effects == 1 && events["done"] == 1, "it is DONE with %d effects and events %v", t.Effects, events)
		expect(done, "it is DONE, and its key is not")
		expect(t.Result == "worked on the payload of "+t.ID, "its result is %q", t.Result)
		expect(events["dead"] == again && events["failed"] == 0, "it is DONE with events %v", events)
		expect(kind != "always" && kind != "panic" && kind != "permanent" || redriven[t.ID], "it can't be DONE")
	case tasks.Dead:
		r.count("dead")
		expect(t.Effects == 0 && events["dead"] == 1+again && events["done"] == 0 && events["failed"] == 0, "it is DEAD with %d effects and events %v", t.Effects, events)
		expect(!done, "it is DEAD, and its key is done")
		expect(t.Attempts <= 2*maxReceives*(1+again), "it is DEAD after %d attempts", t.Attempts) // who died may have sent twice
	case tasks.Failed:
		r.count("failed")
		expect(kind == "permanent", "it is FAILED")
		expect(t.Effects == 0 && events["failed"] == 1 && events["dead"] == again, "it is FAILED with %d effects and events %v", t.Effects, events)
	default:
		expect(false, "it is %s in the end", t.Status)
	}
	return errors.Join(errs...)
}

// expectNothingIn wants queues to be empty, of messages in flight as well.
func (c *sdkClients) expectNothingIn(ctx context.Context, queueURLs ...string) error {
	for _, url := range queueURLs {
		out, err := c.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"All"}})
		if err != nil {
			return err
		}
		for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
			if out.Attributes[name] != "0" {
				return fmt.Errorf("%s: %s is %s", queueName(url), name, out.Attributes[name])
			}
		}
	}
	return nil
}
