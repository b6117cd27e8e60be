package dlq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// full is a ground whose queue "dead" holds messages that were dead-lettered from "orders".
func full(t *testing.T, n int) *ground {
	g := newGround(t)
	g.queue("dead")
	var bodies []string
	for i := range n {
		bodies = append(bodies, fmt.Sprintf(`{"n":%d}`, i))
	}
	g.deadLetter(g.source("orders", "dead"), bodies...)
	return g
}

// there requires that n messages are to be had at once, each once, and returns their bodies.
func (g *ground) there(url string, n int) []string {
	g.Helper()
	var bodies []string
	for {
		got := g.receive(url, 10)
		if len(got) == 0 {
			require.Len(g, bodies, n)
			return bodies
		}
		bodies = append(bodies, got...)
	}
}

func (g *ground) inspect(o dlq.InspectOptions) *dlq.Inspection {
	g.Helper()
	o.Now = g.srv.Clock.Now
	out, err := dlq.Inspect(g.Context(), g.sqs, "dead", o)
	require.NoError(g, err)
	return out
}

func TestInspectingShowsMessagesAndGivesThemBack(t *testing.T) {
	g := full(t, 25)
	var seen []dlq.InspectedMessage
	out := g.inspect(dlq.InspectOptions{Max: -1, Each: func(m dlq.InspectedMessage) error {
		seen = append(seen, m)
		return nil
	}})
	require.Equal(t, 25, out.Seen)
	require.Len(t, seen, 25)
	require.Equal(t, dlq.EndedEmpty, out.Ended)
	require.Equal(t, dlq.Messages{Visible: 25}, out.Before)
	require.Equal(t, dlq.Release{Released: 25}, out.Release)
	require.Equal(t, arnOf("orders"), seen[0].Source)
	require.Equal(t, 2, seen[0].ReceiveCount, "one in the source, and this look")
	require.Equal(t, `{"n":0}`, seen[0].Body)
	g.there(g.url("dead"), 25)
}

func TestNoMoreIsReceivedThanAskedFor(t *testing.T) {
	g := full(t, 25)
	out := g.inspect(dlq.InspectOptions{Max: 12})
	require.Equal(t, 12, out.Seen)
	require.Equal(t, dlq.EndedMax, out.Ended)
	require.Equal(t, 2, g.srv.Count("sqs", "ReceiveMessage")-receivesOf(g, "orders"))
	g.there(g.url("dead"), 25)
}

// receivesOf counts the receives from a queue.
func receivesOf(g *ground, queue string) int {
	n := 0
	for _, c := range g.srv.Calls() {
		if c.Operation == "ReceiveMessage" && strings.Contains(string(c.Input()), "/"+queue+`"`) {
			n++
		}
	}
	return n
}

func TestAnInterruptGivesMessagesBackAtOnce(t *testing.T) {
	g := full(t, 25)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var told int
	out, err := dlq.Inspect(ctx, g.sqs, "dead", dlq.InspectOptions{
		Max:  -1,
		Each: func(dlq.InspectedMessage) error { cancel(); return nil },
		Releasing: func(n int, until time.Time) {
			told = n
			require.WithinDuration(t, time.Now().Add(5*time.Minute), until, time.Minute)
		},
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, dlq.EndedInterrupted, out.Ended)
	require.Equal(t, 10, out.Seen)
	require.Equal(t, 10, told)
	require.Equal(t, dlq.Release{Released: 10}, out.Release)
	g.there(g.url("dead"), 25)
}

// cut is a client whose caller is interrupted as it receives.
type cut struct {
	*sqs.Client
	interrupt func()
}

func (c cut) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	c.interrupt()
	return c.Client.ReceiveMessage(ctx, in, opts...)
}

// A receive that is given up has hidden messages that nobody can give back.
func TestAnInterruptDuringAReceiveWaitsForItsMessages(t *testing.T) {
	g := full(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, err := dlq.Inspect(ctx, cut{g.sqs, cancel}, "dead", dlq.InspectOptions{})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 3, out.Release.Released)
	g.there(g.url("dead"), 3)
}

