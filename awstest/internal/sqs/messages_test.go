package sqs

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

func stringValue(v string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: ptr("String"), StringValue: &v}
}

func TestSendAndReceiveReturnTheMembersThatApply(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	_, _, out := h.raw("SendMessage", map[string]any{"QueueUrl": q, "MessageBody": "message"})
	require.Len(t, out, 2)
	require.Equal(t, "78e731027d8fd50ed642340b7c9a63b3", out["MD5OfMessageBody"])
	_, _, got := h.raw("ReceiveMessage", map[string]any{"QueueUrl": q})
	m := got["Messages"].([]any)[0].(map[string]any)
	require.Len(t, m, 4)
	require.Equal(t, out["MessageId"], m["MessageId"])
	require.Equal(t, "message", m["Body"])
	require.Equal(t, out["MD5OfMessageBody"], m["MD5OfBody"])
	status, _, got := h.raw("ReceiveMessage", map[string]any{"QueueUrl": q})
	require.Equal(t, 200, status)
	require.Empty(t, got, "an empty receive has no Messages")
}

func TestDigestsAreThoseThatAWSComputes(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q", "VisibilityTimeout", "0")
	sent, err := h.sqs.SendMessage(h.ctx(), &awssqs.SendMessageInput{
		QueueUrl: &q, MessageBody: ptr("msg"),
		MessageAttributes: map[string]types.MessageAttributeValue{"Help.Me": stringValue("Me"), "Hello": stringValue("There"), "General": stringValue("Kenobi")},
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {
			DataType: ptr("String"), StringValue: ptr("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"),
		}},
	})
	require.NoError(t, err)
	require.Equal(t, "6e2baaf3b97dbeef01c0043275f9a0e7", *sent.MD5OfMessageBody)
	require.Equal(t, "4c360f3fdafd970e05fae2f149d997f5", *sent.MD5OfMessageAttributes, "system attributes don't count")
	require.Equal(t, "5ae4d5d7636402d80f4eb6d213245a88", *sent.MD5OfMessageSystemAttributes)

	for _, tt := range []struct {
		names []string
		md5   string
		count int
	}{
		{nil, "", 0},
		{[]string{"All"}, "4c360f3fdafd970e05fae2f149d997f5", 3},
		{[]string{"*"}, "4c360f3fdafd970e05fae2f149d997f5", 3},
		{[]string{".*"}, "4c360f3fdafd970e05fae2f149d997f5", 3},
		{[]string{"Foo", "Help"}, "", 0},
		{[]string{"Hello", "General"}, "fca026605781cb4126a1e9044df24232", 2},
		{[]string{"Foo", "Hello"}, "a311262e065454b75da111d535b8dacd", 1},
		{[]string{"Hel.*"}, "83fee93c1bcd8b9a5a923ffacdc636c7", 2},
		{[]string{"AWS."}, "", 0},
		{[]string{"..foo"}, "", 0},
	} {
		t.Run("asking for "+strings.Join(tt.names, " "), func(t *testing.T) {
			out, err := h.sqs.ReceiveMessage(h.ctx(), &awssqs.ReceiveMessageInput{QueueUrl: &q, MessageAttributeNames: tt.names})
			require.NoError(t, err)
			m := out.Messages[0]
			require.Len(t, m.MessageAttributes, tt.count)
			if tt.md5 == "" {
				require.Nil(t, m.MD5OfMessageAttributes)
			} else {
				require.Equal(t, tt.md5, *m.MD5OfMessageAttributes)
			}
		})
	}

	binary := h.queue("binary")
	sent, err = h.sqs.SendMessage(h.ctx(), &awssqs.SendMessageInput{
		QueueUrl: &binary, MessageBody: ptr("test"),
		MessageAttributes: map[string]types.MessageAttributeValue{"attr1": {
			DataType: ptr("Binary"), BinaryValue: []byte("traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"),
		}},
	})
	require.NoError(t, err)
	require.Equal(t, "8cbe4db156db8a94db8b801b7addb984", *sent.MD5OfMessageAttributes)
	require.Equal(t, []byte("traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"), h.receive(binary, 1)[0].MessageAttributes["attr1"].BinaryValue)
}

