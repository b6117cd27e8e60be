package dlq

import "time"

// StatusSchema is the version of the form of [Status]. Members are added without a new
// version; it changes when one is removed or means something else.
const StatusSchema = 1

// Status is how a fleet of queues is. As JSON it is what `dlq status -o json` and the
// dashboard's /api/dlq-status say.
type Status struct {
	Schema  int       `json:"schema"`  // StatusSchema
	Time    time.Time `json:"time"`    // when reading began
	Account string    `json:"account"` // of the queues; empty if none was found
	Region  string    `json:"region"`  // of the queues; empty if none was found
	// Health is Degraded if any DLQ needs attention or a queue couldn't be read.
	Health  Health  `json:"health"`
	Summary Summary `json:"summary"`
	// DLQs are sorted by name.
	DLQs []DLQ `json:"dlqs"`
	// Problems are what could not be learned, for lack of a permission for example.
	Problems []Problem `json:"problems"`
	// Stale is there if this is not news: the dashboard's last attempt to learn more failed.
	Stale *Stale `json:"stale,omitempty"`
}

// Health says whether somebody should look.
type Health string

// The healths. A DLQ is Healthy or NeedsAttention; a fleet is Healthy or Degraded.
const (
	Healthy        Health = "healthy"
	NeedsAttention Health = "needs_attention"
	Degraded       Health = "degraded"
)

// Summary counts.
type Summary struct {
	Queues           int   `json:"queues"`             // that were read
	Pairs            int   `json:"pairs"`              // of a source queue and its DLQ
	DLQs             int   `json:"dlqs"`               // that exist or are named by a source
	NeedAttention    int   `json:"need_attention"`     // DLQs
	Messages         int64 `json:"messages"`           // in all DLQs, visible or not
	RunningMoveTasks int   `json:"running_move_tasks"` // redrives under way
	WithoutDLQ       int   `json:"without_dlq"`        // queues that have no DLQ and are none
}

// State says whether a DLQ could be read.
type State string

// The states of a DLQ.
const (
	Found      State = "found"
	Missing    State = "missing"    // its sources name it, but it doesn't exist
	Elsewhere  State = "elsewhere"  // its sources name a queue in another account or region, which is not looked at
	Unreadable State = "unreadable" // reading it failed, e.g. for lack of a permission
)

// DLQ is a dead-letter queue, with the source queues that name it in their redrive policies.
type DLQ struct {
	Queue
	State State `json:"state"`
	// Messages is nil if State isn't Found.
	Messages *Messages `json:"messages"`
	// OldestAgeSeconds is CloudWatch's newest ApproximateAgeOfOldestMessage of the last
	// quarter of an hour, nil if there is none. It is asked for only where there are
	// messages. It counts from when the message came to the DLQ.
	OldestAgeSeconds *int64 `json:"oldest_age_seconds"`
	// RetentionSeconds is how long the DLQ keeps messages, counted from the original send
	// on standard queues, from the arrival in the DLQ on FIFO queues.
	RetentionSeconds *int64 `json:"retention_seconds"`
	// Sources are sorted by name; there are several if they share the DLQ, none if the
	// queues that used it are gone.
	Sources []Source `json:"sources"`
	// MoveTask is the redrive that was started last, nil if there is none; AWS keeps the
	// last ten of a DLQ.
	MoveTask *MoveTask         `json:"move_task"`
	Tags     map[string]string `json:"tags,omitempty"` // read only if tags select
	Health   Health            `json:"health"`
	// Reasons say why Health is what it is; there is none if it is Healthy.
	Reasons []Reason `json:"reasons"`
	// Warnings are about settings that lose messages sooner or later. They don't count
	// for Health.
	Warnings []Reason `json:"warnings"`
}

// Source is a source queue of a DLQ.
type Source struct {
	Queue
	MaxReceiveCount  int               `json:"max_receive_count"`
	Messages         *Messages         `json:"messages"`           // nil if it couldn't be read
	OldestAgeSeconds *int64            `json:"oldest_age_seconds"` // as that of a DLQ
	RetentionSeconds *int64            `json:"retention_seconds"`
	Tags             map[string]string `json:"tags,omitempty"`
}

// Messages are a queue's approximate numbers of messages, which on AWS may be a minute old.
type Messages struct {
	Visible  int64 `json:"visible"`
	InFlight int64 `json:"in_flight"` // received, and hidden by the visibility timeout
	Delayed  int64 `json:"delayed"`
}

// Total is the number of messages, visible or not.
func (m Messages) Total() int64 { return m.Visible + m.InFlight + m.Delayed }

// MoveTask is a redrive by SQS itself.
type MoveTask struct {
	Status        string    `json:"status"`                // RUNNING, COMPLETED, CANCELLING, CANCELLED or FAILED
	Started       time.Time `json:"started"`               //
	Destination   string    `json:"destination,omitempty"` // ARN; empty: each message to its own source
	Moved         int64     `json:"moved"`                 // messages, approximately
	ToMove        *int64    `json:"to_move"`               // messages when it began, approximately
	MaxPerSecond  *int32    `json:"max_per_second"`        // nil: as fast as SQS finds right
	FailureReason string    `json:"failure_reason,omitempty"`
}

// Running says whether the task is still at work.
func (t *MoveTask) Running() bool {
	return t != nil && (t.Status == "RUNNING" || t.Status == "CANCELLING")
}

// Reason is a reason for attention, or a warning.
type Reason struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
}

// Code names the kind of a reason, for programs.
type Code string

// The kinds of reasons.
const (
	HasMessages    Code = "messages"        // the DLQ isn't empty
	RedriveFailed  Code = "redrive_failed"  // the last redrive failed, and the DLQ isn't empty
	DLQMissing     Code = "dlq_missing"     // State is Missing
	DLQElsewhere   Code = "dlq_elsewhere"   // State is Elsewhere
	DLQUnreadable  Code = "dlq_unreadable"  // State is Unreadable
	NoSources      Code = "no_sources"      // warning: no queue names it as its DLQ
	ShortRetention Code = "short_retention" // warning: messages can expire as soon as they come
)

// Problem is something that could not be learned.
type Problem struct {
	What   Unknown `json:"what"`
	Action string  `json:"action,omitempty"` // the IAM action that is missing, e.g. "sqs:GetQueueAttributes"
	// Transient says that AWS failed or didn't answer, so that it may be known a little later.
	Transient bool   `json:"transient,omitempty"`
	Queues    int    `json:"queues"` // how many it concerns
	Text      string `json:"text"`   // what AWS said of the first, and what to do
}

// Unknown is a kind of facts.
type Unknown string

// What may be unknown.
const (
	UnknownQueues  Unknown = "queues"     // whether these queues have DLQs, or are
	UnknownAges    Unknown = "ages"       // of the oldest messages
	UnknownTasks   Unknown = "move_tasks" // whether a redrive is running
	UnknownSources Unknown = "sources"    // which queues use a DLQ, but for those that were read
)

// Stale says how old a status is that could not be renewed.
type Stale struct {
	AgeSeconds int64  `json:"age_seconds"`
	Error      string `json:"error,omitempty"` // why the last attempt failed; empty if it is still under way
}
