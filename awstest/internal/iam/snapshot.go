package iam

import (
	"maps"
	"slices"
	"time"
)

// Snapshot takes down all that the service holds. write puts it down, in records, and
// may take its time: what it writes doesn't change any more.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var accounts []savedAccount
	for id, a := range s.accounts {
		saved := savedAccount{ID: id}
		for _, r := range a.roles {
			saved.Roles = append(saved.Roles, savedRole{
				r.arn, r.name, r.id, r.path, r.created, r.trust, r.description, r.maxSession, r.boundary,
				maps.Clone(r.tags), maps.Clone(r.inline), slices.Clone(r.attached),
			})
		}
		for _, p := range a.policies {
			out := savedPolicy{
				p.arn, p.name, p.id, p.path, p.description, p.created, p.updated, maps.Clone(p.tags), nil, p.fallback, p.made,
			}
			for _, v := range p.versions {
				out.Versions = append(out.Versions, savedVersion{v.id, v.document, v.created})
			}
			saved.Policies = append(saved.Policies, out)
		}
		accounts = append(accounts, saved)
	}
	return func(put func(any) error) error { return put(accounts) }
}

// Restore fills a new service with what a Snapshot has written. get reads the next
// record.
func (s *Service) Restore(get func(any) error) error {
	var accounts []savedAccount
	if err := get(&accounts); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, saved := range accounts {
		a := &account{roles: map[string]*role{}, policies: map[string]*managedPolicy{}}
		for _, r := range saved.Roles {
			a.roles[r.Name] = &role{
				arn: r.ARN, name: r.Name, id: r.ID, path: r.Path, created: r.Created, trust: r.Trust, description: r.Description,
				maxSession: r.MaxSession, boundary: r.Boundary, tags: filled(r.Tags), inline: filled(r.Inline), attached: r.Attached,
			}
		}
		for _, p := range saved.Policies {
			policy := &managedPolicy{
				arn: p.ARN, name: p.Name, id: p.ID, path: p.Path, description: p.Description, created: p.Created, updated: p.Updated,
				tags: filled(p.Tags), fallback: p.Fallback, made: p.Made,
			}
			for _, v := range p.Versions {
				policy.versions = append(policy.versions, version{id: v.ID, document: v.Document, created: v.Created})
			}
			a.policies[p.ARN] = policy
		}
		s.accounts[saved.ID] = a
	}
	return nil
}

type savedAccount struct {
	ID       string
	Roles    []savedRole
	Policies []savedPolicy
}

type savedRole struct {
	ARN, Name, ID, Path string
	Created             time.Time
	Trust, Description  string
	MaxSession          int
	Boundary            string
	Tags, Inline        map[string]string
	Attached            []string
}

type savedPolicy struct {
	ARN, Name, ID, Path, Description string
	Created, Updated                 time.Time
	Tags                             map[string]string
	Versions                         []savedVersion
	Fallback                         string
	Made                             int
}

type savedVersion struct {
	ID, Document string
	Created      time.Time
}

// filled is m, empty rather than nil.
func filled(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
