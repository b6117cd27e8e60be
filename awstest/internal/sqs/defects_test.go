package sqs

import (
	"strconv"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

// observation is what a consumer sees of a message that is dead-lettered after two
// receives, and of what goes on around it.
type observation struct {
	Receives  int    // of the message, from its source
	Copies    int    // of it, in the DLQ
	Strangers int    // other messages in the DLQ
	Body      string // and the like: in the DLQ
	Attribute string
	Count     string
	Source    string
	SameID    bool
	Returns   int           // of a message that was deleted
	Lasts     time.Duration // that the DLQ's message lasts after it was sent
	Order     []string      // of a FIFO DLQ's group
	Denied    bool          // that a source not allowed may use the DLQ
	Metric    float64       // visible messages in the DLQ after the move
	GivenBack int           // messages that are there at once when they are given back
	Extended  int           // that are there although their visibility timeout was extended
	Hidden    int           // that are there although their visibility timeout has not passed
}

func observe(t *testing.T, defects ...Defect) observation {
	h := newHarness(t, Options{Defects: defects})
	var o observation
	dlq := h.queue("dlq", "MessageRetentionPeriod", "1209600", "VisibilityTimeout", "0")
	q := h.queue("q", "RedrivePolicy", redriveTo("dlq", 2), "VisibilityTimeout", "30")
	h.queue("bystander")
	h.publish()
	began := h.clk.Now()
	h.send(q, "healthy")
	h.delete(q, h.receive(q, 1)[0])
	sent, err := h.sqs.SendMessage(h.ctx(), &awssqs.SendMessageInput{
		QueueUrl: &q, MessageBody: ptr("poison"), MessageAttributes: map[string]types.MessageAttributeValue{"k": stringValue("v")},
	})
	require.NoError(t, err)
	for range 6 {
		for _, m := range h.receive(q, 10) {
			if *m.Body == "healthy" {
				o.Returns++
			} else {
				o.Receives++
			}
		}
		h.clk.Advance(30 * time.Second)
	}
	o.Metric = h.publish()["dlq"]["ApproximateNumberOfMessagesVisible"].Max
	for _, m := range h.receive(dlq, 10) {
		if *m.Body == "healthy" {
			o.Strangers++
			continue
		}
		o.Copies++
		o.Body, o.Count, o.Source = *m.Body, m.Attributes["ApproximateReceiveCount"], m.Attributes["DeadLetterQueueSourceArn"]
		o.SameID = *m.MessageId == *sent.MessageId
		if v, ok := m.MessageAttributes["k"]; ok {
			o.Attribute = *v.StringValue
		}
	}
	if o.Copies > 0 {
		for end := began.Add(14*24*time.Hour - 2*time.Hour); ; end = end.Add(time.Hour) {
			h.clk.AdvanceTo(end)
			if h.counts(dlq) == [3]int{0, 0, 0} {
				o.Lasts = end.Sub(began)
				break
			}
		}
	}

	dead, fifo := h.fifo("dlq.fifo"), h.fifo("q.fifo", "RedrivePolicy", redriveTo("dlq.fifo", 1), "VisibilityTimeout", "0")
	for _, body := range []string{"1", "2", "3"} {
		h.sendTo(fifo, "g", body)
	}
	h.receive(fifo, 10)
	h.receive(fifo, 10)
	o.Order = bodies(h.receive(dead, 10))

	visibility := h.queue("visibility", "VisibilityTimeout", "30")
	h.send(visibility, "m")
	h.receive(visibility, 1)
	h.clk.Advance(29 * time.Second)
	o.Hidden = len(h.receive(visibility, 1))
	h.clk.Advance(31 * time.Second)
	m := h.receive(visibility, 1)[0]
	require.NoError(t, h.hide(visibility, m, 0))
	got := h.receive(visibility, 1)
	o.GivenBack = len(got)
	if len(got) > 0 {
		m = got[0]
	}
	require.NoError(t, h.hide(visibility, m, 3600))
	h.clk.Advance(time.Minute)
	o.Extended = len(h.receive(visibility, 1))

	require.NoError(t, h.set(dlq, "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`))
	o.Denied = h.set(h.queue("other"), "RedrivePolicy", redriveTo("dlq", 1)) != nil
	return o
}

func TestEachDefectCanBeSeen(t *testing.T) {
	right := observation{
		Receives: 2, Copies: 1, Body: "poison", Attribute: "v", Count: "3", Source: arnOf("q"), SameID: true,
		Lasts: 14 * 24 * time.Hour, Order: []string{"1", "2", "3"}, Denied: true, Metric: 1, GivenBack: 1,
	}
	require.Equal(t, right, observe(t))
	seen := map[Defect]func(o *observation){
		DeadLetterEarly:    func(o *observation) { o.Receives = 1; o.Count = "2" },
		DeadLetterLate:     func(o *observation) { o.Receives = 3; o.Count = "4"; o.Order = []string{} },
		CountReset:         func(o *observation) { o.Count = "1" },
		LostOnMove:         func(o *observation) { *o = observation{Receives: 2, Order: []string{}, Denied: true, GivenBack: 1} },
		BodySwapped:        func(o *observation) { o.Body = "poison swapped"; o.Order = []string{"1 swapped", "1", "2"} },
		AttributeDropped:   func(o *observation) { o.Attribute = "" },
		SourceARNMissing:   func(o *observation) { o.Source = "" },
		MessageIDChanged:   func(o *observation) { o.SameID = false },
		ShortRetention:     func(o *observation) { o.Lasts -= time.Hour },
		Resurrected:        func(o *observation) { o.Strangers = 1; o.Metric = 2 },
		DuplicatedOnMove:   func(o *observation) { o.Copies = 2; o.Metric = 2; o.Order = []string{"1", "1", "2", "2", "3", "3"} },
		AllowPolicyIgnored: func(o *observation) { o.Denied = false },
		OrderBroken:        func(o *observation) { o.Order = []string{"3", "2", "1"} },
		NotDeleted:         func(o *observation) { o.Returns = 1; o.Strangers = 1; o.Metric = 2 },
		DLQMetricsMissing:  func(o *observation) { o.Metric = 0 },
		StaleMetrics:       func(o *observation) { o.Metric = 0 },
		// there is no other FIFO queue that it could go to
		MovedToWrongQueue: func(o *observation) { *o = observation{Receives: 2, Order: o.Order, Denied: true, GivenBack: 1} },
		GiveBackIgnored:   func(o *observation) { o.GivenBack = 0 },
		ExtensionIgnored:  func(o *observation) { o.Extended = 1 },
		VisibleEarly:      func(o *observation) { o.Hidden = 1 },
	}
	soundSequel := sequel{Sent: time.Minute, First: time.Minute, Sender: testAccount, Shown: 1, Delayed: 1, Extended: 1, Held: 1, Others: 1, Kept: 2, Returned: []string{"1", "2"}, Count: "1"}
	require.Equal(t, soundSequel, observeSequel(t))
	seenInSequel := map[Defect]func(o *sequel){
		VisibleLate:       func(o *sequel) { o.Shown = 0 },
		DelayIgnored:      func(o *sequel) { o.Delayed = 0 },
		ExtensionOther:    func(o *sequel) { o.Extended = 0 },
		TimeoutIgnored:    func(o *sequel) { o.Held = 0 },
		GroupsHeldUp:      func(o *sequel) { o.Others = 0 },
		SentAnew:          func(o *sequel) { o.Sent = 0 },
		FirstReceiveAnew:  func(o *sequel) { o.First = 0 },
		SenderDropped:     func(o *sequel) { o.Sender = "" },
		LateDeleteReaches: func(o *sequel) { o.Kept = 1 },
		RedriveLoses:      func(o *sequel) { o.Returned, o.Count = []string{}, "" },
		RedriveDoubles:    func(o *sequel) { o.Returned = []string{"1", "1", "2", "2"} },
		RedriveKeepsCount: func(o *sequel) { o.Returned, o.Count = []string{}, "" }, // they are dead-lettered at once
		RedriveKeepsAge:   func(o *sequel) { o.Age = time.Hour },
		RedriveReverses:   func(o *sequel) { o.Returned = []string{"2", "1"} },
	}
	for _, d := range Defects() {
		t.Run(string(d), func(t *testing.T) {
			if see, ok := seenInSequel[d]; ok {
				want := soundSequel
				see(&want)
				require.Equal(t, want, observeSequel(t, d))
				return
			}
			want := right
			require.Contains(t, seen, d)
			seen[d](&want)
			require.Equal(t, want, observe(t, d))
		})
	}
}

// sequel is what a consumer sees besides: of times, of message groups, and of two messages
// that are dead-lettered after one receive each, and redriven.
type sequel struct {
	Shown       int           // messages that are there when their visibility timeout has passed
	Delayed     int           // that are delayed when they were sent
	Held        int           // in flight, for longer than by the queue's visibility timeout
	Extended    int           // in flight, since that was extended
	Others      int           // that are there of other groups, while a message is in flight
	Sent, First time.Duration // by how much the second receive is later than what it tells
	Sender      string        // in the DLQ
	Kept        int           // messages in the DLQ after one was acknowledged, late, in the source
	Returned    []string      // after the redrive
	Count       string        // of the first of them
	Age         time.Duration // of it, by what it tells
}

func observeSequel(t *testing.T, defects ...Defect) sequel {
	h := newHarness(t, Options{Defects: defects})
	var o sequel
	since := func(m types.Message, attribute string) time.Duration {
		ms, err := strconv.ParseInt(m.Attributes[attribute], 10, 64)
		require.NoError(t, err)
		return h.clk.Now().Truncate(time.Millisecond).Sub(time.UnixMilli(ms))
	}

	standard := h.queue("standard", "VisibilityTimeout", "60")
	h.send(standard, "m")
	h.receive(standard, 1)
	h.clk.Advance(time.Minute)
	again := h.receive(standard, 1)
	if o.Shown = len(again); o.Shown > 0 {
		o.Sent, o.First = since(again[0], "SentTimestamp"), since(again[0], "ApproximateFirstReceiveTimestamp")
	} else {
		o.Sent, o.First = time.Minute, time.Minute
	}

	delayed := h.queue("delayed", "DelaySeconds", "30", "VisibilityTimeout", "0")
	h.send(delayed, "m")
	o.Delayed = h.counts(delayed)[2]
	h.clk.Advance(30 * time.Second)
	m := h.receiveFor(delayed, 1, 60)[0]
	o.Held = h.counts(delayed)[1]
	require.NoError(t, h.hide(delayed, m, 60))
	o.Extended = h.counts(delayed)[1]

	groups := h.fifo("groups.fifo")
	h.sendTo(groups, "a", "1")
	h.sendTo(groups, "b", "2")
	h.receive(groups, 1)
	o.Others = len(h.receive(groups, 1))

	dlq, q := h.queue("dlq"), h.queue("q", "RedrivePolicy", redriveTo("dlq", 1), "VisibilityTimeout", "60")
	h.send(q, "1")
	h.send(q, "2")
	late := h.receive(q, 10)[0]
	h.clk.Advance(2 * time.Minute)
	require.Empty(t, h.receive(q, 10))
	for _, m := range h.receive(dlq, 10) {
		o.Sender = m.Attributes["SenderId"]
		require.NoError(t, h.hide(dlq, m, 0))
	}
	h.delete(q, late)
	o.Kept = h.counts(dlq)[0]

	h.fifo("dlq.fifo")
	fifo := h.fifo("q.fifo", "RedrivePolicy", redriveTo("dlq.fifo", 1), "VisibilityTimeout", "60")
	h.sendTo(fifo, "g", "1")
	h.sendTo(fifo, "g", "2")
	require.Len(t, h.receive(fifo, 10), 2)
	h.clk.Advance(2 * time.Minute)
	require.Empty(t, h.receive(fifo, 10))
	h.clk.Advance(time.Hour)
	_, err := h.move("dlq.fifo", nil, nil)
	require.NoError(t, err)
	returned := h.receive(fifo, 10)
	o.Returned = bodies(returned)
	if len(returned) > 0 {
		o.Count, o.Age = returned[0].Attributes["ApproximateReceiveCount"], since(returned[0], "SentTimestamp")
	}
	return o
}

func TestAnUnknownDefectIsRefused(t *testing.T) {
	l := newLocal(t, Options{})
	require.EqualError(t, l.svc.SetDefects("none-such"), `no such defect: "none-such"`)
}
