package events

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/pattern"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// parsePattern reads an event pattern. Errors lack the position in the text that AWS's end
// with.
func parsePattern(doc string) (*pattern.Pattern, error) {
	bad := func(reason string) *wire.Error {
		return &wire.Error{Code: "InvalidEventPatternException", Message: "Event pattern is not valid. Reason: " + reason}
	}
	var object map[string]any
	if err := json.Unmarshal([]byte(doc), &object); err != nil {
		return nil, bad(err.Error())
	}
	if object == nil {
		return nil, bad("Filter is not an object")
	}
	parsed, err := pattern.Parse(object)
	if err != nil {
		return nil, bad(err.Error())
	}
	return parsed, nil
}

type testPatternInput struct{ Event, EventPattern string }

type testPatternOutput struct{ Result bool }

// testEventPattern implements TestEventPattern. [TestEventPattern API reference: the
// members that the event must have]
func (s *Service) testEventPattern(_ context.Context, _ *wire.Call, in *testPatternInput) (*testPatternOutput, error) {
	if len([]rune(in.EventPattern)) > maxPattern {
		return nil, constraint(in.EventPattern, "eventPattern", "Member must have length less than or equal to 4096")
	}
	parsed, err := parsePattern(in.EventPattern)
	if err != nil {
		return nil, err
	}
	var event map[string]any
	if json.Unmarshal([]byte(in.Event), &event) != nil || event == nil {
		return nil, invalid("Parameter Event is not valid.")
	}
	if slices.ContainsFunc([]string{"id", "account", "source", "time", "region", "resources", "detail-type"}, func(name string) bool { return event[name] == nil }) {
		return nil, invalid("Parameter Event is not valid.")
	}
	return &testPatternOutput{parsed.Matches(event)}, nil
}
