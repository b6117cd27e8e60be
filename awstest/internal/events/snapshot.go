package events

import (
	"fmt"
	"maps"
	"time"
)

// Snapshot takes down all that the service holds. It is to be called by an event of the
// clock, so that nothing else happens by the passing of time. write puts it down, in
// records, and may take its time: what it writes doesn't change any more.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var saved savedService
	for p, buses := range s.places {
		for _, b := range buses {
			out := savedBus{Account: p.account, Region: p.region, Name: b.name, Created: b.created, Modified: b.modified, Settings: b.settings, Tags: maps.Clone(b.tags)}
			for _, r := range b.rules {
				one := savedRule{Name: r.name, Spec: r.spec, Tags: maps.Clone(r.tags)}
				if r.schedule != nil {
					one.Anchor = r.schedule.anchor
				}
				for _, t := range r.targets {
					one.Targets = append(one.Targets, *t)
				}
				out.Rules = append(out.Rules, one)
			}
			saved.Buses = append(saved.Buses, out)
		}
	}
	for d, at := range s.waiting {
		saved.Deliveries = append(saved.Deliveries, savedDelivery{
			Account: d.place.account, Region: d.place.region, Rule: d.rule, Event: d.event, Input: d.input, Trace: d.trace,
			Target: d.target, Begun: d.begun, Retries: d.retries, At: at,
		})
	}
	return func(put func(any) error) error { return put(saved) }
}

// Restore fills a new service with what a Snapshot has written. Schedules that have fallen
// due since the given instant occur now. get reads the next record.
func (s *Service) Restore(get func(any) error, since time.Time) error {
	var saved savedService
	if err := get(&saved); err != nil {
		return err
	}
	s.mu.Lock()
	for _, old := range saved.Buses {
		if err := s.restoreBus(&old, since); err != nil {
			s.mu.Unlock()
			return fmt.Errorf("event bus %s: %w", old.Name, err)
		}
	}
	s.mu.Unlock()
	for _, old := range saved.Deliveries {
		s.later(&delivery{
			place: place{old.Account, old.Region}, rule: old.Rule, event: old.Event, input: old.Input, trace: old.Trace,
			target: old.Target, begun: old.Begun, retries: old.Retries,
		}, old.At)
	}
	return nil
}

func (s *Service) restoreBus(old *savedBus, since time.Time) error {
	p := place{old.Account, old.Region}
	b := newBus(p, old.Name, old.Created)
	b.modified, b.settings = old.Modified, old.Settings
	maps.Copy(b.tags, old.Tags)
	s.at(p)[b.name] = b
	for _, saved := range old.Rules {
		r := newRule(b, saved.Name)
		matching, due, err := saved.Spec.complete(b)
		if err != nil {
			return fmt.Errorf("rule %s: %w", saved.Name, err)
		}
		if due != nil {
			if saved.Anchor.IsZero() {
				return fmt.Errorf("rule %s: its schedule has no beginning", saved.Name)
			}
			due.anchor = saved.Anchor
		}
		r.spec, r.pattern, r.schedule = saved.Spec, matching, due
		maps.Copy(r.tags, saved.Tags)
		for i := range saved.Targets {
			r.targets = append(r.targets, &saved.Targets[i])
		}
		b.rules[r.name] = r
		s.arm(r, since)
	}
	return nil
}

type savedService struct {
	Buses      []savedBus
	Deliveries []savedDelivery
}

type savedBus struct {
	Account, Region, Name string
	Created, Modified     time.Time
	Settings              busSettings
	Tags                  map[string]string
	Rules                 []savedRule
}

type savedRule struct {
	Name    string
	Spec    ruleSpec
	Anchor  time.Time // since when the schedule has been as it is
	Tags    map[string]string
	Targets []target // in order of their ids
}

type savedDelivery struct {
	Account, Region, Rule, Event, Input, Trace string
	Target                                     target
	Begun                                      time.Time
	Retries                                    int
	At                                         time.Time
}
