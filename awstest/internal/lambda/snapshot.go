package lambda

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Snapshot takes down all that the service holds, but for Go functions. It is to be called
// by an event of the clock, so that nothing else happens by the passing of time. write puts
// it down, in records, and may take its time: what it writes doesn't change any more.
// Messages that a function has at the time come back by their visibility timeout.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var saved savedService
	for key, f := range s.functions {
		if f.placeholder {
			continue
		}
		saved.Functions = append(saved.Functions, savedFunction{
			Account: key.account, Region: key.region, Name: key.name, Spec: f.spec, Zip: f.code.zip, SHA256: f.code.sha256,
			Modified: f.modified, Revision: f.revision, Tags: maps.Clone(f.tags), Policy: maps.Clone(f.policy), Reserved: f.reserved, Stream: f.stream,
		})
	}
	for _, m := range s.mappings {
		if m.state == deleting {
			continue
		}
		saved.Mappings = append(saved.Mappings, savedMapping{
			Account: m.place.account, Region: m.place.region, UUID: m.uuid, QueueARN: m.queueARN,
			FunctionAccount: m.function.account, FunctionRegion: m.function.region, Function: m.function.name,
			Spec: m.spec, Reason: m.reason, Modified: m.modified, Tags: maps.Clone(m.tags), Problem: m.problem,
		})
	}
	for e, at := range s.pending {
		saved.Events = append(saved.Events, savedEvent{
			Account: e.key.account, Region: e.key.region, Function: e.key.name, Payload: e.payload, ID: e.id, Since: e.since, Tried: e.tried, At: at,
		})
	}
	return func(put func(any) error) error { return put(saved) }
}

// Restore fills a new service with what a Snapshot has written. Nothing is invoked before
// Resume. get reads the next record.
func (s *Service) Restore(get func(any) error) error {
	var saved savedService
	if err := get(&saved); err != nil {
		return err
	}
	s.mu.Lock()
	for _, old := range saved.Functions {
		key := functionKey{place{old.Account, old.Region}, old.Name}
		f := newFunction(key, old.Spec)
		f.code = code{zip: old.Zip, size: len(old.Zip), sha256: old.SHA256}
		f.modified, f.revision, f.tags, f.reserved, f.stream = old.Modified, old.Revision, old.Tags, old.Reserved, old.Stream
		maps.Copy(f.policy, old.Policy)
		s.functions[key] = f
	}
	for _, old := range saved.Mappings {
		compiled, err := compile(old.Spec.Filters)
		if err != nil {
			s.mu.Unlock()
			return fmt.Errorf("event source mapping %s: %w", old.UUID, err)
		}
		m := &mapping{
			place: place{old.Account, old.Region}, uuid: old.UUID, queueARN: old.QueueARN,
			function: functionKey{place{old.FunctionAccount, old.FunctionRegion}, old.Function},
			spec:     old.Spec, filters: compiled, state: creating, reason: old.Reason, modified: old.Modified, tags: old.Tags, problem: old.Problem,
		}
		s.mappings[m.uuid] = m
		s.restored = append(s.restored, func() { s.settleLater(m) })
	}
	for _, old := range saved.Events {
		e := &asyncEvent{
			key: functionKey{place{old.Account, old.Region}, old.Function}, payload: old.Payload, id: old.ID, since: old.Since, tried: old.Tried,
		}
		s.pending[e] = old.At
		s.restored = append(s.restored, func() { s.later(e, old.At) })
	}
	s.mu.Unlock()
	return nil
}

// Resume sets going what was restored: functions may call the endpoint from now on.
func (s *Service) Resume() {
	s.mu.Lock()
	restored := s.restored
	s.restored = nil
	s.mu.Unlock()
	for _, set := range restored {
		set()
	}
}

type savedService struct {
	Functions []savedFunction
	Mappings  []savedMapping
	Events    []savedEvent
}

type savedFunction struct {
	Account, Region, Name string
	Spec                  spec
	Zip                   []byte
	SHA256                string
	Modified, Revision    string
	Tags                  map[string]string
	Policy                map[string]json.RawMessage
	Reserved              *int
	Stream                string
}

type savedMapping struct {
	Account, Region, UUID, QueueARN           string
	FunctionAccount, FunctionRegion, Function string
	Spec                                      mappingSpec
	Reason                                    string
	Modified                                  time.Time
	Tags                                      map[string]string
	Problem                                   string
}

type savedEvent struct {
	Account, Region, Function string
	Payload                   []byte
	ID                        string
	Since                     time.Time
	Tried                     int
	At                        time.Time
}
