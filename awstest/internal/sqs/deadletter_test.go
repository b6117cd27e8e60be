package sqs

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

func TestAMessageIsDeliveredExactlyMaxReceiveCountTimes(t *testing.T) {
	for _, n := range []int{1, 3, 5} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			h := newHarness(t, Options{})
			dlq := h.queue("dlq")
			q := h.queue("q", "RedrivePolicy", redriveTo("dlq", n), "VisibilityTimeout", "10")
			sent, err := h.sqs.SendMessage(h.ctx(), &awssqs.SendMessageInput{
				QueueUrl: &q, MessageBody: ptr("poison"),
				MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: ptr("String"), StringValue: ptr("v")}},
				MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{
					"AWSTraceHeader": {DataType: ptr("String"), StringValue: ptr("Root=1-5759e988-bd862e3fe1be46a994272793")},
				},
			})
			require.NoError(t, err)
			var last types.Message
			for i := 1; i <= n; i++ {
				got := h.receive(q, 10)
				require.Len(t, got, 1)
				last = got[0]
				require.Equal(t, strconv.Itoa(i), last.Attributes["ApproximateReceiveCount"])
				require.NotContains(t, last.Attributes, "DeadLetterQueueSourceArn")
				require.Empty(t, h.receive(q, 10), "while it is in flight")
				h.clk.Advance(10 * time.Second)
				require.Equal(t, [3]int{0, 0, 0}, h.counts(dlq), "nothing moves before the next attempt")
			}
			require.Equal(t, [3]int{1, 0, 0}, h.counts(q))
			require.Empty(t, h.receive(q, 10), "the attempt that moves it")
			require.Equal(t, [3]int{0, 0, 0}, h.counts(q))

			got := h.receive(dlq, 10)
			require.Len(t, got, 1)
			m := got[0]
			require.Equal(t, *sent.MessageId, *m.MessageId)
			require.Equal(t, "poison", *m.Body)
			require.Equal(t, *sent.MD5OfMessageBody, *m.MD5OfBody)
			require.Equal(t, *sent.MD5OfMessageAttributes, *m.MD5OfMessageAttributes)
			require.Equal(t, "v", *m.MessageAttributes["k"].StringValue)
			require.Equal(t, map[string]string{
				"ApproximateReceiveCount":          strconv.Itoa(n + 1),
				"ApproximateFirstReceiveTimestamp": last.Attributes["ApproximateFirstReceiveTimestamp"],
				"SentTimestamp":                    last.Attributes["SentTimestamp"],
				"SenderId":                         testAccount,
				"AWSTraceHeader":                   "Root=1-5759e988-bd862e3fe1be46a994272793",
				"DeadLetterQueueSourceArn":         arnOf("q"),
			}, m.Attributes)
			require.NotEqual(t, *last.ReceiptHandle, *m.ReceiptHandle)
		})
	}
}

func TestVisibilityZeroMovesNothingByItself(t *testing.T) {
	h := newHarness(t, Options{})
	dlq := h.queue("dlq")
	q := h.queue("q", "RedrivePolicy", redriveTo("dlq", 1))
	h.send(q, "poison")
	require.NoError(t, h.hide(q, h.receive(q, 1)[0], 0))
	require.Equal(t, [3]int{1, 0, 0}, h.counts(q))
	require.Equal(t, [3]int{0, 0, 0}, h.counts(dlq))
	require.Empty(t, h.receive(q, 1))
	require.Equal(t, [3]int{1, 0, 0}, h.counts(dlq))
}

func TestOneAttemptMovesWhatIsDueAndReturnsTheRest(t *testing.T) {
	h := newHarness(t, Options{})
	dlq := h.queue("dlq")
	q := h.queue("q", "RedrivePolicy", redriveTo("dlq", 1), "VisibilityTimeout", "0")
	h.send(q, "a")
	h.send(q, "b")
	require.Equal(t, []string{"a"}, bodies(h.receive(q, 1)))
	require.Equal(t, []string{"b"}, bodies(h.receive(q, 1)))
	require.Empty(t, h.receive(q, 1))
	require.ElementsMatch(t, []string{"a", "b"}, bodies(h.receive(dlq, 10)))
}

func TestRetentionInTheDLQ(t *testing.T) {
	day := 24 * time.Hour
	for _, tt := range []struct {
		name, suffix string
		fifo         []string
		left         time.Duration // after a move that comes one day after the send
	}{
		{"of a standard message counts from the original send", "", nil, 3 * day},
		{"of a FIFO message counts from the move", ".fifo", []string{"FifoQueue", "true", "ContentBasedDeduplication", "true"}, 4 * day},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, Options{})
			dlq := h.queue("dlq"+tt.suffix, append(tt.fifo, "MessageRetentionPeriod", "345600")...)
			q := h.queue("q"+tt.suffix, append(tt.fifo, "RedrivePolicy", redriveTo("dlq"+tt.suffix, 1))...)
			if tt.fifo == nil {
				h.send(q, "poison")
			} else {
				h.sendTo(q, "g", "poison")
			}
			require.Len(t, h.receive(q, 1), 1)
			h.clk.Advance(day)
			require.Empty(t, h.receive(q, 1))
			h.clk.Advance(tt.left - time.Nanosecond)
			require.Equal(t, [3]int{1, 0, 0}, h.counts(dlq))
			require.Len(t, h.receive(dlq, 1), 1, "and it expires in flight")
			require.Equal(t, [3]int{0, 1, 0}, h.counts(dlq))
			h.clk.Advance(time.Nanosecond)
			require.Equal(t, [3]int{0, 0, 0}, h.counts(dlq))
		})
	}
}