func TestSystemAttributesAreReturnedIfAskedFor(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q", "VisibilityTimeout", "0")
	h.send(q, "x")
	h.clk.Advance(1500 * time.Millisecond)
	ask := func(old []typesAttr, names ...types.MessageSystemAttributeName) map[string]string {
		out, err := h.sqs.ReceiveMessage(h.ctx(), &awssqs.ReceiveMessageInput{QueueUrl: &q, AttributeNames: old, MessageSystemAttributeNames: names})
		require.NoError(t, err)
		return out.Messages[0].Attributes
	}
	require.Empty(t, ask(nil))
	require.Equal(t, map[string]string{
		"SenderId": testAccount, "ApproximateReceiveCount": "2",
		"SentTimestamp": strconv.FormatInt(testStart.UnixMilli(), 10), "ApproximateFirstReceiveTimestamp": strconv.FormatInt(testStart.UnixMilli()+1500, 10),
	}, ask([]typesAttr{"All"}))
	require.Equal(t, map[string]string{"SenderId": testAccount}, ask([]typesAttr{"SenderId", "SequenceNumber"}))
	require.Len(t, ask([]typesAttr{"SenderId"}, "ApproximateReceiveCount"), 2, "JSON has both lists count")
	_, err := h.sqs.ReceiveMessage(h.ctx(), &awssqs.ReceiveMessageInput{QueueUrl: &q, AttributeNames: []typesAttr{"Foo"}})
	requireError(t, err, 400, "InvalidAttributeName", "Unknown Attribute Foo.")
}

func TestTheTraceHeaderOfARequestBecomesTheMessages(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	resp := h.query("/", map[string]string{"Action": "SendMessage", "QueueUrl": q, "MessageBody": "x"}, "X-Amzn-Trace-Id", "Root=1")
	require.Equal(t, 200, resp.status)
	require.Equal(t, "Root=1", h.receive(q, 1)[0].Attributes["AWSTraceHeader"])
}

