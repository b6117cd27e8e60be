package dlqtest

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Queue is what is to be proven, as its owner states it.
type Queue struct {
	// URL is the source queue's URL, DLQ that of its dead-letter queue.
	URL, DLQ string
	// MaxReceiveCount is how often a message is to be received before it is
	// dead-lettered, 1 to 1000.
	MaxReceiveCount int
	// Alarm is the name of the CloudWatch alarm that is to fire when the DLQ isn't
	// empty. Empty: no alarm is proven.
	Alarm string
	// AlarmWithin is how long the alarm may take to follow the DLQ; 0 means three
	// minutes, which an alarm on one period of 60 s holds, and ten on AWS, where
	// metrics come late.
	AlarmWithin time.Duration
	// AlarmHoldsInFlight says that the alarm is to stay while somebody inspects the DLQ,
	// so that its messages are in flight rather than visible.
	AlarmHoldsInFlight bool
	// Notifications is the URL of a queue that receives the alarm's notifications by
	// way of SNS. Empty: notifications are not proven.
	Notifications string
	// NoOKNotification says that the alarm notifies of ALARM only, not of its return to OK.
	NoOKNotification bool
	// KeepDLQ leaves the dead-lettered messages where they are, instead of proving that
	// a redrive brings them back to the source queue and clears the alarm.
	KeepDLQ bool
	// Force makes Prove use queues that hold messages or were used in the last minutes.
	// Messages of others are never deleted then, but received, and so perhaps
	// dead-lettered, and redriven from the DLQ.
	Force bool
}

// FIFO says whether the source queue is a FIFO queue; their names end in ".fifo".
func (q Queue) FIFO() bool { return strings.HasSuffix(q.URL, ".fifo") }

// Name is the source queue's name.
func (q Queue) Name() string { return queueName(q.URL) }

func queueName(queueURL string) string { return queueURL[strings.LastIndex(queueURL, "/")+1:] }

// validate says what is wrong with the statement, and what to do about it.
func (q Queue) validate() error {
	for name, u := range map[string]string{"URL": q.URL, "DLQ": q.DLQ} {
		if u == "" {
			return fmt.Errorf("Queue.%s is empty: give the queue's URL", name)
		}
	}
	for name, u := range map[string]string{"URL": q.URL, "DLQ": q.DLQ, "Notifications": q.Notifications} {
		if parsed, err := url.Parse(u); err != nil || u != "" && parsed.Scheme == "" {
			return fmt.Errorf("Queue.%s is %q, which is no URL: give the queue's URL, not its name or ARN", name, u)
		}
	}
	switch {
	case q.URL == q.DLQ:
		return fmt.Errorf("Queue.URL and Queue.DLQ are both %s: a queue cannot be its own dead-letter queue", q.URL)
	case q.MaxReceiveCount < 1 || q.MaxReceiveCount > 1000:
		return fmt.Errorf("Queue.MaxReceiveCount is %d: state what you expect of the queue, 1 to 1000", q.MaxReceiveCount)
	case q.Notifications != "" && q.Alarm == "":
		return fmt.Errorf("Queue.Notifications is set, but Queue.Alarm isn't: name the alarm that notifies")
	}
	return nil
}

func (q Queue) alarmWithin(virtual bool) time.Duration {
	switch {
	case q.AlarmWithin > 0:
		return q.AlarmWithin
	case virtual:
		return 3 * time.Minute
	default:
		return 10 * time.Minute
	}
}
