package events

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// defaultBus is the bus that every account has in every region.
const defaultBus = "default"

// bus is an event bus.
type bus struct {
	place             place
	name, arn         string
	created, modified time.Time
	settings          busSettings
	tags              map[string]string
	rules             map[string]*rule
}

// busSettings are kept, and change nothing here: what a bus's own dead-letter queue takes
// are events that couldn't be encrypted.
type busSettings struct {
	DeadLetterConfig *deadLetterConfig `json:",omitempty"`
	Description      string            `json:",omitempty"`
	KmsKeyIdentifier string            `json:",omitempty"`
	LogConfig        json.RawMessage   `json:",omitempty"`
}

type deadLetterConfig struct {
	Arn string `json:",omitempty"`
}

func newBus(p place, name string, now time.Time) *bus {
	return &bus{
		place: p, name: name, arn: p.arnOf("event-bus/" + name), created: now, modified: now,
		tags: map[string]string{}, rules: map[string]*rule{},
	}
}

var busPattern = regexp.MustCompile(`^[/.\-_A-Za-z0-9]{1,256}$`)

// bus finds a bus by its name or ARN; the default one if that is empty. It is called with
// s.mu held.
func (s *Service) bus(c *wire.Call, name string) (*bus, error) {
	p := placeOf(c)
	if name == "" {
		name = defaultBus
	}
	if strings.HasPrefix(name, "arn:") {
		prefix := p.arnOf("event-bus/")
		if !strings.HasPrefix(name, prefix) {
			return nil, notFound("Event bus %.300s does not exist.", name)
		}
		name = name[len(prefix):]
	}
	if b := s.at(p)[name]; b != nil {
		return b, nil
	}
	return nil, notFound("Event bus %.300s does not exist.", name)
}

type createBusInput struct {
	Name            string
	EventSourceName string
	Tags            []tag
	busSettings
}

type createBusOutput struct {
	EventBusArn string
	busSettings
}

// createEventBus implements CreateEventBus.
func (s *Service) createEventBus(_ context.Context, c *wire.Call, in *createBusInput) (*createBusOutput, error) {
	switch {
	case in.Name == "":
		return nil, missing("name")
	case !busPattern.MatchString(in.Name):
		return nil, constraint(in.Name, "name", `Member must satisfy regular expression pattern: [/\.\-_A-Za-z0-9]+`)
	case in.EventSourceName != "":
		return nil, notServed("Partner event sources")
	case strings.Contains(in.Name, "/"):
		return nil, invalid("Event bus name must not contain '/'.")
	}
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := placeOf(c)
	buses := s.at(p)
	if buses[in.Name] != nil {
		return nil, &wire.Error{Code: "ResourceAlreadyExistsException", Message: "Event bus " + in.Name + " already exists."}
	}
	if len(buses) >= maxBuses {
		return nil, limitExceeded()
	}
	b := newBus(p, in.Name, s.clk.Now())
	b.settings, b.tags = in.busSettings, tags
	buses[b.name] = b
	return &createBusOutput{b.arn, b.settings}, nil
}

type updateBusInput struct {
	Name string
	busSettings
}

type updateBusOutput struct {
	Arn, Name string
	busSettings
}

// updateEventBus implements UpdateEventBus, which replaces all that can be set.
func (s *Service) updateEventBus(_ context.Context, c *wire.Call, in *updateBusInput) (*updateBusOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c, in.Name)
	if err != nil {
		return nil, err
	}
	b.settings, b.modified = in.busSettings, s.clk.Now()
	return &updateBusOutput{b.arn, b.name, b.settings}, nil
}

type busName struct{ Name string }

type busOutput struct {
	Arn, Name        string
	CreationTime     wire.Time
	LastModifiedTime wire.Time
	busSettings
}

// describeEventBus implements DescribeEventBus.
func (s *Service) describeEventBus(_ context.Context, c *wire.Call, in *busName) (*busOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c, in.Name)
	if err != nil {
		return nil, err
	}
	return &busOutput{b.arn, b.name, wire.At(b.created), wire.At(b.modified), b.settings}, nil
}

// deleteEventBus implements DeleteEventBus. One that doesn't exist is no error.
func (s *Service) deleteEventBus(_ context.Context, c *wire.Call, in *busName) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(c, in.Name)
	switch {
	case err != nil:
		return &wire.Empty{}, nil
	case b.name == defaultBus:
		return nil, invalid("Cannot delete event bus %s.", defaultBus)
	case len(b.rules) > 0:
		return nil, invalid("Event bus %s can't be deleted since it has rules.", b.name)
	}
	delete(s.at(b.place), b.name)
	return &wire.Empty{}, nil
}

type listBusesInput struct {
	NamePrefix string
	listInput
}

type busEntry struct {
	Arn, Name        string
	CreationTime     wire.Time
	Description      string `json:",omitempty"`
	LastModifiedTime wire.Time
}

type listBusesOutput struct {
	EventBuses []busEntry
	NextToken  string `json:",omitempty"`
}

// listEventBuses implements ListEventBuses.
func (s *Service) listEventBuses(_ context.Context, c *wire.Call, in *listBusesInput) (*listBusesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	buses := s.at(placeOf(c))
	names, next, err := in.page(slices.Collect(maps.Keys(buses)), in.NamePrefix)
	if err != nil {
		return nil, err
	}
	out := &listBusesOutput{EventBuses: []busEntry{}, NextToken: next}
	for _, name := range names {
		b := buses[name]
		out.EventBuses = append(out.EventBuses, busEntry{b.arn, b.name, wire.At(b.created), b.settings.Description, wire.At(b.modified)})
	}
	return out, nil
}
