package dlq_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// groups are bodies by group, in order.
func groups(messages []types.Message) map[string][]string {
	all := map[string][]string{}
	for _, m := range messages {
		g := m.Attributes["MessageGroupId"]
		all[g] = append(all[g], *m.Body)
	}
	return all
}

func TestGroupsAndTheirOrderAreKept(t *testing.T) {
	m := newFIFOMorning(t)
	m.fail(m.orders,
		inGroup("a", "1"), inGroup("b", "1"), inGroup("a", "2"), inGroup("a", "3"), inGroup("b", "2"), inGroup("a", "4"),
		inGroup("a", "5"), inGroup("a", "6"), inGroup("a", "7"), inGroup("a", "8"), inGroup("a", "9"), inGroup("c", "1"))
	s := m.run(m.redrive(all))
	require.Equal(t, 12, s.Redriven)
	require.Empty(t, s.Attention())
	require.Equal(t, map[string][]string{
		"a": {"1", "2", "3", "4", "5", "6", "7", "8", "9"}, "b": {"1", "2"}, "c": {"1"},
	}, groups(m.drain(m.orders)))
}

func TestOfAGroupNothingOvertakesAMessageThatIsLeft(t *testing.T) {
	m := newFIFOMorning(t)
	ten := map[string]types.MessageAttributeValue{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		ten[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String("x")}
	}
	second := inGroup("a", "2")
	second.MessageAttributes = ten
	m.fail(m.orders, inGroup("a", "1"), second, inGroup("a", "3"), inGroup("b", "1"))
	s := m.run(m.redrive(all))
	require.Equal(t, 2, s.Redriven)
	require.Equal(t, 2, s.Left)
	require.Equal(t, map[string][]string{"a": {"1"}, "b": {"1"}}, groups(m.drain(m.orders)))
	require.Equal(t, map[string][]string{"a": {"2", "3"}}, groups(m.drain(m.dlq)))
}

func TestOfAGroupNothingOvertakesAMessageThatWasNotSent(t *testing.T) {
	m := newFIFOMorning(t)
	m.fail(m.orders, inGroup("a", "1"), inGroup("a", "2"), inGroup("a", "3"), inGroup("b", "1"), inGroup("b", "2"))
	r := m.redrive(all)
	r.Client = &hooked{RedriveClient: m.sqs, send: func(in *sqs.SendMessageBatchInput, next func() (*sqs.SendMessageBatchOutput, error)) (*sqs.SendMessageBatchOutput, error) {
		for _, e := range in.Entries {
			if *e.MessageGroupId == "a" && *e.MessageBody == "2" {
				return nil, errors.New("connection reset by peer")
			}
		}
		return next()
	}}
	s := m.run(r)
	require.Equal(t, map[string][]string{"a": {"1"}, "b": {"1"}}, groups(m.drain(m.orders)))
	require.Equal(t, 2, s.Redriven)
	require.Equal(t, 3, s.Left)
	r.Client = m.sqs
	s = m.run(r)
	require.Equal(t, 3, s.Redriven)
	require.Equal(t, map[string][]string{"a": {"2", "3"}, "b": {"2"}}, groups(m.drain(m.orders)))
}

func TestSQSDropsWhatIsSentAgainToAFIFOQueueWithinFiveMinutes(t *testing.T) {
	m := newFIFOMorning(t)
	m.fail(m.orders, inGroup("a", "1"), inGroup("a", "2"))
	r := m.redrive(all)
	r.Visibility = minute
	r.Client = &hooked{RedriveClient: m.sqs, remove: func(*sqs.DeleteMessageBatchInput, func() (*sqs.DeleteMessageBatchOutput, error)) (*sqs.DeleteMessageBatchOutput, error) {
		return nil, errors.New("no route to host")
	}}
	_, err := r.Run(t.Context())
	require.Error(t, err)
	m.srv.Clock.Advance(minute)
	r.Client = m.sqs
	s := m.run(r) // without a ledger
	require.Equal(t, 2, s.Redriven)
	require.Zero(t, s.PossibleDuplicates)
	require.Equal(t, map[string][]string{"a": {"1", "2"}}, groups(m.drain(m.orders)))
}

func TestADryRunOfAFIFOQueueMeetsTheHeadsOfGroups(t *testing.T) {
	m := newFIFOMorning(t)
	for i := range 12 {
		m.fail(m.orders, inGroup("a", string(rune('a'+i))))
	}
	m.fail(m.orders, inGroup("b", "1"))
	r := m.redrive(all)
	r.DryRun = true
	s := m.run(r)
	require.Equal(t, 11, s.Met, "ten of one group, and one of another")
	require.Equal(t, [2]string{"13", "0"}, m.count(m.dlq))
}

func TestALostReceiveOfAFIFOQueueIsHadAgain(t *testing.T) {
	m := newFIFOMorning(t)
	m.fail(m.orders, inGroup("a", "1"), inGroup("a", "2"))
	m.inject(awstest.Fault{Kind: awstest.DropResponse, Operation: "ReceiveMessage", Times: 1})
	s := m.run(m.redrive(all))
	require.Equal(t, 2, s.Redriven)
	require.Empty(t, s.Attention())
}