func TestWhateverFailsMessagesAreGivenBack(t *testing.T) {
	enough := errors.New("enough")
	for _, tt := range []struct {
		name   string
		fault  awstest.Fault
		each   error
		failed error
	}{
		{"the caller", awstest.Fault{Kind: awstest.Latency, Operation: "none"}, enough, enough},
		{"receives, for a while", awstest.Fault{Kind: awstest.InternalError, Operation: "ReceiveMessage", Skip: 1, Times: 1}, nil, nil},
		{"throttling of the giving back", awstest.Fault{Kind: awstest.Throttle, Operation: "ChangeMessageVisibilityBatch", Times: 3}, nil, nil},
		{"the giving back, for a while", awstest.Fault{Kind: awstest.Unavailable, Operation: "ChangeMessageVisibilityBatch", Times: 3}, nil, nil},
		{"the connection, after giving back", awstest.Fault{Kind: awstest.DropResponse, Operation: "ChangeMessageVisibilityBatch", Times: 3}, nil, nil},
		{"the connection, before giving back", awstest.Fault{Kind: awstest.DropRequest, Operation: "ChangeMessageVisibilityBatch", Times: 3}, nil, nil},
		{"the answer to giving back", awstest.Fault{Kind: awstest.TruncateResponse, Operation: "ChangeMessageVisibilityBatch", Times: 3}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they wait between tries
			g := full(t, 20)
			g.srv.Inject(tt.fault)
			out, err := dlq.Inspect(t.Context(), sqs.NewFromConfig(g.srv.Config()), "dead", dlq.InspectOptions{
				Max: 20, Each: func(dlq.InspectedMessage) error { return tt.each },
			})
			if tt.failed == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tt.failed)
				require.Equal(t, dlq.EndedError, out.Ended)
			}
			require.Zero(t, out.Release.Hidden)
			g.there(g.url("dead"), 20)
		})
	}
}

func TestWhatCannotBeGivenBackIsToldAndComesBackByItself(t *testing.T) {
	g := full(t, 3)
	out, err := dlq.Inspect(t.Context(), g.denying("ChangeMessageVisibilityBatch", always), "dead", dlq.InspectOptions{Max: 3, Visibility: time.Minute})
	require.ErrorContains(t, err, "giving messages back")
	require.Equal(t, 3, out.Release.Hidden)
	require.Contains(t, out.Release.Error, "AccessDenied")
	require.WithinDuration(t, time.Now().Add(time.Minute), *out.Release.Until, 10*time.Second)
	g.there(g.url("dead"), 0)
	g.srv.Clock.Advance(time.Minute)
	g.there(g.url("dead"), 3)
}

func TestAnAnswerThatIsLostIsToldAndItsMessagesComeBackByThemselves(t *testing.T) {
	g := full(t, 20)
	g.srv.Inject(awstest.Fault{Kind: awstest.DropResponse, Operation: "ReceiveMessage", Times: 1})
	out, err := dlq.Inspect(t.Context(), sqs.NewFromConfig(g.srv.Config()), "dead", dlq.InspectOptions{Max: 10, Visibility: time.Minute})
	require.NoError(t, err)
	require.Equal(t, 10, out.Seen)
	require.Equal(t, 10, out.Release.Released)
	require.Equal(t, 10, out.Release.Uncertain)
	require.NotNil(t, out.Release.Until)
	g.there(g.url("dead"), 10)
	g.srv.Clock.Advance(time.Minute)
	g.there(g.url("dead"), 20)
}

// fifo is a ground whose queue dead.fifo holds n messages in each of two groups.
func fifo(t *testing.T, n int) (*ground, string) {
	g := newGround(t)
	url := g.queue("dead.fifo", "FifoQueue", "true")
	for i := range n {
		for _, group := range []string{"a", "b"} {
			body := fmt.Sprintf("%s%02d", group, i)
			_, err := g.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageGroupId: aws.String(group), MessageDeduplicationId: &body})
			require.NoError(t, err)
		}
	}
	return g, url
}

// ofGroup returns the bodies of one group's messages.
func ofGroup(bodies []string, group string) []string {
	return slices.DeleteFunc(slices.Clone(bodies), func(b string) bool { return !strings.HasPrefix(b, group) })
}

