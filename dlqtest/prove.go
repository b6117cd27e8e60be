package dlqtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

// Option changes what Prove does.
type Option func(*prover)

// WithPlan makes Prove send these messages rather than DefaultPlan's.
func WithPlan(plan []Message) Option { return func(p *prover) { p.plan = plan } }

// WithConsumers makes so many consumers compete for the messages, 1 to 64; else there
// is one.
func WithConsumers(n int) Option { return func(p *prover) { p.consumers = n } }

// WithBatch makes consumers receive up to so many messages at once, 1 to 10; else it is
// 10. On a FIFO queue it is always one, so that messages behind a failing one aren't
// received, and their receives not counted.
func WithBatch(n int) Option { return func(p *prover) { p.batchSize = n } }

// WithText makes the messages' bodies say this, rather than DefaultText; for queues whose
// messages are large, say, or for endpoints that don't take all of Unicode.
func WithText(text string) Option { return func(p *prover) { p.text = text } }

// Proof is what a proof found.
type Proof struct {
	Queue    Queue
	History  *History
	Verdicts []Verdict
	// Took is how long the proof took by the wall clock, Passed by the queues' own.
	Took, Passed time.Duration
}

// Proven says whether every invariant held.
func (p *Proof) Proven() bool { return Proven(p.Verdicts) }

// SetupError is a reason why a proof could not begin: it says nothing of the queues'
// dead-lettering, and what to do.
type SetupError struct{ Err error }

// Error is the reason.
func (e *SetupError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *SetupError) Unwrap() error { return e.Err }

func setupError(format string, args ...any) error {
	return &SetupError{fmt.Errorf(format, args...)}
}

// Prove sends messages to the queue, breaks their consumers, and judges what they saw.
// The queues must be empty and nobody else may use them meanwhile: on AWS, and on
// endpoints that have metrics, CloudWatch must not show any use in the last 15 minutes. It
// returns a *SetupError if the proof could not begin; with any other error, what was done
// until then is in the proof, and judged. A proof that ends early or finds a defect
// removes its messages from the queues, for 10 seconds at most, and never those of others.
func Prove(ctx context.Context, t Target, q Queue, opts ...Option) (*Proof, error) {
	if err := q.validate(); err != nil {
		return nil, &SetupError{err}
	}
	p := &prover{
		target: t, q: q, clock: t.clock(),
		sqs: sqs.NewFromConfig(t.Config, func(o *sqs.Options) {
			o.DisableMessageChecksumValidation = true // a wrong digest is for the checker to judge
		}, awaitAnswers),
		cw:   cloudwatch.NewFromConfig(t.Config),
		run:  strconv.FormatUint(rand.Uint64()>>16, 36),
		plan: DefaultPlan(q), text: DefaultText, consumers: 1, batchSize: maxBatch,
		keys: map[string]string{}, messages: map[string]Message{}, fates: map[string]*fate{}, sights: map[string]held{},
	}
	for _, opt := range opts {
		opt(p)
	}
	if err := p.checkOptions(); err != nil {
		return nil, &SetupError{err}
	}
	if clock, ok := p.clock.(pausable); ok {
		clock.Pause()
		defer clock.Resume()
	}
	began := time.Now()
	if err := p.prepare(ctx); err != nil {
		return nil, err
	}
	err := p.proceed(ctx)
	proof := &Proof{
		Queue: q, History: &p.h, Verdicts: Check(&p.h),
		Took: time.Since(began), Passed: p.clock.Now().Sub(p.h.Started),
	}
	if err != nil || !proof.Proven() {
		p.cleanUp(ctx, err == nil && q.KeepDLQ)
	}
	return proof, err
}

// prover is a proof under way.
type prover struct {
	target    Target
	q         Queue
	clock     Clock
	sqs       *sqs.Client
	cw        *cloudwatch.Client
	run       string // tells this run's messages from all others
	plan      []Message
	text      string // of the messages' bodies
	consumers int
	batchSize int

	visibility time.Duration // of the source queue; for waiting only
	delay      time.Duration // of the source queue; for waiting only

	mu       sync.Mutex // guards what follows, of which consumers make use side by side
	h        History
	phase    string
	keys     map[string]string  // by message id
	messages map[string]Message // by key
	fates    map[string]*fate   // by message id
	sights   map[string]held    // by message id
	// lostUntil is when whatever was in a lost answer of a receive becomes visible again.
	lostUntil time.Time
}

// maxBatch is the most that SQS hands out or takes at once.
const maxBatch = 10

