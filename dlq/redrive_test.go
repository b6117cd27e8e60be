package dlq_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

func TestARedriveSendsEachMessageToItsSourceAndEmptiesTheDLQ(t *testing.T) {
	m := newMorning(t)
	payments := m.source("payments")
	m.fail(m.orders, body("a"), body("b"))
	m.fail(payments, body("c"))
	s := m.run(m.redrive(all))
	require.Equal(t, 3, s.Met)
	require.Equal(t, 3, s.Redriven)
	require.Zero(t, s.Left)
	require.Empty(t, s.Attention())
	require.Equal(t, map[string]int{m.orders.ARN: 2, payments.ARN: 1}, s.Targets)
	require.Equal(t, [2]string{"0", "0"}, m.count(m.dlq))
	require.ElementsMatch(t, []string{"a", "b"}, bodies(m.drain(m.orders)))
	require.Equal(t, []string{"c"}, bodies(m.drain(payments)))
}

func TestARedrivenMessageIsAsItWasButForItsRedriveCount(t *testing.T) {
	m := newMorning(t)
	text := types.MessageAttributeValue{DataType: aws.String("String.note"), StringValue: aws.String("späť 🙂")}
	binary := types.MessageAttributeValue{DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 255}}
	trace := map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-5759e988-bd862e3fe1be46a994272793")}}
	m.fail(m.orders, message{
		MessageBody: aws.String(`{"äöü":" <&> "}`), MessageGroupId: aws.String("tenant-7"), MessageSystemAttributes: trace,
		MessageAttributes: map[string]types.MessageAttributeValue{"text": text, "binary": binary},
	})
	for round, count := range []string{"1", "2"} {
		m.run(m.redrive(all))
		got := m.receive(m.orders, 0)
		require.Len(t, got, 1, "round %d", round)
		require.Equal(t, `{"äöü":" <&> "}`, *got[0].Body)
		require.Equal(t, map[string]types.MessageAttributeValue{
			"text": text, "binary": binary, "RedriveCount": {DataType: aws.String("Number"), StringValue: aws.String(count)},
		}, got[0].MessageAttributes)
		require.Equal(t, "Root=1-5759e988-bd862e3fe1be46a994272793", got[0].Attributes["AWSTraceHeader"])
		require.Equal(t, "tenant-7", got[0].Attributes["MessageGroupId"])
		require.Equal(t, "1", got[0].Attributes["ApproximateReceiveCount"])
		m.failAll(m.orders)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(25)...)
	r := m.redrive(all)
	r.DryRun, r.Samples = true, 2
	r.Concurrency = 1 // so that the first in the queue is the first that is met
	r.Ledger = m.file("ledger")
	s := m.run(r)
	require.True(t, s.DryRun)
	require.Equal(t, 25, s.Met)
	require.Equal(t, 25, s.Redriven, "would be redriven")
	require.Equal(t, []dlq.RuleCount{{Rule: "", Action: "redrive", Messages: 25}}, s.Rules)
	require.Len(t, s.Samples, 2)
	require.Equal(t, `{"n":0}`, s.Samples[0].Body)
	require.Equal(t, dlq.ActionRedrive, s.Samples[0].Action)
	require.Empty(t, s.Attention())
	require.Equal(t, [2]string{"25", "0"}, m.count(m.dlq), "visible again")
	require.Equal(t, [2]string{"0", "0"}, m.count(m.orders))
	require.NoFileExists(t, r.Ledger)
	for _, op := range []string{"SendMessageBatch", "DeleteMessageBatch"} {
		if op == "SendMessageBatch" {
			require.Equal(t, 3, m.srv.Count("sqs", op), "those of the test")
			continue
		}
		require.Zero(t, m.srv.Count("sqs", op))
	}
}

func TestALedgerIsUsedByOneRunAtATime(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(3)...)
	first := m.redrive(all)
	first.Ledger = m.file("ledger")
	second := first
	var refused error
	first.Client = &hooked{RedriveClient: m.sqs, sent: func() { _, refused = second.Run(t.Context()) }}
	require.Equal(t, 3, m.run(first).Redriven)
	require.ErrorContains(t, refused, first.Ledger+" is in use by another run: wait until it has ended")
	m.failAll(m.orders)
	require.Equal(t, 3, m.run(second).Redriven, "the first has ended")
}