func TestRefusedMessages(t *testing.T) {
	h := newHarness(t, Options{})
	q, fifo := h.queue("q", "MaximumMessageSize", "1024"), h.queue("q.fifo", "FifoQueue", "true")
	type input = awssqs.SendMessageInput
	attr := func(name string, v types.MessageAttributeValue) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{name: v}
	}
	param := "InvalidParameterValue"
	many := map[string]types.MessageAttributeValue{}
	for i := range 11 {
		many[strconv.Itoa(i)] = stringValue("x")
	}
	badName := func(name string) string {
		return "Invalid message attribute name '" + name[:min(256, len(name))] + "': it can hold 1 to 256 letters, digits, underscores, hyphens and periods, must not start with AWS., Amazon. or a period, nor end with one."
	}
	for _, tt := range []struct {
		name          string
		in            input
		code, message string
	}{
		{"no body", input{MessageBody: ptr("")}, "MissingParameter", "The request must contain the parameter MessageBody."},
		{"control characters", input{MessageBody: ptr("Invalid-\x00-\x08")}, "InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"},
		{"U+FFFF", input{MessageBody: ptr("\uffff")}, "InvalidMessageContents", "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"},
		{"a body too long", input{MessageBody: ptr(strings.Repeat("a", 1025))}, param, "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
		{"body and attributes too long", input{MessageBody: ptr(strings.Repeat("a", 1017)), MessageAttributes: attr("k", stringValue("x"))}, param, "One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes."},
		{"a delay out of range", input{MessageBody: ptr("x"), DelaySeconds: 901}, param, "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900."},
		{"an empty attribute", input{MessageBody: ptr("x"), MessageAttributes: attr("ErrorDetails", stringValue(""))}, param, "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'."},
		{"an attribute of control characters", input{MessageBody: ptr("x"), MessageAttributes: attr("a", stringValue("\x08"))}, param, "Invalid characters were found in the message attribute 'a' value, the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"},
		{"an attribute of AWS's", input{MessageBody: ptr("x"), MessageAttributes: attr("aWs.x", stringValue("x"))}, param, badName("aWs.x")},
		{"an attribute of Amazon's", input{MessageBody: ptr("x"), MessageAttributes: attr("AMAZON.x", stringValue("x"))}, param, badName("AMAZON.x")},
		{"an attribute that begins with a period", input{MessageBody: ptr("x"), MessageAttributes: attr(".x", stringValue("x"))}, param, badName(".x")},
		{"an attribute that ends with a period", input{MessageBody: ptr("x"), MessageAttributes: attr("x.", stringValue("x"))}, param, badName("x.")},
		{"an attribute with a section sign", input{MessageBody: ptr("x"), MessageAttributes: attr("a§", stringValue("x"))}, param, badName("a§")},
		{"an attribute of a long name", input{MessageBody: ptr("x"), MessageAttributes: attr(strings.Repeat("L", 257), stringValue("x"))}, param, badName(strings.Repeat("L", 257))},
		{"an attribute of no known type", input{MessageBody: ptr("x"), MessageAttributes: attr("a", types.MessageAttributeValue{DataType: ptr("Invalid"), StringValue: ptr("x")})}, param, "The message (user) attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."},
		{"an attribute of a long type", input{MessageBody: ptr("x"), MessageAttributes: attr("a", types.MessageAttributeValue{DataType: ptr("Number." + strings.Repeat("L", 256)), StringValue: ptr("1")})}, param, "Invalid message attribute type of 'a': it can be at most 256 bytes long."},
		{"a number that is none", input{MessageBody: ptr("x"), MessageAttributes: attr("a", types.MessageAttributeValue{DataType: ptr("Number"), StringValue: ptr("x")})}, param, "Can't cast the value of message (user) attribute 'a' to a number."},
		{"too many attributes", input{MessageBody: ptr("x"), MessageAttributes: many}, param, "Number of message attributes [11] exceeds the allowed maximum [10]."},
		{"a deduplication id", input{MessageBody: ptr("x"), MessageDeduplicationId: ptr("1")}, param, "Value 1 for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type."},
		{"a bad group id", input{MessageBody: ptr("x"), MessageGroupId: ptr("a b")}, param, "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{"FIFO: no group", input{QueueUrl: &fifo, MessageBody: ptr("x"), MessageDeduplicationId: ptr("1")}, "MissingParameter", "The request must contain the parameter MessageGroupId."},
		{"FIFO: no deduplication id", input{QueueUrl: &fifo, MessageBody: ptr("x"), MessageGroupId: ptr("1")}, param, "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"},
		{"FIFO: a bad deduplication id", input{QueueUrl: &fifo, MessageBody: ptr("x"), MessageGroupId: ptr("1"), MessageDeduplicationId: ptr("a b")}, param, "Value a b for parameter MessageDeduplicationId is invalid. Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length."},
		{"FIFO: a delay", input{QueueUrl: &fifo, MessageBody: ptr("x"), MessageGroupId: ptr("1"), MessageDeduplicationId: ptr("1"), DelaySeconds: 2}, param, "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.in.QueueUrl == nil {
				tt.in.QueueUrl = &q
			}
			_, err := h.sqs.SendMessage(h.ctx(), &tt.in)
			requireError(t, err, 400, tt.code, tt.message)
		})
	}
	require.Equal(t, [3]int{0, 0, 0}, h.counts(q))
	_, err := h.sqs.SendMessage(h.ctx(), &input{QueueUrl: &q, MessageBody: ptr("\t\r\n\U0010FFFF\uFFFD\""), MessageAttributes: attr("attr.1øßä", stringValue("x"))})
	require.NoError(t, err)
	require.Equal(t, []string{"\t\r\n\U0010FFFF\uFFFD\""}, bodies(h.receive(q, 1)))
}

