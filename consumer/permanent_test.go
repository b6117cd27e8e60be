package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
)

func TestPermanentMarksAnErrorThroughWrapping(t *testing.T) {
	cause := errors.New("no such order")
	err := fmt.Errorf("handling: %w", consumer.Permanent(cause))
	require.True(t, consumer.IsPermanent(err))
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, "handling: no such order")
	require.False(t, consumer.IsPermanent(cause))
	require.False(t, consumer.IsPermanent(nil))
	require.NoError(t, consumer.Permanent(nil))
}

func TestAPermanentFailureIsRecordedAndThenAcknowledged(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	var recorded []consumer.Failure
	sink := consumer.SinkFunc(func(_ context.Context, f consumer.Failure) error { recorded = append(recorded, f); return nil })
	f := failFor("a", "b")
	f.ids["b"] = fmt.Errorf("handling: %w", consumer.Permanent(errors.New("no such order")))
	event := records("q.fifo", "a", "b", "b2")
	event.Records[1].Attributes["ApproximateReceiveCount"] = "3"
	response, err := consumer.Lambda(f.handle, quiet(), consumer.Quarantine(sink), consumer.Time(&hand{now}))(t.Context(), event)
	require.NoError(t, err)
	require.Equal(t, []string{"a"}, failures(response))
	require.Equal(t, []string{"a", "b", "b2"}, f.seen, "its group goes on behind it")
	require.Len(t, recorded, 1)
	require.Equal(t, []any{"b", "body-b", 3, now}, []any{recorded[0].Message.ID, recorded[0].Message.Body, recorded[0].Message.ReceiveCount, recorded[0].Time})
	require.EqualError(t, recorded[0].Err, "handling: no such order")
}

func TestAPermanentFailureThatCannotBeRecordedStays(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []consumer.Option
		log  string
	}{
		{"no sink", nil, "failed for good, but there is no quarantine to record it in: no such order"},
		{"the sink fails", []consumer.Option{consumer.Quarantine(consumer.SinkFunc(func(context.Context, consumer.Failure) error { return errors.New("down") }))},
			"recording a permanent failure: down (the failure: no such order)"},
		{"the sink panics", []consumer.Option{consumer.Quarantine(consumer.SinkFunc(func(context.Context, consumer.Failure) error { panic("down") }))},
			"recording a permanent failure: the handler panicked: down (the failure: no such order)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := failFor()
			f.ids["a"] = consumer.Permanent(errors.New("no such order"))
			logs := &logs{}
			response, err := consumer.Lambda(f.handle, append(c.opts, logs.option())...)(t.Context(), records("q", "a"))
			require.NoError(t, err)
			require.Equal(t, []string{"a"}, failures(response))
			require.Equal(t, c.log, logs.lines[0]["error"])
		})
	}
}

func TestAWorkerRecordsBeforeItDeletes(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	k.send(url, "a")
	d := k.desk()
	down := true
	atRecord := []int{}
	d.worker(url, func(context.Context, consumer.Message) error { return consumer.Permanent(errors.New("for good")) }, consumer.Quarantine(
		consumer.SinkFunc(func(context.Context, consumer.Failure) error {
			atRecord = append(atRecord, k.size(url))
			if down {
				down = false
				return errors.New("down")
			}
			return nil
		})))
	d.until(func() bool { return k.size(url) == 0 })
	require.Equal(t, []int{1, 1}, atRecord)
}

