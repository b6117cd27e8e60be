package logs

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

var _ fabric.Logs = (*Service)(nil)

var streamPattern = regexp.MustCompile(`^[^:*]{1,512}$`)

// stream finds or makes a stream.
func (g *group) stream(name string, now time.Time) *stream {
	st := g.streams[name]
	if st == nil {
		if len(g.streams) >= maxStreams {
			g.forget()
		}
		st = &stream{name: name, created: now}
		g.streams[name] = st
	}
	return st
}

// forget drops the stream that was written to the longest time ago.
func (g *group) forget() {
	var oldest *stream
	for _, st := range g.streams {
		if oldest == nil || st.last.Before(oldest.last) {
			oldest = st
		}
	}
	if oldest != nil {
		g.drop(oldest)
	}
}

func (g *group) drop(st *stream) {
	for _, e := range st.events {
		g.bytes -= len(e.message) + overhead
	}
	delete(g.streams, st.name)
}

// add appends events, which come in order.
func (g *group) add(st *stream, events []event, now time.Time) {
	for i := range events {
		g.next++
		events[i].id = g.next
		g.bytes += len(events[i].message) + overhead
	}
	st.last = now
	ordered := len(st.events) == 0 || len(events) == 0 || events[0].at >= st.events[len(st.events)-1].at
	st.events = append(st.events, events...)
	if !ordered {
		slices.SortStableFunc(st.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	}
	for g.bytes > maxBytes {
		g.shed()
	}
}

// shed drops the oldest event of the stream that begins earliest.
func (g *group) shed() {
	var oldest *stream
	for _, st := range g.streams {
		if len(st.events) > 0 && (oldest == nil || st.events[0].at < oldest.events[0].at) {
			oldest = st
		}
	}
	n := max(1, len(oldest.events)/10) // not one by one
	for _, e := range oldest.events[:n] {
		g.bytes -= len(e.message) + overhead
	}
	oldest.events = slices.Clone(oldest.events[n:])
}

// expire drops events that have outlived the group's retention.
func (g *group) expire(now int64) {
	if g.retention == 0 {
		return
	}
	before := now - int64(g.retention)*24*time.Hour.Milliseconds()
	for _, st := range g.streams {
		n := 0
		for n < len(st.events) && st.events[n].at < before {
			g.bytes -= len(st.events[n].message) + overhead
			n++
		}
		st.events = st.events[n:]
	}
}

// Write implements fabric.Logs.
func (s *Service) Write(account, region, name, streamName string, at time.Time, lines []string) {
	s.mu.Lock()
	key := groupKey{account, region, name}
	g := s.groups[key]
	if g == nil {
		var err error
		if g, err = s.newGroup(key); err != nil {
			s.mu.Unlock()
			return // there is no room for what nobody asked for
		}
	}
	g.expire(at.UnixMilli())
	events := make([]event, len(lines))
	for i, line := range lines {
		events[i] = event{at: at.UnixMilli(), ingested: at.UnixMilli(), message: line}
	}
	g.add(g.stream(streamName, at), events, at)
	s.mu.Unlock()
	s.embedded(account, region, events)
}

type streamInput struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

func (s *Service) createLogStream(_ context.Context, c *wire.Call, in *streamInput) (*wire.Empty, error) {
	if !streamPattern.MatchString(in.LogStreamName) {
		return nil, invalid("1 validation error detected: Value '%s' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*", in.LogStreamName)
	}
	return s.edit(c, in.LogGroupName, func(g *group) error {
		if g.streams[in.LogStreamName] != nil {
			return exists("log stream")
		}
		g.stream(in.LogStreamName, s.clk.Now())
		return nil
	})
}

func (s *Service) deleteLogStream(_ context.Context, c *wire.Call, in *streamInput) (*wire.Empty, error) {
	return s.edit(c, in.LogGroupName, func(g *group) error {
		st := g.streams[in.LogStreamName]
		if st == nil {
			return notFound("log stream")
		}
		g.drop(st)
		return nil
	})
}

type describeLogStreamsInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	Prefix             string `json:"logStreamNamePrefix"`
	OrderBy            string `json:"orderBy"`
	Descending         bool   `json:"descending"`
	NextToken          string `json:"nextToken"`
	Limit              *int   `json:"limit"`
}

