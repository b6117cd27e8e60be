package s3

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// notification is a bucket's notification configuration: which events go where.
type notification struct {
	Topics      []destination `xml:"TopicConfiguration"`
	Queues      []destination `xml:"QueueConfiguration"`
	Functions   []struct{}    `xml:"CloudFunctionConfiguration"`
	EventBridge *struct{}     `xml:"EventBridgeConfiguration"`
}

// destination is a queue or a topic, with the events that it gets.
type destination struct {
	ID     string   `xml:"Id"`
	Queue  string   `xml:",omitempty"`
	Topic  string   `xml:",omitempty"`
	Events []string `xml:"Event"`
	Filter *struct {
		Rules []filterRule `xml:"S3Key>FilterRule"`
	} `xml:",omitempty"`
}

// filterRule restricts a destination to keys with a prefix or a suffix.
type filterRule struct{ Name, Value string }

func (d *destination) arn() string { return d.Queue + d.Topic }

// rule returns the prefix or suffix that keys must have.
func (d *destination) rule(name string) string {
	if d.Filter != nil {
		for _, r := range d.Filter.Rules {
			if r.Name == name {
				return r.Value
			}
		}
	}
	return ""
}

// takes reports whether the destination gets the event of an object.
func (d *destination) takes(event, key string) bool {
	return slices.ContainsFunc(d.Events, func(e string) bool { return covers(e, event) }) &&
		strings.HasPrefix(key, d.rule("Prefix")) && strings.HasSuffix(key, d.rule("Suffix"))
}

// covers reports whether an event in a configuration, "s3:ObjectCreated:*", is or includes
// another.
func covers(configured, event string) bool {
	family, all := strings.CutSuffix(configured, "*")
	return configured == event || all && strings.HasPrefix(event, family)
}

func getNotification(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	return document("NotificationConfiguration", b.config.Notification)
}

func (s *Service) putNotification(c *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	var n notification
	if err := parse(in.Body, "NotificationConfiguration", &n); err != nil {
		return nil, err
	}
	if len(n.Functions) > 0 {
		return nil, &wire.Error{Code: "NotImplemented", Message: "Lambda functions are no destinations that are served here.", Status: http.StatusNotImplemented}
	}
	if err := n.check(b); err != nil {
		return nil, err
	}
	if !strings.EqualFold(in.header.Get("X-Amz-Skip-Destination-Validation"), "true") {
		if err := s.validate(c, b, &n); err != nil {
			return nil, err
		}
	}
	b.config.Notification = n
	return done()
}

// maxDestinations bounds a bucket's notification configurations, maxID an id's length. [S3
// quotas; QueueConfiguration API reference]
const (
	maxDestinations = 100
	maxID           = 255
)