func (p *prover) checkOptions() error {
	switch {
	case p.consumers < 1 || p.consumers > 64:
		return fmt.Errorf("WithConsumers(%d): give a number from 1 to 64", p.consumers)
	case p.batchSize < 1 || p.batchSize > maxBatch:
		return fmt.Errorf("WithBatch(%d): give a number from 1 to 10", p.batchSize)
	case len(p.plan) == 0:
		return errors.New("WithPlan: the plan has no messages")
	}
	doomed := map[string]int{} // by group
	for i, m := range p.plan {
		if !m.Fault.survives(p.q.MaxReceiveCount) {
			doomed[m.Group]++
		}
		if p.q.FIFO() && doomed[m.Group] > maxBatch {
			return fmt.Errorf("the plan has more than %d messages of group %s that must be dead-lettered: a FIFO DLQ can be read no further in a group without taking messages out, so spread them over more groups", maxBatch, m.Group)
		}
		if err := m.Fault.check(); err != nil {
			return fmt.Errorf("message %d of the plan: %w", i+1, err)
		}
		if p.q.FIFO() && m.Group == "" {
			return fmt.Errorf("message %d of the plan has no Group, which a FIFO queue needs", i+1)
		}
	}
	return nil
}

// prepare looks at the queues and the alarm before anything is sent.
func (p *prover) prepare(ctx context.Context) error {
	source, err := p.attributes(ctx, p.q.URL)
	if err != nil {
		return setupError("reading the source queue's attributes: %w", err)
	}
	dlq, err := p.attributes(ctx, p.q.DLQ)
	if err != nil {
		return setupError("reading the DLQ's attributes: %w", err)
	}
	for _, q := range []queueFacts{source, dlq} {
		if n := q.total(); n > 0 && !p.q.Force {
			return setupError("queue %s holds %s: a proof needs queues that are empty and that nobody uses; look at what it holds, or set Queue.Force (--force) if that may be received and redriven", q.name(), count(n, "message"))
		}
	}
	if !p.q.Force {
		if err := p.checkUnused(ctx, source, dlq); err != nil {
			return err
		}
	}
	p.visibility, p.delay = source.visibility, source.delay
	p.h.Header = Header{
		Ground: p.target.ground(), Clock: "wall", Started: p.clock.Now(),
		SourceARN: source.arn, DLQARN: dlq.arn, FIFO: p.q.FIFO(), MaxReceiveCount: p.q.MaxReceiveCount,
		Alarm: p.q.Alarm, AlarmWithin: p.q.alarmWithin(p.target.virtual()), AlarmHoldsInFlight: p.q.AlarmHoldsInFlight,
		Notifications: p.q.Notifications != "", NotifiesOK: !p.q.NoOKNotification, KeepDLQ: p.q.KeepDLQ,
	}
	if p.target.virtual() {
		p.h.Clock = "virtual"
	}
	if p.q.Alarm == "" {
		return nil
	}
	alarm, err := p.describeAlarm(ctx)
	if err != nil {
		return setupError("reading the alarm %s: %w", p.q.Alarm, err)
	}
	if alarm == nil {
		return setupError("there is no CloudWatch alarm of the name %s", p.q.Alarm)
	}
	return nil
}

// proceed goes through the phases.
func (p *prover) proceed(ctx context.Context) error {
	if p.q.Alarm != "" {
		if err := p.control(ctx); err != nil {
			return err
		}
	}
	if err := p.outage(ctx); err != nil {
		return err
	}
	if err := p.inspection(ctx); err != nil || p.q.KeepDLQ {
		return err
	}
	return p.recovery(ctx)
}

// control shows that healthy traffic doesn't trip the alarm: not while messages wait in
// the source queue, not while they are in flight.
func (p *prover) control(ctx context.Context) error {
	p.phase = phaseControl
	p.target.say("waiting for the alarm to be OK")
	if err := p.awaitAlarm(ctx, stateOK, 15*time.Minute); err != nil {
		return err
	}
	p.target.say("sending healthy messages, which must not trip the alarm")
	consumer := &consumer{prover: p}
	for i := range 2 {
		m := Message{Fault: Healthy()}
		if p.q.FIFO() {
			m.Group = fmt.Sprintf("control-%d", i)
		}
		if err := p.send(ctx, fmt.Sprintf("control-%d", i+1), m); err != nil {
			return err
		}
	}
	// long enough for messages that wait, and then that are in flight, to be measured
	if err := p.sleep(ctx, max(p.delay, 2*time.Minute)); err != nil {
		return err
	}
	if err := p.readAlarm(ctx); err != nil {
		return err
	}
	held, err := consumer.receive(ctx, source, receiveOptions{max: p.batch(), visibility: 5 * time.Minute})
	if err != nil {
		return err
	}
	if err := p.sleep(ctx, 2*time.Minute); err != nil {
		return err
	}
	if err := p.readAlarm(ctx); err != nil {
		return err
	}
	if err := p.look(ctx); err != nil { // they are hidden longer than by the queue's own timeout
		return err
	}
	if err := consumer.consume(ctx, held); err != nil {
		return err
	}
	return p.drain(ctx, 4)
}

