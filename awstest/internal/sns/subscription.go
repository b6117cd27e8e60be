package sns

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// confirmationPeriod is how long a subscription may stay pending before it is deleted.
// [Subscribe API reference: the token is valid for two days]
const confirmationPeriod = 48 * time.Hour

// subscription is one subscription to a topic.
type subscription struct {
	arn                string
	topic              *topic
	protocol, endpoint string
	owner, principal   string
	pending            bool
	// authenticated says that who confirmed it was known
	authenticated bool
	// token confirms it while it is pending
	token string
	// attributes are those that were set
	attributes map[string]string
	filter     *filter // of FilterPolicy and FilterPolicyScope
	deadLetter string  // the queue of RedrivePolicy
}

type subscribeInput struct {
	TopicArn              string
	Protocol              string
	Endpoint              string
	Attributes            map[string]string
	ReturnSubscriptionArn bool
}

type subscriptionOutput struct{ SubscriptionArn string }

// pendingARN stands for the ARN of a subscription that isn't confirmed.
const pendingARN = "pending confirmation"

func (s *Service) subscribe(_ context.Context, c *wire.Call, in *subscribeInput) (*subscriptionOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TopicArn, "SNS:Subscribe")
	if err != nil {
		return nil, err
	}
	pending, err := t.checkEndpoint(c, in.Protocol, in.Endpoint)
	if err != nil {
		return nil, err
	}
	sub := &subscription{
		arn: t.arn + ":" + wire.NewUUID(), topic: t, protocol: in.Protocol, endpoint: in.Endpoint,
		owner: c.Account, principal: rootOf(c),
		pending: pending, authenticated: !pending, attributes: map[string]string{},
	}
	if err := sub.setAll(in.Attributes); err != nil {
		return nil, err
	}
	if existing := t.subscriptionTo(in.Protocol, in.Endpoint); existing != nil {
		if len(in.Attributes) > 0 && !maps.Equal(existing.describe(), sub.describeAs(existing)) {
			return nil, invalid("Attributes Reason: Subscription already exists with different attributes")
		}
		return existing.answer(in.ReturnSubscriptionArn), nil
	}
	if len(t.subscriptions) >= maxSubscriptions {
		return nil, &wire.Error{Code: "SubscriptionLimitExceeded", Message: "Subscription limit exceeded", Status: 403}
	}
	t.subscriptions = append(t.subscriptions, sub)
	s.subscriptions[sub.arn] = sub
	if pending {
		s.await(sub)
	}
	return sub.answer(in.ReturnSubscriptionArn), nil
}

// answer is what Subscribe returns.
func (sub *subscription) answer(withARN bool) *subscriptionOutput {
	if sub.pending && !withARN {
		return &subscriptionOutput{SubscriptionArn: pendingARN}
	}
	return &subscriptionOutput{SubscriptionArn: sub.arn}
}

// checkEndpoint checks protocol and endpoint, and reports whether a subscription of
// them has to be confirmed.
func (t *topic) checkEndpoint(c *wire.Call, protocol, endpoint string) (pending bool, err error) {
	switch protocol {
	case "sqs":
		a, elements := parseARN(endpoint)
		if elements < 6 || a.service != "sqs" {
			return false, invalid("SQS endpoint ARN")
		}
		if strings.HasSuffix(endpoint, ".fifo") && !t.fifo {
			return false, invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
		}
		// the owner of a queue needs no confirmation [SNS developer guide, "Sending
		// messages to a queue in a different account"]
		return a.account != c.Account, nil
	case "http", "https":
		if !strings.HasPrefix(endpoint, protocol+"://") {
			return false, invalid("Endpoint must match the specified protocol")
		}
		return true, nil
	case "email", "email-json":
		if name, domain, ok := strings.Cut(endpoint, "@"); !ok || name == "" || domain == "" {
			return false, invalid("Email address")
		}
		return true, nil
	case "sms":
		if strings.Trim(endpoint, "+-0123456789") != "" || endpoint == "" {
			return false, invalid("Invalid SMS endpoint: %s", endpoint)
		}
		return false, nil
	case "lambda", "firehose", "application":
		a, elements := parseARN(endpoint)
		if service := endpointService(protocol); elements < 6 || a.service != service || a.resource == "" {
			return false, invalid("%s endpoint ARN", strings.ToUpper(protocol[:1])+protocol[1:])
		}
		if t.fifo {
			return false, invalid("Invalid parameter: Endpoint Reason: Please use FIFO SQS queue")
		}
		return false, nil
	}
	return false, invalid("Amazon SNS does not support this protocol string: %s", protocol)
}

