package dlq_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

func TestConditionsThatCannotBeTrueOrFalseAreRefusedWithWhereAndWhatToDo(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"rules:\n  - name: x\n    then: redrive", `r.yaml:2: rule "x" has no condition: add when:, or use otherwise: for what no rule is about`},
		{"rules:\n  - when: is_json", `r.yaml:2: rule "rule 1" does not say what to do: add then: redrive, quarantine, discard or leave`},
		{"rules:\n  - when: is_json\n    then: drop", `r.yaml:3: rule "rule 1": then: "drop" is no action: choose redrive, quarantine, discard or leave`},
		{"rules:\n  - name: x\n    when: bdy.a == 1\n    then: redrive", `r.yaml:3: rule "x": when: undeclared reference to 'bdy' (in container ''), in column 1 of "bdy.a == 1"; there are body, is_json, text, size, attributes, message_id, source, source_arn, group, sent, age, receive_count, redrive_count`},
		{"rules:\n  - name: x\n    when: |\n      is_json &&\n        bdy.a == 1\n    then: redrive", `r.yaml:5: rule "x": when: undeclared reference to 'bdy' (in container ''), in column 3 of "  bdy.a == 1"; there are body, is_json, text, size, attributes, message_id, source, source_arn, group, sent, age, receive_count, redrive_count`},
		{"rules:\n  - name: x\n    when: age > 5\n    then: redrive", `r.yaml:3: rule "x": when: found no matching overload for '_>_' applied to '(duration, int)', in column 5 of "age > 5"; conditions are CEL, see https://cel.dev`},
		{"rules:\n  - name: x\n    when: receive_count\n    then: redrive", `r.yaml:3: rule "x": when: this is of type int, and a condition must be of type bool: compare it with something`},
		{"rules:\n  - name: x\n    when: body.urgent\n    then: redrive", `r.yaml:3: rule "x": when: this may be true or false or anything else: compare it, e.g. body.urgent == true`},
		{"rules:\n  - name: x\n    when: is_json\n    then: redrive\n  - name: x\n    when: is_json\n    then: redrive", `r.yaml:5: there is a rule named "x" already: the summary counts by name, so give it another`},
		{"rules:\n  - name: x\n    whem: is_json\n    then: redrive", `r.yaml: line 3: unknown field "whem"`},
		{`rules: [{when: "is_json &&", then: redrive}]`, `r.yaml:1: rule "rule 1": when: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}, in column 11 of "is_json &&"; conditions are CEL, see https://cel.dev`},
	} {
		_, err := dlq.ParseRules("r.yaml", []byte(tt.text))
		require.EqualError(t, err, tt.want, tt.text)
	}
}

func TestConditionsKnowWhatThereIsToKnowOfAMessage(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	attribute := func(kind, text string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: &kind, StringValue: &text}
	}
	m := &dlq.DeadLetter{
		ID: "id-1", Body: `{"order":{"id":7,"total":12.5,"items":["a","b"]},"big":123456789012345678901}`,
		Attributes: map[string]types.MessageAttributeValue{
			"error": attribute("String", "Timeout"), "try": attribute("Number.int", "3"), "ratio": attribute("Number", "0.5"),
			"blob": {DataType: aws.String("Binary"), BinaryValue: []byte("xyz")},
		},
		Source: "arn:aws:sqs:eu-west-1:111122223333:orders", Sent: now.Add(-90 * time.Minute),
		ReceiveCount: 4, RedriveCount: 2, GroupID: "tenant-7",
	}
	for _, condition := range []string{
		`body.order.id == 7`, `body.order.id < 7.5`, `body.order.total > 12`, `"b" in body.order.items`, `body.big > 1.0e20`,
		`has(body.order.id) && !has(body.order.name)`, `body.?order.?name.orValue("none") == "none"`, `size(body.order.items) == 2`,
		`is_json`, `text.contains("order")`, `size == 136`,
		`attributes["error"] == "Timeout"`, `attributes.try == 3`, `attributes.ratio == 0.5`, `attributes.blob == b"xyz"`, `!("other" in attributes)`,
		`message_id == "id-1"`, `source == "orders"`, `source_arn.startsWith("arn:aws:sqs:eu-west-1:")`, `group == "tenant-7"`,
		`age == duration("90m")`, `sent == timestamp("2026-11-29T10:30:00Z")`, `sent.getHours() == 10`,
		`receive_count == 4`, `redrive_count == 2`, `text.lowerAscii().matches("\"ID\"|\"id\":\\d")`,
	} {
		rules, err := dlq.ParseRules("r.yaml", []byte("rules:\n  - name: x\n    then: redrive\n    when: |\n      "+condition+"\n"))
		require.NoError(t, err, condition)
		d, err := rules.Classify(m, now)
		require.NoError(t, err, condition)
		require.Equal(t, dlq.Decision{Action: dlq.ActionRedrive, Rule: "x"}, d, condition)
	}
}