func TestAFIFOQueueShowsTheFirstTenOfEachGroupAndKeepsItsOrder(t *testing.T) {
	g, url := fifo(t, 12)
	var bodies []string
	out, err := dlq.Inspect(t.Context(), g.sqs, "dead.fifo", dlq.InspectOptions{Max: -1, Each: func(m dlq.InspectedMessage) error {
		bodies = append(bodies, m.Body)
		return nil
	}})
	require.NoError(t, err)
	require.Equal(t, strings.Fields("a00 a01 a02 a03 a04 a05 a06 a07 a08 a09 b00 b01 b02 b03 b04 b05 b06 b07 b08 b09"), bodies)
	require.Equal(t, []string{"about 4 messages stand behind those seen, in the same message groups: a FIFO queue hands out at most ten of a group at a time"}, out.Warnings)
	require.Equal(t, dlq.Release{Released: 20}, out.Release)
	first := append(g.receive(url, 10), g.receive(url, 10)...) // at once
	require.Equal(t, strings.Fields("a00 a01 a02 a03 a04 a05 a06 a07 a08 a09"), ofGroup(first, "a"))
	require.Equal(t, strings.Fields("b00 b01 b02 b03 b04 b05 b06 b07 b08 b09"), ofGroup(first, "b"))
}

// recording is a client that notes in which order messages are given back.
type recording struct {
	dlq.Receiver
	bodies map[string]string // by receipt handle
	back   []string
}

func (r *recording) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out, err := r.Receiver.ReceiveMessage(ctx, in, opts...)
	if err == nil {
		for _, m := range out.Messages {
			r.bodies[*m.ReceiptHandle] = *m.Body
		}
	}
	return out, err
}

func (r *recording) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, opts ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	for _, e := range in.Entries {
		r.back = append(r.back, r.bodies[*e.ReceiptHandle])
	}
	return r.Receiver.ChangeMessageVisibilityBatch(ctx, in, opts...)
}

// The head of a group unlocks it: a consumer would get the head alone, and then what is
// visible, if the others came back after it.
func TestAFIFOGroupIsGivenBackFromItsEnd(t *testing.T) {
	g, _ := fifo(t, 10)
	r := &recording{Receiver: g.sqs, bodies: map[string]string{}}
	_, err := dlq.Inspect(t.Context(), r, "dead.fifo", dlq.InspectOptions{Max: 20})
	require.NoError(t, err)
	require.Equal(t, strings.Fields("a09 a08 a07 a06 a05 a04 a03 a02 a01 a00"), ofGroup(r.back, "a"))
	require.Equal(t, strings.Fields("b09 b08 b07 b06 b05 b04 b03 b02 b01 b00"), ofGroup(r.back, "b"))
}

func TestALostAnswerOfAFIFOQueueIsGotAgain(t *testing.T) {
	g, url := fifo(t, 2)
	g.srv.Inject(awstest.Fault{Kind: awstest.DropResponse, Operation: "ReceiveMessage", Times: 1})
	out, err := dlq.Inspect(t.Context(), sqs.NewFromConfig(g.srv.Config()), "dead.fifo", dlq.InspectOptions{Max: 4})
	require.NoError(t, err)
	require.Equal(t, 4, out.Seen)
	require.Equal(t, dlq.Release{Released: 4}, out.Release)
	all := g.receive(url, 10)
	require.Equal(t, strings.Fields("a00 a01"), ofGroup(all, "a"))
	require.Equal(t, strings.Fields("b00 b01"), ofGroup(all, "b"))
}

func TestAQueueWithARedrivePolicyIsRefused(t *testing.T) {
	g := full(t, 1)
	_, err := dlq.Inspect(t.Context(), g.sqs, "orders", dlq.InspectOptions{})
	var refusal *dlq.RedrivePolicyError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, dlq.RedrivePolicyError{Queue: "orders", MaxReceiveCount: 1, Target: arnOf("dead")}, *refusal)
	require.Zero(t, g.srv.Count("sqs", "ReceiveMessage")-receivesOf(g, "orders"))

	g.send(g.url("orders"), "a")
	out, err := dlq.Inspect(t.Context(), g.sqs, "orders", dlq.InspectOptions{Max: 1, AllowRedrivePolicy: true})
	require.NoError(t, err)
	require.Equal(t, 1, out.Seen)
	require.Equal(t, []string{"this look counted as a receive, and at 1 receives messages go to " + arnOf("dead")}, out.Warnings)
}

