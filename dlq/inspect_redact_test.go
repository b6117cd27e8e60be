package dlq_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// inspected is what is seen of one message with that body.
func inspected(g *ground, body string, redact []string, attributes ...string) dlq.InspectedMessage {
	url := g.queue("dead")
	g.sendWith(url, body, attributes...)
	var seen dlq.InspectedMessage
	g.inspect(dlq.InspectOptions{Max: 1, Redact: redact, Each: func(m dlq.InspectedMessage) error { seen = m; return nil }})
	return seen
}

func TestFieldsAreRedactedWhereverTheyAre(t *testing.T) {
	for _, tt := range []struct {
		name, redact, body, want string
	}{
		{"at the top", "email", `{"email":"a@b.c","id":12345678901234567890}`, `{"email":"[redacted]","id":12345678901234567890}`},
		{"nested and in arrays", "email", `{"to":[{"email":"a"},[{"email":"b"}]],"x":{"y":{"email":{"deep":1}}}}`, `{"to":[{"email":"[redacted]"},[{"email":"[redacted]"}]],"x":{"y":{"email":"[redacted]"}}}`},
		{"in any case", "eMail", `{"EMAIL":"a"}`, `{"EMAIL":"[redacted]"}`},
		{"by a path", "card.number", `{"number":1,"card":{"number":2},"order":{"card":[{"number":3}]}}`, `{"card":{"number":"[redacted]"},"number":1,"order":{"card":[{"number":"[redacted]"}]}}`},
		{"by a name with a dot", "card.number", `{"card.number":1}`, `{"card.number":"[redacted]"}`},
		{"in an array at the top", "email", `[{"email":1},2]`, `[{"email":"[redacted]"},2]`},
		{"in JSON in a string, as SNS sends it", "email", `{"Type":"Notification","Message":"{\"email\":\"a\",\"id\":1}"}`, `{"Message":"{\"email\":\"[redacted]\",\"id\":1}","Type":"Notification"}`},
		{"in JSON in a string, by a path from outside", "message.email", `{"Message":"[{\"email\":\"a\"}]"}`, `{"Message":"[{\"email\":\"[redacted]\"}]"}`},
		{"in JSON that is a string of JSON", "email", `"{\"email\":\"a\"}"`, `"{\"email\":\"[redacted]\"}"`},
		{"twice in one object", "email", `{"email":"a","email":"b"}`, `{"email":"[redacted]"}`},
		{"with signs that HTML escapes", "email", `{"email":"a","t":"<&>"}`, `{"email":"[redacted]","t":"<&>"}`},
		{"several", "email,phone", `{"email":1,"phone":2}`, `{"email":"[redacted]","phone":"[redacted]"}`},
		{"text as a whole", "email", `email=a@b.c`, `[redacted]`},
		{"JSON with something after it as a whole", "email", `{"id":1} {"email":"a"}`, `[redacted]`},
		{"a text in quotes as a whole", "email", `"a@b.c"`, `[redacted]`},
		{"a number as a whole", "email", `42`, `[redacted]`},
		{"broken JSON as a whole", "email", `{"email":"a@b.c"`, `[redacted]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := inspected(newGround(t), tt.body, strings.Split(tt.redact, ","))
			require.Equal(t, tt.want, m.Body)
		})
	}
}

func TestAttributesAreRedactedByNameAndWithin(t *testing.T) {
	m := inspected(newGround(t), `{"email":"a@b.c"}`, []string{"email", "error"},
		"email", "a@b.c", "context", `{"email":"a@b.c","id":1}`, "note", "id 1", "PermanentFailure", `{"error":"no mail for a@b.c"}`)
	require.Equal(t, map[string]dlq.MessageAttribute{
		"email": {Type: "String", Value: "[redacted]"}, "context": {Type: "String", Value: `{"email":"[redacted]","id":1}`},
		"note": {Type: "String", Value: "id 1"}, "PermanentFailure": {Type: "String", Value: `{"error":"[redacted]"}`},
	}, m.Attributes)
	require.Equal(t, "[redacted]", m.Error)
}

func TestARedactedValueIsReplacedWhereElseItStands(t *testing.T) {
	m := inspected(newGround(t), `{"email":"a@b.c","card":{"number":4111111111111111,"cvc":"123"},"log":["to a@b.c and A@b.c, 123"],"copy":4111111111111111,"s":"{\"x\":\"4111111111111111\"}"}`,
		[]string{"email", "number", "cvc"}, "ErrorMessage", "card 4111111111111111 of a@b.c declined")
	require.Equal(t, `{"card":{"cvc":"[redacted]","number":"[redacted]"},"copy":"[redacted]","email":"[redacted]","log":["to [redacted] and A@b.c, 123"],"s":"{\"x\":\"[redacted]\"}"}`, m.Body, "but not what is shorter than four")
	require.Equal(t, "card [redacted] of [redacted] declined", m.Error)
}

func TestWithoutFieldsToRedactABodyIsAsItWasSent(t *testing.T) {
	require.Equal(t, `{"b" : 1, "a":"<"}`, inspected(newGround(t), `{"b" : 1, "a":"<"}`, nil).Body)
}

// Wherever in JSON a field stands, its value is in nothing that is returned.
func TestNoRedactedValueIsReturned(t *testing.T) {
	g := newGround(t)
	url := g.queue("dead")
	rapid.Check(t, func(rt *rapid.T) {
		var hide func(depth int) any
		hide = func(depth int) any {
			if depth == 0 {
				return map[string]any{rapid.SampledFrom([]string{"token", "Token", "TOKEN"}).Draw(rt, "name"): rapid.SampledFrom([]any{"s3cr3t", []any{"s3cr3t"}, map[string]any{"x": "s3cr3t"}}).Draw(rt, "value")}
			}
			inner := hide(depth - 1)
			switch rapid.IntRange(0, 2).Draw(rt, "in") {
			case 0:
				return map[string]any{"a": inner, "b": 1}
			case 1:
				return []any{"x", inner}
			default:
				b, err := json.Marshal(inner)
				require.NoError(rt, err)
				return map[string]any{"s": string(b)}
			}
		}
		body, err := json.Marshal(hide(rapid.IntRange(0, 12).Draw(rt, "depth")))
		require.NoError(rt, err)
		g.sendWith(url, string(body), "a", string(body))
		out := g.inspect(dlq.InspectOptions{Max: 1, Redact: []string{"token"}})
		b, err := json.Marshal(out)
		require.NoError(rt, err)
		require.Equal(rt, 1, out.Seen)
		require.NotContains(rt, string(b), "s3cr3t")
		require.NotEmpty(rt, g.receive(url, 1)) // hidden, so that the next look is at the next message
	})
}

func TestShapes(t *testing.T) {
	for body, want := range map[string]string{
		`{"b":1,"a":{"d":"x","c":[1,2]}}`: "{a: {c: [], d}, b}",
		` [{"a":1},{"b":{"c":1}},[1]]`:    "[{a, b: {c}} or []]",
		`{}`:                              "{}",
		`[]`:                              "[]",
		`text`:                            "text",
		`"{\"a\":1}"`:                     "text",
		`{"a":`:                           "text",
		``:                                "text",
		`{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"deep":1}}}}}}}}}`: "{a: {a: {a: {a: {a: {a: {a: {a}}}}}}}}",
	} {
		require.Equal(t, want, dlq.ShapeOf(body), body)
	}
	long := func(last string) string { return `{"` + strings.Repeat("x", 400) + `":1,"` + last + `":2}` }
	require.NotEqual(t, dlq.ShapeOf(long("y")), dlq.ShapeOf(long("z")), "cut shapes are told apart")
	require.Less(t, len(dlq.ShapeOf(long("y"))), 320)
}
