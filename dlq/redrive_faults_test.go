package dlq_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// each counts how often each body is there.
func each(messages []types.Message) map[string]int {
	n := map[string]int{}
	for _, b := range bodies(messages) {
		n[b]++
	}
	return n
}

func TestThrottlingOnlySlowsARedriveDown(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(40)...)
	for _, op := range []string{"ReceiveMessage", "SendMessageBatch", "DeleteMessageBatch"} {
		m.inject(awstest.Fault{Kind: awstest.Throttle, Operation: op, Times: 2})
	}
	s := m.run(m.redrive(all))
	require.Equal(t, 40, s.Redriven)
	require.Zero(t, s.PossibleDuplicates, "a call that is throttled has no effect")
	require.Empty(t, s.Attention())
	require.Len(t, m.drain(m.orders), 40)
}

func TestALostAnswerToASendMakesDuplicatesThatAreReported(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(40)...)
	m.inject(awstest.Fault{Kind: awstest.DropResponse, Operation: "SendMessageBatch", Times: 1})
	s := m.run(m.redrive(all))
	require.Equal(t, 40, s.Redriven)
	require.Equal(t, 10, s.PossibleDuplicates)
	require.Contains(t, s.Attention()[0], "10 messages may have been sent twice")
	got := each(m.drain(m.orders))
	require.Len(t, got, 40)
	twice := 0
	for _, n := range got {
		twice += n - 1
	}
	require.Equal(t, 10, twice, "the endpoint did get them twice: the report doesn't exaggerate")
	require.Equal(t, [2]string{"0", "0"}, m.count(m.dlq))
}

func TestALostAnswerToADeleteIsRepeatedWithoutHarm(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(40)...)
	m.inject(awstest.Fault{Kind: awstest.DropResponse, Operation: "DeleteMessageBatch", Times: 3})
	s := m.run(m.redrive(all))
	require.Equal(t, 40, s.Redriven)
	require.Empty(t, s.Attention())
	require.Len(t, m.drain(m.orders), 40)
}

func TestALostAnswerToAReceiveHidesMessagesUntilTheRunHasWaitedForThem(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(20)...)
	m.inject(awstest.Fault{Kind: awstest.DropResponse, Operation: "ReceiveMessage", Times: 1})
	r := m.redrive(all)
	r.Concurrency, r.Visibility = 1, 30e9 // less than the minute that a run waits
	s := m.run(r)
	require.Equal(t, 20, s.Redriven)
	require.Empty(t, s.Attention())

	m.failAll(m.orders)
	m.inject(awstest.Fault{Kind: awstest.DropResponse, Operation: "ReceiveMessage", Times: 1})
	r.Visibility = 5 * minute
	var waited []int64
	r.Waiting = func(messages int64) { waited = append(waited, messages) }
	s = m.run(r)
	require.Equal(t, []int64{10}, waited)
	require.Equal(t, 10, s.Redriven)
	require.Equal(t, int64(10), s.HiddenElsewhere)
	require.Contains(t, s.Attention()[0], "10 messages in flight")
	m.srv.Clock.Advance(5 * minute)
	require.Equal(t, 10, m.run(r).Redriven)
}

func TestASendWhoseOutcomeStaysUnknownLeavesItsMessages(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(5)...)
	r := m.redrive(all)
	r.Ledger = m.file("ledger")
	r.Client = &hooked{RedriveClient: m.sqs, send: func(_ *sqs.SendMessageBatchInput, next func() (*sqs.SendMessageBatchOutput, error)) (*sqs.SendMessageBatchOutput, error) {
		_, _ = next()
		return nil, errors.New("connection reset by peer")
	}}
	s := m.run(r)
	require.Zero(t, s.Redriven)
	require.Equal(t, 5, s.Left)
	require.Contains(t, s.LeftBecause[0].Why, "whether it was sent is unknown")
	require.Equal(t, [2]string{"5", "0"}, m.count(m.dlq), "none is deleted")

	r.Client = m.sqs
	s = m.run(r)
	require.Equal(t, 5, s.Redriven)
	require.Equal(t, 5, s.PossibleDuplicates, "the ledger remembers")
	require.Len(t, m.drain(m.orders), 10)
}

func TestWhatSQSReportsAsItsOwnFaultIsSentAgain(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(10)...)
	r := m.redrive(all)
	failures := 0
	r.Client = &hooked{RedriveClient: m.sqs, send: func(in *sqs.SendMessageBatchInput, next func() (*sqs.SendMessageBatchOutput, error)) (*sqs.SendMessageBatchOutput, error) {
		failed := types.BatchResultErrorEntry{Id: in.Entries[0].Id, Code: aws.String("InternalError"), Message: aws.String("sorry")}
		if failures++; failures <= 2 {
			in.Entries = in.Entries[1:]
		}
		if len(in.Entries) == 0 {
			return &sqs.SendMessageBatchOutput{Failed: []types.BatchResultErrorEntry{failed}}, nil
		}
		out, err := next()
		if failures <= 2 {
			out.Failed = append(out.Failed, failed)
		}
		return out, err
	}}
	s := m.run(r)
	require.Equal(t, 10, s.Redriven)
	require.Equal(t, 3, failures, "twice in vain")
	require.Zero(t, s.PossibleDuplicates, "SQS said that it was not sent")
	require.Len(t, m.drain(m.orders), 10)
}

