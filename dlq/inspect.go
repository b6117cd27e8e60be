package dlq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// InspectionSchema is the version of the form of [Inspection], as StatusSchema is of Status.
const InspectionSchema = 1

// InspectOptions say how to look into a queue. The zero value looks at 100 messages.
type InspectOptions struct {
	// Max is how many messages to look at; 0 means 100, less than 0 all there are.
	Max int
	// Visibility is for how long messages are hidden from others if giving them back
	// fails, or the process is killed; 0 means 5 minutes. It bounds the time to look as
	// well: three quarters of it are spent receiving at most. Whole seconds, 10 s to 12 h.
	Visibility time.Duration
	// GroupBy says by what messages are grouped; nil means by source, error and shape.
	GroupBy []Dimension
	// ErrorAttribute is the message attribute that says why a message failed. Empty means
	// the usual ones: see [ErrorOf].
	ErrorAttribute string
	// Redact are names of JSON fields whose values are replaced by [Redacted] in whatever
	// is returned or passed to Each. See [Inspection] for what that covers.
	Redact []string
	// Samples is how many messages of each group are returned; 0 means 3, less than 0 none.
	Samples int
	// Each, if not nil, is called with every message, once, as it comes. If it returns an
	// error, that ends the inspection.
	Each func(InspectedMessage) error
	// AllowRedrivePolicy looks into a queue although it has a redrive policy of its own, by
	// which looking may move messages on.
	AllowRedrivePolicy bool
	// Releasing, if not nil, is told before messages are given back: how many, and when
	// they come back by themselves if that doesn't succeed.
	Releasing func(messages int, until time.Time)
	// Now tells the time that ages are counted to; nil means time.Now.
	Now func() time.Time
}

// Inspection is what was seen in a queue.
//
// Where fields are redacted, so are they everywhere in here: a field of such a name at any
// depth of a JSON body, also in arrays and in strings that hold JSON themselves, as in what
// SNS sends; a field at the end of such a path, "customer.email"; and message attributes,
// by their names, and in JSON that they hold. Case doesn't count. A body that isn't a JSON
// object or array is replaced as a whole. A value of four characters or more is replaced
// also where else it stands in its message, as in the text of an error or in the group id.
// What it can't know of is a value in another form: shorter, in parts, in a field's name, or
// encoded, as in base64.
type Inspection struct {
	Schema int       `json:"schema"` // InspectionSchema
	Time   time.Time `json:"time"`   // when it began
	Queue  Queue     `json:"queue"`
	// Before are the queue's numbers when it began.
	Before Messages `json:"before"`
	Seen   int      `json:"seen"` // messages
	Ended  Ending   `json:"ended"`
	// Ages counts the messages by the time since they were sent, the youngest first.
	Ages    []AgeCount  `json:"ages"`
	GroupBy []Dimension `json:"group_by"`
	// Groups are sorted by the number of messages, the largest first.
	Groups   []Group  `json:"groups"`
	Redacted []string `json:"redacted,omitempty"` // what InspectOptions.Redact said
	Warnings []string `json:"warnings"`
	Release  Release  `json:"release"`
}

// Ending says why no more messages were looked at.
type Ending string

// The endings.
const (
	EndedEmpty       Ending = "empty"           // no more came
	EndedMax         Ending = "max"             // it was as many as asked for
	EndedTime        Ending = "time"            // those received first were about to come back
	EndedLimit       Ending = "in_flight_limit" // SQS hands out no more at a time
	EndedInterrupted Ending = "interrupted"     // the context was cancelled
	EndedError       Ending = "error"           // a call or Each failed
)

// Release says whether the messages were given back.
type Release struct {
	Released int `json:"released"` // visible again now
	// Hidden messages could not be given back. They come back at Until.
	Hidden int `json:"hidden"`
	// Uncertain is how many more may be hidden until then, because an answer to a receive
	// was lost on its way.
	Uncertain int        `json:"uncertain"`
	Until     *time.Time `json:"until"`           // nil if nothing is hidden
	Error     string     `json:"error,omitempty"` // why messages are hidden
}

// AgeCount is a number of messages of an age.
type AgeCount struct {
	Age      string `json:"age"` // e.g. "under 1h"
	Messages int    `json:"messages"`
}

const (
	defaultMax        = 100
	defaultVisibility = 5 * time.Minute
	leastVisibility   = 10 * time.Second
	mostVisibility    = 12 * time.Hour // SQS allows no more
	defaultSamples    = 3
)