func TestAQuarantineQueueGetsTheMessageAsItWasAndANote(t *testing.T) {
	k := start(t)
	for _, c := range []struct{ queue, group, wantGroup string }{
		{"quarantine", "", ""}, {"quarantine.fifo", "g", "g"}, {"other.fifo", "", "orders"},
	} {
		attributes := []string{}
		if strings.HasSuffix(c.queue, ".fifo") {
			attributes = []string{"FifoQueue", "true"}
		}
		url := k.queue(c.queue, attributes...)
		f := consumer.Failure{
			Message: consumer.Message{
				ID: "id-1", Body: "body", Queue: "orders", ReceiveCount: 2, GroupID: c.group,
				System: map[string]string{"AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793"},
				Attributes: map[string]consumer.Attribute{
					"text": {DataType: "String", String: "x"}, "n": {DataType: "Number.int", String: "7"}, "bin": {DataType: "Binary", Binary: []byte{1}},
					"PermanentFailure": {DataType: "String", String: "an older one"},
				},
			},
			Err: errors.New("no \x00 such order " + strings.Repeat("ä", 600)), Time: time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC),
		}
		sink := consumer.QueueSink{Client: k.sqs, URL: url}
		require.NoError(t, sink.Record(t.Context(), f))
		require.NoError(t, sink.Record(t.Context(), f))
		got := k.receive(url)
		if c.wantGroup == "" {
			require.Len(t, got, 2)
		} else {
			require.Len(t, got, 1, "a FIFO queue takes it once")
		}
		m := got[0]
		require.Equal(t, []string{"body", "Root=1-5759e988-bd862e3fe1be46a994272793", c.wantGroup},
			[]string{*m.Body, m.Attributes["AWSTraceHeader"], m.Attributes["MessageGroupId"]})
		require.Len(t, m.MessageAttributes, 4)
		require.Equal(t, []string{"x", "7"}, []string{*m.MessageAttributes["text"].StringValue, *m.MessageAttributes["n"].StringValue})
		require.Equal(t, []byte{1}, m.MessageAttributes["bin"].BinaryValue)
		var note consumer.FailureNote
		require.NoError(t, json.Unmarshal([]byte(*m.MessageAttributes[consumer.FailureAttribute].StringValue), &note))
		require.Equal(t, consumer.FailureNote{
			Error: "no   such order " + strings.Repeat("ä", 504), ReceiveCount: 2, Time: f.Time, MessageID: "id-1", Queue: "orders",
		}, note)
	}
}

func TestAMessageThatAQuarantineQueueCannotTakeIsNotRecorded(t *testing.T) {
	k := start(t)
	url := k.queue("quarantine")
	sink := consumer.QueueSink{Client: k.sqs, URL: url}
	f := consumer.Failure{Message: consumer.Message{ID: "a", Body: "b", Attributes: map[string]consumer.Attribute{}}, Err: errors.New("e")}
	for i := range 10 {
		f.Message.Attributes[fmt.Sprint(i)] = consumer.Attribute{DataType: "String", String: "x"}
	}
	require.EqualError(t, sink.Record(t.Context(), f), "sending to the quarantine queue: the message has ten attributes, which leaves no room for PermanentFailure")
	delete(f.Message.Attributes, "0")
	require.NoError(t, sink.Record(t.Context(), f))
	k.srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "sqs", Operation: "SendMessage"})
	require.ErrorContains(t, sink.Record(t.Context(), f), "sending to the quarantine queue: ")
}

// From failure to repair: the message in quarantine, sent back as it is, is worked on.
func TestAMessageFromQuarantineCanBeSentBackAsItIs(t *testing.T) {
	k := start(t)
	url, quarantine := k.queue("q"), k.queue("quarantine")
	k.send(url, "order 7")
	repaired := false
	var done []string
	fn := consumer.Lambda(func(_ context.Context, m consumer.Message) error {
		if !repaired {
			return consumer.Permanent(errors.New("a bug"))
		}
		done = append(done, m.Key)
		return nil
	}, quiet(), consumer.Quarantine(consumer.QueueSink{Client: k.sqs, URL: quarantine}), consumer.Idempotent(consumer.Idempotency{
		Store: &consumer.MemoryStore{}, Key: func(m consumer.Message) (string, error) { return m.Body, nil },
	}))
	require.Empty(t, k.invoke(url, fn))
	require.Equal(t, 0, k.size(url))
	repaired = true
	for _, m := range k.receive(quarantine) {
		_, err := k.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: m.Body, MessageAttributes: m.MessageAttributes})
		require.NoError(t, err)
	}
	require.Empty(t, k.invoke(url, fn))
	require.Equal(t, []string{"order 7"}, done)
}