func TestAFIFOGroupGoesOnAfterItsHeadIsDeadLettered(t *testing.T) {
	h := newHarness(t, Options{})
	fifo := []string{"FifoQueue", "true", "ContentBasedDeduplication", "true"}
	dlq := h.queue("dlq.fifo", fifo...)
	q := h.queue("q.fifo", append(fifo, "RedrivePolicy", redriveTo("dlq.fifo", 2), "VisibilityTimeout", "10")...)
	sent := h.sendTo(q, "g", "poison 1")
	h.sendTo(q, "g", "poison 2")
	h.sendTo(q, "g", "healthy")
	for range 2 {
		require.Equal(t, []string{"poison 1", "poison 2"}, bodies(h.receive(q, 2)))
		require.Empty(t, h.receive(q, 10), "the group is blocked")
		h.clk.Advance(10 * time.Second)
	}
	require.Equal(t, []string{"healthy"}, bodies(h.receive(q, 10)))
	got := h.receive(dlq, 10)
	require.Equal(t, []string{"poison 1", "poison 2"}, bodies(got))
	require.Equal(t, *sent.MessageId, *got[0].MessageId)
	require.Equal(t, *sent.MessageId, got[0].Attributes["MessageDeduplicationId"], "its own id takes the place of the deduplication id")
	require.Equal(t, "g", got[0].Attributes["MessageGroupId"])
	require.Less(t, got[0].Attributes["SequenceNumber"], got[1].Attributes["SequenceNumber"])
	require.Equal(t, "3", got[0].Attributes["ApproximateReceiveCount"])
	require.Equal(t, strconv.FormatInt(h.clk.Now().UnixMilli(), 10), got[0].Attributes["SentTimestamp"])
}

func TestDLQsCanBeChained(t *testing.T) {
	h := newHarness(t, Options{})
	third := h.queue("third", "VisibilityTimeout", "0")
	second := h.queue("second", "RedrivePolicy", redriveTo("third", 1), "VisibilityTimeout", "0")
	first := h.queue("first", "RedrivePolicy", redriveTo("second", 1), "VisibilityTimeout", "0")
	h.send(first, "poison")
	for i, q := range []string{first, second} {
		got := h.receive(q, 1)
		require.Len(t, got, 1, "queue %d", i)
		require.Equal(t, strconv.Itoa(i+1), got[0].Attributes["ApproximateReceiveCount"])
		require.Empty(t, h.receive(q, 1))
	}
	got := h.receive(third, 1)
	require.Len(t, got, 1)
	require.Equal(t, "3", got[0].Attributes["ApproximateReceiveCount"])
	require.Equal(t, arnOf("second"), got[0].Attributes["DeadLetterQueueSourceArn"])
}

func TestWithoutItsDLQAMessageStaysAndIsReceivedFurther(t *testing.T) {
	h := newHarness(t, Options{})
	dlq := h.queue("dlq")
	q := h.queue("q", "RedrivePolicy", redriveTo("dlq", 1), "VisibilityTimeout", "0")
	_, err := h.sqs.DeleteQueue(h.ctx(), &awssqs.DeleteQueueInput{QueueUrl: &dlq})
	require.NoError(t, err)
	h.send(q, "poison")
	for i := 1; i <= 3; i++ {
		got := h.receive(q, 1)
		require.Len(t, got, 1)
		require.Equal(t, strconv.Itoa(i), got[0].Attributes["ApproximateReceiveCount"])
	}
}

func TestAStaleReceiptHandleDoesNotReachIntoTheDLQ(t *testing.T) {
	h := newHarness(t, Options{})
	dlq := h.queue("dlq")
	q := h.queue("q", "RedrivePolicy", redriveTo("dlq", 1), "VisibilityTimeout", "1")
	h.send(q, "poison")
	stale := h.receive(q, 1)[0]
	h.clk.Advance(time.Second)
	require.Empty(t, h.receive(q, 1))
	h.delete(q, stale)
	require.Equal(t, [3]int{1, 0, 0}, h.counts(dlq))
	_, err := h.sqs.DeleteMessage(h.ctx(), &awssqs.DeleteMessageInput{QueueUrl: &dlq, ReceiptHandle: stale.ReceiptHandle})
	requireError(t, err, 400, "ReceiptHandleIsInvalid", fmt.Sprintf("The input receipt handle %q is not a valid receipt handle.", *stale.ReceiptHandle))
}
