package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// historyRetention is how long history is kept, also that of deleted alarms
	// (DescribeAlarmHistory: 30 days).
	historyRetention = 30 * 24 * time.Hour
	// maxHistory bounds what is kept of one alarm: its oldest items go first.
	maxHistory = 5000
)

// The types of history items.
const (
	itemConfiguration = "ConfigurationUpdate"
	itemState         = "StateUpdate"
	itemAction        = "Action"
)

// historyItem is something that has happened to an alarm.
type historyItem struct {
	alarm, kind   string // the alarm's name and type
	item          string
	summary, data string
	at            time.Time
}

func (sp *space) record(i historyItem) {
	h := append(sp.history[i.alarm], i)
	if len(h) > maxHistory {
		h = slices.Delete(h, 0, len(h)-maxHistory)
	}
	sp.history[i.alarm] = h
}

// forget drops history that has outlived its retention.
func (sp *space) forget(now time.Time) {
	for name, h := range sp.history {
		k := 0
		for k < len(h) && h[k].at.Before(now.Add(-historyRetention)) {
			k++
		}
		if k == len(h) {
			delete(sp.history, name)
		} else if k > 0 {
			sp.history[name] = slices.Delete(h, 0, k)
		}
	}
}

// recordConfiguration is for PutMetricAlarm and PutCompositeAlarm.
func (sp *space) recordConfiguration(a *alarm, created bool, now time.Time) {
	i := historyItem{alarm: a.name, kind: a.kind(), item: itemConfiguration, at: now}
	if created {
		i.summary = fmt.Sprintf("Alarm %q created", a.name)
		i.data = toJSON(map[string]any{"version": "1.0", "type": "Create", "createdAlarm": a.describeJSON()})
	} else {
		i.summary = fmt.Sprintf("Alarm %q updated", a.name)
		i.data = toJSON(map[string]any{"version": "1.0", "type": "Update", "updatedAlarm": a.describeJSON()})
	}
	sp.record(i)
}

func (sp *space) recordDeletion(a *alarm, now time.Time) {
	sp.record(historyItem{
		alarm: a.name, kind: a.kind(), item: itemConfiguration, at: now,
		summary: fmt.Sprintf("Alarm %q deleted", a.name),
		data:    toJSON(map[string]any{"version": "1.0", "type": "Delete", "deletedAlarm": a.describeJSON()}),
	})
}

// describeJSON is the alarm's configuration as history has it.
func (a *alarm) describeJSON() any {
	if a.composite() {
		return a.describeComposite()
	}
	return a.describe()
}

// recordedState is a state in the history.
type recordedState struct {
	Value  string          `json:"stateValue"`
	Reason string          `json:"stateReason"`
	Data   json.RawMessage `json:"stateReasonData,omitempty"`
}

func newRecordedState(a *alarm) recordedState {
	r := recordedState{Value: a.state, Reason: a.reason}
	if json.Valid([]byte(a.reasonData)) { // SetAlarmState takes any text
		r.Data = json.RawMessage(a.reasonData)
	}
	return r
}

func (sp *space) recordTransition(from, to *alarm, now time.Time) {
	sp.record(historyItem{
		alarm: to.name, kind: to.kind(), item: itemState, at: now,
		summary: fmt.Sprintf("Alarm updated from %s to %s", from.state, to.state),
		data: toJSON(struct {
			Version string        `json:"version"`
			Old     recordedState `json:"oldState"`
			New     recordedState `json:"newState"`
		}{"1.0", newRecordedState(from), newRecordedState(to)}),
	})
}

// AlarmHistoryItem is an item of DescribeAlarmHistory.
type AlarmHistoryItem struct {
	AlarmName       string    `json:"AlarmName"`
	AlarmType       string    `json:"AlarmType"`
	Timestamp       wire.Time `json:"Timestamp"`
	HistoryItemType string    `json:"HistoryItemType"`
	HistorySummary  string    `json:"HistorySummary"`
	HistoryData     string    `json:"HistoryData"`
}

// DescribeAlarmHistoryInput is the input of DescribeAlarmHistory.
type DescribeAlarmHistoryInput struct {
	AlarmName       string     `json:"AlarmName"`
	AlarmTypes      []string   `json:"AlarmTypes"`
	HistoryItemType string     `json:"HistoryItemType"`
	StartDate       *wire.Time `json:"StartDate"`
	EndDate         *wire.Time `json:"EndDate"`
	MaxRecords      *int32     `json:"MaxRecords"`
	NextToken       string     `json:"NextToken"`
	ScanBy          string     `json:"ScanBy"`
}

// DescribeAlarmHistoryOutput is the output of DescribeAlarmHistory.
type DescribeAlarmHistoryOutput struct {
	AlarmHistoryItems []AlarmHistoryItem `json:"AlarmHistoryItems"`
	NextToken         string             `json:"NextToken,omitempty"`
}

func (s *Service) describeAlarmHistory(_ context.Context, c *wire.Call, in *DescribeAlarmHistoryInput) (*DescribeAlarmHistoryOutput, error) {
	var v constraints
	v.length(in.AlarmName, "alarmName", 255)
	v.oneOf(in.HistoryItemType, "historyItemType", []string{itemConfiguration, itemState, itemAction})
	v.oneOf(in.ScanBy, "scanBy", []string{"TimestampDescending", "TimestampAscending"})
	v.between(in.MaxRecords, "maxRecords", 1, 100)
	for _, t := range in.AlarmTypes {
		v.oneOf(t, "alarmTypes", alarmTypes)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	types := in.AlarmTypes
	if len(types) == 0 {
		types = []string{metricAlarm}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.of(c)
	var items []historyItem
	for name, h := range sp.history {
		if in.AlarmName != "" && name != in.AlarmName {
			continue
		}
		for _, i := range h {
			if slices.Contains(types, i.kind) && (in.HistoryItemType == "" || in.HistoryItemType == i.item) &&
				(in.StartDate == nil || !i.at.Before(in.StartDate.Time)) && (in.EndDate == nil || !i.at.After(in.EndDate.Time)) {
				items = append(items, i)
			}
		}
	}
	// in order of time; at one instant in order of names, and of one alarm as recorded
	slices.SortStableFunc(items, func(a, b historyItem) int {
		if t := a.at.Compare(b.at); t != 0 {
			return t
		}
		return strings.Compare(a.alarm, b.alarm)
	})
	if in.ScanBy != "TimestampAscending" {
		slices.Reverse(items)
	}
	items, next, err := page(items, in.NextToken, in.MaxRecords, 100)
	if err != nil {
		return nil, err
	}
	out := &DescribeAlarmHistoryOutput{AlarmHistoryItems: []AlarmHistoryItem{}, NextToken: next}
	for _, i := range items {
		out.AlarmHistoryItems = append(out.AlarmHistoryItems, AlarmHistoryItem{
			AlarmName: i.alarm, AlarmType: i.kind, Timestamp: wire.At(i.at), HistoryItemType: i.item,
			HistorySummary: i.summary, HistoryData: i.data,
		})
	}
	return out, nil
}
