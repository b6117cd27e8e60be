package sqs

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// model is SQS as the documents describe it, without a thought for speed: two queues, a
// source and its dead-letter queue, that look at all their messages each time.
type model struct {
	fifo bool
	max  int
	now  int64
	q    [2]*modelQueue
}

type modelQueue struct {
	retention, hidden int64
	messages          []*modelMessage
	groups            []string // those that can be received from, in the order of service
	ranks, nonces     int
}

type modelMessage struct {
	body, group    string
	sent, arrived  int64
	visible        int64 // when it becomes visible; 0 = it is
	delayed        bool
	count, before  int
	nonce, rank    int
	dead           bool
	receivedAt     int64
	deleted, moved bool
}

// pass lets the time come: what is due expires or becomes visible, one by one.
func (m *model) pass(now int64) {
	m.now = now
	for _, q := range m.q {
		m.regroup(q)
		for m.step(q) {
		}
	}
}

// step lets the first thing happen that is due. It reports whether there was any.
func (m *model) step(q *modelQueue) bool {
	var first *modelMessage
	var at int64
	expires := false
	for _, x := range q.messages {
		for _, e := range []bool{true, false} {
			due := x.visible
			if e {
				due = x.sent + q.retention
			}
			if due == 0 || due > m.now {
				continue
			}
			if first == nil || due < at || due == at && (e && !expires || e == expires && x.rank < first.rank) {
				first, at, expires = x, due, e
			}
		}
	}
	switch {
	case first == nil:
		return false
	case expires:
		first.deleted = true
		q.messages = slices.DeleteFunc(q.messages, func(x *modelMessage) bool { return x == first })
		m.regroup(q)
	default:
		m.show(q, first)
	}
	return true
}

func (m *model) show(q *modelQueue, x *modelMessage) {
	x.visible = 0
	if !m.fifo && (x.delayed || x.count-x.before >= 3) {
		q.ranks++
		x.rank = q.ranks
	}
	x.delayed = false
	m.regroup(q)
}

func (m *model) add(q *modelQueue, x *modelMessage) {
	q.ranks++
	x.rank = q.ranks
	q.messages = append(q.messages, x)
	m.regroup(q)
}

// regroup finds out which groups can be received from.
func (m *model) regroup(q *modelQueue) {
	if !m.fifo {
		return
	}
	open := []string{}
	seen := map[string]bool{}
	for _, x := range q.messages {
		if !seen[x.group] && x.visible == 0 {
			open = append(open, x.group)
		}
		seen[x.group] = true
	}
	q.groups = slices.DeleteFunc(q.groups, func(g string) bool { return !slices.Contains(open, g) })
	for _, g := range open {
		if !slices.Contains(q.groups, g) {
			q.groups = append(q.groups, g)
		}
	}
}

// receive is one attempt on queue i; seconds < 0 means the queue's visibility timeout.
func (m *model) receive(i, most, seconds int) []modelMessage {
	q := m.q[i]
	hidden := q.hidden
	if seconds >= 0 {
		hidden = int64(seconds) * int64(time.Second)
	}
	var taken []*modelMessage
	look := func(x *modelMessage) {
		if i == 0 && x.count-x.before >= m.max {
			x.moved = true
			q.messages = slices.DeleteFunc(q.messages, func(y *modelMessage) bool { return x == y })
			y := &modelMessage{body: x.body, group: x.group, sent: x.sent, arrived: m.now, count: x.count, before: x.count, dead: true}
			if m.fifo {
				y.sent = m.now
			}
			m.add(m.q[1], y)
			m.regroup(q)
			return
		}
		x.count++
		q.nonces++
		x.nonce, x.receivedAt = q.nonces, m.now
		x.visible = m.now + hidden
		if hidden == 0 {
			x.visible = m.now + 1 // shown again below
		}
		taken = append(taken, x)
	}
	if m.fifo {
		for len(taken) < most && len(q.groups) > 0 {
			g := q.groups[0]
			for _, x := range slices.Clone(q.messages) {
				if x.group != g {
					continue
				}
				if x.visible != 0 || len(taken) == most {
					break
				}
				look(x)
			}
			m.regroup(q)
		}
	} else {
		for len(taken) < most {
			var next *modelMessage
			for _, x := range q.messages {
				if x.visible == 0 && (next == nil || x.rank < next.rank) {
					next = x
				}
			}
			if next == nil {
				break
			}
			look(next)
		}
	}
	out := make([]modelMessage, len(taken))
	for j, x := range taken {
		out[j] = *x
	}
	if hidden == 0 {
		for _, x := range taken {
			m.show(q, x)
		}
	}
	return out
}

