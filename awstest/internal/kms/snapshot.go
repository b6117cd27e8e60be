package kms

import (
	"fmt"
	"maps"
	"time"
)

// Snapshot takes down all that the service holds. write puts it down, in records, and
// may take its time: what it writes doesn't change any more.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var places []savedPlace
	for p, at := range s.places {
		saved := savedPlace{Account: p.account, Region: p.region}
		for _, k := range at.byID {
			saved.Keys = append(saved.Keys, savedKey{
				ID: k.id, Managed: k.managed, Description: k.description, Policy: k.policy, Created: k.created, Deletion: k.deletion,
				MultiRegion: k.multiRegion, Off: k.off, Tags: maps.Clone(k.tags), RotationDays: k.rotation.days, RotatedSince: k.rotation.since,
			})
		}
		for _, a := range at.aliases {
			if a.key != nil {
				saved.Aliases = append(saved.Aliases, savedAlias{a.name, a.key.id, a.created, a.updated})
			}
		}
		places = append(places, saved)
	}
	return func(put func(any) error) error { return put(places) }
}

// Restore fills a new service with what a Snapshot has written. get reads the next record.
func (s *Service) Restore(get func(any) error) error {
	var places []savedPlace
	if err := get(&places); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, saved := range places {
		p := place{saved.Account, saved.Region}
		at := s.at(p)
		for _, old := range saved.Keys {
			k := newKey(p, old.ID, old.Created)
			k.managed, k.description, k.policy, k.multiRegion, k.off = old.Managed, old.Description, old.Policy, old.MultiRegion, old.Off
			k.rotation = rotation{old.RotationDays, old.RotatedSince}
			maps.Copy(k.tags, old.Tags)
			at.byID[k.id] = k
			if !old.Deletion.IsZero() {
				s.condemn(k, old.Deletion)
			}
		}
		for _, old := range saved.Aliases {
			k := at.byID[old.Key]
			if k == nil {
				return fmt.Errorf("%s: its key is missing", old.Name)
			}
			at.aliases[old.Name] = &alias{old.Name, k, old.Created, old.Updated}
		}
	}
	return nil
}

type savedPlace struct {
	Account, Region string
	Keys            []savedKey
	Aliases         []savedAlias
}

type savedKey struct {
	ID, Managed, Description, Policy string
	Created, Deletion                time.Time
	MultiRegion, Off                 bool
	Tags                             map[string]string
	RotationDays                     int
	RotatedSince                     time.Time
}

type savedAlias struct {
	Name, Key        string
	Created, Updated time.Time
}
