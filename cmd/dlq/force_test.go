package main

import (
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
	"github.com/sqs-dlq/sqs-dlq/internal/target"
)

// The second proof finds the DLQ as the first has left it: used just now, by us.
func TestQueuesThatShareADLQAreProvenOneAfterTheOther(t *testing.T) {
	srv := awstest.Start(t)
	client := sqs.NewFromConfig(srv.Config())
	makeQueue(t, srv, "dlq", nil)
	var queues []stackQueue
	for _, name := range []string{"a", "b"} {
		out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dlq","maxReceiveCount":2}`,
		}})
		require.NoError(t, err)
		queues = append(queues, stackQueue{name, dlqtest.Queue{URL: *out.QueueUrl, DLQ: srv.URL + "/000000000000/dlq", MaxReceiveCount: 2}})
	}
	on := &target.Target{Target: dlqtest.Target{Config: srv.Config(), Clock: srv.Clock, Ground: dlqtest.Endpoint}}
	o := proveOptions{redrive: true, reports: reportOptions{output: "text"}}
	var stdout, stderr bytes.Buffer
	require.NoError(t, proveAll(t.Context(), on, queues, o, &stdout, newProgress(&stderr)), stdout.String())

	err := proveAll(t.Context(), on, queues, o, &stdout, newProgress(&stderr))
	require.ErrorContains(t, err, "queue a was used in the last 15 minutes")
	o.force = true
	require.NoError(t, proveAll(t.Context(), on, queues, o, &stdout, newProgress(&stderr)), stdout.String())
}
