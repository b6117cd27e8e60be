package sqs

import (
	"crypto/md5"
	"encoding/hex"
	"math/rand/v2"
)

// state is where a message stands in its queue.
type state uint8

const (
	ready    state = iota // visible; in a FIFO queue perhaps behind others of its group
	delayed               // not visible yet
	inFlight              // received, and not visible again yet
	gone                  // deleted, expired or moved
)

// The lines that a message can be in at a time.
const (
	turn = iota // ready (standard only), or waiting to become so
	age         // by time sent, for the retention period
	lines
)

// message is a message in a queue, kept small: there may be a million of them. Its
// times are nanoseconds since 1970. All but the immutable part belongs to the queue
// that it is in, under the queue's lock.
type message struct {
	// the immutable part
	id     uuid
	md5    [md5.Size]byte // of the body
	body   string
	sender string
	extra  *extra // nil if there is nothing extra

	links    [lines]link
	older    *message // neighbours by time of arrival, for the age metric
	younger  *message
	order    int64  // rank among the ready
	arrived  int64  // when it came into this queue
	received int64  // last receive, from which the longest visibility timeout counts
	first    int64  // first receive, 0 before
	nonce    uint64 // of the latest receipt handle
	count    int32  // receives, over all queues that it has been in
	before   int32  // receives before it came into this queue
	state    state
	aging    bool // among those that the age metric looks at
	posted   bool // to be counted as sent when it comes out of the inbox
}

// extra is what only some messages have. It is shared between a message and the copies
// that receives hand out, so it is replaced, never changed, but for the links of a
// FIFO queue, which copies don't look at.
type extra struct {
	attributes      map[string]AttributeValue
	traceHeader     string
	groupID         string
	deduplicationID string
	sequence        uint64
	deadLetterFrom  string // ARN of the queue that it was dead-lettered from

	group      *group // FIFO only
	prev, next *message
}

// deadLetterFrom is the ARN of the queue that the message was dead-lettered from.
func (m *message) deadLetterFrom() string {
	if m.extra == nil {
		return ""
	}
	return m.extra.deadLetterFrom
}

func (m *message) attributes() map[string]AttributeValue {
	if m.extra == nil {
		return nil
	}
	return m.extra.attributes
}

// sent is when the message was sent.
func (m *message) sent() int64 { return m.links[age].key }

// visibleFrom is when a message on its way into a queue becomes visible there.
func (m *message) visibleFrom() int64 { return m.links[turn].key }

// uuid is a random UUID, formatted only when it is shown.
type uuid [16]byte

func newUUID() uuid {
	var u uuid
	hi, lo := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		u[i], u[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i))
	}
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}

// String is the usual form, 8-4-4-4-12 hexadecimal digits.
func (u uuid) String() string {
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], u[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], u[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], u[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], u[10:16])
	return string(b[:])
}
