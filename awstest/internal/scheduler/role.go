package scheduler

import (
	"net/http"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Roles says what roles may do; IAM implements it.
type Roles interface {
	// Assumable reports whether the role exists and its trust policy lets the service
	// assume it, on behalf of the resource that the principal names.
	Assumable(roleARN string, by fabric.Principal) bool
	// Permits reports whether the role's policies let it carry out the action on the
	// resource.
	Permits(roleARN, action, resource string) bool
}

// checkRole refuses a role that the scheduler can't assume. [recorded; it is the error
// that the Terraform provider waits out after it has made a role]
func (s *Service) checkRole(c *wire.Call, in *scheduleInput) error {
	group := in.GroupName
	if group == "" {
		group = defaultGroup
	}
	if s.assumes(place{c.Account, c.Region}, group, in.Target.RoleArn) {
		return nil
	}
	return invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
}

// assumes reports whether the scheduler can assume the role for a schedule of the group.
// The group, not the schedule, is the source that a trust policy sees. [EventBridge
// Scheduler user guide, "Confused deputy prevention"]
func (s *Service) assumes(p place, group, roleARN string) bool {
	return s.opts.Roles == nil || s.opts.Roles.Assumable(roleARN, fabric.Principal{
		Service: "scheduler.amazonaws.com", SourceARN: p.arnOf("schedule-group/" + group), SourceAccount: p.account,
	})
}

// permit refuses a call that the task's role may not make.
func (s *Service) permit(t *task, service, operation, input string) error {
	if s.opts.Roles == nil {
		return nil
	}
	role := t.target.RoleArn
	if !s.assumes(t.place, t.group, role) {
		return denied("scheduler.amazonaws.com", "sts:AssumeRole", role, "resource")
	}
	if s.opts.Needs == nil {
		return nil
	}
	for _, need := range s.opts.Needs(t.place.account, t.place.region, service, operation, []byte(input)) {
		if !s.opts.Roles.Permits(role, need.Action, need.Resource) {
			return denied(role, need.Action, need.Resource, "identity")
		}
	}
	return nil
}

func denied(who, action, resource, kind string) *wire.Error {
	return &wire.Error{
		Code: "AccessDeniedException", Status: http.StatusForbidden,
		Message: "User: " + who + " is not authorized to perform: " + strings.ToLower(action) + " on resource: " + resource +
			" because no " + kind + "-based policy allows the " + strings.ToLower(action) + " action",
	}
}