func TestBatches(t *testing.T) {
	h := newHarness(t, Options{})
	q, fifo := h.queue("q", "MaximumMessageSize", "1024"), h.queue("q.fifo", "FifoQueue", "true")
	entry := func(id, body string) types.SendMessageBatchRequestEntry {
		return types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &body}
	}
	send := func(url string, entries ...types.SendMessageBatchRequestEntry) (*awssqs.SendMessageBatchOutput, error) {
		return h.sqs.SendMessageBatch(h.ctx(), &awssqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
	}
	const own = "AWS.SimpleQueueService."
	badID := "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long."
	var twenty []types.SendMessageBatchRequestEntry
	for i := range 20 {
		twenty = append(twenty, entry(strconv.Itoa(i), "x"))
	}
	half := strings.Repeat("a", 524288)
	for _, tt := range []struct {
		name          string
		entries       []types.SendMessageBatchRequestEntry
		code, message string
	}{
		{"empty", []types.SendMessageBatchRequestEntry{}, own + "EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request."},
		{"too many", twenty, own + "TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent 20."},
		{"bad id", []types.SendMessageBatchRequestEntry{entry("a:b", "x")}, own + "InvalidBatchEntryId", badID},
		{"empty id", []types.SendMessageBatchRequestEntry{entry("", "x")}, own + "InvalidBatchEntryId", badID},
		{"long id", []types.SendMessageBatchRequestEntry{entry(strings.Repeat("a", 81), "x")}, own + "InvalidBatchEntryId", badID},
		{"same id", []types.SendMessageBatchRequestEntry{entry("a", "x"), entry("a", "y")}, own + "BatchEntryIdsNotDistinct", "Id a repeated."},
		{"too long", []types.SendMessageBatchRequestEntry{entry("a", half), entry("b", half+"a")}, own + "BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := send(q, tt.entries...)
			requireError(t, err, 400, tt.code, tt.message)
		})
	}
	status, header, out := h.raw("DeleteMessageBatch", map[string]any{"QueueUrl": q, "Entries": []map[string]string{{"Id": "a:b", "ReceiptHandle": "x"}}})
	require.Equal(t, 400, status)
	require.Equal(t, own+"InvalidBatchEntryId;Sender", header.Get("X-Amzn-Query-Error"))
	require.Equal(t, "com.amazonaws.sqs#InvalidBatchEntryId", out["__type"])

	withID := entry("b", "x")
	withID.MessageDeduplicationId = ptr("1")
	_, err := send(fifo, withID)
	requireError(t, err, 400, "InvalidParameterValue", "The request must contain the parameter MessageGroupId.")
	withGroup := entry("a", "x")
	withGroup.MessageGroupId = ptr("g")
	_, err = send(fifo, withGroup)
	requireError(t, err, 400, "InvalidParameterValue", "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")

	sent, err := send(q, entry("ok", "0"), entry("bad", "\x01"), entry("long", strings.Repeat("a", 1025)))
	require.NoError(t, err)
	require.Len(t, sent.Successful, 1)
	require.Equal(t, "ok", *sent.Successful[0].Id)
	require.Equal(t, []types.BatchResultErrorEntry{
		{Id: ptr("bad"), SenderFault: true, Code: ptr("InvalidMessageContents"), Message: ptr("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF")},
		{Id: ptr("long"), SenderFault: true, Code: ptr("InvalidParameterValue"), Message: ptr("One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.")},
	}, sent.Failed)

	m := h.receive(q, 10)[0]
	changed, err := h.sqs.ChangeMessageVisibilityBatch(h.ctx(), &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: ptr("1"), ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 5}, {Id: ptr("2"), ReceiptHandle: ptr("garbage"), VisibilityTimeout: 5},
	}})
	require.NoError(t, err)
	require.Equal(t, "1", *changed.Successful[0].Id)
	require.Equal(t, "ReceiptHandleIsInvalid", *changed.Failed[0].Code)
	deleted, err := h.sqs.DeleteMessageBatch(h.ctx(), &awssqs.DeleteMessageBatchInput{QueueUrl: &q, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: ptr("1"), ReceiptHandle: m.ReceiptHandle}, {Id: ptr("2"), ReceiptHandle: ptr("garbage")},
	}})
	require.NoError(t, err)
	require.Equal(t, "1", *deleted.Successful[0].Id)
	require.Equal(t, types.BatchResultErrorEntry{
		Id: ptr("2"), SenderFault: true, Code: ptr("ReceiptHandleIsInvalid"), Message: ptr(`The input receipt handle "garbage" is not a valid receipt handle.`),
	}, deleted.Failed[0])
	require.Equal(t, [3]int{0, 0, 0}, h.counts(q))
}

func TestReceiveBounds(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	for name, bad := range map[string]string{
		"MaxNumberOfMessages:0":   "Must be between 1 and 10, if provided.",
		"MaxNumberOfMessages:11":  "Must be between 1 and 10, if provided.",
		"WaitTimeSeconds:-1":      "Must be >= 0 and <= 20, if provided.",
		"WaitTimeSeconds:21":      "Must be >= 0 and <= 20, if provided.",
		"VisibilityTimeout:43201": "Must be >= 0 and <= 43200, if provided.",
	} {
		parameter, value, _ := strings.Cut(name, ":")
		n, err := strconv.Atoi(value)
		require.NoError(t, err)
		status, header, out := h.raw("ReceiveMessage", map[string]any{"QueueUrl": q, parameter: n})
		require.Equal(t, 400, status)
		require.Equal(t, "InvalidParameterValue;Sender", header.Get("X-Amzn-Query-Error"))
		require.Equal(t, map[string]any{
			"__type":  "com.amazonaws.sqs#InvalidParameterValueException",
			"message": "Value " + value + " for parameter " + parameter + " is invalid. Reason: " + bad,
		}, out)
	}
}

