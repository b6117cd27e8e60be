package sqs

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type queryResponse struct {
	status int
	text   string
}

// query calls an operation in the Query protocol, with a header if there is one.
func (h *harness) query(path string, params map[string]string, header ...string) queryResponse {
	h.Helper()
	form := url.Values{}
	for k, v := range params {
		form.Set(k, v)
	}
	req, err := http.NewRequestWithContext(h.ctx(), http.MethodPost, h.url+path, strings.NewReader(form.Encode()))
	require.NoError(h, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(header) > 0 {
		req.Header.Set(header[0], header[1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(h, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(h, err)
	require.NoError(h, xml.Unmarshal(b, new(struct{})), "%s", b)
	return queryResponse{resp.StatusCode, string(b)}
}

func between(s, before, after string) string {
	_, s, _ = strings.Cut(s, before)
	s, _, _ = strings.Cut(s, after)
	return s
}

func TestTheQueryProtocolServesAMessagesLife(t *testing.T) {
	h := newHarness(t, Options{})
	ok := func(path string, params ...string) string {
		t.Helper()
		r := h.query(path, pairs(params))
		require.Equal(t, 200, r.status, r.text)
		require.Contains(t, r.text, `xmlns="http://queue.amazonaws.com/doc/2012-11-05/"`)
		return r.text
	}
	text := ok("/", "Action", "CreateQueue", "Version", "2012-11-05", "QueueName", "q", "Attribute.1.Name", "VisibilityTimeout", "Attribute.1.Value", "40", "Tag.1.Key", "k", "Tag.1.Value", "v")
	queue := between(text, "<QueueUrl>", "</QueueUrl>")
	require.Equal(t, h.url+"/"+testAccount+"/q", queue)
	path := "/" + testAccount + "/q"
	require.Contains(t, ok(path, "Action", "GetQueueAttributes", "AttributeName.1", "All"), "<Attribute><Name>VisibilityTimeout</Name><Value>40</Value></Attribute>")
	text = ok(path, "Action", "GetQueueAttributes", "AttributeName.1", "QueueArn")
	require.Contains(t, text, "<Attribute><Name>QueueArn</Name><Value>"+arnOf("q"))
	require.NotContains(t, text, "VisibilityTimeout")
	require.Contains(t, ok(path, "Action", "ListQueueTags"), "<Tag><Key>k</Key><Value>v</Value></Tag>")
	require.Contains(t, ok("/", "Action", "ListQueues", "QueueNamePrefix", "q"), "<QueueUrl>"+queue+"</QueueUrl>")

	text = ok(path, "Action", "SendMessage", "MessageBody", "foobar <&>", "MessageAttribute.1.Name", "a",
		"MessageAttribute.1.Value.DataType", "String", "MessageAttribute.1.Value.StringValue", "v",
		"MessageAttribute.2.Name", "b", "MessageAttribute.2.Value.DataType", "Binary", "MessageAttribute.2.Value.BinaryValue", "AQI=")
	id := between(text, "<MessageId>", "</MessageId>")
	md5 := between(text, "<MD5OfMessageAttributes>", "</MD5OfMessageAttributes>")
	require.Len(t, md5, 32)
	text = ok(path, "Action", "ReceiveMessage", "AttributeName.1", "ApproximateReceiveCount", "MessageSystemAttributeName.1", "SenderId", "MessageAttributeName.1", "All")
	require.Contains(t, text, "<Body>foobar &lt;&amp;&gt;</Body>")
	require.Contains(t, text, "<MessageId>"+id+"</MessageId>")
	require.Contains(t, text, "<MD5OfMessageAttributes>"+md5+"</MD5OfMessageAttributes>")
	require.Contains(t, text, "<Attribute><Name>ApproximateReceiveCount</Name><Value>1</Value></Attribute>")
	require.NotContains(t, text, "SenderId", "AttributeName wins over MessageSystemAttributeName")
	require.Contains(t, text, "<MessageAttribute><Name>b</Name><Value><DataType>Binary</DataType><BinaryValue>AQI=</BinaryValue></Value></MessageAttribute>")
	handle := between(text, "<ReceiptHandle>", "</ReceiptHandle>")
	ok(path, "Action", "ChangeMessageVisibility", "ReceiptHandle", handle, "VisibilityTimeout", "10")
	ok(path, "Action", "DeleteMessage", "ReceiptHandle", handle)
	require.NotContains(t, ok(path, "Action", "ReceiveMessage"), "<Message>")

	text = ok(path, "Action", "SendMessageBatch", "SendMessageBatchRequestEntry.1.Id", "one", "SendMessageBatchRequestEntry.1.MessageBody", "1",
		"SendMessageBatchRequestEntry.2.Id", "two", "SendMessageBatchRequestEntry.2.MessageBody", "\x01")
	require.Contains(t, text, "<SendMessageBatchResultEntry><Id>one</Id>")
	require.Contains(t, text, "<BatchResultErrorEntry><Id>two</Id><SenderFault>true</SenderFault><Code>InvalidMessageContents</Code>")
	handle = between(ok(path, "Action", "ReceiveMessage"), "<ReceiptHandle>", "</ReceiptHandle>")
	text = ok(path, "Action", "DeleteMessageBatch", "DeleteMessageBatchRequestEntry.1.Id", "one", "DeleteMessageBatchRequestEntry.1.ReceiptHandle", handle)
	require.Contains(t, text, "<DeleteMessageBatchResultEntry><Id>one</Id></DeleteMessageBatchResultEntry>")
	ok(path, "Action", "SetQueueAttributes", "Attribute.1.Name", "DelaySeconds", "Attribute.1.Value", "7")
	ok(path, "Action", "AddPermission", "Label", "l", "AWSAccountId.1", "111111111111", "ActionName.1", "SendMessage")
	ok(path, "Action", "RemovePermission", "Label", "l")
	ok(path, "Action", "TagQueue", "Tag.1.Key", "x", "Tag.1.Value", "y")
	ok(path, "Action", "UntagQueue", "TagKey.1", "k")
	require.Contains(t, ok(path, "Action", "ListQueueTags"), "<ListQueueTagsResult><Tag><Key>x</Key><Value>y</Value></Tag></ListQueueTagsResult>")
	ok(path, "Action", "PurgeQueue")
	ok(path, "Action", "DeleteQueue")
}

func TestErrorsOfTheQueryProtocol(t *testing.T) {
	h := newHarness(t, Options{})
	h.queue("q")
	path := "/" + testAccount + "/q"
	for _, tt := range []struct {
		name, path    string
		params        []string
		status        int
		code, message string
	}{
		{"a missing queue", "/000000000000/missing", []string{"Action", "GetQueueAttributes"}, 400, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist for this wsdl version."},
		{"an unknown action", path, []string{"Action", "FooBar", "Version", "2012-11-05"}, 400, "InvalidAction", "The action FooBar is not valid for this endpoint."},
		{"a missing parameter", path, []string{"Action", "SendMessage"}, 400, "MissingParameter", "The request must contain the parameter MessageBody."},
		{"an unknown attribute", path, []string{"Action", "GetQueueAttributes", "AttributeName.1", "Foobar"}, 400, "InvalidAttributeName", "Unknown Attribute Foobar."},
		{"CreateQueue on a queue", path, []string{"Action", "CreateQueue", "QueueName", "x"}, 400, "InvalidAction", "The action CreateQueue is not valid for this endpoint."},
		{"ListQueues on a queue", path, []string{"Action", "ListQueues"}, 400, "InvalidAction", "The action ListQueues is not valid for this endpoint."},
		{"no queue", "/", []string{"Action", "PurgeQueue"}, 400, "MissingParameter", "The request must contain the parameter QueueUrl."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			params := pairs(tt.params)
			sign := []string{"Authorization", "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0"}
			r := h.query(tt.path, params, sign...)
			require.Equal(t, tt.status, r.status)
			require.Contains(t, r.text, "<Error><Type>Sender</Type><Code>"+tt.code+"</Code><Message>"+tt.message+"</Message><Detail/></Error>")
		})
	}
	require.Contains(t, h.query(path, map[string]string{"Action": "GetQueueUrl", "QueueName": "q"}).text, "<QueueUrl>"+h.url+path+"</QueueUrl>")
}
