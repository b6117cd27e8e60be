package dlq

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Dimension is something that messages are grouped by.
type Dimension string

// The dimensions.
const (
	BySource Dimension = "source" // the queue that a message was dead-lettered from
	ByError  Dimension = "error"  // what its error attribute says, numbers and ids left out
	ByShape  Dimension = "shape"  // the shape of its body
	ByAge    Dimension = "age"    // the time since it was sent, roughly
)

func (d Dimension) check() error {
	if !slices.Contains([]Dimension{BySource, ByError, ByShape, ByAge}, d) {
		return fmt.Errorf("messages can't be grouped by %q: choose among source, error, shape and age", d)
	}
	return nil
}

// Group is messages that have the dimensions of Inspection.GroupBy in common.
type Group struct {
	Source string `json:"source,omitempty"` // ARN; empty if they were sent to the queue directly
	Error  string `json:"error,omitempty"`  // "#" stands for numbers and ids; empty if there is none
	Shape  string `json:"shape,omitempty"`
	Age    string `json:"age,omitempty"`
	// Others is true for the one group that takes what there was no room for among the
	// first thousand.
	Others   bool      `json:"others,omitempty"`
	Messages int       `json:"messages"`
	Oldest   time.Time `json:"oldest"` // Sent of the oldest
	Newest   time.Time `json:"newest"`
	// MinReceives and MaxReceives are their receive counts, this look included.
	MinReceives int `json:"min_receives"`
	MaxReceives int `json:"max_receives"`
	// Samples are the first that were seen, bodies cut after 2,000 bytes.
	Samples []InspectedMessage `json:"samples"`
}

const (
	mostGroups   = 1000
	sampleLength = 2000
	errorLength  = 200
)

// grouping groups messages as they come. What it keeps is bounded.
type grouping struct {
	by      []Dimension
	samples int
	now     time.Time
	groups  map[groupKey]*Group
	ages    []int // by ageClasses
	ids     *regexp.Regexp
}

type groupKey struct {
	source, err, shape, age string
	others                  bool
}

func newGrouping(o InspectOptions, now time.Time) *grouping {
	return &grouping{
		by: o.GroupBy, samples: max(o.Samples, 0), now: now, groups: map[groupKey]*Group{}, ages: make([]int, len(ageClasses())),
		ids: regexp.MustCompile(`(?i)\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|\b(0x)?[0-9a-f]*[0-9][0-9a-f]{7,}\b|\d+(\.\d+)*`),
	}
}

type ageClass struct {
	under time.Duration
	name  string
}

// ageClasses are the classes of ages. SQS keeps no message for longer than 14 days.
func ageClasses() []ageClass {
	return []ageClass{
		{10 * time.Minute, "under 10m"}, {time.Hour, "10m to 1h"}, {6 * time.Hour, "1h to 6h"}, {24 * time.Hour, "6h to 1d"},
		{3 * 24 * time.Hour, "1d to 3d"}, {7 * 24 * time.Hour, "3d to 7d"}, {1 << 62, "over 7d"},
	}
}

func (g *grouping) add(m InspectedMessage) {
	classes := ageClasses()
	class := slices.IndexFunc(classes, func(c ageClass) bool { return g.now.Sub(m.Sent) < c.under })
	g.ages[class]++
	var key groupKey
	for _, d := range g.by {
		switch d {
		case BySource:
			key.source = m.Source
		case ByError:
			key.err = g.errorKind(m.Error)
		case ByShape:
			key.shape = m.Shape
		case ByAge:
			key.age = classes[class].name
		}
	}
	if g.groups[key] == nil && len(g.groups) >= mostGroups {
		key = groupKey{others: true}
	}
	group := g.groups[key]
	if group == nil {
		group = &Group{
			Source: key.source, Error: key.err, Shape: key.shape, Age: key.age, Others: key.others,
			Oldest: m.Sent, Newest: m.Sent, MinReceives: m.ReceiveCount, MaxReceives: m.ReceiveCount, Samples: []InspectedMessage{},
		}
		g.groups[key] = group
	}
	group.Messages++
	if m.Sent.Before(group.Oldest) {
		group.Oldest = m.Sent
	}
	if m.Sent.After(group.Newest) {
		group.Newest = m.Sent
	}
	group.MinReceives = min(group.MinReceives, m.ReceiveCount)
	group.MaxReceives = max(group.MaxReceives, m.ReceiveCount)
	if len(group.Samples) < g.samples {
		if len(m.Body) > sampleLength {
			// a copy, so that the rest of the body can go
			m.Body, m.Truncated = strings.Clone(cutText(m.Body, sampleLength)), true
		}
		group.Samples = append(group.Samples, m)
	}
}

func (g *grouping) result() ([]Group, []AgeCount) {
	groups := []Group{}
	for _, group := range g.groups {
		groups = append(groups, *group)
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Error, b.Error),
			cmp.Compare(a.Shape, b.Shape), cmp.Compare(a.Age, b.Age))
	})
	ages := []AgeCount{}
	for i, n := range g.ages {
		if n > 0 {
			ages = append(ages, AgeCount{ageClasses()[i].name, n})
		}
	}
	return groups, ages
}

// errorKind is an error without what differs from one message to the next: numbers, UUIDs
// and other identifiers in hexadecimal. Only the first line counts.
func (g *grouping) errorKind(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = g.ids.ReplaceAllString(cutText(text, 4*errorLength), "#")
	return cutText(strings.TrimSpace(text), errorLength)
}

// cutText returns at most n bytes of a text, in whole characters.
func cutText(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
