package dlq

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

func TestAFileThatCannotBeWrittenStopsTheRunAndKeepsTheMessages(t *testing.T) {
	srv := awstest.Start(t)
	client := sqs.NewFromConfig(srv.DirectConfig())
	_, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders-dlq")})
	require.NoError(t, err)
	q, err := Find(t.Context(), client, "orders-dlq")
	require.NoError(t, err)
	for i := range 25 {
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &q.URL, MessageBody: aws.String(strconv.Itoa(i))})
		require.NoError(t, err)
	}
	rules, err := ParseRules("rules.yaml", []byte("otherwise: discard"))
	require.NoError(t, err)
	r := Redrive{Client: client, DLQ: q, Rules: rules, DiscardFile: filepath.Join(t.TempDir(), "discarded"), Wait: -1, Now: srv.Clock.Now, Sleep: srv.Clock.Sleep}
	x, err := r.withDefaults().begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, x.discards.file.Close())
	x.discards.file, err = os.Open(r.DiscardFile) // which can't be written to
	require.NoError(t, err)
	s, err := x.end(t.Context(), x.meetAll(t.Context()))
	require.ErrorContains(t, err, "writing to "+r.DiscardFile)
	require.Zero(t, s.Discarded)
	require.Zero(t, srv.Count("sqs", "DeleteMessageBatch"))
	require.Equal(t, Messages{Visible: 25}, s.Remaining)
}