func TestAQueueThatIsDeletedUnderneathHasNothingToGiveBack(t *testing.T) {
	g := full(t, 20)
	out, err := dlq.Inspect(t.Context(), g.sqs, "dead", dlq.InspectOptions{Max: -1, Each: func(m dlq.InspectedMessage) error {
		if m.Body == `{"n":9}` {
			_, err := g.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(g.url("dead"))})
			return err
		}
		return nil
	}})
	var gone *types.QueueDoesNotExist
	require.ErrorAs(t, err, &gone)
	require.Equal(t, 10, out.Seen)
	require.Zero(t, out.Release.Hidden)
}

func TestWhatCannotBeInspectedIsAnError(t *testing.T) {
	g := full(t, 1)
	for _, tt := range []struct {
		name, queue string
		o           dlq.InspectOptions
		want        string
	}{
		{"no queue", "", dlq.InspectOptions{}, "which queue?"},
		{"a queue that isn't there", "nope", dlq.InspectOptions{}, "finding queue nope"},
		{"too short a visibility", "dead", dlq.InspectOptions{Visibility: time.Second}, "whole seconds between 10s and 12h"},
		{"too long a visibility", "dead", dlq.InspectOptions{Visibility: 13 * time.Hour}, "whole seconds between 10s and 12h"},
		{"an unknown dimension", "dead", dlq.InspectOptions{GroupBy: []dlq.Dimension{"size"}}, "choose among source, error, shape and age"},
		{"a path without names", "dead", dlq.InspectOptions{Redact: []string{"a..b"}}, `"a..b" can't be redacted`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := dlq.Inspect(t.Context(), g.sqs, tt.queue, tt.o)
			require.ErrorContains(t, err, tt.want)
			require.Nil(t, out)
		})
	}
	require.Zero(t, g.srv.Count("sqs", "ReceiveMessage")-receivesOf(g, "orders"))
}

// twice is a client that delivers each message twice, as standard queues may.
type twice struct{ dlq.Receiver }

func (c twice) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, opts ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out, err := c.Receiver.ReceiveMessage(ctx, in, opts...)
	if err == nil {
		out.Messages = append(out.Messages, out.Messages...)
	}
	return out, err
}

func TestAMessageThatIsDeliveredTwiceIsShownOnce(t *testing.T) {
	g := full(t, 4)
	out, err := dlq.Inspect(t.Context(), twice{g.sqs}, "dead", dlq.InspectOptions{Max: 4})
	require.NoError(t, err)
	require.Equal(t, 4, out.Seen)
	require.Equal(t, 4, out.Release.Released)
}

// sendWith sends a message with string attributes: name, value, …
func (g *ground) sendWith(url, body string, attributes ...string) {
	g.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, MessageAttributes: map[string]types.MessageAttributeValue{}}
	for i := 0; i < len(attributes); i += 2 {
		in.MessageAttributes[attributes[i]] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &attributes[i+1]}
	}
	_, err := g.sqs.SendMessage(g.Context(), in)
	require.NoError(g, err)
}

