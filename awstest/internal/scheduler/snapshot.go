package scheduler

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
	for p, at := range s.places {
		for _, g := range at.byName {
			out := savedGroup{Account: p.account, Region: p.region, Name: g.name, Created: g.created, Modified: g.modified, Token: g.token, Tags: maps.Clone(g.tags)}
			for _, sched := range g.schedules {
				out.Schedules = append(out.Schedules, savedSchedule{
					Name: sched.name, Created: sched.created, Modified: sched.modified, Token: sched.token,
					Anchor: sched.plan.anchor, Spec: sched.spec,
				})
			}
			saved.Groups = append(saved.Groups, out)
		}
	}
	for t, at := range s.waiting {
		saved.Tasks = append(saved.Tasks, savedTask{
			Account: t.place.account, Region: t.place.region, Group: t.group, ARN: t.arn, Target: t.target,
			ExecutionID: t.executionID, Planned: t.planned, Retries: t.retries, At: at,
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
	if err := s.restoreGroups(saved.Groups, since); err != nil {
		return err
	}
	for _, old := range saved.Tasks {
		if old.Target.RetryPolicy == nil || old.Target.RetryPolicy.MaximumEventAgeInSeconds == nil || old.Target.RetryPolicy.MaximumRetryAttempts == nil {
			return fmt.Errorf("schedule %s: its target has no retry policy", old.ARN)
		}
		s.later(&task{
			place: place{old.Account, old.Region}, group: old.Group, arn: old.ARN, target: old.Target,
			executionID: old.ExecutionID, planned: old.Planned, retries: old.Retries,
		}, old.At)
	}
	return nil
}

func (s *Service) restoreGroups(saved []savedGroup, since time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, old := range saved {
		p := place{old.Account, old.Region}
		at := s.places[p]
		if at == nil {
			at = &groups{byName: map[string]*group{}}
			s.places[p] = at
		}
		g := newGroup(p, old.Name, old.Created)
		g.modified, g.token = old.Modified, old.Token
		maps.Copy(g.tags, old.Tags)
		at.byName[g.name] = g
		for _, o := range old.Schedules {
			planned, err := o.Spec.complete()
			if err != nil {
				return fmt.Errorf("schedule %s: %w", o.Name, err)
			}
			planned.anchor = o.Anchor
			sched := &schedule{
				name: o.Name, arn: p.arnOf("schedule/" + g.name + "/" + o.Name), created: o.Created, modified: o.Modified,
				token: o.Token, spec: o.Spec, plan: planned,
			}
			g.schedules[sched.name] = sched
			at.schedules++
			s.arm(g, sched, since)
		}
	}
	return nil
}

type savedService struct {
	Groups []savedGroup
	Tasks  []savedTask
}

type savedGroup struct {
	Account, Region, Name string
	Created, Modified     time.Time
	Token                 string
	Tags                  map[string]string
	Schedules             []savedSchedule
}

type savedSchedule struct {
	Name              string
	Created, Modified time.Time
	Token             string
	Anchor            time.Time // since when the schedule has been as it is
	Spec              spec
}

type savedTask struct {
	Account, Region, Group, ARN string
	Target                      target
	ExecutionID                 string
	Planned                     time.Time
	Retries                     int
	At                          time.Time
}
