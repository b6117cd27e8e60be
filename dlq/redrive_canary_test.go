package dlq_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// canary is a redrive by canaries during whose watch consumers do something, each 5 s.
func (m *morning) canary(n int, consume func()) dlq.Canary {
	r := m.redrive(all)
	r.Sleep = func(ctx context.Context, d time.Duration) error {
		consume()
		return m.srv.Clock.Sleep(ctx, d)
	}
	return dlq.Canary{Redrive: r, Messages: n}
}

func TestCanariesThatComeBackStopTheRedrive(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	begin := m.srv.Clock.Now()
	v, err := m.canary(3, func() { m.failAll(m.orders) }).Run(t.Context())
	require.NoError(t, err)
	require.False(t, v.Passed)
	require.Equal(t, 3, v.Sent)
	require.Equal(t, 3, v.Returned)
	require.Len(t, v.ReturnedIDs, 3)
	require.Equal(t, "3 of 3 canary messages came back: the consumers still fail", v.Why)
	require.Less(t, m.srv.Clock.Now().Sub(begin), 10*time.Second, "as soon as they were back")
	require.Equal(t, [2]string{"30", "0"}, m.count(m.dlq), "all are visible")
	require.Equal(t, [2]string{"0", "0"}, m.count(m.orders))
}

func TestCanariesThatAreWorkedOffLetTheRedriveGoOn(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(30)...)
	c := m.canary(3, func() { m.drain(m.orders) })
	c.Window = 10 * minute
	v, err := c.Run(t.Context())
	require.NoError(t, err)
	require.True(t, v.Passed)
	require.Equal(t, 3, v.Sent)
	require.Zero(t, v.Returned)
	require.Equal(t, "0 of 3 canary messages came back, and the consumers have worked the queue off", v.Why)
	require.Equal(t, [2]string{"27", "0"}, m.count(m.dlq))
	require.InDelta(t, 60, v.Watched, 10, "the queue was empty for a minute")
}

func TestCanariesAreWatchedForAsLongAsConsumersCanTakeToFail(t *testing.T) {
	m := newMorning(t)
	slow := m.create("slow", "VisibilityTimeout", "100", "DelaySeconds", "20", "RedrivePolicy", `{"deadLetterTargetArn":"`+m.dlq.ARN+`","maxReceiveCount":"4"}`)
	m.fail(m.orders, numbered(1)...)
	c := m.canary(1, func() { m.receive(slow, 0) }) // they are received and never deleted
	c.Redrive.To = &slow
	var window time.Duration
	c.Watching = func(_ int, w time.Duration) { window = w }
	v, err := c.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 480*time.Second, window, "4 x 100 s, 20 s and a minute")
	require.False(t, v.Passed, "it came back at the very end")
	require.Greater(t, v.Watched, 400.0)
}

func TestOtherMessagesThatComeWhileCanariesAreWatchedAreNoCanaries(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(10)...)
	v, err := m.canary(2, func() {
		m.drain(m.orders)
		m.send(m.dlq, body("another"))
	}).Run(t.Context())
	require.NoError(t, err)
	require.True(t, v.Passed, "%+v", v)
	require.Zero(t, v.Returned)
}

func TestSomeCanariesMayBeAllowedToComeBack(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(10)...)
	once := false
	c := m.canary(2, func() {
		if !once {
			m.failAll(m.orders)
		}
		once = true
	})
	c.Tolerate = 2
	v, err := c.Run(t.Context())
	require.NoError(t, err)
	require.True(t, v.Passed)
	require.Equal(t, 2, v.Returned)
}

func TestCanariesOfAFIFOQueueAreSeenByTheQueueGrowing(t *testing.T) {
	m := newFIFOMorning(t)
	m.fail(m.orders, inGroup("g", "1"), inGroup("g", "2"), inGroup("g", "3"), inGroup("h", "1"))
	v, err := m.canary(1, func() { m.failAll(m.orders) }).Run(t.Context())
	require.NoError(t, err)
	require.False(t, v.Passed)
	require.Equal(t, 1, v.Returned)
}

func TestCanariesAreRefusedWhereTheyCouldNotBeSeen(t *testing.T) {
	m := newMorning(t)
	m.fail(m.orders, numbered(3)...)
	other := m.create("other")
	c := m.canary(1, func() {})
	c.Redrive.To = &other
	_, err := c.Run(t.Context())
	require.EqualError(t, err, "what fails in other doesn't come back to orders-dlq, which is not its dead-letter queue: canaries can't be seen there")
	require.Equal(t, [2]string{"3", "0"}, m.count(m.dlq))
}

func TestCanariesNeedMessages(t *testing.T) {
	m := newMorning(t)
	v, err := m.canary(1, func() {}).Run(t.Context())
	require.NoError(t, err)
	require.True(t, v.Passed)
	require.Equal(t, "there was no message to redrive", v.Why)
	_, err = m.canary(0, func() {}).Run(t.Context())
	require.ErrorContains(t, err, "at least one message")
}