func (o InspectOptions) withDefaults() (InspectOptions, error) {
	if o.Max == 0 {
		o.Max = defaultMax
	}
	if o.Visibility == 0 {
		o.Visibility = defaultVisibility
	}
	if o.Samples == 0 {
		o.Samples = defaultSamples
	}
	if o.GroupBy == nil {
		o.GroupBy = []Dimension{BySource, ByError, ByShape}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Visibility < leastVisibility || o.Visibility > mostVisibility || o.Visibility%time.Second != 0 {
		return o, fmt.Errorf("a visibility timeout of %s: give whole seconds between %s and %s", o.Visibility, leastVisibility, mostVisibility)
	}
	for _, d := range o.GroupBy {
		if err := d.check(); err != nil {
			return o, err
		}
	}
	return o, nil
}

// Inspect looks at messages of a queue, of which it loses and keeps none: it receives them,
// and gives all of them back at the end, however it ends, also when ctx is cancelled. Until
// then others don't see them; see InspectOptions.Visibility. A look counts as a receive: it
// raises ApproximateReceiveCount, as any look at messages in SQS does.
//
// In a FIFO queue the messages of a group that come after those received are not to be
// had; of each group at most the first ten are seen. The groups are blocked meanwhile.
//
// It needs sqs:ReceiveMessage, sqs:ChangeMessageVisibility, sqs:GetQueueAttributes, and
// sqs:GetQueueUrl if the queue is not named by its URL. With an error it returns what was
// seen until then, nil if that is nothing at all. ctx being cancelled is such an error.
func Inspect(ctx context.Context, client Receiver, queue string, o InspectOptions) (*Inspection, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	redact, err := newRedactor(o.Redact)
	if err != nil {
		return nil, err
	}
	q, attributes, err := find(ctx, client, queue)
	if err != nil {
		return nil, err
	}
	record := newRecord(q, attributes)
	out := &Inspection{
		Schema: InspectionSchema, Time: o.Now().UTC(), Queue: q, Before: record.messages,
		GroupBy: o.GroupBy, Redacted: o.Redact, Warnings: []string{},
	}
	if p := record.policy; p != nil {
		if !o.AllowRedrivePolicy {
			return nil, &RedrivePolicyError{q.Name, p.MaxReceiveCount, p.Target}
		}
		out.Warnings = append(out.Warnings, fmt.Sprintf("this look counted as a receive, and at %d receives messages go to %s", p.MaxReceiveCount, p.Target))
	}
	groups := newGrouping(o, out.Time)
	held := newHolding(client, q, o.Visibility)
	seen := func(m types.Message) error {
		letter := redact.message(inspected(m))
		letter.Error, letter.Shape = ErrorOf(letter.Attributes, o.ErrorAttribute), ShapeOf(letter.Body)
		groups.add(letter)
		out.Seen++
		if o.Each != nil {
			return o.Each(letter)
		}
		return nil
	}
	out.Ended, err = held.receive(ctx, o.Max, seen)
	if o.Releasing != nil && len(held.messages) > 0 {
		o.Releasing(len(held.messages), held.until)
	}
	// given back whatever has happened, so with a context of its own
	out.Release = held.release(context.WithoutCancel(ctx))
	out.Groups, out.Ages = groups.result()
	if rest := out.Before.Visible - int64(out.Seen); q.FIFO() && out.Ended == EndedEmpty && rest > 0 {
		out.Warnings = append(out.Warnings, fmt.Sprintf("about %d messages stand behind those seen, in the same message groups: a FIFO queue hands out at most ten of a group at a time", rest))
	}
	if err == nil && out.Release.Hidden > 0 {
		err = errors.New("giving messages back: " + out.Release.Error)
	}
	if err != nil {
		return out, fmt.Errorf("inspecting queue %s: %w", q.Name, err)
	}
	return out, nil
}

// RedrivePolicyError refuses to look into a queue that has a redrive policy of its own.
type RedrivePolicyError struct {
	Queue           string
	MaxReceiveCount int
	Target          string // ARN
}

// Error says why.
func (e *RedrivePolicyError) Error() string {
	return fmt.Sprintf("queue %s has a redrive policy: looking at a message counts as a receive, and one that was received %d times goes to %s", e.Queue, e.MaxReceiveCount, e.Target)
}
