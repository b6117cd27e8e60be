package lambda

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

type addPermissionInput struct {
	FunctionName        string `path:"FunctionName"`
	Qualifier           string `qs:"Qualifier"`
	StatementID         string `json:"StatementId"`
	Action              string
	Principal           string
	SourceArn           string
	SourceAccount       string
	PrincipalOrgID      string
	EventSourceToken    string
	FunctionURLAuthType string `json:"FunctionUrlAuthType"`
	RevisionID          string `json:"RevisionId"`
}

type addPermissionOutput struct{ Statement string }

// HTTPStatus is 201: a statement was created.
func (*addPermissionOutput) HTTPStatus() int { return http.StatusCreated }

// statement is a statement of a function's policy, its members in the order that AWS
// returns them in.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

var (
	statementPattern = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,100}$`)
	actionPattern    = regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`)
	accountPattern   = regexp.MustCompile(`^\d{12}$`)
)

// maxPolicy bounds a function's policy, in bytes. [Lambda quotas]
const maxPolicy = 20 << 10

func (s *Service) addPermission(_ context.Context, c *wire.Call, in *addPermissionInput) (out *addPermissionOutput, err error) {
	switch {
	case !statementPattern.MatchString(in.StatementID):
		return nil, constraint(in.StatementID, "statementId", "Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)")
	case !actionPattern.MatchString(in.Action):
		return nil, constraint(in.Action, "action", `Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])`)
	case in.Principal == "":
		return nil, constraint("null", "principal", "Member must not be null")
	}
	var principal any
	switch {
	case in.Principal == "*":
		principal = "*"
	case accountPattern.MatchString(in.Principal):
		principal = map[string]string{"AWS": "arn:" + wire.Partition(c.Region) + ":iam::" + in.Principal + ":root"}
	case strings.HasPrefix(in.Principal, "arn:"):
		principal = map[string]string{"AWS": in.Principal}
	case strings.Contains(in.Principal, "."):
		principal = map[string]string{"Service": in.Principal}
	default:
		return nil, invalid("The provided principal was invalid. Please check the principal and try again.")
	}
	condition := map[string]map[string]string{}
	set := func(operator, key, value string) {
		if value != "" {
			if condition[operator] == nil {
				condition[operator] = map[string]string{}
			}
			condition[operator][key] = value
		}
	}
	set("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	set("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	set("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	set("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionURLAuthType)
	set("ArnLike", "AWS:SourceArn", in.SourceArn)
	err = s.edit(c, in.FunctionName, in.Qualifier, func(f *function) error {
		if err := f.checkRevision(in.RevisionID); err != nil {
			return err
		}
		if f.policy[in.StatementID] != nil {
			return conflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", in.StatementID)
		}
		text, err := wire.EncodeJSON(statement{in.StatementID, "Allow", principal, in.Action, f.key.arn(), condition})
		if err != nil {
			return err
		}
		if size := len(f.document()) + len(text); size > maxPolicy {
			return lambdaError(http.StatusBadRequest, "PolicyLengthExceededException", "The final policy size (%d) is bigger than the limit (%d).", size, maxPolicy)
		}
		f.policy[in.StatementID] = text
		f.revision = wire.NewUUID()
		out = &addPermissionOutput{string(text)}
		return nil
	})
	return out, err
}

// document is the function's policy.
func (f *function) document() string {
	var statements []json.RawMessage
	for _, id := range slices.Sorted(maps.Keys(f.policy)) {
		statements = append(statements, f.policy[id])
	}
	text, err := wire.EncodeJSON(struct {
		Version   string
		ID        string `json:"Id"`
		Statement []json.RawMessage
	}{"2012-10-17", "default", statements})
	if err != nil {
		return "" // the statements were encoded before
	}
	return string(text)
}

type removePermissionInput struct {
	FunctionName string `path:"FunctionName"`
	StatementID  string `path:"StatementId"`
	Qualifier    string `qs:"Qualifier"`
	RevisionID   string `qs:"RevisionId"`
}

func (s *Service) removePermission(_ context.Context, c *wire.Call, in *removePermissionInput) (*noContent, error) {
	return &noContent{}, s.edit(c, in.FunctionName, in.Qualifier, func(f *function) error {
		if err := f.checkRevision(in.RevisionID); err != nil {
			return err
		}
		if f.policy[in.StatementID] == nil {
			return notFound("Statement %s is not found in resource policy.", in.StatementID)
		}
		delete(f.policy, in.StatementID)
		f.revision = wire.NewUUID()
		return nil
	})
}

type getPolicyOutput struct {
	Policy     string
	RevisionID string `json:"RevisionId"`
}

func (s *Service) getPolicy(_ context.Context, c *wire.Call, in *functionInput) (out *getPolicyOutput, err error) {
	err = s.edit(c, in.FunctionName, in.Qualifier, func(f *function) error {
		if len(f.policy) == 0 {
			return notFound("The resource you requested does not exist.")
		}
		out = &getPolicyOutput{f.document(), f.revision}
		return nil
	})
	return out, err
}
