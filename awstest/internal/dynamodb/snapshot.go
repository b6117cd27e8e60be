package dynamodb

import (
	"encoding/json"
	"fmt"
	"time"
)

// Snapshot takes down all that the service holds. write puts it down, in records, and may
// take its time: what it writes doesn't change any more.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	type held struct {
		saved savedTable
		items []item // are never changed
	}
	var all []held
	for key, t := range s.tables {
		s.expire(t)
		h := held{saved: savedTable{
			Account: key.account, Region: key.region, Name: key.name, ID: t.id, Created: t.created, Attributes: t.attributes, Schema: t.primary.schema,
			OnDemand: t.onDemand, Throughput: t.throughput, Class: t.class, Protected: t.protected, SSE: t.sse, Tags: t.tags, TTL: t.ttl,
			Recovery: t.recovery, RecoveryOf: t.recoveryOf, EnabledAt: t.enabledAt,
		}}
		for _, x := range t.indexes {
			h.saved.Indexes = append(h.saved.Indexes, savedIndex{x.name, x.schema, x.projection, x.local, x.throughput})
		}
		for _, r := range t.records {
			h.items = append(h.items, r.it)
		}
		all = append(all, h)
	}
	return func(put func(any) error) error {
		if err := put(len(all)); err != nil {
			return err
		}
		for _, h := range all {
			for _, it := range h.items {
				text, err := json.Marshal(it)
				if err != nil {
					return err
				}
				h.saved.Items = append(h.saved.Items, text)
			}
			if err := put(h.saved); err != nil {
				return err
			}
		}
		return nil
	}
}

// Restore fills a new service with what a Snapshot has written. get reads the next record.
func (s *Service) Restore(get func(any) error) error {
	var n int
	if err := get(&n); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		var old savedTable
		if err := get(&old); err != nil {
			return err
		}
		if err := s.restore(&old); err != nil {
			return fmt.Errorf("table %s: %w", old.Name, err)
		}
	}
	return nil
}

func (s *Service) restore(old *savedTable) error {
	t := &table{
		key: tableKey{old.Account, old.Region, old.Name}, id: old.ID, created: old.Created, attributes: old.Attributes,
		onDemand: old.OnDemand, throughput: old.Throughput, class: old.Class, protected: old.Protected, sse: old.SSE, tags: old.Tags, ttl: old.TTL,
		recovery: old.Recovery, recoveryOf: old.RecoveryOf, enabledAt: old.EnabledAt, records: map[string]*record{},
	}
	if err := t.checkSchema(old.Schema); err != nil {
		return err
	}
	t.primary = newIndex("", old.Schema)
	for _, o := range old.Indexes {
		if err := t.checkSchema(o.Schema); err != nil {
			return err
		}
		x := newIndex(o.Name, o.Schema)
		x.projection, x.local, x.throughput = o.Projection, o.Local, o.Throughput
		t.indexes = append(t.indexes, x)
	}
	for _, text := range old.Items {
		var it item
		if err := json.Unmarshal(text, &it); err != nil {
			return err
		}
		if err := t.checkKey(it, false); err != nil {
			return err
		}
		if err := s.put(t, it); err != nil {
			return err
		}
	}
	s.tables[t.key] = t
	return nil
}

type savedTable struct {
	Account, Region, Name string
	ID                    string
	Created               time.Time
	Attributes            []attributeDefinition
	Schema                []keyElement
	Indexes               []savedIndex
	OnDemand              bool
	Throughput            throughput
	Class                 string
	Protected             bool
	SSE                   *sseSpecification
	Tags                  map[string]string
	TTL                   string
	Recovery              bool
	RecoveryOf            int
	EnabledAt             time.Time
	Items                 [][]byte // in JSON
}

type savedIndex struct {
	Name       string
	Schema     []keyElement
	Projection projection
	Local      bool
	Throughput throughput
}
