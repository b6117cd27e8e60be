package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// A thousand random schedules of consumers that die: at a random step, before or after a
// receive, an effect, a write to the store or to the sink, a hide or a delete, the process
// is gone, and nothing that it still does has any effect. Then another one starts. In the
// end, for each task:
//
//   - it is done, in quarantine or in the dead-letter queue, and the source queue is empty;
//   - its effect has happened once, and once more for each process that died between the
//     effect and the record of it, which nobody can help; never after it was recorded.
func TestInAThousandCrashSchedulesNoTaskIsLostAndNoneThatIsRecordedRunsAgain(t *testing.T) {
	k := start(t, awstest.WithoutCallLog())
	crashes := map[string]int{}
	ends := map[string]int{}
	schedules := 1000
	if testing.Short() {
		schedules = 200
	}
	for seed := range uint64(schedules) {
		w := newWorld(k, seed)
		if seed%2 == 0 {
			w.runLambda()
		} else {
			w.runWorkers()
		}
		w.judge(ends)
		for _, at := range w.crashed {
			crashes[at]++
		}
		if t.Failed() {
			t.Fatalf("seed %d, tasks %v, crashes %v", seed, w.tasks, w.crashed)
		}
	}
	// each kind of crash and of end has been there
	for _, at := range []string{
		"before receive", "after receive", "before acquire", "after acquire", "before effect", "after effect", "before complete", "after complete",
		"before release", "after release", "before record", "after record", "before hide", "after hide", "before delete", "after delete",
	} {
		require.Greater(t, crashes[at], schedules/100, at)
	}
	for _, end := range []string{"done", "dead", "quarantined", "done and dead"} {
		require.Greater(t, ends[end], schedules/50, end)
	}
	require.Greater(t, ends["effect repeated"], schedules/50) // or the schedules are too kind
}

// world is what outlives processes.
type world struct {
	*kit
	random   *rand.Rand
	url, dlq string
	alone    bool              // processes do one thing at a time
	tasks    map[string]string // by key: what becomes of them without crashes
	store    consumer.MemoryStore

	mu          sync.Mutex
	effects     map[string]int // by key
	unrecorded  map[string]int // effects whose process died before recording them
	recorded    map[string]bool
	quarantined map[string]bool
	crashed     []string // where
}

func newWorld(k *kit, seed uint64) *world {
	w := &world{
		kit: k, random: rand.New(rand.NewPCG(seed, 1)), tasks: map[string]string{},
		effects: map[string]int{}, unrecorded: map[string]int{}, recorded: map[string]bool{}, quarantined: map[string]bool{},
	}
	w.url, w.dlq = k.sourceAndDLQ(fmt.Sprintf("q%d", seed), 4, "VisibilityTimeout", "30")
	for i := range 1 + w.random.IntN(5) {
		key := fmt.Sprintf("task %d", i)
		w.tasks[key] = []string{"succeeds", "succeeds", "succeeds at the second attempt", "fails", "fails for good"}[w.random.IntN(5)]
		k.send(w.url, key)
		if w.random.IntN(4) == 0 {
			k.send(w.url, key) // the producer repeats itself
		}
	}
	return w
}

// process is one that dies at a random step, or at none.
type process struct {
	*world
	*desk
}

func (w *world) process() *process {
	p := &process{world: w, desk: w.desk()}
	p.beat = -1 // time moves when workers are idle only, so there are no heartbeats
	steps := -1
	if len(w.crashed) < 8 && w.random.IntN(4) > 0 {
		steps = w.random.IntN(30)
	}
	p.step = func(at string) bool {
		steps--
		if steps == -1 {
			w.crashed = append(w.crashed, at)
			return true
		}
		return false
	}
	return p
}

func (p *process) options() []consumer.Option {
	return []consumer.Option{
		consumer.Retry(consumer.Backoff{Base: 10 * second, Factor: 2, Cap: 20 * second}),
		consumer.Quarantine(p), consumer.Idempotent(consumer.Idempotency{
			Store: p, Key: func(m consumer.Message) (string, error) { return m.Body, nil }, Lease: 29 * second,
		}),
	}
}

func (p *process) handle(_ context.Context, m consumer.Message) error {
	switch does := p.tasks[m.Key]; {
	case does == "fails", does == "succeeds at the second attempt" && m.Attempt < 2:
		return errors.New("failed")
	case does == "fails for good":
		return consumer.Permanent(errors.New("for good"))
	}
	if err := p.at("before effect"); err != nil {
		return err
	}
	p.world.mu.Lock()
	require.False(p.world, p.recorded[m.Key], "%s runs again though it is recorded as done", m.Key)
	p.effects[m.Key]++
	p.unrecorded[m.Key]++
	p.world.mu.Unlock()
	return p.at("after effect")
}

func (p *process) Acquire(ctx context.Context, l consumer.Lease, now time.Time) (consumer.Claim, error) {
	if err := p.at("before acquire"); err != nil {
		return consumer.Claim{}, err
	}
	claim, _ := p.store.Acquire(ctx, l, now)
	return claim, p.at("after acquire")
}