func TestVisibilityTimeout(t *testing.T) {
	for _, tt := range []struct {
		name string
		play func(h *harness, q string)
	}{
		{"hides a message until it lapses, and each receive has its own handle", func(h *harness, q string) {
			h.send(q, "x")
			first := h.receive(q, 1)[0]
			require.Equal(h, [3]int{0, 1, 0}, h.counts(q))
			h.clk.Advance(30*time.Second - 1)
			require.Empty(h, h.receive(q, 1))
			h.clk.Advance(1)
			second := h.receive(q, 1)[0]
			require.NotEqual(h, *first.ReceiptHandle, *second.ReceiptHandle)
			require.Equal(h, "2", second.Attributes["ApproximateReceiveCount"])
			require.Equal(h, first.Attributes["ApproximateFirstReceiveTimestamp"], second.Attributes["ApproximateFirstReceiveTimestamp"])
		}},
		{"of a message put back goes in its old place", func(h *harness, q string) {
			h.send(q, "1")
			h.receive(q, 1)
			h.clk.Advance(time.Second)
			h.send(q, "2")
			h.clk.Advance(30 * time.Second)
			require.Equal(h, []string{"1", "2"}, bodies(h.receive(q, 10)))
		}},
		{"of a message received three times goes behind the others", func(h *harness, q string) {
			h.send(q, "often")
			for range 3 {
				require.NoError(h, h.hide(q, h.receive(q, 1)[0], 0))
			}
			h.send(q, "new")
			require.Equal(h, []string{"often", "new"}, bodies(h.receive(q, 10)))
			h.clk.Advance(30 * time.Second)
			require.Equal(h, []string{"new", "often"}, bodies(h.receive(q, 10)))
		}},
		{"can be 0 for one receive", func(h *harness, q string) {
			h.send(q, "x")
			for range 2 {
				_, _, out := h.raw("ReceiveMessage", map[string]any{"QueueUrl": q, "VisibilityTimeout": 0})
				require.Len(h, out["Messages"], 1)
			}
			require.Equal(h, "3", h.receive(q, 1)[0].Attributes["ApproximateReceiveCount"])
			require.Empty(h, h.receive(q, 1))
		}},
		{"can be ended, for this receive only", func(h *harness, q string) {
			h.send(q, "x")
			require.NoError(h, h.hide(q, h.receive(q, 1)[0], 0))
			require.Len(h, h.receive(q, 1), 1)
			require.Empty(h, h.receive(q, 1))
		}},
		{"can be extended again and again", func(h *harness, q string) {
			h.send(q, "x")
			m := h.receive(q, 1)[0]
			for range 4 {
				h.clk.Advance(20 * time.Second)
				require.NoError(h, h.hide(q, m, 30))
				require.Empty(h, h.receive(q, 1))
			}
			h.clk.Advance(30 * time.Second)
			require.Len(h, h.receive(q, 1), 1)
		}},
		{"can be ended by an older handle, and set after it has lapsed", func(h *harness, q string) {
			h.send(q, "x")
			old := h.receive(q, 1)[0]
			h.clk.Advance(30 * time.Second)
			require.NoError(h, h.hide(q, old, 5))
			require.Empty(h, h.receive(q, 1))
			h.clk.Advance(5 * time.Second)
			require.Len(h, h.receive(q, 1), 1)
			require.NoError(h, h.hide(q, old, 0))
			require.Len(h, h.receive(q, 1), 1)
		}},
		{"is bounded, in all", func(h *harness, q string) {
			h.send(q, "x")
			m := h.receive(q, 1)[0]
			require.NoError(h, h.hide(q, m, 43200))
			h.clk.Advance(time.Second)
			requireError(h, h.hide(q, m, 43200), 400, "InvalidParameterValue", "Value 43200 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
			requireError(h, h.hide(q, m, 43201), 400, "InvalidParameterValue", "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided.")
			require.NoError(h, h.hide(q, m, 43199))
		}},
		{"of a deleted message can't be changed", func(h *harness, q string) {
			h.send(q, "x")
			m := h.receive(q, 1)[0]
			h.delete(q, m)
			requireError(h, h.hide(q, m, 42), 400, "InvalidParameterValue", "Value "+*m.ReceiptHandle+" for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.")
			bad := types.Message{ReceiptHandle: ptr("INVALID")}
			requireError(h, h.hide(q, bad, 42), 400, "ReceiptHandleIsInvalid", `The input receipt handle "INVALID" is not a valid receipt handle.`)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, Options{})
			tt.play(h, h.queue("q"))
		})
	}
}

