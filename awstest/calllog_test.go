package awstest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"
)

func TestTheLogKeepsTheLatestCallsAndCountsAll(t *testing.T) {
	var l callLog
	const n = 3*maxCalls + 7
	for i := range n {
		l.add(Call{Service: "sqs", Operation: "SendMessage", Status: i, size: 10})
	}
	calls := l.list()
	require.Len(t, calls, maxCalls)
	for i, c := range calls {
		require.Equal(t, n-maxCalls+i, c.Status, "call %d of those kept", i)
	}
	require.Equal(t, n, l.count("sqs", "SendMessage"))
	require.LessOrEqual(t, cap(l.calls), 4*maxCalls, "room doesn't grow without end")
	require.Equal(t, 10*maxCalls, l.bytes)

	l.reset()
	require.Empty(t, l.list())
	require.Zero(t, l.count("", ""))
}

func TestTheLogKeepsLessOfLargeRequests(t *testing.T) {
	var l callLog
	for i := range 10 {
		l.add(Call{Status: i, size: maxCallBytes / 4})
	}
	calls := l.list()
	require.Len(t, calls, 4)
	require.Equal(t, 6, calls[0].Status)
	require.Equal(t, 9, calls[3].Status)

	l.add(Call{Status: 10})
	require.Len(t, l.list(), 5)
	require.Equal(t, 11, l.count("", ""))
}

func TestCallsHaveTheSizeOfTheirRequests(t *testing.T) {
	srv := Start(t)
	_, err := sqs.NewFromConfig(srv.Config()).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	require.Len(t, srv.Calls(), 1)
	require.Equal(t, len(`{}`), srv.Calls()[0].size)
}

func TestAnEndpointWithoutALogKeepsNoCalls(t *testing.T) {
	srv := Start(t, WithoutCallLog())
	_, err := sqs.NewFromConfig(srv.Config()).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	require.NoError(t, err)
	require.Empty(t, srv.Calls())
	require.Zero(t, srv.Count("", ""))
}

func TestCallsTellWhoAskedForWhatAndWhatTheyGot(t *testing.T) {
	start := time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)
	srv := Start(t, StartAt(start))
	srv.Clock.Pause()
	client := sqs.NewFromConfig(srv.Config(), func(o *sqs.Options) { o.RetryMaxAttempts = 1 })
	q, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders")})
	require.NoError(t, err)
	srv.ResetCalls()

	srv.Clock.Advance(time.Minute)
	_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String("hello")})
	require.NoError(t, err)
	_, err = client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: q.QueueUrl, ReceiptHandle: aws.String("none")})
	require.Error(t, err)
	fault := Fault{Kind: DropRequest, Operation: "SendMessage"}
	srv.Inject(fault)
	_, err = client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: q.QueueUrl, MessageBody: aws.String("lost")})
	require.Error(t, err)

	calls := srv.Calls()
	require.Len(t, calls, 3)
	for _, c := range calls {
		require.WithinDuration(t, start.Add(time.Minute), c.Time, time.Second)
		require.Equal(t, "sqs", c.Service)
		require.Equal(t, "json", c.Protocol)
		require.Equal(t, srv.Account, c.Account)
		require.Equal(t, srv.Region, c.Region)
		require.Equal(t, *q.QueueUrl, c.Resource)
	}
	sent, refused, dropped := calls[0], calls[1], calls[2]
	require.Equal(t, "SendMessage", sent.Operation)
	require.Equal(t, 200, sent.Status)
	require.Empty(t, sent.Error)
	require.Empty(t, sent.Fault)
	require.Contains(t, string(sent.Input()), `"MessageBody":"hello"`)
	require.Equal(t, "DeleteMessage", refused.Operation)
	require.NotEqual(t, 200, refused.Status)
	require.Equal(t, "ReceiptHandleIsInvalid", refused.Error)
	require.Zero(t, dropped.Status, "nothing was answered")
	require.Equal(t, fault.String(), dropped.Fault)

	require.Equal(t, 2, srv.Count("sqs", "SendMessage"))
	require.Equal(t, 3, srv.Count("sqs", ""))
	require.Zero(t, srv.Count("sns", ""))
	srv.ResetCalls()
	require.Empty(t, srv.Calls())
	require.Zero(t, srv.Count("", ""))
}