func TestAMessageThatComesBackDuringTheRunIsLeftInIt(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(3)...)
	r := m.redrive(all)
	r.Concurrency = 1
	m.srv.Clock.Pause() // so that it comes back as soon as can be
	r.Client = &hooked{
		RedriveClient: m.sqs,
		receive: func(next func() (*sqs.ReceiveMessageOutput, error)) (*sqs.ReceiveMessageOutput, error) {
			m.srv.Clock.Advance(time.Millisecond)
			return next()
		},
		sent: func() { m.failAll(m.orders) },
	}
	s := m.run(r)
	require.Equal(t, 3, s.Redriven)
	require.Equal(t, 3, s.Left)
	require.Equal(t, "it was sent after the run had begun", s.LeftBecause[0].Why)
	require.Empty(t, s.Attention(), "that is to be expected")
	require.Equal(t, [2]string{"3", "0"}, m.count(m.dlq))
}

func TestAMessageOverTheLimitGoesToQuarantine(t *testing.T) {
	m := newMorning(t)
	quarantine := m.create("quarantine")
	times := func(n string) message {
		return message{MessageBody: aws.String(n), MessageAttributes: map[string]types.MessageAttributeValue{"RedriveCount": {DataType: aws.String("Number"), StringValue: &n}}}
	}
	m.fail(m.orders, times("1"), times("2"), body("0"))
	r := m.redrive("otherwise: redrive\nredrive_limit: 2")
	s := m.run(r)
	require.Equal(t, 2, s.Redriven)
	require.Equal(t, []dlq.LeftReason{{Why: "it was redriven 2 times, and no quarantine is given", Messages: 1, Example: s.LeftBecause[0].Example}}, s.LeftBecause)
	require.NotEmpty(t, s.Attention())
	require.Equal(t, [2]string{"1", "0"}, m.count(m.dlq))
	r.QuarantineQueue = &quarantine
	s = m.run(r)
	require.Equal(t, 1, s.Quarantined)
	got := m.drain(quarantine)
	require.Equal(t, []string{"2"}, bodies(got))
	require.Equal(t, "2", *got[0].MessageAttributes["RedriveCount"].StringValue, "it was not redriven")
}

func TestAMessageThatCannotBeRedrivenIsLeftAndSaid(t *testing.T) {
	ten := map[string]types.MessageAttributeValue{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		ten[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("x")}
	}
	m := newMorning(t)
	gone := m.source("gone")
	m.fail(m.orders, message{MessageBody: aws.String("ten attributes"), MessageAttributes: ten}, body("fine"))
	m.fail(gone, body("no source any more"))
	_, err := m.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &gone.URL})
	require.NoError(t, err)
	m.send(m.dlq, body("sent to the DLQ"))
	s := m.run(m.redrive(all))
	require.Equal(t, 1, s.Redriven)
	require.Equal(t, 3, s.Left)
	why := map[string]int{}
	for _, r := range s.LeftBecause {
		require.False(t, r.Wanted)
		why[r.Why] = r.Messages
	}
	require.Equal(t, map[string]int{
		"it has ten attributes, which leaves no room for RedriveCount":                                           1,
		"its source arn:aws:sqs:us-east-1:000000000000:gone doesn't exist any more: say with --to where such go": 1,
		"it was sent to the DLQ and not dead-lettered, so that it has no source: say with --to where such go":    1,
	}, why)
	require.Equal(t, [2]string{"3", "0"}, m.count(m.dlq), "visible again")

	r := m.redrive(all)
	r.To = &m.orders
	s = m.run(r)
	require.Equal(t, 2, s.Redriven, "all but the one with ten attributes")
	require.Equal(t, [2]string{"1", "0"}, m.count(m.dlq))
}

func TestTenAttributesOneOfWhichIsTheCountLeaveRoom(t *testing.T) {
	m := newMorning(t)
	ten := map[string]types.MessageAttributeValue{"RedriveCount": {DataType: aws.String("Number"), StringValue: aws.String("1")}}
	for _, name := range []string{"b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		ten[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("x")}
	}
	m.fail(m.orders, message{MessageBody: aws.String("x"), MessageAttributes: ten})
	require.Equal(t, 1, m.run(m.redrive(all)).Redriven)
	require.Equal(t, "2", *m.drain(m.orders)[0].MessageAttributes["RedriveCount"].StringValue)
}

