package dlq_test

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

func TestWhatIsDiscardedIsInTheFileBeforeItIsDeleted(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(25)...)
	r := m.redrive("otherwise: discard")
	r.DiscardFile = m.file("discarded.jsonl")
	deleted := 0
	r.Client = &hooked{RedriveClient: m.sqs, remove: func(in *sqs.DeleteMessageBatchInput, next func() (*sqs.DeleteMessageBatchOutput, error)) (*sqs.DeleteMessageBatchOutput, error) {
		deleted += len(in.Entries)
		require.GreaterOrEqual(t, len(m.keptIn(r.DiscardFile)), deleted)
		return next()
	}}
	r.Concurrency = 1
	s := m.run(r)
	require.Equal(t, 25, s.Discarded)
	require.Len(t, m.keptIn(r.DiscardFile), 25)
	require.Equal(t, [2]string{"0", "0"}, m.count(m.dlq))
	info, err := os.Stat(r.DiscardFile)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "messages are nobody else's business")
}

func TestAKeptMessageHasAllThatIsNeededToSendItAgain(t *testing.T) {
	m := newMorning(t)
	attributes := map[string]types.MessageAttributeValue{
		"text":   {DataType: aws.String("String.note"), StringValue: aws.String("späť\n")},
		"binary": {DataType: aws.String("Binary.gzip"), BinaryValue: []byte{0, 255}},
		"number": {DataType: aws.String("Number"), StringValue: aws.String("1.50")},
	}
	trace := map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-5759e988-bd862e3fe1be46a994272793")}}
	m.fail(m.orders, message{MessageBody: aws.String("<\u2028\"\\>"), MessageAttributes: attributes, MessageSystemAttributes: trace, MessageGroupId: aws.String("g")})
	r := m.redrive("otherwise: quarantine")
	r.QuarantineFile = m.file("quarantine.jsonl")
	m.run(r)
	k := m.keptIn(r.QuarantineFile)[0]
	require.Equal(t, "<\u2028\"\\>", k.Body)
	require.Equal(t, attributes, k.AttributeValues())
	require.Equal(t, "Root=1-5759e988-bd862e3fe1be46a994272793", k.TraceHeader)
	require.Equal(t, "g", k.GroupID)
	require.Equal(t, m.orders.ARN, k.Source)
	require.Equal(t, m.dlq.ARN, k.DLQ)
	require.Equal(t, dlq.ActionQuarantine, k.Action)
	require.Equal(t, 2, k.ReceiveCount)
	require.Len(t, k.MessageID, 36)
}

func TestADeviceIsNoPlaceForMessages(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(1)...)
	r := m.redrive("otherwise: discard")
	r.DiscardFile = os.DevNull
	_, err := r.Run(t.Context())
	require.EqualError(t, err, "/dev/null is no regular file, so that nothing would be kept in it: choose another")
	require.Equal(t, [2]string{"1", "0"}, m.count(m.dlq))
}

func TestAFileWithSomethingElseIsRefused(t *testing.T) {
	m := newMorning(t)
	for text, want := range map[string]string{
		"rules:\n":       "the file holds something other than JSON lines",
		`{"a":1}` + "\n": "holds something other than kept messages",
	} {
		r := m.redrive("otherwise: discard")
		r.DiscardFile = m.file("discarded.jsonl")
		require.NoError(t, os.WriteFile(r.DiscardFile, []byte(text), 0o600))
		_, err := r.Run(t.Context())
		require.ErrorContains(t, err, want)
	}
}

func TestALineThatWasCutShortIsRemovedFromAFile(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(1)...)
	r := m.redrive("otherwise: discard")
	r.DiscardFile = m.file("discarded.jsonl")
	require.NoError(t, os.WriteFile(r.DiscardFile, []byte(`{"message_id":"m-1","body":"whole"}`+"\n"+`{"message_id":"m-2","bo`), 0o600))
	m.run(r)
	kept := m.keptIn(r.DiscardFile)
	require.Len(t, kept, 2)
	require.Equal(t, "whole", kept[0].Body)
	require.Equal(t, `{"n":0}`, kept[1].Body)
}
