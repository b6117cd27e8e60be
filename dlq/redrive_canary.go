package dlq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Canary redrives a few messages first and watches whether they come back: is it any good
// to redrive the others?
//
// SQS gives a message that is sent a new MessageId, which it keeps when it is
// dead-lettered: by that a canary is recognised in the dead-letter queue. Of a FIFO
// dead-letter queue SQS shows the heads of groups only, so there every message that comes
// while the canaries are watched counts as one.
type Canary struct {
	// Redrive is the redrive that begins with canaries. Its DryRun must be false.
	Redrive Redrive
	// Messages is how many canaries there are.
	Messages int
	// Tolerate is how many of them may come back.
	Tolerate int
	// Window is how long they are watched; 0 means as long as a consumer can take to fail
	// that many times: maxReceiveCount x visibility timeout of the queue, its delay, and a
	// minute.
	Window time.Duration
	// Watching is called with the window when the canaries are sent; nil for none.
	Watching func(sent int, window time.Duration)
}

// CanaryVerdict is what became of the canaries.
type CanaryVerdict struct {
	// Sent is how many were redriven, Returned how many of them came back.
	Sent     int `json:"sent"`
	Returned int `json:"returned"`
	// ReturnedIDs are the MessageIds of those that came back; none in FIFO queues.
	ReturnedIDs []string `json:"returned_ids,omitempty"`
	// Watched is for how long, in seconds.
	Watched float64 `json:"watched_seconds"`
	// Passed says that no more came back than are tolerated; Why says it in words.
	Passed bool   `json:"passed"`
	Why    string `json:"why"`
	// Summary is of the redrive of the canaries.
	Summary *RedriveSummary `json:"summary"`
}

// canaryPoll is the time between looks at the queues.
const canaryPoll = 5 * time.Second

// Run redrives the canaries and watches them.
func (c Canary) Run(ctx context.Context) (*CanaryVerdict, error) {
	r := c.Redrive.withDefaults()
	if c.Messages < 1 || r.DryRun {
		return nil, errors.New("at least one message must be redriven for canaries to be seen")
	}
	if r.To != nil {
		if _, err := c.window(ctx, []Queue{*r.To}); err != nil {
			return nil, err
		}
	}
	v := &CanaryVerdict{}
	sent := map[string]bool{}
	r.Concurrency, r.maxRedriven = 1, c.Messages
	r.sent = func(ids []string) {
		for _, id := range ids {
			sent[id] = true
		}
	}
	var err error
	v.Summary, err = r.Run(ctx)
	if err != nil {
		return v, err
	}
	v.Sent = len(sent)
	if v.Sent == 0 {
		v.Passed, v.Why = true, "there was no message to redrive"
		return v, nil
	}
	var queues []Queue // that got canaries
	sources := newSources(r.Client)
	for target := range v.Summary.Targets {
		if r.QuarantineQueue != nil && target == r.QuarantineQueue.ARN {
			continue
		}
		if q, err := sources.find(ctx, target); err == nil { // else it is a file
			queues = append(queues, q)
		}
	}
	window, err := c.window(ctx, queues)
	if err != nil {
		return v, err
	}
	if c.Watching != nil {
		c.Watching(v.Sent, window)
	}
	w := &watch{redrive: r, queues: queues, sent: sent, began: r.Now(), window: window, tolerate: c.Tolerate}
	err = w.run(ctx)
	v.Returned, v.ReturnedIDs, v.Watched = w.returned, w.ids, r.Now().Sub(w.began).Seconds()
	switch {
	case err != nil:
		v.Why = "they were not watched to the end"
	case v.Returned > c.Tolerate:
		v.Why = fmt.Sprintf("%d of %s came back: the consumers still fail", v.Returned, plural(int64(v.Sent), "canary message"))
	case w.drained:
		v.Passed, v.Why = true, fmt.Sprintf("%d of %s came back, and the consumers have worked the queue off", v.Returned, plural(int64(v.Sent), "canary message"))
	default:
		v.Passed, v.Why = true, fmt.Sprintf("%d of %s came back within %s", v.Returned, plural(int64(v.Sent), "canary message"), window)
	}
	return v, err
}