func TestAMissingPermissionEndsTheRunAtOnce(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	r := m.redrive(all)
	r.Concurrency = 1
	calls := 0
	r.Client = &hooked{RedriveClient: m.sqs, send: func(*sqs.SendMessageBatchInput, func() (*sqs.SendMessageBatchOutput, error)) (*sqs.SendMessageBatchOutput, error) {
		calls++
		return nil, &smithy.OperationError{ServiceID: "SQS", OperationName: "SendMessageBatch", Err: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusForbidden}},
			Err:      &smithy.GenericAPIError{Code: "AccessDenied", Message: "not you"},
		}}
	}}
	s, err := r.Run(t.Context())
	require.Equal(t, "sqs:SendMessage", dlq.MissingAction(err))
	require.Equal(t, 1, calls)
	require.Zero(t, s.Redriven)
	require.Zero(t, s.PossibleDuplicates)
	require.Equal(t, [2]string{"30", "0"}, m.count(m.dlq))
}

func TestWhatCannotBeDeletedIsNotSentTwiceWithALedger(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(15)...)
	r := m.redrive(all)
	r.Ledger, r.Concurrency = m.file("ledger"), 1
	r.Client = &hooked{RedriveClient: m.sqs, remove: func(*sqs.DeleteMessageBatchInput, func() (*sqs.DeleteMessageBatchOutput, error)) (*sqs.DeleteMessageBatchOutput, error) {
		return nil, errors.New("no route to host")
	}}
	s, err := r.Run(t.Context())
	require.ErrorContains(t, err, "deleting from orders-dlq what is stored elsewhere: no route to host")
	require.Equal(t, 10, s.Redriven, "and no more, once deleting has failed")
	require.Equal(t, 10, s.NotDeleted)
	require.Contains(t, s.Attention()[0], "run again with the same ledger")

	m.srv.Clock.Advance(5 * minute)
	r.Client = m.sqs
	s = m.run(r)
	require.Equal(t, 10, s.Finished)
	require.Equal(t, 5, s.Redriven)
	require.Zero(t, s.PossibleDuplicates)
	require.Len(t, m.drain(m.orders), 15)
	require.Equal(t, [2]string{"0", "0"}, m.count(m.dlq))
}

func TestSingleMessagesThatCannotBeDeletedAreReported(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(3)...)
	r := m.redrive(all)
	r.Client = &hooked{RedriveClient: m.sqs, remove: func(in *sqs.DeleteMessageBatchInput, next func() (*sqs.DeleteMessageBatchOutput, error)) (*sqs.DeleteMessageBatchOutput, error) {
		in.Entries[0].ReceiptHandle = aws.String("nonsense")
		return next()
	}}
	s := m.run(r)
	require.Equal(t, 3, s.Redriven)
	require.Equal(t, 1, s.NotDeleted)
	require.Contains(t, s.Attention()[0], "1 message stored elsewhere but still in the DLQ too; running again would send them once more")
}

func TestAMessageThatIsDeliveredTwiceIsSentOnce(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	var before *sqs.ReceiveMessageOutput
	r := m.redrive(all)
	r.Concurrency = 1
	r.Client = &hooked{RedriveClient: m.sqs, receive: func(next func() (*sqs.ReceiveMessageOutput, error)) (*sqs.ReceiveMessageOutput, error) {
		if before != nil && len(before.Messages) > 0 { // every batch is delivered once more
			again := before
			before = nil
			return again, nil
		}
		out, err := next()
		before = out
		return out, err
	}}
	s := m.run(r)
	require.Equal(t, 30, s.Redriven)
	require.Equal(t, 30, s.Met)
	require.Equal(t, 30, s.Repeated)
	require.Len(t, m.drain(m.orders), 30)
}

func TestAMessageThatIsDeliveredTwiceAtOnceIsWorkedOnOnce(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(1)...)
	r := m.redrive(all)
	r.Concurrency = 1
	first := true
	r.Client = &hooked{RedriveClient: m.sqs, receive: func(next func() (*sqs.ReceiveMessageOutput, error)) (*sqs.ReceiveMessageOutput, error) {
		out, err := next()
		if first {
			out.Messages = append(out.Messages, out.Messages...)
		}
		first = false
		return out, err
	}}
	s := m.run(r)
	require.Equal(t, 1, s.Redriven)
	require.Equal(t, 1, s.Repeated)
	require.Len(t, m.drain(m.orders), 1)
}

func TestADLQThatIsDeletedUnderneathEndsTheRunAndLosesNothingThatWasSent(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	r := m.redrive(all)
	r.Concurrency = 1
	sent := 0
	r.Client = &hooked{RedriveClient: m.sqs, sent: func() {
		if sent++; sent == 2 {
			_, err := m.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &m.dlq.URL})
			require.NoError(t, err)
		}
	}}
	s, err := r.Run(t.Context())
	var gone *types.QueueDoesNotExist
	require.ErrorAs(t, err, &gone)
	require.Equal(t, 20, s.Redriven)
	require.Equal(t, 10, s.NotDeleted)
	require.Len(t, m.drain(m.orders), 20)
}

