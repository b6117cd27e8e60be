package sweep

import (
	"cmp"
	"slices"
	"time"

	"github.com/sqs-dlq/sqs-dlq/internal/target"
)

// Kind is what a resource is.
type Kind string

// The kinds, in the order in which they are deleted: what tells or uses goes before what
// it tells or uses.
const (
	CompositeAlarm Kind = "composite alarm"
	Alarm          Kind = "alarm"
	Subscription   Kind = "subscription"
	Topic          Kind = "topic"
	Queue          Kind = "queue"
	DLQ            Kind = "DLQ" // a queue that another queue found names as its DLQ
)

func kinds() []Kind { return []Kind{CompositeAlarm, Alarm, Subscription, Topic, Queue, DLQ} }

// Resource is something that a proof created.
type Resource struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	ARN  string `json:"arn"`
	URL  string `json:"url,omitempty"` // of a queue
	// Run is the proof that created it, Started when that began.
	Run     string    `json:"run"`
	Started time.Time `json:"started"`
	// Messages is about how many messages a queue holds.
	Messages int `json:"messages,omitempty"`

	dlq string // of a queue: its DLQ's ARN
}

// Filter says what is to be found.
type Filter struct {
	// OlderThan is how long ago the run must have begun.
	OlderThan time.Duration
	// Run, if not empty, is the only run whose resources are found.
	Run string
	// Now is the time by the wall clock; zero means time.Now.
	Now time.Time
}

func (f Filter) now() time.Time {
	if f.Now.IsZero() {
		return time.Now()
	}
	return f.Now
}

// take fills in what the tags say. It reports whether the resource is a proof's and the
// filter wants it.
func (f Filter) take(r *Resource, tags map[string]string) bool {
	started, err := time.Parse(target.TimeLayout, tags[target.TagStarted])
	r.Run, r.Started = tags[target.TagRun], started
	return err == nil && r.Run != "" && (f.Run == "" || f.Run == r.Run) && f.now().Sub(started) >= f.OlderThan
}

// arrange tells DLQs from other queues, and puts the resources in the order of deletion.
func arrange(resources []Resource) {
	dlqs := map[string]bool{}
	for _, r := range resources {
		dlqs[r.dlq] = r.dlq != ""
	}
	for i, r := range resources {
		if r.Kind == Queue && dlqs[r.ARN] {
			resources[i].Kind = DLQ
		}
	}
	slices.SortFunc(resources, func(a, b Resource) int {
		return cmp.Or(
			cmp.Compare(slices.Index(kinds(), a.Kind), slices.Index(kinds(), b.Kind)),
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.ARN, b.ARN))
	})
}
