package logs

import (
	"maps"
	"slices"
	"time"
)

// Snapshot takes down all that the service holds. write puts it down, in records, and may
// take its time: what it writes doesn't change any more.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var saved []savedGroup
	for key, g := range s.groups {
		out := savedGroup{
			Account: key.account, Region: key.region, Name: key.name, Created: g.created, Retention: g.retention, Class: g.class,
			KmsKey: g.kmsKey, Protected: g.protected, Tags: maps.Clone(g.tags), Next: g.next,
		}
		for _, st := range g.streams {
			old := savedStream{Name: st.name, Created: st.created, Last: st.last}
			for _, e := range st.events {
				old.Events = append(old.Events, savedEvent{e.id, e.at, e.ingested, e.message})
			}
			out.Streams = append(out.Streams, old)
		}
		saved = append(saved, out)
	}
	return func(put func(any) error) error { return put(saved) }
}

// Restore fills a new service with what a Snapshot has written. get reads the next record.
func (s *Service) Restore(get func(any) error) error {
	var saved []savedGroup
	if err := get(&saved); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range saved {
		g := &group{
			key: groupKey{old.Account, old.Region, old.Name}, created: old.Created, retention: old.Retention, class: old.Class,
			kmsKey: old.KmsKey, protected: old.Protected, tags: old.Tags, next: old.Next, streams: map[string]*stream{},
		}
		for _, o := range old.Streams {
			st := &stream{name: o.Name, created: o.Created, last: o.Last, events: slices.Grow([]event(nil), len(o.Events))}
			for _, e := range o.Events {
				st.events = append(st.events, event{e.ID, e.At, e.Ingested, e.Message})
				g.bytes += len(e.Message) + overhead
			}
			g.streams[st.name] = st
		}
		s.groups[g.key] = g
	}
	return nil
}

type savedGroup struct {
	Account, Region, Name string
	Created               time.Time
	Retention             int
	Class, KmsKey         string
	Protected             bool
	Tags                  map[string]string
	Next                  uint64
	Streams               []savedStream
}

type savedStream struct {
	Name          string
	Created, Last time.Time
	Events        []savedEvent
}

type savedEvent struct {
	ID           uint64
	At, Ingested int64
	Message      string
}
