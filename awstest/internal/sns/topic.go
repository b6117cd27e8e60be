package sns

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// topic is one topic.
type topic struct {
	arn, name       string
	account, region string
	fifo            bool
	// attributes are those that were set; the others have their defaults
	attributes map[string]string
	tags       map[string]string
	// subscriptions are in the order in which they were made, which is that of delivery
	subscriptions []*subscription
	deleted       int
	// recent holds a FIFO topic's deduplication ids, and order the oldest first
	recent map[string]receipt
	order  []string
}

// receipt is what Publish returned for a message of a FIFO topic.
type receipt struct {
	at                  time.Time
	messageID, sequence string
}

type createTopicInput struct {
	Name                 string
	Attributes           map[string]string
	Tags                 []tagPair
	DataProtectionPolicy string
}

type topicOutput struct{ TopicArn string }

// namePattern is what a topic's name consists of, .fifo apart.
var namePattern = regexp.MustCompile(`^[0-9A-Za-z_-]{1,256}$`)

func (s *Service) createTopic(_ context.Context, c *wire.Call, in *createTopicInput) (*topicOutput, error) {
	fifo := strings.EqualFold(in.Attributes["FifoTopic"], "true")
	if err := checkName(in.Name, fifo); err != nil {
		return nil, err
	}
	if in.DataProtectionPolicy != "" {
		return nil, notServed("DataProtectionPolicy of CreateTopic")
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &topic{
		arn:     "arn:" + wire.Partition(c.Region) + ":sns:" + c.Region + ":" + c.Account + ":" + in.Name,
		name:    in.Name,
		account: c.Account, region: c.Region,
		fifo:       fifo,
		attributes: map[string]string{},
		tags:       tags,
	}
	for _, name := range slices.Sorted(maps.Keys(in.Attributes)) {
		if name == "FifoTopic" {
			continue
		}
		if err := t.set(name, in.Attributes[name]); err != nil {
			return nil, asAttribute(err)
		}
	}
	if existing := s.topics[t.arn]; existing != nil {
		return &topicOutput{TopicArn: t.arn}, existing.sameAs(t)
	}
	if s.countTopics(c.Account, c.Region) >= maxTopics {
		return nil, &wire.Error{Code: "TopicLimitExceeded", Message: "Topic limit exceeded", Status: 403}
	}
	s.topics[t.arn] = t
	return &topicOutput{TopicArn: t.arn}, nil
}

// checkName checks a topic's name. [CreateTopic API reference; the messages are as
// recorded by others from AWS]
func checkName(name string, fifo bool) error {
	if fifo {
		base, ok := strings.CutSuffix(name, ".fifo")
		if !ok || len(name) > 256 || !namePattern.MatchString(base) {
			return invalid("Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.")
		}
		return nil
	}
	if !namePattern.MatchString(name) {
		return invalid("Topic Name")
	}
	return nil
}

// asAttribute rewords an error about one attribute as CreateTopic and Subscribe, which
// take a map of them, report it.
func asAttribute(err error) error {
	if e, ok := err.(*wire.Error); ok && e.Code == "InvalidParameter" {
		return invalid("Attributes Reason: %s", strings.TrimPrefix(e.Message, "Invalid parameter: "))
	}
	return err
}

// sameAs reports, as an error, how the topic differs from one that is to be created:
// what that one leaves out doesn't count.
func (t *topic) sameAs(wanted *topic) error {
	current := t.describe()
	for name, value := range wanted.attributes {
		if current[name] != value {
			return invalid("Attributes Reason: Topic already exists with different attributes")
		}
	}
	for key, value := range wanted.tags {
		if have, ok := t.tags[key]; !ok || have != value {
			return invalid("Tags Reason: Topic already exists with different tags")
		}
	}
	return nil
}

func (s *Service) countTopics(account, region string) int {
	n := 0
	for _, t := range s.topics {
		if t.account == account && t.region == region {
			n++
		}
	}
	return n
}

type topicInput struct{ TopicArn string }

func (s *Service) deleteTopic(_ context.Context, c *wire.Call, in *topicInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TopicArn, "SNS:DeleteTopic")
	if e, ok := err.(*wire.Error); ok && e.Code == "NotFound" {
		return &wire.Empty{}, nil // deleting what doesn't exist is no error [DeleteTopic API reference]
	}
	if err != nil {
		return nil, err
	}
	for _, sub := range t.subscriptions {
		delete(s.subscriptions, sub.arn)
	}
	delete(s.topics, t.arn)
	return &wire.Empty{}, nil
}

// find returns the topic that a caller names, if the caller may carry out the action
// on it.
func (s *Service) find(c *wire.Call, topicARN, action string) (*topic, error) {
	a, elements := parseARN(topicARN)
	switch {
	case elements < 6:
		return nil, invalid("TopicArn Reason: An ARN must have at least 6 elements, not %d", elements)
	case a.service != "sns", a.region != c.Region:
		return nil, invalid("TopicArn")
	}
	t := s.topics[topicARN]
	if t == nil {
		return nil, noTopic()
	}
	return t, t.authorize(c, action)
}

type attributesOutput struct {
	Attributes map[string]string
}

func (s *Service) getTopicAttributes(_ context.Context, c *wire.Call, in *topicInput) (*attributesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TopicArn, "SNS:GetTopicAttributes")
	if err != nil {
		return nil, err
	}
	return &attributesOutput{Attributes: t.describe()}, nil
}