// outage breaks the consumers until every message is processed or has left the source. A
// single poison message goes first: one is enough for the alarm.
func (p *prover) outage(ctx context.Context) error {
	p.phase = phaseOutage
	first := 0
	if p.q.Alarm != "" {
		first = max(0, slices.IndexFunc(p.plan, func(m Message) bool { return !m.Fault.survives(p.q.MaxReceiveCount) }))
		if err := p.deadLetter(ctx, p.plan[first:first+1], first); err != nil {
			return err
		}
		p.target.say("waiting for the alarm to fire")
		if err := p.awaitAlarm(ctx, stateAlarm, p.h.AlarmWithin+time.Minute); err != nil {
			return err
		}
		if err := p.readNotifications(ctx, stateAlarm); err != nil {
			return err
		}
		if err := p.deadLetter(ctx, p.plan[:first], 0); err != nil {
			return err
		}
		first++
	}
	return p.deadLetter(ctx, p.plan[first:], first)
}

// deadLetter sends messages and consumes them until the source queue is drained. Their
// names are their places in the plan.
func (p *prover) deadLetter(ctx context.Context, messages []Message, place int) error {
	if len(messages) == 0 {
		return nil
	}
	doomed := 0
	for i, m := range messages {
		if err := p.send(ctx, strconv.Itoa(place+i+1), m); err != nil {
			return err
		}
		if !m.Fault.survives(p.q.MaxReceiveCount) {
			doomed++
		}
	}
	p.target.say(fmt.Sprintf("sent %s, of which %d must be dead-lettered; consumers fail, the visibility timeout is %s", count(len(messages), "message"), doomed, p.visibility))
	if p.delay > 0 {
		if err := p.sleep(ctx, p.delay-shortly); err != nil {
			return err
		}
		if err := p.look(ctx); err != nil {
			return err
		}
		if err := p.sleep(ctx, shortly); err != nil {
			return err
		}
	}
	return p.drain(ctx, p.rounds(messages))
}

// rounds bounds how often the visibility timeout is waited for: as often as the fullest
// group fails, and some more, to see what should not happen.
func (p *prover) rounds(messages []Message) int {
	fails := map[string]int{}
	longest := 0
	for _, m := range messages {
		n := p.q.MaxReceiveCount
		if m.Fault.survives(n) {
			n = m.Fault.Fails
		}
		if m.Fault.How == Beat {
			n *= 2 + beats
		}
		if m.Fault.Then == BeatDelete {
			n += 1 + beats
		}
		if p.q.FIFO() {
			fails[m.Group] += n
		} else {
			fails[m.Group] = max(fails[m.Group], n)
		}
		longest = max(longest, fails[m.Group])
	}
	return longest + extraReceives + 2
}

// extraReceives is how many receives beyond the allowed ones are looked at, as evidence,
// before a proof gives up on a message.
const extraReceives = 2

// drain consumes from the source queue until a whole round after a visibility timeout
// has returned nothing, and records whether the queue then says that it is empty.
func (p *prover) drain(ctx context.Context, rounds int) error {
	for range rounds {
		seen, err := p.consumeVisible(ctx)
		if err != nil {
			return err
		}
		if seen == 0 && !p.pending() || p.hopeless() {
			break
		}
		if err := p.waitForVisibility(ctx); err != nil {
			return err
		}
		if p.q.Alarm != "" && p.phase != phaseRecovery {
			if err := p.readAlarm(ctx); err != nil {
				return err
			}
		}
	}
	if err := p.recordDrain(ctx, source, func(d depth) bool { return d.total() == 0 }); err != nil {
		return err
	}
	return p.acknowledgeLate(ctx)
}

