package events

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whatever a template makes of an event is bounded, and JSON if the template is.
func FuzzInput(f *testing.F) {
	f.Add(`{"a":<a>,"b":"<b>"}`, "$.detail.a[*].b", `{"a":[{"b":1},{"b":"\""}]}`)
	f.Add(`"<a><aws.events.event.json>`, "$.detail.*.*", `{"a":{"b":null}}`)
	f.Add(strings.Repeat("<aws.events.event.json>", 300), "$", `{"a":"`+strings.Repeat("x", 1000)+`"}`)
	f.Fuzz(func(t *testing.T, template, path, detail string) {
		b := newBus(place{"111111111111", "us-east-1"}, defaultBus, time.Time{})
		to := &target{ID: "t", Arn: "arn:aws:sqs:us-east-1:111111111111:q", InputTransformer: &inputTransformer{
			InputPathsMap: map[string]string{"a": path, "b": path}, InputTemplate: template,
		}}
		if to.check() != nil || !json.Valid([]byte(detail)) || !strings.HasPrefix(detail, "{") {
			return
		}
		e, err := newEvent(envelope{Source: "s", DetailType: "t", Detail: json.RawMessage(detail)}, "", time.Time{})
		if err != nil {
			return
		}
		out, err := to.input(newRule(b, "r"), e)
		if err != nil {
			return
		}
		require.Less(t, len(out), maxInput+2*len(e.text)+len(template))
		if strings.HasPrefix(strings.TrimSpace(template), "{") {
			require.True(t, json.Valid([]byte(out)), out)
		}
	})
}
