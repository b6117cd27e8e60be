package s3

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Snapshot takes down all that the service holds. It is to be called by an event of the
// clock, so that nothing else happens by the passing of time. write puts it down, in
// records, and may take its time: what it writes doesn't change any more.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	buckets := make([]savedBucket, 0, len(s.buckets))
	for _, b := range s.buckets {
		saved := savedBucket{Name: b.name, Account: b.account, Region: b.region, Created: b.created, Config: b.config}
		saved.objects = maps.Clone(b.objects.versions)
		for key, versions := range saved.objects {
			saved.objects[key] = slices.Clone(versions) // the versions themselves never change
		}
		saved.Objects = len(saved.objects)
		buckets = append(buckets, saved)
	}
	head := savedService{Buckets: len(buckets), Sequencer: s.sequencer}
	return func(put func(any) error) error {
		if err := put(head); err != nil {
			return err
		}
		for _, b := range buckets {
			if err := put(b); err != nil {
				return err
			}
			for key, versions := range b.objects {
				if err := put(savedObject{Key: []byte(key), Versions: versions}); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// Restore fills a new service with what a Snapshot has written. get reads the next record.
func (s *Service) Restore(get func(any) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var head savedService
	if err := get(&head); err != nil {
		return err
	}
	s.sequencer = head.Sequencer
	for range head.Buckets {
		var saved savedBucket
		if err := get(&saved); err != nil {
			return err
		}
		b := &bucket{name: saved.Name, account: saved.Account, region: saved.Region, created: saved.Created, config: saved.Config}
		s.buckets[b.name] = b
		b.objects.versions = map[string][]*version{}
		for range saved.Objects {
			var o savedObject
			if err := get(&o); err != nil {
				return fmt.Errorf("bucket %s: %w", b.name, err)
			}
			key := string(o.Key)
			b.objects.keys = append(b.objects.keys, key)
			b.objects.versions[key] = o.Versions
			for _, v := range o.Versions {
				if v == nil {
					return fmt.Errorf("bucket %s: a version of %q is missing", b.name, key)
				}
				s.held += v.cost(key)
			}
		}
		slices.Sort(b.objects.keys)
	}
	return nil
}

type savedService struct {
	Buckets   int
	Sequencer int64
}

// savedBucket is a bucket; that many records follow, of its objects.
type savedBucket struct {
	Name, Account, Region string
	Created               time.Time
	Config                config
	Objects               int

	objects map[string][]*version
}

type savedObject struct {
	Key      []byte // any bytes
	Versions []*version
}
