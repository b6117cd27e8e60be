package sqs

import (
	"strconv"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

// fifo creates a FIFO queue with content-based deduplication.
func (h *harness) fifo(name string, attributes ...string) string {
	h.Helper()
	return h.queue(name, append([]string{"FifoQueue", "true", "ContentBasedDeduplication", "true"}, attributes...)...)
}

// receiveFor receives with a visibility timeout of its own, in seconds.
func (h *harness) receiveFor(url string, n, seconds int) []types.Message {
	h.Helper()
	_, _, out := h.raw("ReceiveMessage", map[string]any{"QueueUrl": url, "MaxNumberOfMessages": n, "VisibilityTimeout": seconds})
	list, _ := out["Messages"].([]any)
	var messages []types.Message
	for _, m := range list {
		m := m.(map[string]any)
		messages = append(messages, types.Message{Body: ptr(m["Body"].(string)), ReceiptHandle: ptr(m["ReceiptHandle"].(string))})
	}
	return messages
}

func TestMessageGroups(t *testing.T) {
	fill := func(h *harness, q string, bodies ...string) {
		for _, b := range bodies {
			h.sendTo(q, b[:2], b) // g1-m1 goes to g1
		}
	}
	for _, tt := range []struct {
		name string
		play func(h *harness, q string)
	}{
		{"are received one after the other, in order within", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g2-m1", "g1-m2", "g1-m3")
			require.Equal(h, []string{"g1-m1", "g1-m2", "g1-m3", "g2-m1"}, bodies(h.receive(q, 10)))
		}},
		{"are blocked as wholes by messages in flight, whose blocked messages count as visible", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g1-m2", "g1-m3", "g1-m4", "g2-m1", "g3-m1")
			require.Equal(h, []string{"g1-m1", "g1-m2"}, bodies(h.receive(q, 2)))
			fill(h, q, "g1-m5")
			require.Equal(h, [3]int{5, 2, 0}, h.counts(q))
			require.Equal(h, []string{"g2-m1"}, bodies(h.receive(q, 1)))
			h.clk.Advance(30 * time.Second)
			require.Equal(h, []string{"g3-m1", "g1-m1", "g1-m2", "g1-m3", "g1-m4", "g1-m5", "g2-m1"}, bodies(h.receiveFor(q, 10, 0)))
		}},
		{"rotate when received with a visibility timeout of 0", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g2-m1", "g2-m2", "g3-m1", "g1-m2")
			require.Equal(h, []string{"g1-m1", "g1-m2", "g2-m1"}, bodies(h.receiveFor(q, 3, 0)))
			require.Equal(h, []string{"g3-m1", "g1-m1", "g1-m2", "g2-m1", "g2-m2"}, bodies(h.receiveFor(q, 10, 0)))
		}},
		{"give a message whose timeout was ended, and only it", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g1-m2", "g1-m3", "g2-m1")
			got := h.receive(q, 2)
			require.NoError(h, h.hide(q, got[0], 0))
			require.Equal(h, []string{"g2-m1", "g1-m1"}, bodies(h.receive(q, 10)))
		}},
		{"give a message whose timeout was shortened, and only it", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g1-m2", "g2-m1")
			got := h.receive(q, 2)
			require.NoError(h, h.hide(q, got[0], 1))
			h.clk.Advance(time.Second)
			require.Equal(h, []string{"g2-m1", "g1-m1"}, bodies(h.receive(q, 10)))
		}},
		{"hide what comes after a message whose timeout was extended", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g1-m2", "g1-m3")
			got := h.receive(q, 10)
			require.NoError(h, h.hide(q, got[1], 60))
			h.clk.Advance(30 * time.Second)
			require.Equal(h, []string{"g1-m1"}, bodies(h.receive(q, 10)))
		}},
		{"go on when all in flight are deleted", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g2-m1", "g1-m2", "g2-m2", "g1-m3", "g1-m4", "g3-m1")
			got := h.receive(q, 2)
			h.delete(q, got[0])
			h.delete(q, got[1])
			require.Equal(h, []string{"g2-m1", "g2-m2", "g3-m1", "g1-m3", "g1-m4"}, bodies(h.receive(q, 10)))
		}},
		{"stay blocked while some in flight are left", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g2-m1", "g1-m2", "g2-m2", "g1-m3", "g3-m1")
			h.delete(q, h.receive(q, 2)[0])
			require.Equal(h, []string{"g2-m1", "g2-m2", "g3-m1"}, bodies(h.receive(q, 10)))
		}},
		{"wake who waits when the last in flight is deleted", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g1-m2")
			m := h.receive(q, 1)[0]
			got := h.poll(h.ctx(), q)
			h.waiting("q.fifo", 1)
			h.delete(q, m)
			require.Equal(h, []string{"g1-m2"}, bodies((<-got).messages))
		}},
		{"keep order through a timeout", func(h *harness, q string) {
			fill(h, q, "g1-m1", "g1-m2", "g1-m3")
			for range 3 {
				require.Equal(h, []string{"g1-m1", "g1-m2", "g1-m3"}, bodies(h.receive(q, 10)))
				h.clk.Advance(30 * time.Second)
			}
		}},
		{"lose what expires", func(h *harness, q string) {
			require.NoError(h, h.set(q, "MessageRetentionPeriod", "60"))
			fill(h, q, "g1-m1")
			h.receiveFor(q, 1, 600)
			h.clk.Advance(30 * time.Second)
			fill(h, q, "g1-m2")
			require.Empty(h, h.receive(q, 10))
			h.clk.Advance(30 * time.Second)
			require.Equal(h, []string{"g1-m2"}, bodies(h.receive(q, 10)))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, Options{})
			tt.play(h, h.fifo("q.fifo"))
		})
	}
}

