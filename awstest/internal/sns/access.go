package sns

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// policy returns the topic's access policy. The default one lets the owner's account
// do everything, services that act for it among them. [GetTopicAttributes, recorded]
func (t *topic) policy() string {
	if p := t.attributes["Policy"]; p != "" {
		return p
	}
	return `{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},` +
		`"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],` +
		`"Resource":"` + t.arn + `","Condition":{"StringEquals":{"AWS:SourceOwner":"` + t.account + `"}}}]}`
}

// authorize reports whether a caller may carry out the action: the owner unless the
// policy denies it, others only if the policy allows it.
func (t *topic) authorize(c *wire.Call, action string) error {
	from := fabric.Principal{SourceAccount: c.Account}
	decision := policy.Decide(t.policy(), policy.Request{From: from, Action: action, Resource: t.arn})
	if decision == policy.Allow || decision == policy.Silent && c.Account == t.account {
		return nil
	}
	return unauthorized("User: "+rootOf(c), action, t.arn, decision == policy.Deny)
}

// rootOf is the ARN of the caller.
func rootOf(c *wire.Call) string {
	return "arn:" + wire.Partition(c.Region) + ":iam::" + c.Account + ":root"
}

// admit reports whether a service may publish to the topic.
func (t *topic) admit(from fabric.Principal) error {
	name := from.Service
	if name == "cloudwatch.amazonaws.com" {
		name = "CloudWatch Alarms" // as an alarm's history has it
	}
	// the key policy of the AWS managed key lets no service use it, whatever the topic's
	// policy says [SNS developer guide, "Key management", services that publish]
	if strings.HasSuffix(t.attributes["KmsMasterKeyId"], "alias/aws/sns") {
		return &wire.Error{Code: "KMSAccessDenied", Message: name + " does not have authorization to access the SNS topic encryption key."}
	}
	const action = "SNS:Publish"
	decision := policy.Decide(t.policy(), policy.Request{From: from, Action: action, Resource: t.arn})
	if decision == policy.Allow {
		return nil
	}
	return unauthorized(name, action, t.arn, decision == policy.Deny)
}

// topicActions are the actions that a topic's policy may name. [Service authorization
// reference, "Actions defined by Amazon SNS", those with the resource type topic]
func topicActions() []string {
	return []string{
		"addpermission", "confirmsubscription", "deletetopic", "getdataprotectionpolicy", "gettopicattributes",
		"listsubscriptionsbytopic", "listtagsforresource", "publish", "putdataprotectionpolicy", "receive",
		"removepermission", "settopicattributes", "subscribe", "tagresource", "untagresource",
	}
}

// checkPolicy checks a topic policy: it must be one, and about topics only.
func checkPolicy(doc string) error {
	if policy.Validate(doc) != nil {
		return invalid("Policy Error: null")
	}
	parsed, err := policy.Parse(doc)
	if err != nil {
		return invalid("Policy Error: null")
	}
	for _, action := range parsed.Actions() {
		name, ok := strings.CutPrefix(strings.ToLower(action), "sns:")
		if !ok || !strings.Contains(name, "*") && !slices.Contains(topicActions(), name) || strings.Trim(name, "*") == "" {
			return invalid("Policy statement action out of service scope!")
		}
	}
	return nil
}

type addPermissionInput struct {
	TopicArn     string
	Label        string
	AWSAccountID []string `query:"AWSAccountId"`
	ActionName   []string
}

// document is a policy as AddPermission and RemovePermission change it; they keep the
// statements that they don't touch as they are.
type document struct {
	Version   string `json:",omitempty"`
	ID        string `json:"Id,omitempty"`
	Statement []json.RawMessage
}

var accountPattern = regexp.MustCompile(`^\d{12}$`)

func (s *Service) addPermission(_ context.Context, c *wire.Call, in *addPermissionInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TopicArn, "SNS:AddPermission")
	if err != nil {
		return nil, err
	}
	var principals, actions []string
	for _, id := range in.AWSAccountID {
		if !accountPattern.MatchString(id) {
			return nil, invalid("Policy Error: PrincipalNotFound")
		}
		principals = append(principals, "arn:"+wire.Partition(t.region)+":iam::"+id+":root")
	}
	for _, name := range in.ActionName {
		if !slices.Contains(topicActions(), strings.ToLower(name)) {
			return nil, invalid("Policy statement action out of service scope!")
		}
		actions = append(actions, "SNS:"+name)
	}
	if in.Label == "" || len(principals) == 0 || len(actions) == 0 {
		return nil, invalid("Label, AWSAccountId and ActionName must not be empty")
	}
	doc, at, err := t.statement(in.Label)
	if err != nil {
		return nil, err
	}
	if at >= 0 {
		return nil, invalid("Statement already exists")
	}
	added, err := json.Marshal(struct {
		Sid       string
		Effect    string
		Principal map[string]any
		Action    any
		Resource  string
	}{in.Label, "Allow", map[string]any{"AWS": oneOrMany(principals)}, oneOrMany(actions), t.arn})
	if err != nil {
		return nil, err
	}
	doc.Statement = append(doc.Statement, added)
	return &wire.Empty{}, t.keep(doc)
}

type removePermissionInput struct{ TopicArn, Label string }

func (s *Service) removePermission(_ context.Context, c *wire.Call, in *removePermissionInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TopicArn, "SNS:RemovePermission")
	if err != nil {
		return nil, err
	}
	doc, at, err := t.statement(in.Label)
	if err != nil || at < 0 {
		return &wire.Empty{}, err // removing what isn't there is no error
	}
	doc.Statement = slices.Delete(doc.Statement, at, at+1)
	return &wire.Empty{}, t.keep(doc)
}

// statement returns the policy and where in it the statement with the id is, -1 if
// nowhere.
func (t *topic) statement(sid string) (*document, int, error) {
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(t.policy()), &raw); err != nil {
		return nil, -1, err
	}
	doc := &document{Version: raw.Version, ID: raw.ID}
	if json.Unmarshal(raw.Statement, &doc.Statement) != nil {
		doc.Statement = []json.RawMessage{raw.Statement} // a single one, not in a list
	}
	at := slices.IndexFunc(doc.Statement, func(b json.RawMessage) bool {
		var named struct{ Sid string }
		return json.Unmarshal(b, &named) == nil && named.Sid == sid
	})
	return doc, at, nil
}

func (t *topic) keep(doc *document) error {
	b, err := json.Marshal(doc)
	if err == nil {
		t.attributes["Policy"] = string(b)
	}
	return err
}

// oneOrMany writes a list of one as its element, as AWS does in policies.
func oneOrMany(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}
