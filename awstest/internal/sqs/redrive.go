package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	maxReceiveCountLimit = 1000
	maxSources           = 10
)

// redrive is what a RedrivePolicy says.
type redrive struct {
	target          queueKey
	targetARN       string
	maxReceiveCount int
}

// parseRedrive reads a RedrivePolicy; an empty one says nothing. Whether its target can
// be used is for checkRedrive.
func parseRedrive(doc string) (*redrive, error) {
	if doc == "" {
		return nil, nil
	}
	var fields map[string]any
	if err := decodeJSON(doc, &fields); err != nil || fields == nil {
		return nil, invalidAttributeValue(attrRedrivePolicy, "Redrive policy is not a valid JSON map.")
	}
	invalid := func(reason string) error { return invalidValue(doc, attrRedrivePolicy, reason) }
	for _, name := range []string{"maxReceiveCount", "deadLetterTargetArn"} {
		if v, ok := fields[name]; !ok || v == nil {
			return nil, invalid("Redrive policy does not contain mandatory attribute: " + name + ".")
		}
	}
	if len(fields) > 2 {
		return nil, invalid("Only following attributes are supported: [maxReceiveCount, deadLetterTargetArn].")
	}
	var text string
	switch v := fields["maxReceiveCount"].(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxReceiveCountLimit {
		if text == "" {
			text = "null"
		}
		return nil, invalid("Invalid value for maxReceiveCount: " + text + ", valid values are from 1 to 1000 both inclusive.")
	}
	arn, _ := fields["deadLetterTargetArn"].(string)
	if p := strings.Split(arn, ":"); len(p) == 6 && p[0] == "arn" && p[2] != "sqs" {
		return nil, invalid("Only SQS queues are valid resources for deadLetterTargetArn.")
	}
	target, ok := parseARN(arn)
	if !ok {
		return nil, invalid("Invalid value for deadLetterTargetArn.")
	}
	return &redrive{target: target, targetARN: arn, maxReceiveCount: n}, nil
}

// checkRedrive asks whether the queue may use the dead-letter queue that its settings
// name: it must exist, be of the same type, account and Region, and allow it. That is
// asked when the policy is set, and not again.
func (s *Service) checkRedrive(key queueKey, set *settings) error {
	if set.redrive == nil {
		return nil
	}
	invalid := func(reason string) error { return invalidValue(set.redrivePolicy, attrRedrivePolicy, reason) }
	target := set.redrive.target
	if target.account != key.account || target.region != key.region {
		return invalid("Dead-letter queue must be in the same AWS account and Region as the source queue.")
	}
	dlq := s.find(target)
	if dlq == nil {
		return invalid("Dead letter target does not exist.")
	}
	if dlq.fifo != set.fifo {
		return invalid("Dead-letter queue must be same type of queue as the source.")
	}
	if a := dlq.settings.Load().allow; !a.permits(key.arn()) && !s.has(AllowPolicyIgnored) {
		return invalid("The redrive allow policy of the dead-letter queue does not allow this source queue.")
	}
	return nil
}

// The values of redrivePermission.
const (
	allowAll = "allowAll"
	denyAll  = "denyAll"
	byQueue  = "byQueue"
)

// allow is what a RedriveAllowPolicy says.
type allow struct {
	permission string
	sources    []string // ARNs, of queues that may be yet to come
}

func (a *allow) permits(source string) bool {
	return a == nil || a.permission == allowAll || a.permission == byQueue && slices.Contains(a.sources, source)
}

// parseAllow reads a RedriveAllowPolicy; an empty one says nothing.
func parseAllow(doc string) (*allow, error) {
	if doc == "" {
		return nil, nil
	}
	var p struct {
		Permission *string   `json:"redrivePermission"`
		Sources    []*string `json:"sourceQueueArns"`
	}
	unsupported := invalidAttributeValue(attrRedriveAllowPolicy, "Amazon SQS can't create the redrive allow policy, as it’s in an unsupported format.")
	d := json.NewDecoder(strings.NewReader(doc))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || d.More() || p.Permission == nil {
		return nil, unsupported
	}
	invalid := func(reason string) error {
		return invalidValue(doc, attrRedriveAllowPolicy, "Amazon SQS can't create the redrive allow policy. "+reason)
	}
	a := &allow{permission: *p.Permission}
	for _, arn := range p.Sources {
		if arn == nil {
			return nil, unsupported
		}
		if _, ok := parseARN(*arn); !ok {
			return nil, unsupported
		}
		a.sources = append(a.sources, *arn)
	}
	switch a.permission {
	case byQueue:
		if len(a.sources) == 0 {
			return nil, invalid("When you specify the byQueue permission type, you must also specify one or more sourceQueueArns values.")
		}
		if len(a.sources) > maxSources {
			return nil, invalid("The maximum number of source queue ARNs you can specify is 10.")
		}
	case allowAll, denyAll:
		if len(a.sources) > 0 {
			return nil, invalid("To specify one or more source queue ARNs, you must set redrivePermission to byQueue.")
		}
	default:
		return nil, unsupported
	}
	return a, nil
}

// decodeJSON reads exactly one JSON value, keeping numbers as they are written.
func decodeJSON(doc string, v any) error {
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		return err
	}
	if len(bytes.TrimSpace([]byte(doc[d.InputOffset():]))) > 0 {
		return strconv.ErrSyntax
	}
	return nil
}

// checkPolicy asks that a policy is a JSON object.
func checkPolicy(doc string) error {
	if doc == "" {
		return nil
	}
	var p map[string]any
	if err := decodeJSON(doc, &p); err != nil || p == nil {
		return invalidAttributeValue(attrPolicy, "")
	}
	return nil
}

// sources are the queues whose redrive policy names q, by name.
func (s *Service) sources(q *queue) []*queue {
	var found []*queue
	for _, other := range s.inRegion(q.key.account, q.key.region) {
		if r := other.settings.Load().redrive; r != nil && r.target == q.key {
			found = append(found, other)
		}
	}
	return found
}

// isDeadLetterQueue reports whether the redrive policy of any queue names q.
func (s *Service) isDeadLetterQueue(q *queue) bool {
	for _, other := range *s.all.Load() {
		if r := other.settings.Load().redrive; r != nil && r.target == q.key {
			return true
		}
	}
	return false
}

// listDeadLetterSourceQueues implements ListDeadLetterSourceQueues.
func (s *Service) listDeadLetterSourceQueues(_ context.Context, c *wire.Call, in *listDeadLetterSourceQueuesInput) (*listDeadLetterSourceQueuesOutput, error) {
	q, err := s.queueOf(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	out := &listDeadLetterSourceQueuesOutput{QueueUrls: []string{}}
	page, next, err := paginate(s.sources(q), in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	for _, source := range page {
		out.QueueUrls = append(out.QueueUrls, queueURL(c, source.key))
	}
	out.NextToken = next
	return out, nil
}