func TestDeduplication(t *testing.T) {
	send := func(h *harness, q, group, id, body string) *awssqs.SendMessageOutput {
		h.Helper()
		in := &awssqs.SendMessageInput{QueueUrl: &q, MessageBody: &body, MessageGroupId: &group}
		if id != "" {
			in.MessageDeduplicationId = &id
		}
		out, err := h.sqs.SendMessage(h.ctx(), in)
		require.NoError(h, err)
		return out
	}
	for _, tt := range []struct {
		name string
		play func(h *harness)
	}{
		{"accepts a duplicate, and drops it", func(h *harness) {
			q := h.fifo("q.fifo")
			first := send(h, q, "g1", "id", "a")
			again := send(h, q, "g2", "id", "b")
			require.Equal(h, *first.MessageId, *again.MessageId)
			require.Equal(h, *first.SequenceNumber, *again.SequenceNumber)
			require.Equal(h, []string{"a"}, bodies(h.receive(q, 10)))
		}},
		{"lasts five minutes from the first send, deleted or not", func(h *harness) {
			q := h.fifo("q.fifo")
			send(h, q, "g", "", "a")
			h.delete(q, h.receive(q, 1)[0])
			h.clk.Advance(5*time.Minute - 1)
			send(h, q, "g", "", "a")
			require.Empty(h, h.receive(q, 1))
			h.clk.Advance(1)
			send(h, q, "g", "", "a")
			require.Len(h, h.receive(q, 1), 1)
		}},
		{"by content looks at the body only", func(h *harness) {
			q := h.fifo("q.fifo")
			send(h, q, "g", "", `{"foo": "bar"}`)
			_, err := h.sqs.SendMessage(h.ctx(), &awssqs.SendMessageInput{
				QueueUrl: &q, MessageBody: ptr(`{"foo": "bar"}`), MessageGroupId: ptr("h"),
				MessageAttributes: map[string]types.MessageAttributeValue{"a": stringValue("x")},
			})
			require.NoError(h, err)
			got := h.receive(q, 10)
			require.Len(h, got, 1)
			require.Equal(h, "426fc04f04bf8fdb5831dc37bbb6dcf70f63a37e05a68c6ea5f63e85ae579376", got[0].Attributes["MessageDeduplicationId"])
		}},
		{"can be within groups, as the queue was created", func(h *harness) {
			q := h.fifo("q.fifo", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
			require.NoError(h, h.set(q, "DeduplicationScope", "queue", "FifoThroughputLimit", "perQueue"))
			send(h, q, "g1", "id", "a")
			send(h, q, "g2", "id", "a")
			send(h, q, "g2", "id", "a")
			require.Len(h, h.receive(q, 10), 2)
		}},
		{"is forgotten by a purge", func(h *harness) {
			q := h.fifo("q.fifo")
			send(h, q, "g", "id", "a")
			_, err := h.sqs.PurgeQueue(h.ctx(), &awssqs.PurgeQueueInput{QueueUrl: &q})
			require.NoError(h, err)
			send(h, q, "g", "id", "b")
			require.Equal(h, []string{"b"}, bodies(h.receive(q, 1)))
		}},
		{"keeps two messages that shared an id apart in the DLQ", func(h *harness) {
			dlq := h.fifo("dlq.fifo", "VisibilityTimeout", "0")
			q := h.fifo("q.fifo", "RedrivePolicy", redriveTo("dlq.fifo", 1), "VisibilityTimeout", "0")
			for range 2 {
				send(h, q, "g", "id", "a")
				require.Len(h, h.receive(q, 1), 1)
				require.Empty(h, h.receive(q, 1))
				h.clk.Advance(5 * time.Minute)
			}
			require.Equal(h, [3]int{2, 0, 0}, h.counts(dlq))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.play(newHarness(t, Options{})) })
	}
}

func TestSequenceNumbersHaveTwentyDigitsAndIncrease(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.fifo("q.fifo", "VisibilityTimeout", "0")
	last := ""
	for i := range 20 {
		n := *h.sendTo(q, "g", strconv.Itoa(i)).SequenceNumber
		require.Len(t, n, 20)
		require.Greater(t, n, last)
		last = n
	}
	got := h.receive(q, 10)
	require.Len(t, got, 10)
	for i := 1; i < len(got); i++ {
		require.Greater(t, got[i].Attributes["SequenceNumber"], got[i-1].Attributes["SequenceNumber"])
	}
}

func TestAFIFOReceiptHandleEndsWithItsVisibilityTimeout(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.fifo("q.fifo")
	h.sendTo(q, "g", "x")
	m := h.receive(q, 1)[0]
	require.NoError(t, h.hide(q, m, 60))
	h.clk.Advance(59 * time.Second)
	require.NoError(t, h.hide(q, m, 30), "extended, it is valid for longer")
	h.clk.Advance(30 * time.Second)
	expired := "Value " + *m.ReceiptHandle + " for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
	_, err := h.sqs.DeleteMessage(h.ctx(), &awssqs.DeleteMessageInput{QueueUrl: &q, ReceiptHandle: m.ReceiptHandle})
	requireError(t, err, 400, "InvalidParameterValue", expired)
	requireError(t, h.hide(q, m, 30), 400, "InvalidParameterValue", expired)
	again := h.receive(q, 1)[0]
	_, err = h.sqs.DeleteMessage(h.ctx(), &awssqs.DeleteMessageInput{QueueUrl: &q, ReceiptHandle: m.ReceiptHandle})
	requireError(t, err, 400, "InvalidParameterValue", expired)
	h.delete(q, again)
	h.delete(q, again)
}

func TestTheDelayOfAFIFOQueue(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.fifo("q.fifo", "DelaySeconds", "10")
	h.sendTo(q, "g", "1")
	_, _, out := h.raw("SendMessage", map[string]any{"QueueUrl": q, "MessageBody": "2", "MessageGroupId": "g", "DelaySeconds": 0})
	require.Contains(t, out, "MessageId")
	require.Equal(t, [3]int{0, 0, 2}, h.counts(q), "0 means the queue's delay")
	h.clk.Advance(4 * time.Second)
	require.NoError(t, h.set(q, "DelaySeconds", "5"))
	require.Empty(t, h.receive(q, 10))
	h.clk.Advance(time.Second)
	require.Equal(t, []string{"1", "2"}, bodies(h.receive(q, 10)), "a new delay is for all messages")
}

func TestAReceiveAttemptCanBeRepeated(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.fifo("q.fifo")
	h.sendTo(q, "g", "1")
	h.sendTo(q, "h", "2")
	attempt := func() []types.Message {
		out, err := h.sqs.ReceiveMessage(h.ctx(), &awssqs.ReceiveMessageInput{QueueUrl: &q, ReceiveRequestAttemptId: ptr("a")})
		require.NoError(t, err)
		return out.Messages
	}
	first := attempt()
	h.clk.Advance(20 * time.Second)
	require.Equal(t, first, attempt())
	h.clk.Advance(29 * time.Second)
	require.Equal(t, []string{"2"}, bodies(h.receive(q, 10)), "its visibility timeout began anew")
	h.delete(q, first[0])
	require.Empty(t, attempt(), "what was deleted doesn't come back")
}