func TestLargeMessagesAreSentInAsManyBatchesAsTheyNeed(t *testing.T) {
	m := newMorning(t)
	for range 6 { // 400 kB each: two to a batch
		m.fail(m.orders, body(string(make400kB())))
	}
	m.srv.ResetCalls()
	r := m.redrive(all)
	r.Concurrency = 1
	require.Equal(t, 6, m.run(r).Redriven)
	require.Equal(t, 3, m.srv.Count("sqs", "SendMessageBatch"))
	require.Len(t, m.drain(m.orders), 6)
}

func make400kB() []byte {
	b := make([]byte, 400_000)
	for i := range b {
		b[i] = 'x'
	}
	return b
}

func TestAMessageThatTheTargetRefusesIsLeftAndTheOthersGo(t *testing.T) {
	m := newMorning(t)
	small := m.create("small", "MaximumMessageSize", "1024")
	m.fail(m.orders, body("fits"), body(string(make400kB())), body("fits too"))
	r := m.redrive(all)
	r.To = &small
	s := m.run(r)
	require.Equal(t, 2, s.Redriven)
	require.Equal(t, 1, s.Left)
	require.Contains(t, s.LeftBecause[0].Why, "small refused it: InvalidParameterValue")
	require.Contains(t, s.LeftBecause[0].Why, "Message must be shorter than 1024 bytes")
	require.ElementsMatch(t, []string{"fits", "fits too"}, bodies(m.drain(small)))
	require.Equal(t, [2]string{"1", "0"}, m.count(m.dlq))
}

func TestTheRateIsKept(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	m.srv.Clock.Pause()
	r := m.redrive(all)
	r.Rate = 5
	r.Concurrency = 1 // or one that waits moves the clock between another's look at it and its wait
	begin := m.srv.Clock.Now()
	require.Equal(t, 30, m.run(r).Redriven)
	// five at once, and five more each second
	require.InDelta(t, 5, m.srv.Clock.Now().Sub(begin).Seconds(), 0.01)
}

func TestMaxEndsTheRun(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	r := m.redrive(all)
	r.Max = 17
	s := m.run(r)
	require.Equal(t, 17, s.Met)
	require.Equal(t, 17, s.Redriven)
	require.Equal(t, [2]string{"13", "0"}, m.count(m.dlq))
}

func TestWhatCannotWorkIsRefusedBeforeAnythingIsTouched(t *testing.T) {
	m := newMorning(t)
	fifo := dlq.Queue{Name: "x.fifo", ARN: "arn:aws:sqs:us-east-1:000000000000:x.fifo", URL: "http://x"}
	for _, tt := range []struct {
		want   string
		change func(*dlq.Redrive)
	}{
		{"messages of orders-dlq can't be redriven to that queue itself", func(r *dlq.Redrive) { r.To = &m.dlq }},
		{"of the two queues one is FIFO", func(r *dlq.Redrive) { r.To = &fifo }},
		{"messages of orders-dlq can't be quarantined to that queue itself", func(r *dlq.Redrive) { r.QuarantineQueue = &m.dlq }},
		{"choose a queue or a file for what is quarantined, not both", func(r *dlq.Redrive) { r.QuarantineQueue, r.QuarantineFile = &m.orders, "x" }},
		{"choose 30s to 12h", func(r *dlq.Redrive) { r.Visibility = 1 }},
		{"choose 1 to 64", func(r *dlq.Redrive) { r.Concurrency = 65 }},
		{"neither the rate", func(r *dlq.Redrive) { r.Rate = -1 }},
		{"for up to 20s", func(r *dlq.Redrive) { r.Wait = minute }},
		{"needs a client, rules", func(r *dlq.Redrive) { r.Rules = nil }},
	} {
		r := m.redrive(all)
		tt.change(&r)
		m.srv.ResetCalls()
		_, err := r.Run(t.Context())
		require.ErrorContains(t, err, tt.want)
		require.Zero(t, m.srv.Count("sqs", ""))
	}
}

func TestAQueueWithARedrivePolicyOfItsOwnIsRefusedUnlessAllowed(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, body("x"))
	last := m.create("last")
	_, err := m.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &m.dlq.URL, Attributes: map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"` + last.ARN + `","maxReceiveCount":"100"}`,
	}})
	require.NoError(t, err)
	r := m.redrive(all)
	_, err = r.Run(t.Context())
	require.EqualError(t, err, "queue orders-dlq has a redrive policy: looking at a message counts as a receive, and one that was received 100 times goes to arn:aws:sqs:us-east-1:000000000000:last")
	r.AllowRedrivePolicy = true
	require.Equal(t, 1, m.run(r).Redriven)
}