// window is how long the canaries in these queues are watched.
func (c Canary) window(ctx context.Context, queues []Queue) (time.Duration, error) {
	longest := time.Duration(0)
	for _, q := range queues {
		attributes, err := attributesOf(ctx, c.Redrive.Client, q.URL)
		if err != nil {
			return 0, fmt.Errorf("reading queue %s: %w", q.Name, err)
		}
		policy := parseRedrivePolicy(attributes["RedrivePolicy"])
		if policy == nil || policy.Target != c.Redrive.DLQ.ARN {
			return 0, fmt.Errorf("what fails in %s doesn't come back to %s, which is not its dead-letter queue: canaries can't be seen there", q.Name, c.Redrive.DLQ.Name)
		}
		visibility, _ := strconv.Atoi(attributes["VisibilityTimeout"])
		delay, _ := strconv.Atoi(attributes["DelaySeconds"])
		longest = max(longest, time.Duration(policy.MaxReceiveCount*visibility+delay)*time.Second+time.Minute)
	}
	if c.Window > 0 {
		return c.Window, nil
	}
	return longest, nil
}

// watch watches canaries.
type watch struct {
	redrive  Redrive
	queues   []Queue
	sent     map[string]bool
	began    time.Time
	window   time.Duration
	tolerate int

	returned int
	ids      []string
	drained  bool // nothing is left in the queues that got canaries
}

// run watches until more came back than are tolerated, the queues are worked off, or the
// window has passed.
func (w *watch) run(ctx context.Context) error {
	r := w.redrive
	least, looked := int64(-1), int64(0) // of the dead-letter queue's messages; growth that was looked into
	var emptySince time.Time
	for {
		attributes, err := attributesOf(ctx, r.Client, r.DLQ.URL)
		if err != nil {
			return fmt.Errorf("reading queue %s: %w", r.DLQ.Name, err)
		}
		there := messagesIn(attributes).Total()
		if least < 0 || there < least { // SQS's numbers may be a minute old
			least, looked = there, 0
		}
		if growth := there - least; growth > looked {
			looked = growth
			if err := w.look(ctx, growth); err != nil {
				return err
			}
			if w.returned > w.tolerate {
				return nil
			}
		}
		waiting, err := w.waiting(ctx)
		if err != nil {
			return err
		}
		now := r.Now()
		switch {
		case waiting > 0:
			emptySince = time.Time{}
		case emptySince.IsZero():
			emptySince = now
		}
		// by then SQS's numbers have come to rest
		w.drained = !emptySince.IsZero() && now.Sub(emptySince) >= time.Minute
		if w.drained || now.Sub(w.began) >= w.window {
			return w.look(ctx, there-least)
		}
		if err := r.Sleep(ctx, min(canaryPoll, w.window-now.Sub(w.began))); err != nil {
			return err
		}
	}
}

// waiting is how many messages are in the queues that got canaries.
func (w *watch) waiting(ctx context.Context) (int64, error) {
	n := int64(0)
	for _, q := range w.queues {
		attributes, err := attributesOf(ctx, w.redrive.Client, q.URL)
		if err != nil {
			return 0, fmt.Errorf("reading queue %s: %w", q.Name, err)
		}
		n += messagesIn(attributes).Total()
	}
	return n, nil
}

// look looks for canaries in the dead-letter queue.
func (w *watch) look(ctx context.Context, growth int64) (err error) {
	r := w.redrive
	if r.DLQ.FIFO() {
		w.returned = int(min(max(growth, 0), int64(len(w.sent))))
		return nil
	}
	hidden := &left{client: r.Client, url: r.DLQ.URL, visibility: 5 * time.Minute}
	defer func() { err = errors.Join(err, hidden.show(context.WithoutCancel(ctx))) }()
	for {
		if err := hidden.renew(ctx, r.Now()); err != nil {
			return err
		}
		out, err := r.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &r.DLQ.URL, MaxNumberOfMessages: maxBatch, VisibilityTimeout: int32(hidden.visibility / time.Second),
			WaitTimeSeconds: int32(max(0, r.Wait) / time.Second),
		}, patiently)
		if err != nil {
			return fmt.Errorf("looking for canaries in %s: %w", r.DLQ.Name, err)
		}
		if len(out.Messages) == 0 {
			return nil
		}
		var seen []*DeadLetter
		for i := range out.Messages {
			l := letterOf(&out.Messages[i])
			seen = append(seen, l)
			if w.sent[l.ID] && !slices.Contains(w.ids, l.ID) {
				w.ids = append(w.ids, l.ID)
			}
		}
		w.returned = len(w.ids)
		if err := hidden.add(seen, r.Now()); err != nil {
			return err
		}
	}
}
