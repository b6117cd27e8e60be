package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const maxActions = 7

// grantable are the operations that AddPermission can allow.
var grantable = [...]string{
	"*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl",
	"ListDeadLetterSourceQueues", "PurgeQueue", "ReceiveMessage", "SendMessage",
	"SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch",
}

// policyDocument is a queue policy, as far as permissions need to know it: statements
// that AddPermission didn't make are kept as they are.
type policyDocument struct {
	Version   string            `json:"Version"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// permission is a statement that AddPermission makes.
type permission struct {
	Sid       string         `json:"Sid"`
	Effect    string         `json:"Effect"`
	Principal map[string]any `json:"Principal"`
	Action    any            `json:"Action"`
	Resource  string         `json:"Resource"`
}

// readPolicy reads a queue's policy, or begins one.
func readPolicy(q *queue, doc string) (*policyDocument, error) {
	if doc == "" {
		return &policyDocument{Version: "2008-10-17", ID: q.arn + "/SQSDefaultPolicy"}, nil
	}
	var p struct {
		Version, Id string
		Statement   json.RawMessage // one, or a list
	}
	if err := json.Unmarshal([]byte(doc), &p); err != nil {
		return nil, invalidAttributeValue(attrPolicy, "")
	}
	var list []json.RawMessage
	if json.Unmarshal(p.Statement, &list) != nil && len(p.Statement) > 0 {
		list = []json.RawMessage{p.Statement}
	}
	return &policyDocument{Version: p.Version, ID: p.Id, Statement: list}, nil
}

func (p *policyDocument) find(label string) int {
	return slices.IndexFunc(p.Statement, func(raw json.RawMessage) bool {
		var s struct{ Sid string }
		return json.Unmarshal(raw, &s) == nil && s.Sid == label
	})
}

// repolicy replaces a queue's policy by what change makes of it.
func (s *Service) repolicy(q *queue, c *wire.Call, change func(*policyDocument) error) (*wire.Empty, error) {
	s.admin.Lock()
	defer s.admin.Unlock()
	set := *q.settings.Load()
	p, err := readPolicy(q, set.policy)
	if err != nil {
		return nil, err
	}
	if err := change(p); err != nil {
		return nil, err
	}
	set.policy = ""
	if len(p.Statement) > 0 {
		doc, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		set.policy = string(doc)
	}
	set.modified = c.Time
	q.settings.Store(&set)
	return &wire.Empty{}, nil
}

// addPermission implements AddPermission.
func (s *Service) addPermission(_ context.Context, c *wire.Call, in *addPermissionInput) (*wire.Empty, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Label == "":
		return nil, missingParameter("Label")
	case !isBatchID(in.Label):
		return nil, invalidValue(in.Label, "Label", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.")
	case len(in.AWSAccountIds) == 0:
		return nil, missingParameter("AWSAccountIds")
	case len(in.Actions) == 0:
		return nil, missingParameter("Actions")
	case len(in.Actions) > maxActions:
		return nil, &wire.Error{Code: "OverLimit", Status: 403, Message: fmt.Sprintf("%d Actions were found, maximum allowed is %d.", len(in.Actions), maxActions)}
	}
	actions := make([]string, len(in.Actions))
	for i, a := range in.Actions {
		if !slices.Contains(grantable[:], a) {
			return nil, invalidValue("SQS:"+a, "ActionName", "Only the queue owner is allowed to invoke this action.")
		}
		actions[i] = "SQS:" + a
	}
	partition, _, _ := strings.Cut(strings.TrimPrefix(q.arn, "arn:"), ":")
	var principals []string
	for _, account := range slices.Backward(in.AWSAccountIds) { // AWS was seen to list them from the last
		if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
			return nil, invalidValue("["+strings.Join(in.AWSAccountIds, ", ")+"]", "PrincipalId", "Unable to verify.")
		}
		principals = append(principals, "arn:"+partition+":iam::"+account+":root")
	}
	return s.repolicy(q, c, func(p *policyDocument) error {
		if p.find(in.Label) >= 0 {
			return invalidValue(in.Label, "Label", "Already exists.")
		}
		raw, err := json.Marshal(permission{
			Sid: in.Label, Effect: "Allow", Principal: map[string]any{"AWS": oneOrMany(principals)},
			Action: oneOrMany(actions), Resource: q.arn,
		})
		p.Statement = append(p.Statement, raw)
		return err
	})
}

// removePermission implements RemovePermission.
func (s *Service) removePermission(_ context.Context, c *wire.Call, in *removePermissionInput) (*wire.Empty, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if in.Label == "" {
		return nil, missingParameter("Label")
	}
	return s.repolicy(q, c, func(p *policyDocument) error {
		i := p.find(in.Label)
		if i < 0 {
			return invalidValue(in.Label, "Label", "can't find label.")
		}
		p.Statement = slices.Delete(p.Statement, i, i+1)
		return nil
	})
}

// oneOrMany is how policies state lists: a list of one without its brackets.
func oneOrMany(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}