func TestDelete(t *testing.T) {
	for _, tt := range []struct {
		name string
		play func(h *harness, q string)
	}{
		{"works after the visibility timeout, and again and again", func(h *harness, q string) {
			h.send(q, "x")
			m := h.receive(q, 1)[0]
			h.clk.Advance(30 * time.Second)
			for range 3 {
				h.delete(q, m)
				require.Equal(h, [3]int{0, 0, 0}, h.counts(q))
			}
		}},
		{"with a handle older than the last receive is accepted, and keeps the message", func(h *harness, q string) {
			h.send(q, "x")
			old := h.receive(q, 1)[0]
			h.clk.Advance(30 * time.Second)
			m := h.receive(q, 1)[0]
			h.delete(q, old)
			require.Equal(h, [3]int{0, 1, 0}, h.counts(q))
			h.delete(q, m)
			require.Equal(h, [3]int{0, 0, 0}, h.counts(q))
		}},
		{"of an expired message is silent", func(h *harness, q string) {
			require.NoError(h, h.set(q, "MessageRetentionPeriod", "60"))
			h.send(q, "x")
			_, _, _ = h.raw("ReceiveMessage", map[string]any{"QueueUrl": q, "VisibilityTimeout": 600})
			h.send(q, "y")
			m := h.receive(q, 1)[0]
			require.Equal(h, [3]int{0, 2, 0}, h.counts(q))
			h.clk.Advance(time.Minute - 1)
			require.Equal(h, [3]int{1, 1, 0}, h.counts(q))
			h.clk.Advance(1)
			require.Equal(h, [3]int{0, 0, 0}, h.counts(q))
			h.delete(q, m)
		}},
		{"refuses what is no handle", func(h *harness, q string) {
			_, err := h.sqs.DeleteMessage(h.ctx(), &awssqs.DeleteMessageInput{QueueUrl: &q, ReceiptHandle: ptr("garbage")})
			requireError(h, err, 400, "ReceiptHandleIsInvalid", `The input receipt handle "garbage" is not a valid receipt handle.`)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, Options{})
			tt.play(h, h.queue("q"))
		})
	}
}

func TestDelay(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q", "DelaySeconds", "10")
	h.send(q, "queue's")
	_, err := h.sqs.SendMessage(h.ctx(), &awssqs.SendMessageInput{QueueUrl: &q, MessageBody: ptr("own"), DelaySeconds: 5})
	require.NoError(t, err)
	_, _, out := h.raw("SendMessage", map[string]any{"QueueUrl": q, "MessageBody": "none", "DelaySeconds": 0})
	require.Contains(t, out, "MessageId")
	require.Equal(t, [3]int{1, 0, 2}, h.counts(q))
	require.NoError(t, h.set(q, "DelaySeconds", "0"))
	require.Equal(t, [3]int{1, 0, 2}, h.counts(q), "a new delay is for new messages")
	require.Equal(t, []string{"none"}, bodies(h.receive(q, 10)))
	h.clk.Advance(5 * time.Second)
	require.Equal(t, []string{"own"}, bodies(h.receive(q, 10)))
	h.clk.Advance(5 * time.Second)
	require.Equal(t, []string{"queue's"}, bodies(h.receive(q, 10)))
}

// waiting waits until n receives wait for messages of the queue.
func (h *harness) waiting(name string, n int) {
	h.Helper()
	q := h.svc.find(queueKey{testAccount, "us-east-1", name})
	require.Eventually(h, func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.waiters) == n
	}, 5*time.Second, time.Millisecond)
}

type polled struct {
	messages []types.Message
	err      error
}

// poll receives in the background, waiting up to 20 seconds.
func (h *harness) poll(ctx context.Context, url string) <-chan polled {
	done := make(chan polled, 1)
	go func() {
		out, err := h.sqs.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
			QueueUrl: &url, WaitTimeSeconds: 20, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
		})
		if err != nil {
			done <- polled{err: err}
			return
		}
		done <- polled{messages: out.Messages}
	}()
	return done
}