// endpointService is the service that a protocol's endpoints are of.
func endpointService(protocol string) string {
	if protocol == "application" {
		return "sns"
	}
	return protocol
}

func (t *topic) subscriptionTo(protocol, endpoint string) *subscription {
	for _, sub := range t.subscriptions {
		if sub.protocol == protocol && sub.endpoint == endpoint {
			return sub
		}
	}
	return nil
}

// await sends a pending subscription its token, as far as the endpoint reaches, and
// deletes it if it is never confirmed.
func (s *Service) await(sub *subscription) {
	sub.token = strings.ReplaceAll(wire.NewUUID()+wire.NewUUID(), "-", "")
	if sub.protocol == "sqs" {
		s.sendConfirmation(sub)
	}
	s.expire(sub)
}

// expire deletes a pending subscription unless it is confirmed in time.
func (s *Service) expire(sub *subscription) {
	s.clk.After(confirmationPeriod, func(time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if sub.pending {
			s.remove(sub)
		}
	})
}

type confirmSubscriptionInput struct {
	TopicArn, Token           string
	AuthenticateOnUnsubscribe string
}

func (s *Service) confirmSubscription(_ context.Context, _ *wire.Call, in *confirmSubscriptionInput) (*subscriptionOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[in.TopicArn]
	if t != nil {
		for _, sub := range t.subscriptions {
			if sub.token != "" && sub.token == in.Token {
				sub.pending = false
				sub.authenticated = strings.EqualFold(in.AuthenticateOnUnsubscribe, "true")
				return &subscriptionOutput{SubscriptionArn: sub.arn}, nil
			}
		}
	}
	if len(in.Token) < 64 {
		return nil, &wire.Error{Code: "InvalidParameter", Message: "Invalid token"}
	}
	return nil, invalid("Token")
}

type subscriptionInput struct{ SubscriptionArn string }

func (s *Service) unsubscribe(_ context.Context, c *wire.Call, in *subscriptionInput) (*wire.Empty, error) {
	if _, elements := parseARN(in.SubscriptionArn); elements < 6 {
		return nil, invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not %d", elements)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subscriptions[in.SubscriptionArn]
	if sub == nil {
		return &wire.Empty{}, nil // unsubscribing twice is no error [recorded]
	}
	if sub.pending {
		return nil, invalid("SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation")
	}
	if c.Account != sub.owner && c.Account != sub.topic.account {
		return nil, unauthorized("User: "+rootOf(c), "SNS:Unsubscribe", sub.arn, false)
	}
	s.remove(sub)
	sub.topic.deleted++
	return &wire.Empty{}, nil
}

func (s *Service) remove(sub *subscription) {
	delete(s.subscriptions, sub.arn)
	t := sub.topic
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(other *subscription) bool { return other == sub })
}

// findSubscription returns the subscription that a caller who owns it or its topic
// names.
func (s *Service) findSubscription(c *wire.Call, subscriptionARN, action string) (*subscription, error) {
	if _, elements := parseARN(subscriptionARN); elements < 6 {
		return nil, invalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not %d", elements)
	}
	sub := s.subscriptions[subscriptionARN]
	if sub == nil {
		return nil, noSubscription()
	}
	if c.Account != sub.owner && c.Account != sub.topic.account {
		return nil, unauthorized("User: "+rootOf(c), action, sub.arn, false)
	}
	return sub, nil
}