// receivedOne is a receipt handle and what it is to the model.
type receivedOne struct {
	queue   int
	handle  string
	message *modelMessage
	nonce   int
}

func TestTheServiceDoesWhatTheModelDoes(t *testing.T) {
	for _, fifo := range []bool{false, true} {
		t.Run(fmt.Sprintf("fifo=%t", fifo), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) { play(t, r, fifo) })
		})
	}
}

// play plays random operations against service and model, and compares what they say.
func play(t *testing.T, r *rapid.T, fifo bool) {
	l := newLocal(r2t{t, r}, Options{})
	names := []string{"q", "dlq"}
	var attributes []string
	if fifo {
		names = []string{"q.fifo", "dlq.fifo"}
		attributes = []string{"FifoQueue", "true", "ContentBasedDeduplication", "true"}
	}
	m := &model{fifo: fifo, max: rapid.IntRange(1, 4).Draw(r, "maxReceiveCount"), now: testStart.UnixNano()}
	for i := range m.q {
		m.q[i] = &modelQueue{
			retention: int64(rapid.IntRange(60, 120).Draw(r, "retention")) * int64(time.Second),
			hidden:    int64(rapid.IntRange(0, 30).Draw(r, "hidden")) * int64(time.Second),
		}
	}
	queueAttributes := func(i int) []string {
		return append(slices.Clone(attributes), "MessageRetentionPeriod", strconv.FormatInt(m.q[i].retention/1e9, 10), "VisibilityTimeout", strconv.FormatInt(m.q[i].hidden/1e9, 10))
	}
	l.create(r2t{t, r}, names[1], queueAttributes(1)...)
	l.create(r2t{t, r}, names[0], append(queueAttributes(0), "RedrivePolicy", redriveTo(names[1], m.max))...)
	var handles []receivedOne
	sent := 0
	tick := func(d time.Duration) {
		l.clk.Advance(d)
		m.pass(l.clk.Now().UnixNano())
	}
	check := func() {
		for i, name := range names {
			out, err := l.svc.getQueueAttributes(t.Context(), l.call, &getQueueAttributesInput{QueueUrl: name, AttributeNames: []string{"All"}})
			require.NoError(r, err)
			var n [3]int
			for _, x := range m.q[i].messages {
				switch {
				case x.visible == 0:
					n[0]++
				case x.delayed:
					n[2]++
				default:
					n[1]++
				}
			}
			require.Equal(r, n, [3]int{atoi(out.Attributes[attrMessages]), atoi(out.Attributes[attrNotVisible]), atoi(out.Attributes[attrDelayed])}, name)
		}
	}
	r.Repeat(map[string]func(*rapid.T){
		"": func(*rapid.T) {
			m.pass(m.now) // what was dead-lettered may have expired by that
			check()
		},
		"send": func(r *rapid.T) {
			tick(1) // so that no two operations fall on one instant
			i := rapid.IntRange(0, 9).Draw(r, "queue") / 9
			sent++
			in := &sendMessageInput{QueueUrl: names[i], MessageBody: strconv.Itoa(sent)}
			x := &modelMessage{body: in.MessageBody, sent: m.now, arrived: m.now}
			if fifo {
				x.group = rapid.SampledFrom([]string{"a", "b", "c"}).Draw(r, "group")
				in.MessageGroupId = &x.group
			} else if d := rapid.IntRange(-20, 20).Draw(r, "delay"); d > 0 {
				in.DelaySeconds = ptr(int32(d))
				x.delayed, x.visible = true, m.now+int64(d)*int64(time.Second)
			}
			_, err := l.svc.sendMessage(t.Context(), l.call, in)
			require.NoError(r, err)
			m.add(m.q[i], x)
		},
		"receive": func(r *rapid.T) {
			tick(1)
			i := rapid.IntRange(0, 3).Draw(r, "queue") / 3
			most := rapid.IntRange(1, 10).Draw(r, "max")
			seconds := rapid.IntRange(-10, 20).Draw(r, "visibility")
			in := &receiveMessageInput{QueueUrl: names[i], MaxNumberOfMessages: ptr(int32(most)), AttributeNames: []string{"All"}}
			if seconds >= 0 {
				in.VisibilityTimeout = ptr(int32(seconds))
			}
			got, err := l.svc.receiveMessage(t.Context(), l.call, in)
			require.NoError(r, err)
			want := m.receive(i, most, seconds)
			require.Len(r, got.Messages, len(want))
			for j, w := range want {
				g := got.Messages[j]
				require.Equal(r, w.body, g.Body)
				require.Equal(r, strconv.Itoa(w.count), g.Attributes["ApproximateReceiveCount"])
				require.Equal(r, millis(w.sent), g.Attributes["SentTimestamp"])
				require.Equal(r, w.dead, g.Attributes["DeadLetterQueueSourceArn"] != "")
				x := m.q[i].messages[slices.IndexFunc(m.q[i].messages, func(x *modelMessage) bool { return x.body == w.body })]
				handles = append(handles, receivedOne{i, g.ReceiptHandle, x, w.nonce})
			}
		},
		"delete": func(r *rapid.T) {
			if len(handles) == 0 {
				r.Skip("nothing was received")
			}
			tick(1)
			h := rapid.SampledFrom(handles).Draw(r, "handle")
			_, err := l.svc.deleteMessage(t.Context(), l.call, &deleteMessageInput{QueueUrl: names[h.queue], ReceiptHandle: h.handle})
			x, q := h.message, m.q[h.queue]
			switch {
			case x.deleted || x.moved:
				require.NoError(r, err)
			case fifo && (x.nonce != h.nonce || x.visible == 0):
				require.ErrorContains(r, err, "The receipt handle has expired.")
			default:
				require.NoError(r, err)
				if x.nonce == h.nonce {
					x.deleted = true
					q.messages = slices.DeleteFunc(q.messages, func(y *modelMessage) bool { return x == y })
					m.regroup(q)
				}
			}
		},
		"change visibility": func(r *rapid.T) {
			if len(handles) == 0 {
				r.Skip("nothing was received")
			}
			tick(1)
			h := rapid.SampledFrom(handles).Draw(r, "handle")
			seconds := rapid.IntRange(0, 40).Draw(r, "visibility")
			_, err := l.svc.changeMessageVisibility(t.Context(), l.call, &changeMessageVisibilityInput{
				QueueUrl: names[h.queue], ReceiptHandle: h.handle, VisibilityTimeout: ptr(int32(seconds)),
			})
			x, q := h.message, m.q[h.queue]
			switch {
			case x.deleted || x.moved:
				require.ErrorContains(r, err, "Message does not exist or is not available for visibility timeout change.")
			case fifo && (x.nonce != h.nonce || x.visible == 0):
				require.ErrorContains(r, err, "The receipt handle has expired.")
			case seconds > 0:
				require.NoError(r, err)
				x.visible = m.now + int64(seconds)*int64(time.Second)
				m.regroup(q)
			default:
				require.NoError(r, err)
				if x.visible != 0 {
					m.show(q, x)
				}
			}
		},
		"time passes": func(r *rapid.T) {
			tick(time.Duration(rapid.Int64Range(1, int64(40*time.Second)).Draw(r, "d")))
		},
	})
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}

// r2t fails with rapid's T, and cleans up with testing's.
type r2t struct {
	*testing.T
	r *rapid.T
}

func (t r2t) Errorf(format string, args ...any) { t.r.Errorf(format, args...) }
func (t r2t) FailNow()                          { t.r.FailNow() }