func TestLongPolling(t *testing.T) {
	for _, tt := range []struct {
		name string
		play func(h *harness, q string)
	}{
		{"returns at once what is there", func(h *harness, q string) {
			h.send(q, "x")
			require.Equal(h, []string{"x"}, bodies((<-h.poll(h.ctx(), q)).messages))
		}},
		{"wakes for a new message", func(h *harness, q string) {
			got := h.poll(h.ctx(), q)
			h.waiting("q", 1)
			h.send(q, "x")
			require.Equal(h, []string{"x"}, bodies((<-got).messages))
		}},
		{"wakes at the instant at which a delay ends", func(h *harness, q string) {
			require.NoError(h, h.set(q, "DelaySeconds", "5"))
			h.send(q, "x")
			got := h.poll(h.ctx(), q)
			h.waiting("q", 1)
			h.clk.Advance(time.Minute)
			m := (<-got).messages[0]
			require.Equal(h, strconv.FormatInt(testStart.Add(5*time.Second).UnixMilli(), 10), m.Attributes["ApproximateFirstReceiveTimestamp"])
		}},
		{"wakes when a visibility timeout lapses, or is ended", func(h *harness, q string) {
			h.send(q, "x")
			h.receive(q, 1)
			h.clk.Advance(20 * time.Second)
			got := h.poll(h.ctx(), q)
			h.waiting("q", 1)
			h.clk.Advance(10 * time.Second)
			m := (<-got).messages[0]
			got = h.poll(h.ctx(), q)
			h.waiting("q", 1)
			require.NoError(h, h.hide(q, m, 0))
			require.Len(h, (<-got).messages, 1)
		}},
		{"ends empty at its deadline", func(h *harness, q string) {
			got := h.poll(h.ctx(), q)
			h.waiting("q", 1)
			h.clk.Advance(20*time.Second - 1)
			h.waiting("q", 1)
			h.clk.Advance(1)
			require.Equal(h, polled{}, <-got)
		}},
		{"takes what becomes visible at its deadline", func(h *harness, q string) {
			h.send(q, "x")
			_, _, _ = h.raw("ReceiveMessage", map[string]any{"QueueUrl": q, "VisibilityTimeout": 20})
			got := h.poll(h.ctx(), q)
			h.waiting("q", 1)
			h.clk.Advance(20 * time.Second)
			require.Len(h, (<-got).messages, 1)
		}},
		{"takes nothing once its caller has gone", func(h *harness, q string) {
			ctx, cancel := context.WithCancel(h.ctx())
			got := h.poll(ctx, q)
			h.waiting("q", 1)
			cancel()
			require.Error(h, (<-got).err)
			h.waiting("q", 0)
			h.send(q, "x")
			require.Equal(h, "1", h.receive(q, 1)[0].Attributes["ApproximateReceiveCount"])
		}},
		{"serves in the order of arrival", func(h *harness, q string) {
			first := h.poll(h.ctx(), q)
			h.waiting("q", 1)
			second := h.poll(h.ctx(), q)
			h.waiting("q", 2)
			h.send(q, "1")
			h.send(q, "2")
			require.Equal(h, []string{"1"}, bodies((<-first).messages))
			require.Equal(h, []string{"2"}, bodies((<-second).messages))
		}},
		{"is the attempt that dead-letters, and goes on waiting", func(h *harness, q string) {
			dlq := h.queue("dlq")
			require.NoError(h, h.set(q, "RedrivePolicy", redriveTo("dlq", 1), "VisibilityTimeout", "5"))
			h.send(q, "poison")
			h.receive(q, 1)
			source, dead := h.poll(h.ctx(), q), h.poll(h.ctx(), dlq)
			h.waiting("q", 1)
			h.waiting("dlq", 1)
			h.clk.Advance(5 * time.Second)
			require.Equal(h, []string{"poison"}, bodies((<-dead).messages), "the DLQ's own waiter wakes")
			h.waiting("q", 1)
			h.send(q, "healthy")
			require.Equal(h, []string{"healthy"}, bodies((<-source).messages))
		}},
		{"ends with an error when the queue is deleted", func(h *harness, q string) {
			got := h.poll(h.ctx(), q)
			h.waiting("q", 1)
			_, err := h.sqs.DeleteQueue(h.ctx(), &awssqs.DeleteQueueInput{QueueUrl: &q})
			require.NoError(h, err)
			requireError(h, (<-got).err, 400, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
		}},
		{"takes its time from the queue", func(h *harness, q string) {
			require.NoError(h, h.set(q, "ReceiveMessageWaitTimeSeconds", "10"))
			done := make(chan []types.Message)
			go func() {
				out, err := h.sqs.ReceiveMessage(h.ctx(), &awssqs.ReceiveMessageInput{QueueUrl: &q})
				if err != nil {
					panic(err)
				}
				done <- out.Messages
			}()
			h.waiting("q", 1)
			h.clk.Advance(10 * time.Second)
			require.Empty(h, <-done)
			_, _, out := h.raw("ReceiveMessage", map[string]any{"QueueUrl": q, "WaitTimeSeconds": 0})
			require.Empty(h, out, "and a call's own 0 wins")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, Options{})
			tt.play(h, h.queue("q"))
		})
	}
}

