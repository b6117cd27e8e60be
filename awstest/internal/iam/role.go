package iam

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// role is one role.
type role struct {
	arn, name, id, path string
	created             time.Time
	trust, description  string
	maxSession          int // seconds
	boundary            string
	tags                map[string]string
	inline              map[string]string // documents by name
	attached            []string          // ARNs of managed policies, in the order of attaching
}

type boundary struct{ PermissionsBoundaryType, PermissionsBoundaryArn string }

// lastUsed is empty: nothing uses roles here.
type lastUsed struct{}

type roleOutput struct{ Role roleShape }

type roleShape struct {
	Path                     string
	RoleName                 string
	RoleID                   string `query:"RoleId"`
	Arn                      string
	CreateDate               wire.Time
	AssumeRolePolicyDocument string
	Description              string    `json:",omitempty"`
	MaxSessionDuration       int       `json:",omitempty"`
	PermissionsBoundary      *boundary `json:",omitempty"`
	Tags                     []tag     `json:",omitempty"`
	RoleLastUsed             *lastUsed `json:",omitempty"`
}

// brief describes the role as CreateRole and ListRoles do.
func (r *role) brief() roleShape {
	out := roleShape{
		Path: r.path, RoleName: r.name, RoleID: r.id, Arn: r.arn, CreateDate: wire.At(r.created),
		AssumeRolePolicyDocument: encode(r.trust), Description: r.description, Tags: listTags(r.tags),
	}
	if r.boundary != "" {
		out.PermissionsBoundary = &boundary{"Policy", r.boundary}
	}
	return out
}

// full describes the role as GetRole does.
func (r *role) full() roleShape {
	out := r.brief()
	out.MaxSessionDuration = r.maxSession
	out.RoleLastUsed = &lastUsed{}
	return out
}

type createRoleInput struct {
	RoleName                 string
	Path                     string
	AssumeRolePolicyDocument string
	Description              string
	MaxSessionDuration       *int
	PermissionsBoundary      string
	Tags                     []tag
}

var (
	namePattern = regexp.MustCompile(`^[\w+=,.@-]+$`)
	pathPattern = regexp.MustCompile(`^/$|^/[\x21-\x7e]+/$`)
)

// checkName checks the name and path of a role or policy.
func checkName(member, name, path string, longest int) error {
	switch {
	case !namePattern.MatchString(name):
		return validation(name, member, `Member must satisfy regular expression pattern: [\w+=,.@-]+`)
	case len(name) > longest:
		return validation(name, member, "Member must have length less than or equal to "+strconv.Itoa(longest))
	case !pathPattern.MatchString(path) || len(path) > 512:
		return &wire.Error{Code: "ValidationError", Message: "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters."}
	}
	return nil
}

// checkSession checks how long a role's sessions may last, in seconds. [CreateRole API
// reference: 1 to 12 hours]
func checkSession(seconds int) error {
	if seconds < 3600 {
		return validation(strconv.Itoa(seconds), "maxSessionDuration", "Member must have value greater than or equal to 3600")
	}
	if seconds > 43_200 {
		return validation(strconv.Itoa(seconds), "maxSessionDuration", "Member must have value less than or equal to 43200")
	}
	return nil
}

func (s *Service) createRole(_ context.Context, c *wire.Call, in *createRoleInput) (*roleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(c)
	r := &role{
		name: in.RoleName, id: newID("AROA"), path: in.Path, created: s.clk.Now(), trust: in.AssumeRolePolicyDocument,
		description: in.Description, maxSession: 3600, inline: map[string]string{},
	}
	if r.path == "" {
		r.path = "/"
	}
	if in.MaxSessionDuration != nil {
		r.maxSession = *in.MaxSessionDuration
	}
	if err := checkName("roleName", r.name, r.path, 64); err != nil {
		return nil, err
	}
	if err := checkSession(r.maxSession); err != nil {
		return nil, err
	}
	for name := range a.roles {
		if strings.EqualFold(name, r.name) { // names are unique regardless of case [CreateRole API reference]
			return nil, exists("Role with name %s already exists.", r.name)
		}
	}
	if err := checkTrust(r.trust); err != nil {
		return nil, err
	}
	if len(a.roles) >= maxRoles {
		return nil, limitExceeded("Cannot exceed quota for RolesPerAccount: %d", maxRoles)
	}
	if in.PermissionsBoundary != "" {
		if err := a.attachable(in.PermissionsBoundary); err != nil {
			return nil, err
		}
		r.boundary = in.PermissionsBoundary
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	r.tags = tags
	r.arn = "arn:" + wire.Partition(c.Region) + ":iam::" + c.Account + ":role" + r.path + r.name
	a.roles[r.name] = r
	return &roleOutput{Role: r.brief()}, nil
}

// role returns the role with the name.
func (a *account) role(name string) (*role, error) {
	if r := a.roles[name]; r != nil {
		return r, nil
	}
	return nil, noSuchEntity("The role with name %s cannot be found.", name)
}

// edit calls fn with a role of the caller's while s.mu is held.
func (s *Service) edit(c *wire.Call, name string, fn func(a *account, r *role) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(c)
	r, err := a.role(name)
	if err != nil {
		return err
	}
	return fn(a, r)
}

type roleInput struct{ RoleName string }

func (s *Service) getRole(_ context.Context, c *wire.Call, in *roleInput) (out *roleOutput, err error) {
	err = s.edit(c, in.RoleName, func(_ *account, r *role) error {
		out = &roleOutput{Role: r.full()}
		return nil
	})
	return out, err
}

type updateRoleInput struct {
	RoleName           string
	Description        *string
	MaxSessionDuration *int
}

func (s *Service) updateRole(_ context.Context, c *wire.Call, in *updateRoleInput) (*result, error) {
	return &result{}, s.edit(c, in.RoleName, func(_ *account, r *role) error {
		if in.MaxSessionDuration != nil {
			if err := checkSession(*in.MaxSessionDuration); err != nil {
				return err
			}
			r.maxSession = *in.MaxSessionDuration
		}
		if in.Description != nil {
			r.description = *in.Description
		}
		return nil
	})
}

type updateRoleDescriptionInput struct{ RoleName, Description string }

func (s *Service) updateRoleDescription(_ context.Context, c *wire.Call, in *updateRoleDescriptionInput) (out *roleOutput, err error) {
	err = s.edit(c, in.RoleName, func(_ *account, r *role) error {
		r.description = in.Description
		out = &roleOutput{Role: r.brief()}
		return nil
	})
	return out, err
}

type updateAssumeRolePolicyInput struct{ RoleName, PolicyDocument string }

func (s *Service) updateAssumeRolePolicy(_ context.Context, c *wire.Call, in *updateAssumeRolePolicyInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(_ *account, r *role) error {
		if err := checkTrust(in.PolicyDocument); err != nil {
			return err
		}
		r.trust = in.PolicyDocument
		return nil
	})
}

