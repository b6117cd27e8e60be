package main

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// stackOutputs are the outputs by which a stack says what it has.
type stackOutputs struct {
	QueueURL          string `json:"queue_url"`
	DLQURL            string `json:"dlq_url"`
	NotEmptyAlarmName string `json:"not_empty_alarm_name"`
	NotificationURL   string `json:"notification_queue_url"`
}

func (s stackOutputs) queue() (dlqtest.Queue, bool) {
	q := dlqtest.Queue{URL: s.QueueURL, DLQ: s.DLQURL, Alarm: s.NotEmptyAlarmName}
	if q.Alarm != "" {
		q.Notifications = s.NotificationURL
	}
	return q, q.URL != "" && q.DLQ != ""
}

// queuesOf finds the queues that a stack's outputs name: in the outputs themselves, in an
// output that is an object, or in one that is a map of objects.
func queuesOf(outputs map[string]json.RawMessage) ([]stackQueue, error) {
	shared := stackOutputs{NotificationURL: text(outputs["notification_queue_url"])}
	whole, err := json.Marshal(outputs)
	if err != nil {
		return nil, err
	}
	var queues []stackQueue
	add := func(key string, value json.RawMessage) {
		s := shared
		if json.Unmarshal(value, &s) != nil {
			return
		}
		if q, ok := s.queue(); ok {
			queues = append(queues, stackQueue{key, q})
		}
	}
	add("", whole)
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		add(name, outputs[name])
		var members map[string]json.RawMessage
		if json.Unmarshal(outputs[name], &members) == nil {
			for _, member := range slices.Sorted(maps.Keys(members)) {
				add(member, members[member])
			}
		}
	}
	if len(queues) == 0 {
		return nil, errors.New("the stack does not say which queues to prove: add the outputs queue_url and dlq_url to its root module (and not_empty_alarm_name and notification_queue_url, if it has them)")
	}
	return queues, nil
}

func text(value json.RawMessage) string {
	var s string
	_ = json.Unmarshal(value, &s) // no string: none
	return s
}