func (s *Service) getSubscriptionAttributes(_ context.Context, c *wire.Call, in *subscriptionInput) (*attributesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.findSubscription(c, in.SubscriptionArn, "SNS:GetSubscriptionAttributes")
	if err != nil {
		return nil, err
	}
	return &attributesOutput{Attributes: sub.describe()}, nil
}

// describe returns the attributes as GetSubscriptionAttributes does.
func (sub *subscription) describe() map[string]string {
	out := map[string]string{
		"SubscriptionArn":              sub.arn,
		"TopicArn":                     sub.topic.arn,
		"Protocol":                     sub.protocol,
		"Endpoint":                     sub.endpoint,
		"Owner":                        sub.owner,
		"SubscriptionPrincipal":        sub.principal,
		"PendingConfirmation":          boolean(sub.pending),
		"ConfirmationWasAuthenticated": boolean(sub.authenticated),
		"RawMessageDelivery":           "false",
	}
	maps.Copy(out, sub.attributes)
	delete(out, "FilterPolicyScope") // shown with a policy only [recorded]
	if sub.attributes["FilterPolicy"] != "" {
		out["FilterPolicyScope"] = sub.scope()
	}
	return out
}

// describeAs describes the subscription as if it were the other one, to compare what
// was set.
func (sub *subscription) describeAs(other *subscription) map[string]string {
	as := *other
	as.attributes = sub.attributes
	return as.describe()
}

