package dlqtest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Op is what an event is about.
type Op string

// The operations.
const (
	OpSend         Op = "send"
	OpReceive      Op = "receive" // one event a message; one without a MessageID for an empty receive
	OpDelete       Op = "delete"
	OpVisibility   Op = "change visibility"
	OpAdvance      Op = "advance"      // time was passed on purpose
	OpDepth        Op = "depth"        // the queue was asked how many messages it holds
	OpDrain        Op = "drain"        // ok: a receive found nothing more, and the queue says that it is empty or that all it holds was received
	OpRedrive      Op = "redrive"      // a message move task back to the source was started
	OpRedriven     Op = "redriven"     // it has ended
	OpAlarm        Op = "alarm"        // the alarm was asked for its state
	OpNotification Op = "notification" // a notification of the alarm was received
)

// Outcome is what became of an operation.
type Outcome string

// The outcomes. Unknown is one whose answer never came.
const (
	OK      Outcome = "ok"
	Failed  Outcome = "fail"
	Unknown Outcome = "unknown"
)

// Event is one thing that the proof did or saw.
type Event struct {
	// Seq is the event's place in the history, from 1: the order in which operations ended.
	// Began is how many had ended when this one began; of two consumers' operations neither
	// need have come before the other.
	Seq    int       `json:"seq"`
	Began  int       `json:"began,omitempty"`
	Call   time.Time `json:"call"`
	Return time.Time `json:"return"`
	Op     Op        `json:"op"`
	// Phase is the part of the proof: control, outage, inspection or recovery.
	Phase   string  `json:"phase,omitempty"`
	Outcome Outcome `json:"outcome"`
	Error   string  `json:"error,omitempty"`
	// Queue is the queue's ARN.
	Queue string `json:"queue,omitempty"`

	// Key is the proof's own name of a message, which its body carries. A message without
	// one is none of the proof's.
	Key       string `json:"key,omitempty"`
	MessageID string `json:"messageId,omitempty"`
	Group     string `json:"group,omitempty"`
	DedupID   string `json:"dedupId,omitempty"`
	Sequence  string `json:"sequence,omitempty"`
	// Handle tells receipt handles apart: a hash. Stale says that the message has been
	// received anew since the handle was given out.
	Handle       string `json:"handle,omitempty"`
	Stale        bool   `json:"stale,omitempty"`
	ReceiveCount int    `json:"receiveCount,omitempty"`
	// HiddenUntil is when the message becomes visible, by the visibility timeout that the
	// receive or the change of visibility has set, or by the queue's delay if it was sent.
	HiddenUntil time.Time `json:"hiddenUntil,omitzero"`
	// Consumer is the consumer's number, from 1; 0 if there is just one.
	Consumer int `json:"consumer,omitempty"`
	// Attempts is how often the SDK sent the request, if more than once: all but the last
	// may have had an effect that the consumer never saw.
	Attempts int `json:"attempts,omitempty"`
	// Sent is the message's SentTimestamp, FirstReceived its ApproximateFirstReceiveTimestamp.
	Sent          time.Time `json:"sent,omitzero"`
	FirstReceived time.Time `json:"firstReceived,omitzero"`
	// Sender is the message's SenderId.
	Sender string `json:"sender,omitempty"`
	// Source is the message's DeadLetterQueueSourceArn.
	Source string `json:"source,omitempty"`
	// Body and Attributes are hashes; Attributes covers the trace header, too.
	Body       string `json:"body,omitempty"`
	Attributes string `json:"attributes,omitempty"`
	// BadMD5 names the digest that doesn't fit, body or attributes.
	BadMD5 string `json:"badMd5,omitempty"`
	// Fault is how the message's consumers fail, Fails how often (Always if without end).
	Fault string `json:"fault,omitempty"`
	Fails int    `json:"fails,omitempty"`

	// Visible, InFlight and Delayed are what a queue says it holds.
	Visible  int `json:"visible,omitempty"`
	InFlight int `json:"inFlight,omitempty"`
	Delayed  int `json:"delayed,omitempty"`

	// State and Reason are an alarm's, or those that a notification states; Changed is
	// when it went into that state. From is the state before, in notifications.
	State   string    `json:"state,omitempty"`
	From    string    `json:"from,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Changed time.Time `json:"changed,omitzero"`

	// Duration is the time that an advance passed.
	Duration time.Duration `json:"duration,omitempty"`
}

// began is how many events had ended when this one began.
func (e *Event) began() int {
	if e.Began == 0 {
		return e.Seq - 1 // nothing was under way beside it
	}
	return e.Began
}

// certainlyAfter says whether e began when other had ended.
func (e *Event) certainlyAfter(other *Event) bool { return e.began() >= other.Seq }

// held is how many messages the queue said that it holds.
func (e *Event) held() int { return e.Visible + e.InFlight + e.Delayed }

// Header says what a history is of.
type Header struct {
	Ground Ground `json:"ground"`
	// Clock is virtual or wall.
	Clock   string    `json:"clock"`
	Started time.Time `json:"started"`
	// SourceARN and DLQARN are the queues' ARNs.
	SourceARN string `json:"source"`
	DLQARN    string `json:"dlq"`
	FIFO      bool   `json:"fifo"`
	// MaxReceiveCount is what the caller expects.
	MaxReceiveCount int `json:"maxReceiveCount"`
	// Alarm is the alarm's name, empty if none is proven.
	Alarm              string        `json:"alarm,omitempty"`
	AlarmWithin        time.Duration `json:"alarmWithin,omitempty"`
	AlarmHoldsInFlight bool          `json:"alarmHoldsInFlight,omitempty"`
	// Notifications says that notifications are proven, NotifiesOK that there is to be one
	// of the return to OK, KeepDLQ that nothing was redriven.
	Notifications bool `json:"notifications,omitempty"`
	NotifiesOK    bool `json:"notifiesOk,omitempty"`
	KeepDLQ       bool `json:"keepDlq,omitempty"`
}

// History is everything that a proof did and saw, in order.
type History struct {
	Header
	Events []Event
}

// Write writes the history as JSON lines: the header, then an event each.
func (h *History) Write(w io.Writer) error {
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	if err := enc.Encode(h.Header); err != nil {
		return fmt.Errorf("writing a history's header: %w", err)
	}
	for i := range h.Events {
		if err := enc.Encode(&h.Events[i]); err != nil {
			return fmt.Errorf("writing event %d of a history: %w", h.Events[i].Seq, err)
		}
	}
	return buf.Flush()
}

// ReadHistory reads what Write has written.
func ReadHistory(r io.Reader) (*History, error) {
	dec := json.NewDecoder(r)
	var h History
	if err := dec.Decode(&h.Header); err != nil {
		return nil, fmt.Errorf("reading a history's header: %w", err)
	}
	if h.SourceARN == "" || h.DLQARN == "" || h.MaxReceiveCount < 1 {
		return nil, errors.New("reading a history's header: it names no source queue, DLQ and maxReceiveCount")
	}
	for {
		var e Event
		err := dec.Decode(&e)
		if errors.Is(err, io.EOF) {
			return &h, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading event %d of a history: %w", len(h.Events)+1, err)
		}
		h.Events = append(h.Events, e)
	}
}