type streamShape struct {
	Arn                 string `json:"arn"`
	LogStreamName       string `json:"logStreamName"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp *int64 `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  *int64 `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   *int64 `json:"lastIngestionTime,omitempty"`
	UploadSequenceToken string `json:"uploadSequenceToken"`
	StoredBytes         int    `json:"storedBytes"`
}

type describeLogStreamsOutput struct {
	LogStreams []streamShape `json:"logStreams"`
	NextToken  string        `json:"nextToken,omitempty"`
}

func (s *Service) describeLogStreams(_ context.Context, c *wire.Call, in *describeLogStreamsInput) (out *describeLogStreamsOutput, err error) {
	_, err = s.edit(c, either(in.LogGroupIdentifier, in.LogGroupName), func(g *group) error {
		var list []*stream
		for _, st := range g.streams {
			if strings.HasPrefix(st.name, in.Prefix) {
				list = append(list, st)
			}
		}
		slices.SortFunc(list, func(a, b *stream) int {
			order := strings.Compare(a.name, b.name)
			if in.OrderBy == "LastEventTime" {
				order = cmp.Or(a.last.Compare(b.last), order)
			}
			if in.Descending {
				return -order
			}
			return order
		})
		part, next, err := cut(list, in.NextToken, in.Limit, 50, 50)
		if err != nil {
			return err
		}
		out = &describeLogStreamsOutput{LogStreams: []streamShape{}, NextToken: next}
		for _, st := range part {
			shape := streamShape{
				Arn: g.key.arn() + ":log-stream:" + st.name, LogStreamName: st.name, CreationTime: st.created.UnixMilli(), UploadSequenceToken: "1",
			}
			if n := len(st.events); n > 0 {
				shape.FirstEventTimestamp, shape.LastEventTimestamp = &st.events[0].at, &st.events[n-1].at
				shape.LastIngestionTime = new(st.last.UnixMilli())
			}
			out.LogStreams = append(out.LogStreams, shape)
		}
		return nil
	})
	return out, err
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

type inputEvent struct {
	Timestamp *int64 `json:"timestamp"`
	Message   string `json:"message"`
}

type putLogEventsInput struct {
	LogGroupName  string       `json:"logGroupName"`
	LogStreamName string       `json:"logStreamName"`
	LogEvents     []inputEvent `json:"logEvents"`
}

type rejected struct {
	TooNewLogEventStartIndex *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOldLogEventEndIndex   *int `json:"tooOldLogEventEndIndex,omitempty"`
	ExpiredLogEventEndIndex  *int `json:"expiredLogEventEndIndex,omitempty"`
}

type putLogEventsOutput struct {
	NextSequenceToken     string    `json:"nextSequenceToken"`
	RejectedLogEventsInfo *rejected `json:"rejectedLogEventsInfo,omitempty"`
}

// The bounds of PutLogEvents. [API reference]
const (
	maxPut       = 10_000
	maxPutBytes  = 1_048_576
	maxAge       = 14 * 24 * time.Hour
	maxAhead     = 2 * time.Hour
	maxSpan      = 24 * time.Hour
	maxEventSize = 1_048_576
)

func (s *Service) putLogEvents(_ context.Context, c *wire.Call, in *putLogEventsInput) (out *putLogEventsOutput, err error) {
	if len(in.LogEvents) == 0 || len(in.LogEvents) > maxPut {
		return nil, invalid("1 validation error detected: Value at 'logEvents' failed to satisfy constraint: Member must have length between 1 and %d", maxPut)
	}
	size := 0
	for i, e := range in.LogEvents {
		if e.Timestamp == nil || e.Message == "" {
			return nil, invalid("1 validation error detected: Value at 'logEvents.%d.member' failed to satisfy constraint: timestamp and message must not be null", i+1)
		}
		if i > 0 && *e.Timestamp < *in.LogEvents[i-1].Timestamp {
			return nil, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
		if n := len(e.Message) + overhead; n > maxEventSize {
			return nil, invalid("Log event too large: %d bytes exceeds limit of %d", n, maxEventSize)
		}
		size += len(e.Message) + overhead
	}
	if size > maxPutBytes {
		return nil, invalid("Upload too large: %d bytes exceeds limit of %d", size, maxPutBytes)
	}
	if *in.LogEvents[len(in.LogEvents)-1].Timestamp-*in.LogEvents[0].Timestamp > maxSpan.Milliseconds() {
		return nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	var events []event
	_, err = s.edit(c, in.LogGroupName, func(g *group) error {
		st := g.streams[in.LogStreamName]
		if st == nil {
			return notFound("log stream")
		}
		now := s.clk.Now()
		oldest, newest := now.Add(-maxAge).UnixMilli(), now.Add(maxAhead).UnixMilli()
		var info rejected
		for i, e := range in.LogEvents {
			switch at := *e.Timestamp; {
			case at < oldest:
				info.TooOldLogEventEndIndex = new(i + 1)
			case at > newest:
				if info.TooNewLogEventStartIndex == nil {
					info.TooNewLogEventStartIndex = new(i)
				}
			case g.retention > 0 && at < now.AddDate(0, 0, -g.retention).UnixMilli():
				info.ExpiredLogEventEndIndex = new(i + 1)
			default:
				events = append(events, event{at: at, ingested: now.UnixMilli(), message: e.Message})
			}
		}
		g.add(st, slices.Clone(events), now)
		out = &putLogEventsOutput{NextSequenceToken: fmt.Sprintf("%056d", g.next)}
		if info != (rejected{}) {
			out.RejectedLogEventsInfo = &info
		}
		return nil
	})
	if err == nil {
		s.embedded(c.Account, c.Region, events)
	}
	return out, err
}

type getLogEventsInput struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	LogStreamName      string `json:"logStreamName"`
	StartTime          *int64 `json:"startTime"`
	EndTime            *int64 `json:"endTime"`
	NextToken          string `json:"nextToken"`
	Limit              *int   `json:"limit"`
	StartFromHead      bool   `json:"startFromHead"`
}

type outputEvent struct {
	EventID       string `json:"eventId,omitempty"`
	LogStreamName string `json:"logStreamName,omitempty"`
	Timestamp     int64  `json:"timestamp"`
	IngestionTime int64  `json:"ingestionTime"`
	Message       string `json:"message"`
}

type getLogEventsOutput struct {
	Events            []outputEvent `json:"events"`
	NextForwardToken  string        `json:"nextForwardToken"`
	NextBackwardToken string        `json:"nextBackwardToken"`
}

func within(e *event, start, end *int64) bool {
	return (start == nil || e.at >= *start) && (end == nil || e.at < *end)
}

// maxPage bounds a page of events. [GetLogEvents API reference]
const maxPage = 10_000

// getLogEvents returns a page of a stream. Its tokens are an index into what was asked for,
// before which ("b/") or from which on ("f/") the next page lies.
func (s *Service) getLogEvents(_ context.Context, c *wire.Call, in *getLogEventsInput) (out *getLogEventsOutput, err error) {
	limit := maxPage
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > maxPage {
			return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", limit, maxPage)
		}
	}
	_, err = s.edit(c, either(in.LogGroupIdentifier, in.LogGroupName), func(g *group) error {
		st := g.streams[in.LogStreamName]
		if st == nil {
			return notFound("log stream")
		}
		var list []event
		for i := range st.events {
			if within(&st.events[i], in.StartTime, in.EndTime) {
				list = append(list, st.events[i])
			}
		}
		start, end := max(0, len(list)-limit), len(list)
		if in.StartFromHead {
			start, end = 0, min(limit, len(list))
		}
		if in.NextToken != "" {
			way, text, _ := strings.Cut(in.NextToken, "/")
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || way != "f" && way != "b" {
				return invalid("The specified nextToken is invalid.")
			}
			n = min(n, len(list))
			start, end = n, min(n+limit, len(list))
			if way == "b" {
				start, end = max(0, n-limit), n
			}
		}
		out = &getLogEventsOutput{Events: []outputEvent{}, NextForwardToken: fmt.Sprintf("f/%d", end), NextBackwardToken: fmt.Sprintf("b/%d", start)}
		for _, e := range list[start:end] {
			out.Events = append(out.Events, outputEvent{Timestamp: e.at, IngestionTime: e.ingested, Message: e.message})
		}
		return nil
	})
	return out, err
}

type filterLogEventsInput struct {
	LogGroupName        string   `json:"logGroupName"`
	LogGroupIdentifier  string   `json:"logGroupIdentifier"`
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	StartTime           *int64   `json:"startTime"`
	EndTime             *int64   `json:"endTime"`
	FilterPattern       string   `json:"filterPattern"`
	NextToken           string   `json:"nextToken"`
	Limit               *int     `json:"limit"`
}

type filterLogEventsOutput struct {
	Events             []outputEvent `json:"events"`
	SearchedLogStreams []string      `json:"searchedLogStreams"`
	NextToken          string        `json:"nextToken,omitempty"`
}

func (s *Service) filterLogEvents(_ context.Context, c *wire.Call, in *filterLogEventsInput) (out *filterLogEventsOutput, err error) {
	match, err := parsePattern(in.FilterPattern)
	if err != nil {
		return nil, err
	}
	_, err = s.edit(c, either(in.LogGroupIdentifier, in.LogGroupName), func(g *group) error {
		type found struct {
			event
			stream string
		}
		var list []found
		for _, st := range g.streams {
			if !strings.HasPrefix(st.name, in.LogStreamNamePrefix) || len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, st.name) {
				continue
			}
			for i := range st.events {
				if e := &st.events[i]; within(e, in.StartTime, in.EndTime) && match(e.message) {
					list = append(list, found{*e, st.name})
				}
			}
		}
		slices.SortFunc(list, func(a, b found) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
		part, next, err := cut(list, in.NextToken, in.Limit, maxPage, maxPage)
		if err != nil {
			return err
		}
		out = &filterLogEventsOutput{Events: []outputEvent{}, SearchedLogStreams: []string{}, NextToken: next}
		for _, e := range part {
			out.Events = append(out.Events, outputEvent{
				EventID: fmt.Sprintf("%056d", e.id), LogStreamName: e.stream, Timestamp: e.at, IngestionTime: e.ingested, Message: e.message,
			})
		}
		return nil
	})
	return out, err
}

// Lines returns the messages of a group, in order of their time.
func (s *Service) Lines(account, region, name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.groups[groupKey{account, region, name}]
	if g == nil {
		return nil
	}
	var all []event
	for _, st := range g.streams {
		all = append(all, st.events...)
	}
	slices.SortFunc(all, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	lines := make([]string, len(all))
	for i, e := range all {
		lines[i] = e.message
	}
	return lines
}
