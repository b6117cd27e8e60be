package load

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

func clients(t *testing.T, ctx context.Context, url string) map[string]Client {
	sdk, err := NewSDK(ctx, url, "sdk")
	require.NoError(t, err)
	lean, err := NewLean(ctx, url, "lean")
	require.NoError(t, err)
	return map[string]Client{"sdk": sdk, "lean": lean}
}

func TestCyclesLeaveNothingBehind(t *testing.T) {
	srv := awstest.Start(t)
	client := sqs.NewFromConfig(srv.Config())
	for name, c := range clients(t, t.Context(), srv.URL) {
		t.Run(name, func(t *testing.T) {
			srv.ResetCalls()
			measured := 0
			r, err := Cycles(t.Context(), c, Plan{Clients: 4, WarmUp: 20 * time.Millisecond, For: 50 * time.Millisecond, Body: `a "body"`}, func() {
				srv.ResetCalls()
				measured++
			})
			require.NoError(t, err)
			require.Equal(t, 1, measured)
			require.Positive(t, r.Cycles)
			require.GreaterOrEqual(t, r.Elapsed, 50*time.Millisecond)
			require.Equal(t, r.Cycles, srv.Count("sqs", "SendMessage"))
			require.Equal(t, r.Cycles, srv.Count("sqs", "ReceiveMessage"))
			require.Equal(t, r.Cycles, srv.Count("sqs", "DeleteMessage"))
			url, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
			require.NoError(t, err)
			got, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []types.QueueAttributeName{"All"}})
			require.NoError(t, err)
			require.Equal(t, "0", got.Attributes["ApproximateNumberOfMessages"])
			require.Equal(t, "0", got.Attributes["ApproximateNumberOfMessagesNotVisible"])

			require.NoError(t, c.Close(t.Context()))
			_, err = client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
			require.ErrorContains(t, err, "queue does not exist")
		})
	}
}

func TestAFailingEndpointIsAnError(t *testing.T) {
	srv := awstest.Start(t)
	lean, err := NewLean(t.Context(), srv.URL, "q")
	require.NoError(t, err)
	for _, tt := range []struct{ operation, want string }{
		{"SendMessage", "sending: SendMessage: status 500"},
		{"ReceiveMessage", "receiving: ReceiveMessage: status 500"},
		{"DeleteMessage", "deleting: DeleteMessage: status 500"},
	} {
		remove := srv.Inject(awstest.Fault{Kind: awstest.InternalError, Operation: tt.operation})
		_, err := Cycles(t.Context(), lean, Plan{Clients: 2, For: time.Minute, Body: "x"}, nil)
		require.ErrorContains(t, err, tt.want)
		remove()
	}
}

func TestTheLeanClientSendsBatches(t *testing.T) {
	srv := awstest.Start(t)
	lean, err := NewLean(t.Context(), srv.URL, "q")
	require.NoError(t, err)
	w := lean.Worker()
	defer w.Close()
	require.NoError(t, lean.SendBatch(t.Context(), w, "x\n", 7))
	got, err := sqs.NewFromConfig(srv.Config()).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String("q"), MaxNumberOfMessages: 10})
	require.NoError(t, err)
	require.Len(t, got.Messages, 7)
	require.Equal(t, "x\n", *got.Messages[0].Body)
	require.ErrorContains(t, lean.SendBatch(t.Context(), w, "\x01", 1), "Failed")
}

func TestTheLeanClientConnectsAgainWhenTheServerCloses(t *testing.T) {
	srv := awstest.Start(t)
	closing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		req, _ := http.NewRequestWithContext(r.Context(), r.Method, srv.URL, bytes.NewReader(body))
		req.Header = r.Header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Connection", "close")
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	}))
	defer closing.Close()
	lean, err := NewLean(t.Context(), closing.URL, "q")
	require.NoError(t, err)
	w := lean.Worker()
	defer w.Close()
	for range 3 {
		require.NoError(t, Cycle(t.Context(), w, "x"))
	}
}

func TestReceiptHandlesAreFoundHoweverTheAnswerIsSpaced(t *testing.T) {
	for _, tt := range []struct{ name, answer, want, err string }{
		{"compact", `{"Messages":[{"ReceiptHandle":"a+b/c==","Body":"x"}]}`, "a+b/c==", ""},
		{"spaced", `{"Messages": [{"ReceiptHandle": "abc"}]}`, "abc", ""},
		{"no message", `{}`, "", ""},
		{"an escape, which the lean client doesn't read", `{"Messages":[{"ReceiptHandle":"a\"b"}]}`, "", "no receipt handle can be found"},
		{"cut off", `{"Messages":[{"ReceiptHandle":"ab`, "", "no receipt handle can be found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := receiptHandle([]byte(tt.answer))
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestQuantiles(t *testing.T) {
	ten := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	require.EqualValues(t, 6, Quantile(ten, 0.5))
	require.EqualValues(t, 10, Quantile(ten, 0.99))
	require.EqualValues(t, 10, Quantile(ten, 1))
	require.Zero(t, Quantile(nil, 0.5))
}

func TestQuotedStringsAreJSON(t *testing.T) {
	var got string
	require.NoError(t, json.Unmarshal([]byte(quote("a \"b\" <c>\n")), &got))
	require.Equal(t, "a \"b\" <c>\n", got)
}