func TestAReceiveThatWasServedAsItsCallerLeftPutsTheMessagesBack(t *testing.T) {
	l := newLocal(t, Options{})
	l.create(t, "q")
	q := l.svc.find(queueKey{testAccount, "us-east-1", "q"})
	_, err := l.svc.sendMessage(t.Context(), l.call, &sendMessageInput{QueueUrl: "q", MessageBody: "x"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	w := &waiter{receipt: receipt{ctx: ctx, max: 1, hidden: int64(time.Minute)}, done: make(chan struct{})}
	now := q.lock()
	q.waiters = append(q.waiters, w)
	q.serve(now)
	q.unlock()
	require.True(t, w.finished)
	cancel()
	q.giveUp(w)
	got, err := l.svc.receiveMessage(t.Context(), l.call, &receiveMessageInput{QueueUrl: "q", AttributeNames: []string{"All"}})
	require.NoError(t, err)
	require.Equal(t, "1", got.Messages[0].Attributes["ApproximateReceiveCount"])
}

func TestInFlightLimit(t *testing.T) {
	l := newLocal(t, Options{})
	for _, tt := range []struct {
		queue      string
		attributes []string
		code       string
	}{
		{"q", nil, "OverLimit: Too many messages in flight: you have reached the limit of 120000 messages."},
		{"q.fifo", []string{"FifoQueue", "true", "ContentBasedDeduplication", "true"}, ""},
	} {
		if tt.attributes != nil && testing.Short() {
			continue // seconds more
		}
		l.create(t, tt.queue, tt.attributes...)
		for i := range maxInFlight + 1 {
			in := &sendMessageInput{QueueUrl: tt.queue, MessageBody: strconv.Itoa(i)}
			if tt.attributes != nil {
				in.MessageGroupId = ptr(strconv.Itoa(i))
			}
			_, err := l.svc.sendMessage(t.Context(), l.call, in)
			require.NoError(t, err)
		}
		for range maxInFlight / 10 {
			got, err := l.svc.receiveMessage(t.Context(), l.call, &receiveMessageInput{QueueUrl: tt.queue, MaxNumberOfMessages: ptr(int32(10))})
			require.NoError(t, err)
			require.Len(t, got.Messages, 10)
		}
		got, err := l.svc.receiveMessage(t.Context(), l.call, &receiveMessageInput{QueueUrl: tt.queue})
		if tt.code != "" {
			require.EqualError(t, err, tt.code)
		} else {
			require.NoError(t, err)
			require.Empty(t, got.Messages)
		}
	}
}

func TestStandardQueuesTakeGroupIDs(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	require.Nil(t, h.sendTo(q, "tenant-1", "a").SequenceNumber)
	h.sendTo(q, "tenant-1", "b")
	got := h.receive(q, 1)
	require.Equal(t, "tenant-1", got[0].Attributes["MessageGroupId"])
	require.NotContains(t, got[0].Attributes, "SequenceNumber")
	require.NotContains(t, got[0].Attributes, "MessageDeduplicationId")
	require.Len(t, h.receive(q, 1), 1, "groups don't block each other")
}

func TestBodiesArriveAsTheyWereSent(t *testing.T) {
	h := newHarness(t, Options{})
	q := h.queue("q")
	for _, body := range []string{`"&quot;&quot;` + "\r", "{\r\n" + `"machineID" : "d357006e26ff47439e1ef894225d4307"}`, "<xml>&amp;</xml>", "\u2028\U0001F600é"} {
		h.send(q, body)
		require.Equal(t, []string{body}, bodies(h.receive(q, 1)))
	}
	big := string(bytes.Repeat([]byte("a"), 1<<20))
	h.send(q, big)
	require.Equal(t, []string{big}, bodies(h.receive(q, 1)))
}