func boolean(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func (sub *subscription) scope() string {
	if scope := sub.attributes["FilterPolicyScope"]; scope != "" {
		return scope
	}
	return "MessageAttributes"
}

type setSubscriptionAttributesInput struct {
	SubscriptionArn string
	AttributeName   string
	AttributeValue  string
}

func (s *Service) setSubscriptionAttributes(_ context.Context, c *wire.Call, in *setSubscriptionAttributesInput) (*wire.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub, err := s.findSubscription(c, in.SubscriptionArn, "SNS:SetSubscriptionAttributes")
	if err != nil {
		return nil, err
	}
	return &wire.Empty{}, sub.set(in.AttributeName, in.AttributeValue)
}

// setAll sets the attributes that Subscribe takes.
func (sub *subscription) setAll(attributes map[string]string) error {
	// the scope decides what policy is allowed
	names := slices.Sorted(maps.Keys(attributes))
	slices.SortStableFunc(names, func(a, b string) int {
		return strings.Compare(boolean(b == "FilterPolicyScope"), boolean(a == "FilterPolicyScope"))
	})
	for _, name := range names {
		value := attributes[name]
		if value == "" && (name == "FilterPolicy" || name == "RedrivePolicy" || name == "DeliveryPolicy") {
			continue
		}
		err := sub.set(name, value)
		if e, ok := err.(*wire.Error); ok && strings.Contains(e.Message, "does not support nested") {
			return invalid("Attributes Reason: FilterPolicy: %s", strings.TrimPrefix(e.Message, "Invalid parameter: "))
		}
		if err != nil {
			return asAttribute(err)
		}
	}
	return nil
}

// set checks and sets an attribute. [SetSubscriptionAttributes API reference; messages
// recorded]
func (sub *subscription) set(name, value string) error {
	switch name {
	case "RawMessageDelivery":
		lower := strings.ToLower(value)
		if lower != "true" && lower != "false" {
			return invalid("RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
		value = lower
	case "FilterPolicy", "FilterPolicyScope":
		return sub.setFilter(name, value)
	case "RedrivePolicy":
		return sub.setRedrive(value)
	case "DeliveryPolicy":
		if err := checkObject(name, value); err != nil {
			return err
		}
	case "SubscriptionRoleArn":
		if sub.protocol != "firehose" {
			return invalid("SubscriptionRoleArn: only for the protocol firehose")
		}
	case "ReplayPolicy":
		return notServed("The subscription attribute ReplayPolicy")
	default:
		return invalid("AttributeName")
	}
	if value == "" {
		delete(sub.attributes, name)
		return nil
	}
	sub.attributes[name] = value
	return nil
}

func (sub *subscription) setFilter(name, value string) error {
	doc, scope := sub.attributes["FilterPolicy"], sub.scope()
	if name == "FilterPolicy" {
		doc = value
	} else {
		scope = value
	}
	if scope != "MessageAttributes" && scope != "MessageBody" {
		return invalid("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", scope)
	}
	f, err := parseFilter(doc, scope == "MessageBody")
	if err != nil {
		return invalid("%s", err)
	}
	sub.filter = f
	sub.attributes["FilterPolicyScope"] = scope
	sub.attributes["FilterPolicy"] = doc
	if f == nil {
		delete(sub.attributes, "FilterPolicy")
	}
	return nil
}

// setRedrive sets the dead-letter queue of the subscription itself, for messages that
// can't be delivered.
func (sub *subscription) setRedrive(value string) error {
	if value == "" {
		delete(sub.attributes, "RedrivePolicy")
		sub.deadLetter = ""
		return nil
	}
	var doc struct {
		DeadLetterTargetARN string `json:"deadLetterTargetArn"`
	}
	if err := json.Unmarshal([]byte(value), &doc); err != nil {
		return invalid("RedrivePolicy: failed to parse JSON.")
	}
	a, elements := parseARN(doc.DeadLetterTargetARN)
	if elements < 6 || a.service != "sqs" || a.resource == "" {
		return invalid("RedrivePolicy: deadLetterTargetArn is an invalid arn")
	}
	// account and region must be the subscription's [SNS developer guide, "Dead-letter queues"]
	if a.region != sub.topic.region || a.account != sub.owner {
		return invalid("RedrivePolicy: deadLetterTargetArn must be in the account and region of the subscription")
	}
	source, dlq := strings.HasSuffix(sub.endpoint, ".fifo"), strings.HasSuffix(a.resource, ".fifo")
	switch {
	case source && !dlq:
		return invalid("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
	case dlq && !sub.topic.fifo:
		return invalid("RedrivePolicy: must use a standard queue as DLQ for a subscription to a standard topic.")
	}
	sub.attributes["RedrivePolicy"] = value
	sub.deadLetter = doc.DeadLetterTargetARN
	return nil
}

type subscriptionEntry struct {
	SubscriptionArn, Owner, Protocol, Endpoint, TopicArn string
}

type listSubscriptionsOutput struct {
	Subscriptions []subscriptionEntry
	NextToken     string `json:",omitempty"`
}

func (s *Service) listSubscriptions(_ context.Context, c *wire.Call, in *pageInput) (*listSubscriptionsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var arns []string
	for _, sub := range s.subscriptions {
		if sub.owner == c.Account && sub.topic.region == c.Region {
			arns = append(arns, sub.arn)
		}
	}
	return s.listPage(arns, in.NextToken)
}

type listByTopicInput struct{ TopicArn, NextToken string }

func (s *Service) listSubscriptionsByTopic(_ context.Context, c *wire.Call, in *listByTopicInput) (*listSubscriptionsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.find(c, in.TopicArn, "SNS:ListSubscriptionsByTopic")
	if err != nil {
		return nil, err
	}
	var arns []string
	for _, sub := range t.subscriptions {
		arns = append(arns, sub.arn)
	}
	return s.listPage(arns, in.NextToken)
}

func (s *Service) listPage(arns []string, token string) (*listSubscriptionsOutput, error) {
	page, next, err := paginate(arns, token)
	if err != nil {
		return nil, err
	}
	out := &listSubscriptionsOutput{Subscriptions: []subscriptionEntry{}, NextToken: next}
	for _, a := range page {
		sub := s.subscriptions[a]
		shown := sub.arn
		if sub.pending {
			shown = "PendingConfirmation"
		}
		out.Subscriptions = append(out.Subscriptions, subscriptionEntry{shown, sub.owner, sub.protocol, sub.endpoint, sub.topic.arn})
	}
	return out, nil
}