func TestATargetThatIsDeletedUnderneathLeavesTheMessages(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	r := m.redrive(all)
	r.Concurrency = 1
	sent := 0
	r.Client = &hooked{RedriveClient: m.sqs, sent: func() {
		if sent++; sent == 1 {
			_, err := m.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &m.orders.URL})
			require.NoError(t, err)
		}
	}}
	s := m.run(r)
	require.Equal(t, 10, s.Redriven)
	require.Equal(t, 20, s.Left)
	require.Contains(t, s.LeftBecause[0].Why, "orders refused it: ")
	require.Equal(t, [2]string{"20", "0"}, m.count(m.dlq))
}

func TestAnInterruptFinishesTheBatchAndShowsTheRest(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	ctx, interrupt := context.WithCancel(t.Context())
	r := m.redrive(all)
	r.Concurrency = 1
	r.Client = &hooked{RedriveClient: m.sqs, sent: func() { interrupt() }}
	s, err := r.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 10, s.Redriven)
	require.Equal(t, [2]string{"20", "0"}, m.count(m.dlq))
	require.Len(t, m.drain(m.orders), 10)
}

func TestAnInterruptWaitsForReceivesThatAreUnderWay(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	ctx, interrupt := context.WithCancel(t.Context())
	r := m.redrive(all)
	r.Client = &hooked{RedriveClient: m.sqs, receive: func(next func() (*sqs.ReceiveMessageOutput, error)) (*sqs.ReceiveMessageOutput, error) {
		interrupt()
		return next()
	}}
	s, err := r.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, s.Redriven)
	require.Equal(t, [2]string{"30", "0"}, m.count(m.dlq), "none stays hidden")
	require.NotZero(t, m.srv.Count("sqs", "ChangeMessageVisibilityBatch"))
}

func TestAnInterruptWhileTheRateIsWaitedForShowsTheMessages(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	ctx, interrupt := context.WithCancel(t.Context())
	r := m.redrive(all)
	r.Concurrency, r.Rate = 1, 10
	r.Sleep = func(context.Context, time.Duration) error { interrupt(); return ctx.Err() }
	s, err := r.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 10, s.Redriven)
	require.Equal(t, [2]string{"20", "0"}, m.count(m.dlq))
}

func TestWhatIsLeftStaysHiddenInALongRun(t *testing.T) {
	m := newMorning(t)
	m.send(m.dlq, numbered(15)...) // no sources: they are left
	m.fail(m.orders, numbered(150)...)
	m.srv.Clock.Pause()
	r := m.redrive(all)
	r.Concurrency, r.Visibility, r.Rate = 1, time.Minute, 1
	begin := m.srv.Clock.Now()
	s := m.run(r)
	require.Greater(t, m.srv.Clock.Now().Sub(begin), 140*time.Second)
	require.Equal(t, 165, s.Met, "none was met twice")
	require.Equal(t, 15, s.Left)
	require.Equal(t, [2]string{"15", "0"}, m.count(m.dlq))
}

func TestALedgerOfAnotherQueueAndOtherFilesAreRefused(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(1)...)
	for _, tt := range []struct{ text, want string }{
		{`{"step":"open","dlq":"arn:aws:sqs:us-east-1:000000000000:other"}` + "\n", "it is the ledger of arn:aws:sqs:us-east-1:000000000000:other"},
		{"rules:\n", "holds something other than JSON lines"},
		{`{"a":1}` + "\n", "line 1 is not one of a ledger"},
		{`{"step":"begun","messages":["x"]}` + "\n", "its beginning is missing"},
	} {
		r := m.redrive(all)
		r.Ledger = m.file("ledger")
		require.NoError(t, os.WriteFile(r.Ledger, []byte(tt.text), 0o600))
		_, err := r.Run(t.Context())
		require.ErrorContains(t, err, tt.want)
		text, err := os.ReadFile(r.Ledger)
		require.NoError(t, err)
		require.Equal(t, tt.text, string(text), "as it was")
	}
	require.Equal(t, [2]string{"1", "0"}, m.count(m.dlq))
}

func TestALedgerWhoseLastLineWasCutShortIsGoodForAllOthers(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(2)...)
	id := *m.receive(m.dlq, 1)[0].MessageId
	m.srv.Clock.Advance(time.Second)
	name := m.file("ledger")
	require.NoError(t, os.WriteFile(name, []byte(lines(
		`{"step":"open","dlq":"`+m.dlq.ARN+`"}`,
		`{"step":"stored","messages":["`+id+`"]}`,
		`{"step":"deleted","messages":["`+id[:9])), 0o600))
	r := m.redrive(all)
	r.Ledger = name
	s := m.run(r)
	require.Equal(t, 1, s.Finished)
	require.Equal(t, 1, s.Redriven)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		require.True(t, strings.HasPrefix(line, `{"step":"`) && strings.HasSuffix(line, "}\n"), line)
	}
}