// consumeVisible lets every consumer receive until nothing is visible any more, and
// reports how many messages they saw. Where time stands still, those that come when
// another has found nothing needn't look: they would see as little.
func (p *prover) consumeVisible(ctx context.Context) (seen int, err error) {
	if p.consumers == 1 {
		return (&consumer{prover: p}).consumeVisible(ctx)
	}
	var nothing *atomic.Bool
	if p.target.virtual() && p.emptyReceives() == 1 {
		nothing = new(atomic.Bool)
	}
	counts := make([]int, p.consumers)
	group, ctx := errgroup.WithContext(ctx)
	for i := range counts {
		c := &consumer{prover: p, number: i + 1, nothing: nothing}
		group.Go(func() (err error) {
			counts[i], err = c.consumeVisible(ctx)
			return err
		})
	}
	err = group.Wait()
	for _, n := range counts {
		seen += n
	}
	return seen, err
}

// emptyReceives is how many receives in a row must return nothing before nothing is
// taken to be there: on AWS one alone doesn't say that.
func (p *prover) emptyReceives() int {
	if p.h.Ground == AWS {
		return 3
	}
	return 1
}

// batch is how many messages a consumer takes at once.
func (p *prover) batch() int {
	if p.q.FIFO() {
		return 1
	}
	return p.batchSize
}

// inspection reads the DLQ without taking anything out of it.
func (p *prover) inspection(ctx context.Context) error {
	p.phase = phaseInspection
	p.target.say("reading the DLQ")
	held := map[string]message{}
	limit := 2*len(p.plan) + 100
	consumer := &consumer{prover: p}
	for empty, received := 0, 0; empty < p.emptyReceives() && received < limit; {
		messages, err := consumer.receive(ctx, dlq, receiveOptions{max: maxBatch, visibility: inspectionHold})
		if err != nil {
			return err
		}
		if wait := p.lostUntil.Sub(p.clock.Now()); len(messages) == 0 && wait > 0 {
			if err := p.sleep(ctx, wait+time.Second); err != nil {
				return err
			}
			continue
		}
		if len(messages) == 0 {
			empty++
			continue
		}
		received += len(messages)
		for _, m := range messages {
			held[m.id] = m
		}
	}
	if err := p.recordDrain(ctx, dlq, func(d depth) bool { return d.total() <= len(held) }); err != nil {
		return err
	}
	if p.q.AlarmHoldsInFlight && p.q.Alarm != "" {
		p.target.say("holding the DLQ's messages in flight, which the alarm must count")
		if err := p.sleep(ctx, p.h.AlarmWithin); err != nil {
			return err
		}
		if err := p.readAlarm(ctx); err != nil {
			return err
		}
		if p.target.virtual() { // they are all hidden
			if _, err := consumer.receive(ctx, dlq, receiveOptions{max: maxBatch, visibility: inspectionHold}); err != nil {
				return err
			}
		}
	}
	for _, m := range held {
		if err := consumer.changeVisibility(ctx, m, dlq, 0); err != nil {
			return err
		}
	}
	return nil
}

// inspectionHold is how long messages of the DLQ stay hidden while it is inspected.
const inspectionHold = 30 * time.Minute

// recovery moves the dead-lettered messages back, processes them and sees the alarm clear.
func (p *prover) recovery(ctx context.Context) error {
	p.phase = phaseRecovery
	p.target.say("redriving the DLQ to its source; consumers work again")
	if begun, err := p.redrive(ctx); err != nil || !begun {
		return err
	}
	if err := p.sleep(ctx, p.delay); err != nil {
		return err
	}
	if err := p.drain(ctx, len(p.plan)+2); err != nil {
		return err
	}
	if err := p.recordDrain(ctx, dlq, func(d depth) bool { return d.total() == 0 }); err != nil {
		return err
	}
	if p.q.Alarm == "" {
		return nil
	}
	p.target.say("waiting for the alarm to clear")
	if err := p.awaitAlarm(ctx, stateOK, p.h.AlarmWithin+time.Minute); err != nil {
		return err
	}
	return p.readNotifications(ctx, stateOK)
}

// sleep passes time by the queues' clock.
func (p *prover) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	call := p.clock.Now()
	err := p.clock.Sleep(ctx, d)
	p.record(Event{Op: OpAdvance, Call: call, Duration: d, Outcome: outcomeOf(err), Error: errorText(err)})
	return err
}

func (p *prover) record(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.Seq = len(p.h.Events) + 1
	e.Phase = p.phase
	if e.Return.IsZero() {
		e.Return = p.clock.Now()
	}
	if e.Outcome == "" {
		e.Outcome = OK
	}
	p.h.Events = append(p.h.Events, e)
}

// outcomeOf is what is known of an operation that returned err. A service that answers
// with a fault of its own (5xx) doesn't say whether the operation took effect.
func outcomeOf(err error) Outcome {
	var api smithy.APIError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &api) && api.ErrorFault() != smithy.FaultServer:
		return Failed
	default:
		return Unknown
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
