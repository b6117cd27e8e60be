package events

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// maxEntries and maxBytes bound a call of PutEvents. [PutEvents API reference;
	// EventBridge user guide, "Calculating PutEvents event entry size"]
	maxEntries = 10
	maxBytes   = 256 << 10
)

// event is an event on a bus.
type event struct {
	text   string         // the JSON that targets get
	head   string         // the same without the detail
	object map[string]any // the text, decoded
	trace  string
	seen   time.Time // when it was received
}

// envelope is an event's JSON, with its members in AWS's order. [recorded]
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail,omitempty"`
}

func newEvent(e envelope, trace string, now time.Time) (*event, error) {
	e.Version, e.ID = "0", wire.NewUUID()
	if e.Resources == nil {
		e.Resources = []string{}
	}
	text, err := encode(e)
	if err != nil {
		return nil, err
	}
	e.Detail = nil
	head, err := encode(e)
	if err != nil {
		return nil, err
	}
	out := &event{text: text, head: head, trace: trace, seen: now}
	return out, json.Unmarshal([]byte(text), &out.object)
}

func (e *event) id() string { return e.object["id"].(string) }

// scheduled is the event of a rule's schedule.
func scheduled(r *rule, planned time.Time) *event {
	p := r.bus.place
	e, _ := newEvent(envelope{ // nothing in it can't be encoded
		DetailType: "Scheduled Event", Source: "aws.events", Account: p.account, Time: stamp(planned), Region: p.region,
		Resources: []string{r.arn}, Detail: json.RawMessage("{}"),
	}, "", planned)
	return e
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

type eventEntry struct {
	Detail       string
	DetailType   string
	EventBusName string
	Resources    []string
	Source       string
	Time         *wire.Time
	TraceHeader  string
}

func (e *eventEntry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	if e.Time != nil {
		n += 14
	}
	for _, r := range e.Resources {
		n += len(r)
	}
	return n
}

type putEventsInput struct {
	EndpointID string `json:"EndpointId"`
	Entries    []eventEntry
}

type putEventsOutput struct {
	Entries          []eventResult
	FailedEntryCount int
}

type eventResult struct {
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
	EventID      string `json:"EventId,omitempty"`
}

// putEvents implements PutEvents: what it accepts has been delivered when it returns, or
// waits to be tried again. Events for a bus that doesn't exist are accepted, and lost.
// [recorded]
func (s *Service) putEvents(_ context.Context, c *wire.Call, in *putEventsInput) (*putEventsOutput, error) {
	switch {
	case len(in.Entries) == 0:
		return nil, constraint("[]", "entries", "Member must have length greater than or equal to 1")
	case len(in.Entries) > maxEntries:
		return nil, constraint(fmt.Sprintf("[%d entries]", len(in.Entries)), "entries", "Member must have length less than or equal to 10")
	case in.EndpointID != "":
		return nil, notServed("Global endpoints")
	}
	size := 0
	for i := range in.Entries {
		size += in.Entries[i].size()
	}
	if size > maxBytes {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	out := &putEventsOutput{Entries: []eventResult{}}
	now := s.clk.Now()
	var deliveries []*delivery
	for i := range in.Entries {
		e, failed := in.Entries[i].event(c, now)
		if failed != nil {
			out.Entries = append(out.Entries, *failed)
			out.FailedEntryCount++
			continue
		}
		deliveries = append(deliveries, s.route(c, in.Entries[i].EventBusName, e, now)...)
		out.Entries = append(out.Entries, eventResult{EventID: e.id()})
	}
	s.deliver(deliveries, now)
	return out, nil
}

// event makes an event of an entry, or says what is wrong with it. [messages recorded]
func (e *eventEntry) event(c *wire.Call, now time.Time) (*event, *eventResult) {
	for _, required := range []struct{ name, value string }{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if required.value == "" {
			return nil, &eventResult{ErrorCode: "InvalidArgument", ErrorMessage: fmt.Sprintf("Parameter %[1]s is not valid. Reason: %[1]s is a required argument.", required.name)}
		}
	}
	if strings.HasPrefix(e.Source, "aws.") {
		return nil, &eventResult{ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source."}
	}
	if account, foreign := foreignBus(c, e.EventBusName); foreign {
		return nil, &eventResult{ErrorCode: "AccessDeniedException", ErrorMessage: "No resource-based policy of account " + account + " allows the events:PutEvents action"}
	}
	malformed := &eventResult{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."}
	var detail bytes.Buffer
	if json.Compact(&detail, []byte(e.Detail)) != nil || !bytes.HasPrefix(detail.Bytes(), []byte("{")) {
		return nil, malformed
	}
	at := now
	if e.Time != nil {
		at = e.Time.Time
	}
	made, err := newEvent(envelope{
		DetailType: e.DetailType, Source: e.Source, Account: c.Account, Time: stamp(at), Region: c.Region, Resources: e.Resources, Detail: detail.Bytes(),
	}, e.TraceHeader, now)
	if err != nil {
		return nil, malformed
	}
	return made, nil
}

// foreignBus reports whether a bus is another account's. Those let nobody in: policies of
// buses are not served.
func foreignBus(c *wire.Call, name string) (account string, foreign bool) {
	parts := strings.SplitN(name, ":", 6)
	if len(parts) != 6 || parts[2] != "events" || parts[4] == c.Account {
		return "", false
	}
	return fmt.Sprintf("%.20s", parts[4]), true
}

// route returns the deliveries of an event to the targets of the rules that it matches.
func (s *Service) route(c *wire.Call, busName string, e *event, now time.Time) []*delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c, busName)
	if err != nil {
		return nil
	}
	var all []*delivery
	for _, name := range sortedNames(b.rules) {
		if r := b.rules[name]; r.pattern != nil && r.enabled() && r.pattern.Matches(e.object) {
			all = append(all, r.deliveries(e, now)...)
		}
	}
	return all
}

func encode(v any) (string, error) {
	b, err := wire.EncodeJSON(v)
	return string(b), err
}