func TestTheFirstRuleThatAppliesDecides(t *testing.T) {
	rules, err := dlq.ParseRules("r.yaml", []byte(lines(
		"otherwise: redrive", "redrive_limit: 2", "rules:",
		"  - {name: old, when: age > duration('1h'), then: discard}",
		"  - {name: often, when: redrive_count >= 1, then: quarantine}",
		"  - {name: text, when: '!is_json', then: leave}")))
	require.NoError(t, err)
	now := time.Now()
	for _, tt := range []struct {
		m    dlq.DeadLetter
		want dlq.Decision
	}{
		{dlq.DeadLetter{Sent: now.Add(-2 * time.Hour), RedriveCount: 1}, dlq.Decision{Action: dlq.ActionDiscard, Rule: "old"}},
		{dlq.DeadLetter{Sent: now, RedriveCount: 1}, dlq.Decision{Action: dlq.ActionQuarantine, Rule: "often"}},
		{dlq.DeadLetter{Sent: now, Body: "x"}, dlq.Decision{Action: dlq.ActionLeave, Rule: "text"}},
		{dlq.DeadLetter{Sent: now, Body: `{} {}`}, dlq.Decision{Action: dlq.ActionLeave, Rule: "text"}},
		{dlq.DeadLetter{Sent: now, Body: `{}`}, dlq.Decision{Action: dlq.ActionRedrive}},
	} {
		d, err := rules.Classify(&tt.m, now)
		require.NoError(t, err)
		require.Equal(t, tt.want, d)
	}
	require.True(t, rules.May(dlq.ActionDiscard))
	require.Equal(t, 2, rules.Limit())
}

func TestAConditionThatFailsDecidesNothing(t *testing.T) {
	rules, err := dlq.ParseRules("r.yaml", []byte(lines(
		"rules:", "  - {name: vip, when: body.customer.tier == 'vip', then: redrive}", "  - {name: all, when: 'true', then: discard}")))
	require.NoError(t, err)
	_, err = rules.Classify(&dlq.DeadLetter{Body: `{"customer":{}}`}, time.Now())
	var failed *dlq.RuleError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "vip", failed.Rule)
	require.EqualError(t, err, `rule "vip": no such key: tier`)
}

func TestAConditionThatTakesTooLongDecidesNothing(t *testing.T) {
	rules, err := dlq.ParseRules("r.yaml", []byte("rules:\n  - {name: x, then: discard, when: 'body.all(a, body.all(b, body.all(c, body.all(d, a + b + c + d >= 0))))'}"))
	require.NoError(t, err)
	body := "[0"
	for range 999 {
		body += ",1"
	}
	begin := time.Now()
	_, err = rules.Classify(&dlq.DeadLetter{Body: body + "]"}, time.Now())
	require.EqualError(t, err, `rule "x": it takes more than 1s`)
	require.Less(t, time.Since(begin), 10*time.Second)
}

// The actions, all in one redrive.
func TestEachMessageMeetsWithWhatTheRulesSay(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, body(`{"tenant":"test"}`), body(`{"tenant":"a","amount":-1}`), body(`{"tenant":"a","amount":5}`), body("no json"), body(`{"tenant":"b","amount":7}`))
	r := m.redrive(lines(
		"rules:",
		"  - {name: test, when: 'is_json && body.tenant == \"test\"', then: discard}",
		"  - {name: negative, when: 'is_json && body.amount < 0', then: quarantine}",
		"  - {name: json, when: is_json, then: redrive}"))
	s := m.run(r)
	require.Equal(t, 2, s.Redriven)
	require.Equal(t, 3, s.Left, "there is no file yet for what is discarded and quarantined")
	require.Equal(t, []dlq.RuleCount{
		{Rule: "test", Action: "discard", Messages: 1}, {Rule: "negative", Action: "quarantine", Messages: 1},
		{Rule: "json", Action: "redrive", Messages: 2}, {Rule: "", Action: "leave", Messages: 1},
	}, s.Rules)
	require.Len(t, s.Attention(), 2)

	r.DiscardFile, r.QuarantineFile = m.file("discarded.jsonl"), m.file("quarantine.jsonl")
	s = m.run(r)
	require.Equal(t, 1, s.Discarded)
	require.Equal(t, 1, s.Quarantined)
	require.Equal(t, 1, s.Left)
	require.Empty(t, s.Attention(), "the rules leave it")
	require.ElementsMatch(t, []string{`{"tenant":"a","amount":5}`, `{"tenant":"b","amount":7}`}, bodies(m.drain(m.orders)))
	require.Equal(t, []string{"no json"}, bodies(m.drain(m.dlq)))
	require.Equal(t, `{"tenant":"test"}`, m.keptIn(r.DiscardFile)[0].Body)
	require.Equal(t, "test", m.keptIn(r.DiscardFile)[0].Rule)
	require.Equal(t, `{"tenant":"a","amount":-1}`, m.keptIn(r.QuarantineFile)[0].Body)
}

func TestAMessageOnWhichARuleFailsIsLeftAndSaid(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, body(`{"a":1}`), body(`{"b":1}`), body("text"))
	s := m.run(m.redrive("rules:\n  - {name: ones, when: body.a == 1, then: redrive}"))
	require.Equal(t, 1, s.Redriven)
	require.Equal(t, 2, s.Left)
	require.Len(t, s.LeftBecause, 1)
	require.Equal(t, `rule "ones": no such key: a`, s.LeftBecause[0].Why)
	require.Equal(t, 2, s.LeftBecause[0].Messages)
	require.False(t, s.LeftBecause[0].Wanted)
	require.Equal(t, [2]string{"2", "0"}, m.count(m.dlq))
}
