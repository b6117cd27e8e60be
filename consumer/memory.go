package consumer

import (
	"context"
	"sync"
	"time"
)

// MemoryStore keeps keys in this process: for tests, and for a single worker whose
// duplicates needn't be noticed across a restart. The zero value is ready for use. It
// holds one small record a key until that has expired.
type MemoryStore struct {
	mu    sync.Mutex
	keys  map[string]memoryRecord
	sweep int // size at which expired records are swept out
}

type memoryRecord struct {
	done  bool
	owner string // of the lease, if not done
	until time.Time
}

var _ Store = (*MemoryStore)(nil)

// Acquire takes the lease if it is free.
func (s *MemoryStore) Acquire(_ context.Context, l Lease, now time.Time) (Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, known := s.keys[l.Key]
	switch {
	case known && r.until.After(now) && r.done:
		return Claim{State: Done}, nil
	case known && r.until.After(now) && r.owner != l.Owner:
		return Claim{State: Held, Until: r.until}, nil
	}
	s.put(l.Key, memoryRecord{owner: l.Owner, until: l.Until}, now)
	return Claim{State: Acquired}, nil
}

// Complete records the key as done.
func (s *MemoryStore) Complete(_ context.Context, l Lease, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil {
		s.keys = map[string]memoryRecord{}
	}
	s.keys[l.Key] = memoryRecord{done: true, until: until}
	return nil
}

// Release gives up the owner's lease.
func (s *MemoryStore) Release(_ context.Context, l Lease) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, known := s.keys[l.Key]; known && !r.done && r.owner == l.Owner {
		delete(s.keys, l.Key)
	}
	return nil
}

// put stores a record. Each time the map has doubled it drops what has expired, so that
// this costs little a record.
func (s *MemoryStore) put(key string, r memoryRecord, now time.Time) {
	if s.keys == nil {
		s.keys = map[string]memoryRecord{}
	}
	if len(s.keys) >= max(s.sweep, 1000) {
		for k, old := range s.keys {
			if !old.until.After(now) {
				delete(s.keys, k)
			}
		}
		s.sweep = 2 * len(s.keys)
	}
	s.keys[key] = r
}