func TestMessagesAreGroupedBySourceErrorAndShape(t *testing.T) {
	g := newGround(t)
	dead := g.queue("dead")
	orders, refunds := g.source("orders", "dead"), g.source("refunds", "dead")
	g.sendWith(orders, `{"id":1,"lines":[{"sku":"a"},{"qty":2}]}`, "ErrorMessage", "order 17: card declined")
	g.sendWith(orders, `{"lines":[{"sku":"b"},{"qty":3}],"id":2}`, "ErrorMessage", "order 4711: card declined\nat line 3")
	g.sendWith(orders, `{"id":3}`, "ErrorMessage", "order 17: card declined")
	g.sendWith(orders, `not JSON`)
	g.sendWith(refunds, `{"id":4}`, "PermanentFailure", `{"error":"no such account a1b2c3d4-0000-4000-8000-000000000000","receiveCount":1}`, "ErrorMessage", "something else")
	g.deadLetter(orders)
	g.deadLetter(refunds)
	g.srv.Clock.Advance(2 * time.Hour)
	g.sendWith(dead, `{"id":5}`, "error-code", "E1001")

	out := g.inspect(dlq.InspectOptions{Max: 6, Samples: 1})
	type group struct {
		source, err, shape string
		n                  int
	}
	var got []group
	for _, gr := range out.Groups {
		require.Len(t, gr.Samples, 1)
		got = append(got, group{gr.Source, gr.Error, gr.Shape, gr.Messages})
	}
	require.Equal(t, []group{
		{arnOf("orders"), "order #: card declined", "{id, lines: [{qty, sku}]}", 2},
		{"", "E#", "{id}", 1},
		{arnOf("orders"), "", "text", 1},
		{arnOf("orders"), "order #: card declined", "{id}", 1},
		{arnOf("refunds"), "no such account #", "{id}", 1},
	}, got)
	require.Equal(t, []dlq.AgeCount{{"under 10m", 1}, {"1h to 6h", 5}}, out.Ages)

	byAge := g.inspect(dlq.InspectOptions{Max: 6, GroupBy: []dlq.Dimension{dlq.ByAge}, Samples: -1})
	require.Len(t, byAge.Groups, 2)
	require.Equal(t, "1h to 6h", byAge.Groups[0].Age)
	require.Equal(t, 5, byAge.Groups[0].Messages)
	require.Empty(t, byAge.Groups[0].Samples)
	require.Equal(t, 2, byAge.Groups[0].MinReceives-1, "the second look counted as well")

	named := g.inspect(dlq.InspectOptions{Max: 6, GroupBy: []dlq.Dimension{dlq.ByError}, ErrorAttribute: "error-code"})
	require.Equal(t, 5, named.Groups[0].Messages, "those without that attribute")
	require.Equal(t, "E#", named.Groups[1].Error)
}

func TestSamplesAreCutAndBounded(t *testing.T) {
	g := newGround(t)
	dead := g.queue("dead")
	for range 5 {
		g.send(dead, strings.Repeat("é", 1500))
	}
	whole := 0
	out := g.inspect(dlq.InspectOptions{Max: 5, Each: func(m dlq.InspectedMessage) error { whole += len(m.Body); return nil }})
	require.Equal(t, 15000, whole)
	require.Len(t, out.Groups[0].Samples, 3)
	require.Equal(t, strings.Repeat("é", 1000), out.Groups[0].Samples[0].Body)
	require.True(t, out.Groups[0].Samples[0].Truncated)
}

func TestTheJSONOfAnInspectionIsStable(t *testing.T) {
	at := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	b, err := json.Marshal(dlq.Inspection{
		Schema: 1, Time: at, Queue: dlq.Queue{Name: "d", ARN: "arn:d", URL: "https://d"}, Before: dlq.Messages{Visible: 1}, Seen: 1, Ended: dlq.EndedMax,
		Ages: []dlq.AgeCount{{"under 10m", 1}}, GroupBy: []dlq.Dimension{dlq.BySource},
		Groups: []dlq.Group{{Source: "arn:s", Messages: 1, Oldest: at, Newest: at, MinReceives: 2, MaxReceives: 2, Samples: []dlq.InspectedMessage{{
			ID: "m", Source: "arn:s", Sent: at, ReceiveCount: 2, Attributes: map[string]dlq.MessageAttribute{"a": {Type: "Binary", Binary: []byte("b")}}, Error: "e", Shape: "text", Body: "x",
		}}}},
		Warnings: []string{}, Release: dlq.Release{Released: 1},
	})
	require.NoError(t, err)
	require.JSONEq(t, `{
		"schema": 1, "time": "2026-11-24T03:00:00Z", "queue": {"name": "d", "arn": "arn:d", "url": "https://d"}, "before": {"visible": 1, "in_flight": 0, "delayed": 0},
		"seen": 1, "ended": "max", "ages": [{"age": "under 10m", "messages": 1}], "group_by": ["source"],
		"groups": [{"source": "arn:s", "messages": 1, "oldest": "2026-11-24T03:00:00Z", "newest": "2026-11-24T03:00:00Z", "min_receives": 2, "max_receives": 2, "samples": [{
			"message_id": "m", "source": "arn:s", "sent": "2026-11-24T03:00:00Z", "first_received": null, "receive_count": 2,
			"attributes": {"a": {"type": "Binary", "binary": "Yg=="}}, "error": "e", "shape": "text", "body": "x"
		}]}],
		"warnings": [], "release": {"released": 1, "hidden": 0, "uncertain": 0, "until": null}
	}`, string(b))
}