// check looks for what S3 refuses before it tries the destinations, and completes the
// configuration.
func (n *notification) check(b *bucket) error {
	all := make([]*destination, 0, len(n.Queues)+len(n.Topics))
	for i := range n.Topics {
		n.Topics[i].Queue = ""
		if err := n.Topics[i].check(b, "sns", "Topic"); err != nil {
			return err
		}
		all = append(all, &n.Topics[i])
	}
	for i := range n.Queues {
		n.Queues[i].Topic = ""
		if err := n.Queues[i].check(b, "sqs", "Queue"); err != nil {
			return err
		}
		all = append(all, &n.Queues[i])
	}
	if len(all) > maxDestinations {
		return invalidArgument("Configuration exceeds the maximum number of allowed notification configurations.", "", "")
	}
	for i, d := range all {
		for _, other := range all[:i] {
			if d.ID == other.ID {
				return invalidArgument("Same ID used for multiple configurations. IDs must be unique", "Id", d.ID)
			}
			if err := overlap(other, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *destination) check(b *bucket, service, argument string) error {
	parts := strings.SplitN(d.arn(), ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || slices.Contains(parts, "") || len(d.arn()) > maxID*2 {
		return invalidArgument("The ARN could not be parsed", argument, d.arn())
	}
	switch {
	case parts[2] != service:
		return invalidArgument("The ARN is not well formed", argument, d.arn())
	case strings.HasSuffix(d.arn(), ".fifo") && service == "sqs":
		return invalidArgument("FIFO SQS queues are not supported.", argument, d.arn())
	case strings.HasSuffix(d.arn(), ".fifo"):
		return invalidArgument("FIFO SNS topics are not supported.", argument, d.arn())
	case parts[3] != b.region:
		return invalidArgument("The notification destination service region is not valid for the bucket location constraint", argument, d.arn())
	case len(d.Events) == 0:
		return malformedXML()
	case len(d.ID) > maxID:
		return invalidArgument("The ID must not be longer than 255 characters", "Id", d.ID)
	case d.ID == "":
		d.ID = rand.Text()
	}
	for _, event := range d.Events {
		if !slices.Contains(eventTypes(), event) {
			return invalidArgument("The event is not supported for notifications", "Event", event)
		}
	}
	slices.Sort(d.Events)
	d.Events = slices.Compact(d.Events)
	return d.checkFilter()
}

func (d *destination) checkFilter() error {
	if d.Filter == nil {
		return nil
	}
	seen := map[string]bool{}
	for i := range d.Filter.Rules {
		r := &d.Filter.Rules[i]
		switch {
		case strings.EqualFold(r.Name, "prefix"):
			r.Name = "Prefix"
		case strings.EqualFold(r.Name, "suffix"):
			r.Name = "Suffix"
		default:
			return invalidArgument("filter rule name must be either prefix or suffix", "FilterRule.Name", r.Name)
		}
		if seen[r.Name] {
			name := strings.ToLower(r.Name)
			return invalidArgument("Cannot specify more than one "+name+" rule in a filter.", "FilterRule.Name", name)
		}
		seen[r.Name] = true
		if len(r.Value) > maxKey {
			return invalidArgument("The filter value must not be longer than 1024 characters", "FilterRule.Value", r.Value[:maxKey])
		}
	}
	if len(d.Filter.Rules) == 0 {
		d.Filter = nil
	}
	return nil
}

// overlap is the error of two destinations that would both get some event. [S3 user guide,
// "Examples of notification configurations with invalid prefix and suffix overlapping"]
func overlap(a, b *destination) error {
	for _, x := range a.Events {
		for _, y := range b.Events {
			if !covers(x, y) && !covers(y, x) {
				continue
			}
			p, q := a.rule("Prefix"), b.rule("Prefix")
			u, v := a.rule("Suffix"), b.rule("Suffix")
			switch {
			case a.Filter == nil && b.Filter == nil:
				return invalidArgument("Configurations overlap. Configurations on the same bucket cannot share a common event type.", "Event", x+", "+y)
			case (strings.HasPrefix(p, q) || strings.HasPrefix(q, p)) && (strings.HasSuffix(u, v) || strings.HasSuffix(v, u)):
				return invalidArgument("Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.", "Event", x+", "+y)
			}
		}
	}
	return nil
}

// eventTypes are the events that a configuration may name. [S3 user guide, "Supported event
// types for SQS, SNS, and Lambda"] Of them ObjectCreated:Put and the ObjectRemoved ones
// happen here.
func eventTypes() []string {
	return []string{
		"s3:ReducedRedundancyLostObject",
		"s3:ObjectCreated:*", "s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:Copy", "s3:ObjectCreated:CompleteMultipartUpload",
		"s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated",
		"s3:ObjectRestore:*", "s3:ObjectRestore:Post", "s3:ObjectRestore:Completed", "s3:ObjectRestore:Delete",
		"s3:Replication:*", "s3:Replication:OperationFailedReplication", "s3:Replication:OperationNotTracked",
		"s3:Replication:OperationMissedThreshold", "s3:Replication:OperationReplicatedAfterThreshold",
		"s3:LifecycleTransition", "s3:IntelligentTiering", "s3:ObjectAcl:Put",
		"s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
		"s3:ObjectTagging:*", "s3:ObjectTagging:Put", "s3:ObjectTagging:Delete",
	}
}

// validate sends each destination the test event, and refuses the configuration if one
// doesn't take it. [S3 user guide, "Event message structure"]
func (s *Service) validate(c *wire.Call, b *bucket, n *notification) error {
	event, err := json.Marshal(struct{ Service, Event, Time, Bucket, RequestId, HostId string }{
		"Amazon S3", "s3:TestEvent", instant(s.clk.Now()), b.name, c.RequestID, c.HostID(),
	})
	if err != nil {
		return err
	}
	refused := invalidArgument("Unable to validate the following destination configurations", "", "")
	for _, list := range [][]destination{n.Topics, n.Queues} {
		for i := range list {
			if err := s.send(b, &list[i], string(event), ""); err != nil {
				number := fmt.Sprint(len(refused.Detail)/2 + 1)
				refused.Detail = append(refused.Detail,
					wire.Detail{Name: "ArgumentName" + number, Value: list[i].arn()},
					wire.Detail{Name: "ArgumentValue" + number, Value: reason(&list[i], err)})
			}
		}
	}
	if len(refused.Detail) > 0 {
		return refused
	}
	return nil
}

// reason is why S3 says that a destination doesn't take events.
func reason(d *destination, err error) string {
	kind := "queue"
	if d.Topic != "" {
		kind = "topic"
	}
	var e *wire.Error
	switch {
	case !errors.As(err, &e):
		return err.Error()
	case e.Code == "AWS.SimpleQueueService.NonExistentQueue" || e.Code == "NotFound":
		return "The destination " + kind + " does not exist"
	case strings.HasPrefix(e.Code, "AccessDenied") || strings.HasPrefix(e.Code, "Authorization"):
		return "Permissions on the destination " + kind + " do not allow S3 to publish notifications from this bucket"
	}
	return e.Message
}

// send sends a message to a destination.
func (s *Service) send(b *bucket, d *destination, message, trace string) error {
	from := fabric.Principal{Service: "s3.amazonaws.com", SourceARN: b.arn(), SourceAccount: b.account}
	if d.Topic != "" {
		return s.opts.Topics.Publish(from, d.Topic, "Amazon S3 Notification", message)
	}
	return s.opts.Queues.Deliver(from, d.Queue, fabric.QueueMessage{Body: message, TraceHeader: trace})
}
