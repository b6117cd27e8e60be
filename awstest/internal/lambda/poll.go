package lambda

import (
	"errors"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// pollTime is how long a mapping takes to notice messages: what is sent within it can
	// come in one batch. It is also what makes time pass between an invocation and the next
	// one with what it gave back.
	pollTime = 10 * time.Millisecond
	// firstBatches is how many batches a mapping has processed at a time to begin with,
	// moreBatches how many more each minute while messages are left, and maxBatches how
	// many at most. [Lambda developer guide, "Configuring scaling behavior for SQS event
	// source mappings"]
	firstBatches = 5
	moreBatches  = 300
	maxBatches   = 1250
)

// batch is messages on their way to a function.
type batch struct {
	messages []fabric.SourceMessage
	records  [][]byte
	size     int       // of the records, bytes
	until    time.Time // when its window ends
}

func (b *batch) add(m fabric.SourceMessage, record []byte) {
	b.messages = append(b.messages, m)
	b.records = append(b.records, record)
	b.size += len(record) + 1
}

// pollSoon has the mapping look for messages in a moment. It may be called under any lock
// of the queue's service.
func (s *Service) pollSoon(m *mapping) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pollAt(m, s.clk.Now().Add(pollTime))
}

// pollAt has the mapping look for messages at the instant, if it wouldn't sooner. It is
// called with s.mu held.
func (s *Service) pollAt(m *mapping, at time.Time) {
	if m.due != nil {
		if !at.Before(m.dueAt) {
			return
		}
		m.due.Stop()
	}
	m.dueAt = at
	m.due = s.clk.At(at, func(now time.Time) { s.poll(m, now) })
}

// limit is how many batches may be processed at a time. It is called with s.mu held.
func (m *mapping) limit(now time.Time) int {
	n := firstBatches
	if !m.scaling.IsZero() {
		n += moreBatches * int(min(now.Sub(m.scaling)/time.Minute, maxBatches/moreBatches))
	}
	n = min(n, maxBatches)
	if m.spec.MaxConcurrency > 0 {
		n = min(n, m.spec.MaxConcurrency)
	}
	return n
}

// ripe reports whether the batch is to be handed to the function. It is called with s.mu
// held.
func (m *mapping) ripe(now time.Time) bool {
	b := &m.batch
	return len(b.messages) > 0 && (len(b.messages) >= m.spec.BatchSize || m.spec.Window == 0 || !now.Before(b.until) || b.size >= maxSync-envelope)
}

// envelope is what an event has besides its records, in bytes.
const envelope = len(`{"Records":[]}`)

// poll is an event of the clock: the mapping takes messages, and has the function work on
// them, until there are no more, or as many batches are at work as may be.
func (s *Service) poll(m *mapping, now time.Time) {
	s.mu.Lock()
	m.due = nil
	for s.mayPoll(m, now) {
		if m.ripe(now) {
			s.dispatch(m, now)
			continue
		}
		want := min(m.spec.BatchSize-len(m.batch.messages), 10)
		f := s.functions[m.function]
		if f == nil {
			m.problem = "PROBLEM: Function does not exist"
			break
		}
		from, chosen := m.principal(f.spec.Role), m.filters
		s.mu.Unlock()
		taken, err := s.opts.Queues.ReceiveFor(from, m.queueARN, want)
		kept, dropped := chosen.sort(m, taken)
		var undeleted error
		if len(dropped) > 0 { // those that can't be deleted come back, and are dropped again
			undeleted = s.opts.Queues.DeleteFor(from, m.queueARN, dropped)
		}
		s.mu.Lock()
		if err != nil && len(taken) == 0 {
			m.problem = problemOf(err)
			m.refused++
			s.pollAt(m, now.Add(min(time.Second<<min(m.refused-1, 6), time.Minute)))
			break
		}
		m.refused = 0
		if len(taken) == 0 {
			m.scaling = time.Time{}
			break
		}
		if undeleted != nil {
			m.problem = problemOf(undeleted)
		}
		if m.scaling.IsZero() {
			m.scaling = now
		}
		for _, message := range kept {
			record, err := m.record(&message)
			if err != nil {
				m.problem = "PROBLEM: " + err.Error()
				continue // it comes back by itself
			}
			if len(m.batch.messages) > 0 && m.batch.size+len(record) > maxSync-envelope {
				// more than a payload holds: what there is goes, even beyond the limit
				s.dispatch(m, now)
			}
			if len(m.batch.messages) == 0 {
				m.batch.until = now.Add(time.Duration(m.spec.Window) * time.Second)
			}
			m.batch.add(message, record)
		}
	}
	if len(m.batch.messages) > 0 && s.mayPoll(m, now) && !m.ripe(now) {
		s.pollAt(m, m.batch.until)
	}
	s.mu.Unlock()
}

// mayPoll reports whether the mapping is to take messages. It is called with s.mu held.
func (s *Service) mayPoll(m *mapping, now time.Time) bool {
	return !s.closed && m.state == enabled && m.atWork < m.limit(now)
}

func problemOf(err error) string {
	var e *wire.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return "PROBLEM: SQS Error Code: " + e.Code + ". SQS Error Message: " + e.Message
	default:
		return "PROBLEM: " + err.Error()
	}
}

// dispatch hands the batch to the function. It is called with s.mu held, by an event of the
// clock, and doesn't wait for the function, but makes an Advance do so.
func (s *Service) dispatch(m *mapping, now time.Time) {
	b := m.batch
	m.batch = batch{}
	f := s.functions[m.function]
	if f == nil {
		return // the messages come back by themselves
	}
	j, err := s.begin(f, b.event())
	if err != nil {
		// as on AWS, messages of an invocation that is throttled come back when their
		// visibility timeout has passed
		m.problem = problemOf(err)
		if isThrottle(err) {
			s.measure(m.function, "Throttles", "Count", 1, now)
		}
		return
	}
	m.atWork++
	partial, from := m.spec.Partial, m.principal(f.spec.Role)
	p := hold(s.clk)
	go func() {
		defer p.leave()
		out := s.carryOut(s.lifetime, j, p)
		s.finish(j)
		done := b.done(out, partial)
		var err error
		if len(done) > 0 {
			err = s.opts.Queues.DeleteFor(from, m.queueARN, done)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		m.atWork--
		switch {
		case err != nil:
			m.problem = problemOf(err)
		case out.failed != "":
			m.problem = "PROBLEM: Function call failed"
		default:
			m.problem = "OK"
		}
		s.pollAt(m, s.clk.Now().Add(pollTime))
	}()
}