func (p *process) Complete(ctx context.Context, l consumer.Lease, until time.Time) error {
	if err := p.at("before complete"); err != nil {
		return err
	}
	_ = p.store.Complete(ctx, l, until)
	p.world.mu.Lock()
	p.recorded[l.Key] = true
	p.unrecorded[l.Key]--
	p.world.mu.Unlock()
	return p.at("after complete")
}

func (p *process) Release(ctx context.Context, l consumer.Lease) error {
	if err := p.at("before release"); err != nil {
		return err
	}
	_ = p.store.Release(ctx, l)
	return p.at("after release")
}

func (p *process) Record(_ context.Context, f consumer.Failure) error {
	if err := p.at("before record"); err != nil {
		return err
	}
	p.world.mu.Lock()
	p.quarantined[f.Message.Key] = true
	p.world.mu.Unlock()
	return p.at("after record")
}

// runLambda is what an event source mapping does, with a function that may die.
func (w *world) runLambda() {
	concurrency := 1 + w.random.IntN(2)
	w.alone = concurrency == 1
	for w.size(w.url) > 0 {
		p := w.process()
		fn := consumer.Lambda(p.handle, append(p.options(), quiet(), consumer.Time(w.clock), consumer.BackoffThrough(p), consumer.QueueURL(w.url),
			consumer.Concurrency(concurrency), consumer.MaxReceiveCount(4))...)
		if p.at("before receive") == nil {
			messages := w.kit.receive(w.url)
			response, err := fn(w.ctx, eventOf(w.url, messages))
			if p.at("before delete") == nil { // the function's answer has arrived
				require.NoError(w, err)
				failed := map[string]bool{}
				for _, f := range response.BatchItemFailures {
					failed[f.ItemIdentifier] = true
				}
				for _, m := range messages {
					if failed[*m.MessageId] {
						continue
					}
					_, err := w.sqs.DeleteMessage(w.ctx, &sqs.DeleteMessageInput{QueueUrl: &w.url, ReceiptHandle: m.ReceiptHandle})
					require.NoError(w, err)
					if p.at("after delete") != nil {
						break
					}
				}
			}
		}
		w.clock.advance(31 * second)
	}
}

// runWorkers has workers that may die, one after the other. They don't know the redrive
// policy's count: knowing it they would wait on the last receive for who holds the key, on a
// clock that stands still until they are idle.
func (w *world) runWorkers() {
	for w.size(w.url) > 0 {
		p := w.process()
		ctx, cancel := context.WithCancel(w.ctx)
		worker, err := consumer.NewWorker(p.desk, w.url, p.handle, append(p.options(), quiet(), consumer.Time(w.clock),
			consumer.Visibility(31*second), consumer.Concurrency(1+w.random.IntN(3)), consumer.Prefetch(w.random.IntN(4)), consumer.DrainFor(1000*time.Hour))...)
		require.NoError(w, err)
		done := make(chan error, 1)
		go func() { done <- worker.Run(ctx) }()
		for dead := false; !dead; {
			select {
			case <-p.dead:
				dead = true
			default:
				switch {
				case !p.idle():
					time.Sleep(20 * time.Microsecond)
				case w.size(w.url) == 0:
					dead = true
				default:
					p.desk.advance(10 * second)
				}
			}
		}
		cancel()
		for len(done) == 0 {
			w.clock.advance(100 * time.Millisecond) // what the drain of one that lives waits for
			time.Sleep(20 * time.Microsecond)
		}
		require.NoError(w, <-done)
		w.clock.advance(32 * second)
	}
}

func (w *world) judge(ends map[string]int) {
	dead := map[string]bool{}
	for _, m := range w.kit.receive(w.dlq) {
		dead[*m.Body] = true
	}
	for key, does := range w.tasks {
		end := ""
		switch {
		case w.recorded[key] && dead[key]:
			end = "done and dead" // died before each delete: the dead-letter queue's processor finds it done
		case w.recorded[key]:
			end = "done"
		case w.quarantined[key]:
			end = "quarantined"
		case dead[key]:
			end = "dead"
		default:
			require.Fail(w, "lost", "%s, which %s", key, does)
		}
		ends[end]++
		if does == "fails" {
			require.Equal(w, "dead", end)
		}
		once := 0
		if w.recorded[key] {
			once = 1
		}
		require.Equal(w, once, w.effects[key]-w.unrecorded[key], "effects of %s beside those that went unrecorded", key)
		if w.effects[key] > 1 {
			ends["effect repeated"]++
		}
	}
	require.LessOrEqual(w, len(w.crashed), 8)
	unrecorded := 0
	for _, n := range w.unrecorded {
		unrecorded += n
	}
	between := 0
	for _, at := range w.crashed {
		if !w.alone || at == "after effect" || at == "before complete" {
			between++
		}
	}
	require.LessOrEqual(w, unrecorded, 3*between, "an effect goes unrecorded only where a process died right after it")
	if w.alone {
		require.Equal(w, between, unrecorded)
	}
	for _, url := range []string{w.url, w.dlq} {
		_, err := w.sqs.DeleteQueue(w.ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
		require.NoError(w, err)
	}
}
