package sqs

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// get calls an operation by GET, as a signed URL does.
func (h *harness) get(path, accept string, params ...string) (int, string) {
	h.Helper()
	form := url.Values{}
	for k, v := range pairs(params) {
		form.Set(k, v)
	}
	req, err := http.NewRequestWithContext(h.ctx(), http.MethodGet, h.url+path+"?"+form.Encode(), nil)
	require.NoError(h, err)
	req.Header.Set("Accept", accept)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/sqs/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(h, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(h, err)
	return resp.StatusCode, string(b)
}

func TestTheQueryProtocolAnswersInJSONWhoAsksForIt(t *testing.T) {
	h := newHarness(t, Options{})
	queue := h.queue("q", "VisibilityTimeout", "40")
	path := "/" + testAccount + "/q"
	call := func(path string, params ...string) (int, any) {
		t.Helper()
		status, text := h.get(path, "application/json", params...)
		var doc any
		require.NoError(t, json.Unmarshal([]byte(text), &doc), text)
		return status, doc
	}
	at := func(doc any, names ...string) any {
		for _, n := range names {
			require.Contains(t, doc, n)
			doc = doc.(map[string]any)[n]
		}
		return doc
	}
	status, doc := call("/", "Action", "ListQueues", "Version", "2012-11-05")
	require.Equal(t, 200, status)
	require.Equal(t, []any{queue}, at(doc, "ListQueuesResponse", "ListQueuesResult", "queueUrls"))
	require.NotEmpty(t, at(doc, "ListQueuesResponse", "ResponseMetadata", "RequestId"))

	_, doc = call(path, "Action", "GetQueueAttributes", "AttributeName.1", "VisibilityTimeout")
	require.Equal(t, []any{map[string]any{"Name": "VisibilityTimeout", "Value": "40"}}, at(doc, "GetQueueAttributesResponse", "GetQueueAttributesResult", "Attributes"))

	_, doc = call(path, "Action", "ReceiveMessage")
	require.Equal(t, map[string]any{"messages": nil}, at(doc, "ReceiveMessageResponse", "ReceiveMessageResult"))
	const body = `{"a": "b` + "\r" + `", "c": "d&quot;"}`
	_, doc = call(path, "Action", "SendMessage", "MessageBody", body)
	sent := at(doc, "SendMessageResponse", "SendMessageResult").(map[string]any)
	require.Nil(t, at(sent, "SequenceNumber"))
	_, doc = call(path, "Action", "ReceiveMessage")
	messages := at(doc, "ReceiveMessageResponse", "ReceiveMessageResult", "messages").([]any)
	require.Len(t, messages, 1)
	require.Equal(t, body, at(messages[0], "Body"))
	require.Equal(t, sent["MessageId"], at(messages[0], "MessageId"))
	require.Nil(t, at(messages[0], "MessageAttributes"))

	status, doc = call(path, "Action", "ListQueues")
	require.Equal(t, 400, status)
	require.Equal(t, map[string]any{"Code": "InvalidAction", "Message": "The action ListQueues is not valid for this endpoint.", "Type": "Sender"}, at(doc, "Error"))
}

func TestWhatTheQueryProtocolSaysInShort(t *testing.T) {
	h := newHarness(t, Options{})
	h.queue("q")
	path := "/" + testAccount + "/q"
	status, text := h.get(path, "*/*", "Action", "ReceiveMessage")
	require.Equal(t, 200, status)
	require.Contains(t, text, "<ReceiveMessageResult/>", "an empty receive")
	for _, accept := range []string{"*/*", "application/json"} {
		status, text = h.get(path, accept)
		require.Equal(t, 404, status)
		require.Equal(t, "<UnknownOperationException/>", text, "no action")
	}
}
