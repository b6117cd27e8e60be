package kms

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	aliasPrefix   = "alias/"
	managedPrefix = "alias/aws/"
)

// managedServices are the services of this endpoint that have an AWS managed key.
func managedServices() []string { return []string{"s3", "sns", "sqs"} }

// alias is another name of a key.
type alias struct {
	name             string
	key              *key // nil while an AWS managed key has not been used
	created, updated time.Time
}

// target is the alias's key. An AWS managed key comes to be when it is first asked for. It
// is called with s.mu held.
func (s *Service) target(p place, a *alias) *key {
	if a.key == nil {
		now := s.clk.Now()
		k := newKey(p, newID(false), now)
		k.managed = strings.TrimPrefix(a.name, managedPrefix)
		k.description = "Default key that protects my " + strings.ToUpper(k.managed) + " data when no other key is defined"
		k.policy = managedPolicy(p, k.managed)
		s.at(p).byID[k.id] = k
		a.key, a.created, a.updated = k, now, now
	}
	return a.key
}

var aliasPattern = regexp.MustCompile(`^[a-zA-Z0-9:/_-]{1,256}$`)

// checkAlias checks a name that callers give to keys of theirs.
func checkAlias(name string) error {
	switch {
	case name == "":
		return missing("aliasName")
	case !aliasPattern.MatchString(name):
		return constraint(name, "aliasName", "Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$")
	case !strings.HasPrefix(name, aliasPrefix) || name == aliasPrefix:
		return invalid(`Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html`)
	case strings.Contains(name, ":"):
		return invalid("%s contains invalid characters for an alias", name)
	case strings.HasPrefix(name, managedPrefix):
		return &wire.Error{Code: "NotAuthorizedException", Message: "The prefix " + managedPrefix + " is reserved for AWS managed keys."}
	}
	return nil
}

type aliasInput struct {
	AliasName   string
	TargetKeyID string `json:"TargetKeyId"`
}

// createAlias implements CreateAlias.
func (s *Service) createAlias(_ context.Context, c *wire.Call, in *aliasInput) (*wire.Empty, error) {
	if err := checkAlias(in.AliasName); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.aliasTarget(c, in, "kms:CreateAlias")
	if err != nil {
		return nil, err
	}
	at := s.at(placeOf(c))
	if at.aliases[in.AliasName] != nil {
		return nil, &wire.Error{Code: "AlreadyExistsException", Message: "An alias with the name " + placeOf(c).arnOf(in.AliasName) + " already exists"}
	}
	if len(at.aliases) >= maxAliases {
		return nil, limitExceeded("The maximum number of aliases has been reached.")
	}
	now := s.clk.Now()
	at.aliases[in.AliasName] = &alias{name: in.AliasName, key: k, created: now, updated: now}
	return &wire.Empty{}, nil
}

// aliasTarget is the key that an alias is to name, one of the caller's own.
func (s *Service) aliasTarget(c *wire.Call, in *aliasInput, action string) (*key, error) {
	if in.TargetKeyID == "" {
		return nil, missing("targetKeyId")
	}
	if strings.HasPrefix(in.TargetKeyID, aliasPrefix) {
		return nil, invalid("Aliases must refer to keys. Not aliases")
	}
	k, err := s.change(c, in.TargetKeyID, action)
	if err == nil && k.place != placeOf(c) {
		return nil, k.denied(rootOf(c), action, false)
	}
	return k, err
}

// updateAlias implements UpdateAlias.
func (s *Service) updateAlias(_ context.Context, c *wire.Call, in *aliasInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.ownAlias(c, in.AliasName)
	if err != nil {
		return nil, err
	}
	k, err := s.aliasTarget(c, in, "kms:UpdateAlias")
	if err != nil {
		return nil, err
	}
	a.key, a.updated = k, s.clk.Now()
	return &wire.Empty{}, nil
}

// deleteAlias implements DeleteAlias.
func (s *Service) deleteAlias(_ context.Context, c *wire.Call, in *aliasInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.ownAlias(c, in.AliasName)
	if err != nil {
		return nil, err
	}
	delete(s.at(placeOf(c)).aliases, a.name)
	return &wire.Empty{}, nil
}

func (s *Service) ownAlias(c *wire.Call, name string) (*alias, error) {
	if err := checkAlias(name); err != nil {
		return nil, err
	}
	if a := s.at(placeOf(c)).aliases[name]; a != nil {
		return a, nil
	}
	return nil, notFound("Alias %s is not found.", placeOf(c).arnOf(name))
}

type listAliasesOutput struct {
	Aliases    []aliasEntry
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

type aliasEntry struct {
	AliasArn        string
	AliasName       string
	CreationDate    *wire.Time `json:",omitempty"`
	LastUpdatedDate *wire.Time `json:",omitempty"`
	TargetKeyID     string     `json:"TargetKeyId,omitempty"`
}

// listAliases implements ListAliases. The aliases of AWS managed keys are there from the
// beginning, without a key.
func (s *Service) listAliases(_ context.Context, c *wire.Call, in *listInput) (*listAliasesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var of *key
	if in.KeyID != "" {
		k, err := s.lookup(c, in.KeyID, "kms:ListAliases", false)
		if err != nil {
			return nil, err
		}
		of = k
	}
	p := placeOf(c)
	at := s.at(p)
	names := slices.Collect(maps.Keys(at.aliases))
	names = slices.DeleteFunc(names, func(name string) bool { return of != nil && at.aliases[name].key != of })
	names, next, err := paginate(names, in.Limit, in.Marker, 100)
	if err != nil {
		return nil, err
	}
	out := &listAliasesOutput{Aliases: []aliasEntry{}, NextMarker: next, Truncated: next != ""}
	for _, name := range names {
		a := at.aliases[name]
		entry := aliasEntry{AliasArn: p.arnOf(name), AliasName: name}
		if a.key != nil {
			entry.TargetKeyID = a.key.id
			entry.CreationDate, entry.LastUpdatedDate = new(wire.At(a.created)), new(wire.At(a.updated))
		}
		out.Aliases = append(out.Aliases, entry)
	}
	return out, nil
}
