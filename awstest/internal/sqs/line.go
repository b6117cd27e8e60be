package sqs

// line holds messages in order of a key, then of rank. What is added mostly in that order, as sent
// messages and timeouts are, costs O(1); what comes out of order goes to a heap.
type line struct {
	which      int // the message's link that this line uses
	head, tail *message
	heap       []*message
	len        int
}

// link is a message's place in a line.
type link struct {
	prev, next *message
	key        int64
	index      int32 // position in the heap, plus one; 0 in the list; unlinked if it is in no line
}

const unlinked = -1

// add puts m into the line; it must not be in another one that uses the same link.
func (l *line) add(m *message, key int64) {
	k := &m.links[l.which]
	k.key = key
	l.len++
	if l.tail != nil && l.less(m, l.tail) {
		l.heap = append(l.heap, m)
		k.index = int32(len(l.heap))
		l.up(len(l.heap) - 1)
		return
	}
	k.index, k.prev, k.next = 0, l.tail, nil
	if l.tail == nil {
		l.head = m
	} else {
		l.tail.links[l.which].next = m
	}
	l.tail = m
}

// first is the first message, nil if the line is empty.
func (l *line) first() *message {
	switch {
	case len(l.heap) == 0:
		return l.head
	case l.head == nil || l.less(l.heap[0], l.head):
		return l.heap[0]
	default:
		return l.head
	}
}

// remove takes m, which must be in the line, out of it.
func (l *line) remove(m *message) {
	k := &m.links[l.which]
	l.len--
	if k.index > 0 {
		l.cut(int(k.index) - 1)
		k.index = unlinked
		return
	}
	if k.prev == nil {
		l.head = k.next
	} else {
		k.prev.links[l.which].next = k.next
	}
	if k.next == nil {
		l.tail = k.prev
	} else {
		k.next.links[l.which].prev = k.prev
	}
	k.prev, k.next, k.index = nil, nil, unlinked
}

// clear empties the line; the messages are not to be used any more.
func (l *line) clear() { *l = line{which: l.which} }

// each calls fn with every message, in no order; fn must not change the line.
func (l *line) each(fn func(*message)) {
	for m := l.head; m != nil; m = m.links[l.which].next {
		fn(m)
	}
	for _, m := range l.heap {
		fn(m)
	}
}

func (l *line) less(m, n *message) bool {
	a, b := m.links[l.which].key, n.links[l.which].key
	return a < b || a == b && m.order < n.order
}

func (l *line) swap(i, j int) {
	l.heap[i], l.heap[j] = l.heap[j], l.heap[i]
	l.heap[i].links[l.which].index = int32(i + 1)
	l.heap[j].links[l.which].index = int32(j + 1)
}

func (l *line) up(i int) {
	for i > 0 && l.less(l.heap[i], l.heap[(i-1)/2]) {
		l.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (l *line) down(i int) {
	for {
		least := 2*i + 1
		if least >= len(l.heap) {
			return
		}
		if least+1 < len(l.heap) && l.less(l.heap[least+1], l.heap[least]) {
			least++
		}
		if !l.less(l.heap[least], l.heap[i]) {
			return
		}
		l.swap(i, least)
		i = least
	}
}

func (l *line) cut(i int) {
	last := len(l.heap) - 1
	if i != last {
		l.swap(i, last)
	}
	l.heap[last] = nil
	l.heap = l.heap[:last]
	if i != last {
		l.up(i)
		l.down(i)
	}
}