func (s *Service) deleteRole(_ context.Context, c *wire.Call, in *roleInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(a *account, r *role) error {
		switch {
		case len(r.attached) > 0:
			return deleteConflict("Cannot delete entity, must detach all policies first.")
		case len(r.inline) > 0:
			return deleteConflict("Cannot delete entity, must delete policies first.")
		}
		delete(a.roles, r.name)
		return nil
	})
}

type listRolesInput struct {
	PathPrefix string
	Marker     string
	MaxItems   *int
}

type listRolesOutput struct {
	Roles       []roleShape
	IsTruncated bool
	Marker      string `json:",omitempty"`
}

func (s *Service) listRoles(_ context.Context, c *wire.Call, in *listRolesInput) (*listRolesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.of(c)
	roles := []roleShape{}
	for _, name := range slices.Sorted(maps.Keys(a.roles)) {
		if r := a.roles[name]; strings.HasPrefix(r.path, in.PathPrefix) {
			shape := r.brief()
			shape.Tags, shape.PermissionsBoundary = nil, nil // which lists leave out
			shape.MaxSessionDuration = r.maxSession
			roles = append(roles, shape)
		}
	}
	part, marker, err := cut(roles, page{in.Marker, in.MaxItems})
	if err != nil {
		return nil, err
	}
	return &listRolesOutput{Roles: part, IsTruncated: marker != "", Marker: marker}, nil
}

type permissionsBoundaryInput struct{ RoleName, PermissionsBoundary string }

func (s *Service) putRolePermissionsBoundary(_ context.Context, c *wire.Call, in *permissionsBoundaryInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(a *account, r *role) error {
		if err := a.attachable(in.PermissionsBoundary); err != nil {
			return err
		}
		r.boundary = in.PermissionsBoundary
		return nil
	})
}

func (s *Service) deleteRolePermissionsBoundary(_ context.Context, c *wire.Call, in *roleInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(_ *account, r *role) error {
		if r.boundary == "" {
			return noSuchEntity("Role %s does not have a permissions boundary.", r.name)
		}
		r.boundary = ""
		return nil
	})
}

type rolePageInput struct {
	RoleName   string
	PathPrefix string
	Marker     string
	MaxItems   *int
}

type instanceProfile struct{ InstanceProfileName string }

type instanceProfilesOutput struct {
	InstanceProfiles []instanceProfile
	IsTruncated      bool
}

// listInstanceProfilesForRole returns none: there are no instance profiles here.
func (s *Service) listInstanceProfilesForRole(_ context.Context, c *wire.Call, in *rolePageInput) (*instanceProfilesOutput, error) {
	return &instanceProfilesOutput{InstanceProfiles: []instanceProfile{}}, s.edit(c, in.RoleName, func(*account, *role) error { return nil })
}

type tagRoleInput struct {
	RoleName string
	Tags     []tag
}

func (s *Service) tagRole(_ context.Context, c *wire.Call, in *tagRoleInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(_ *account, r *role) error {
		tags, err := addTags(r.tags, in.Tags)
		if err == nil {
			r.tags = tags
		}
		return err
	})
}

type untagRoleInput struct {
	RoleName string
	TagKeys  []string
}

func (s *Service) untagRole(_ context.Context, c *wire.Call, in *untagRoleInput) (*wire.Empty, error) {
	return &wire.Empty{}, s.edit(c, in.RoleName, func(_ *account, r *role) error {
		for _, key := range in.TagKeys {
			delete(r.tags, key)
		}
		return nil
	})
}

func (s *Service) listRoleTags(_ context.Context, c *wire.Call, in *rolePageInput) (out *tagsOutput, err error) {
	err = s.edit(c, in.RoleName, func(_ *account, r *role) error {
		out, err = newTagsOutput(r.tags, page{in.Marker, in.MaxItems})
		return err
	})
	return out, err
}
