package dlq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// RedriveClient is what a selective redrive needs of SQS. *sqs.Client is one.
type RedriveClient interface {
	Receiver
	SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
	DeleteMessageBatch(ctx context.Context, in *sqs.DeleteMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
}

// Redrive is a selective redrive: it receives the messages of a dead-letter queue, has
// rules classify them, and redrives, quarantines or discards them, or leaves them where
// they are.
//
// A message is deleted from the dead-letter queue only when it is stored elsewhere: SQS has
// confirmed the send, the MD5 sums of which the SDK compares, or a file is on the disk. So
// none is lost, whatever happens when. What was sent and not deleted, because the run was
// killed or the delete failed, would be sent again by the next run; with a ledger, that run
// deletes it instead. Only of messages whose send was under way in that moment nobody
// knows; they are sent again, at most Concurrency x 10 of them for each kill, and counted
// as possible duplicates. In FIFO queues SQS drops those if the next run begins within five
// minutes.
//
// A run ends when it has met all messages that were in the dead-letter queue when it began.
// One that was sent later, such as one that was redriven, failed and came back, is left: it
// is known by its SentTimestamp. Memory doesn't depend on the number of messages.
type Redrive struct {
	Client RedriveClient
	// DLQ is the queue to redrive from. It need not be any queue's dead-letter queue.
	DLQ Queue
	// Rules classify the messages.
	Rules *Rules
	// To gets what is redriven; nil sends each message to the queue that it was
	// dead-lettered from.
	To *Queue
	// QuarantineQueue or QuarantineFile get what is quarantined. With neither it is left.
	QuarantineQueue *Queue
	QuarantineFile  string
	// DiscardFile gets what is discarded. Without one it is left.
	DiscardFile string
	// Ledger is the file by which another run can finish what this one began; empty for none.
	Ledger string
	// DryRun only classifies. Of a FIFO queue it meets up to ten messages of each group,
	// as SQS shows no more until these are deleted.
	DryRun bool
	// Concurrency is how many batches of up to ten messages are worked on at a time; 0 means 4.
	Concurrency int
	// Rate is how many messages a second are redriven at most; 0 means any number.
	Rate int
	// Max ends the run after that many messages; 0 means that all are met.
	Max int
	// Visibility is how long messages are hidden while they are worked on, and so how long
	// a run that was killed keeps others from receiving them; 0 means five minutes. It
	// must be at least 30 s.
	Visibility time.Duration
	// Wait is the long polling of receives, in whole seconds up to 20. What is shorter than
	// a second asks some of SQS's servers only, which may find nothing although there are
	// messages. 0 means a second, a negative one no waiting.
	Wait time.Duration
	// Now is the time of SQS, and Sleep waits; nil means those of this machine. Where the SDK
	// notices that this machine's clock is wrong, that is made up for.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
	// AllowRedrivePolicy lets the run receive from a queue that has a redrive policy itself, by
	// which receiving may move messages on.
	AllowRedrivePolicy bool
	// Samples is how many messages of each outcome the summary shows; 0 means none.
	Samples int
	// Progress is called after each batch, one call at a time; nil for none.
	Progress func(RedriveProgress)

	// Waiting is called once if the run has met all messages that are visible, and waits, up
	// to a minute, for those that are in flight elsewhere; nil for none.
	Waiting func(messages int64)

	// sent is called with the MessageIds of what was redriven.
	sent func(ids []string)
	// maxRedriven ends the run after that many messages were redriven; 0 means any number.
	maxRedriven int
}

// RedriveProgress is how far a selective redrive has come.
type RedriveProgress struct {
	// Met is how many messages were met, Total how many there were at the beginning,
	// approximately.
	Met, Total int
	// Redriven, Quarantined, Discarded and Left are what became of them; in a dry run what
	// would.
	Redriven, Quarantined, Discarded, Left int
}

// check says what cannot work.
func (r *Redrive) check() error {
	switch {
	case r.Client == nil || r.Rules == nil || r.DLQ.URL == "" || r.DLQ.ARN == "":
		return errors.New("a redrive needs a client, rules, and the dead-letter queue as Find returns it")
	case r.Concurrency < 0 || r.Concurrency > 64:
		return fmt.Errorf("%d batches at a time: choose 1 to 64", r.Concurrency)
	case r.Rate < 0 || r.Max < 0:
		return errors.New("neither the rate nor the number of messages can be negative")
	case r.Visibility != 0 && (r.Visibility < 30*time.Second || r.Visibility > 12*time.Hour):
		return fmt.Errorf("messages can't be hidden for %s while they are worked on: choose 30s to 12h", r.Visibility)
	case r.Wait > 20*time.Second:
		return fmt.Errorf("SQS waits for messages for up to 20s, not %s", r.Wait)
	case r.QuarantineQueue != nil && r.QuarantineFile != "":
		return errors.New("choose a queue or a file for what is quarantined, not both")
	}
	for _, to := range []struct {
		what  string
		queue *Queue
	}{{"redriven", r.To}, {"quarantined", r.QuarantineQueue}} {
		switch {
		case to.queue == nil:
		case to.queue.ARN == r.DLQ.ARN:
			return fmt.Errorf("messages of %s can't be %s to that queue itself: choose another", r.DLQ.Name, to.what)
		case to.queue.FIFO() != r.DLQ.FIFO():
			return fmt.Errorf("messages of %s can't be %s to %s: of the two queues one is FIFO, and groups and order would be lost or are missing; choose a queue of the same type", r.DLQ.Name, to.what, to.queue.Name)
		}
	}
	return nil
}

// Run redrives until the dead-letter queue has no more messages that were there when it
// began, or ctx is done; batches that were begun are finished then. The summary is of what
// was done, whether or not there is an error, which means that there may be more to do.
//
// It needs sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and
// sqs:GetQueueAttributes on the dead-letter queue, sqs:SendMessage on the queues that get
// messages, and sqs:GetQueueUrl on their sources.
func (r Redrive) Run(ctx context.Context) (*RedriveSummary, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	x, err := r.withDefaults().begin(ctx)
	if err != nil {
		return nil, err
	}
	err = x.meetAll(ctx)
	return x.end(ctx, err)
}

func (r Redrive) withDefaults() Redrive {
	if r.Concurrency == 0 {
		r.Concurrency = 4
	}
	if r.Visibility == 0 {
		r.Visibility = 5 * time.Minute
	}
	if r.Wait == 0 {
		r.Wait = time.Second
	}
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.Sleep == nil {
		r.Sleep = pause
	}
	return r
}

// patiently has the SDK repeat calls more often than it does by itself: who is throttled in
// the middle of a redrive waits rather than stops.
func patiently(o *sqs.Options) {
	o.Retryer = retry.AddWithMaxAttempts(o.Retryer, 8)
}

// outcome is what a call's error says about whether it had an effect.
type outcome int

const (
	done    outcome = iota
	refused         // it had no effect
	unknown         // it may have had an effect: the answer was lost, or SQS was in trouble
)

// outcomeOf tells it from the error.
func outcomeOf(err error) outcome {
	var status interface{ HTTPStatusCode() int }
	switch {
	case err == nil:
		return done
	case isThrottled(err), isGone(err):
		return refused
	case errors.As(err, &status) && status.HTTPStatusCode() >= 400 && status.HTTPStatusCode() < 500 && ErrorCode(err) != "":
		return refused
	}
	return unknown
}

// repeatedBlindly says of a call that succeeded whether the SDK had repeated it after an
// attempt that may have had an effect.
func repeatedBlindly(results retry.AttemptResults) bool {
	for _, attempt := range results.Results {
		if outcomeOf(attempt.Err) == unknown {
			return true
		}
	}
	return false
}

// messagesIn reads a queue's numbers of messages from its attributes.
func messagesIn(attributes map[string]string) Messages {
	n := func(name string) (n int64) {
		_, _ = fmt.Sscan(attributes[name], &n) // absent: none
		return n
	}
	return Messages{
		Visible:  n("ApproximateNumberOfMessages"),
		InFlight: n("ApproximateNumberOfMessagesNotVisible"),
		Delayed:  n("ApproximateNumberOfMessagesDelayed"),
	}
}