// describe returns the attributes as GetTopicAttributes does.
func (t *topic) describe() map[string]string {
	confirmed, pending := 0, 0
	for _, sub := range t.subscriptions {
		if sub.pending {
			pending++
		} else {
			confirmed++
		}
	}
	out := map[string]string{
		"TopicArn":                t.arn,
		"Owner":                   t.account,
		"DisplayName":             "",
		"Policy":                  t.policy(),
		"EffectiveDeliveryPolicy": effectiveDeliveryPolicy(t.attributes["DeliveryPolicy"]),
		"SubscriptionsConfirmed":  strconv.Itoa(confirmed),
		"SubscriptionsPending":    strconv.Itoa(pending),
		"SubscriptionsDeleted":    strconv.Itoa(t.deleted),
	}
	if t.fifo {
		out["FifoTopic"] = "true"
		out["ContentBasedDeduplication"] = "false"
	}
	maps.Copy(out, t.attributes)
	return out
}

type setTopicAttributesInput struct {
	TopicArn       string
	AttributeName  string
	AttributeValue string
}

func (s *Service) setTopicAttributes(_ context.Context, c *wire.Call, in *setTopicAttributesInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TopicArn, "SNS:SetTopicAttributes")
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, t.set(in.AttributeName, in.AttributeValue)
}

// set changes an attribute; an empty value takes it back to its default.
func (t *topic) set(name, value string) error {
	if err := t.check(name, value); err != nil {
		return err
	}
	switch {
	case name == "Policy" && value == "":
		return invalid("Policy Error: null")
	case value == "":
		delete(t.attributes, name)
	case name == "ContentBasedDeduplication":
		t.attributes[name] = strings.ToLower(value)
	default:
		t.attributes[name] = value
	}
	return nil
}

// check checks an attribute's new value. [SetTopicAttributes API reference]
func (t *topic) check(name, value string) error {
	oneOf := func(allowed ...string) error {
		if value != "" && !slices.ContainsFunc(allowed, func(a string) bool { return strings.EqualFold(a, value) }) {
			return invalid("%s: Invalid value [%s]. Must be one of %s.", name, value, strings.Join(allowed, ", "))
		}
		return nil
	}
	if fifoOnly := []string{"ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy"}; slices.Contains(fifoOnly, name) && !t.fifo {
		return invalid("%s can only be set on FIFO topics", name)
	}
	switch name {
	case "Policy":
		return checkPolicy(value)
	case "DisplayName":
		if len(value) > 100 {
			return invalid("DisplayName")
		}
		return nil
	case "DeliveryPolicy", "ArchivePolicy":
		return checkObject(name, value)
	case "KmsMasterKeyId":
		return nil
	case "SignatureVersion":
		return oneOf("1", "2")
	case "TracingConfig":
		return oneOf("PassThrough", "Active")
	case "ContentBasedDeduplication":
		return oneOf("true", "false")
	case "FifoThroughputScope":
		return oneOf("Topic", "MessageGroup")
	}
	for _, protocol := range []string{"Application", "Firehose", "HTTP", "Lambda", "SQS"} {
		rest, ok := strings.CutPrefix(name, protocol)
		if !ok {
			continue
		}
		switch rest {
		case "SuccessFeedbackRoleArn", "FailureFeedbackRoleArn":
			if a, _ := parseARN(value); value != "" && a.service != "iam" {
				return invalid("%s: Invalid value [%s].", name, value)
			}
			return nil
		case "SuccessFeedbackSampleRate":
			if n, err := strconv.Atoi(value); value != "" && (err != nil || n < 0 || n > 100) {
				return invalid("%s: Invalid value [%s]. Must be between 0 and 100.", name, value)
			}
			return nil
		}
	}
	return invalid("AttributeName")
}

// checkObject checks that a value is a JSON object, or empty.
func checkObject(name, value string) error {
	var object map[string]json.RawMessage
	if value == "" || json.Unmarshal([]byte(value), &object) == nil && object != nil {
		return nil
	}
	return invalid("%s: failed to parse JSON.", name)
}

// effectiveDeliveryPolicy is the policy for deliveries to HTTP endpoints: the default,
// with what was set laid over it.
func effectiveDeliveryPolicy(set string) string {
	const standard = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`
	if set == "" {
		return standard
	}
	var base, over map[string]any
	if json.Unmarshal([]byte(standard), &base) != nil || json.Unmarshal([]byte(set), &over) != nil {
		return standard
	}
	merged, err := json.Marshal(overlay(base, over))
	if err != nil {
		return standard
	}
	return string(merged)
}

func overlay(base, over map[string]any) map[string]any {
	for key, value := range over {
		below, ok := base[key].(map[string]any)
		above, also := value.(map[string]any)
		if ok && also {
			value = overlay(below, above)
		}
		base[key] = value
	}
	return base
}

type pageInput struct{ NextToken string }

type topicEntry struct{ TopicArn string }

type listTopicsOutput struct {
	Topics    []topicEntry
	NextToken string `json:",omitempty"`
}

func (s *Service) listTopics(_ context.Context, c *wire.Call, in *pageInput) (*listTopicsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var arns []string
	for _, t := range s.topics {
		if t.account == c.Account && t.region == c.Region {
			arns = append(arns, t.arn)
		}
	}
	page, next, err := paginate(arns, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listTopicsOutput{Topics: []topicEntry{}, NextToken: next}
	for _, a := range page {
		out.Topics = append(out.Topics, topicEntry{TopicArn: a})
	}
	return out, nil
}
