package s3

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// event is a record of what happened to an object. [S3 user guide, "Event message
// structure"]
type event struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	AWSRegion         string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      identity          `json:"userIdentity"`
	RequestParameters requestParameters `json:"requestParameters"`
	ResponseElements  responseElements  `json:"responseElements"`
	S3                subject           `json:"s3"`
}

type identity struct {
	PrincipalID string `json:"principalId"`
}

type requestParameters struct {
	SourceIPAddress string `json:"sourceIPAddress"`
}

type responseElements struct {
	RequestID string `json:"x-amz-request-id"`
	HostID    string `json:"x-amz-id-2"`
}

type subject struct {
	SchemaVersion   string        `json:"s3SchemaVersion"`
	ConfigurationID string        `json:"configurationId"`
	Bucket          subjectBucket `json:"bucket"`
	Object          subjectObject `json:"object"`
}

type subjectBucket struct {
	Name          string   `json:"name"`
	OwnerIdentity identity `json:"ownerIdentity"`
	ARN           string   `json:"arn"`
}

type subjectObject struct {
	Key       string `json:"key"` // URL-encoded
	Size      *int   `json:"size,omitempty"`
	ETag      string `json:"eTag,omitempty"`
	VersionID string `json:"versionId,omitempty"`
	Sequencer string `json:"sequencer"`
}

// The events that happen here.
const (
	created       = "ObjectCreated:Put"
	removed       = "ObjectRemoved:Delete"
	markerCreated = "ObjectRemoved:DeleteMarkerCreated"
)

// tell sends an event to the destinations that are to get it. One that doesn't take it any
// more misses it: S3 tells nobody. It is called with s.mu held, so that events of an object
// arrive in their order.
func (s *Service) tell(c *wire.Call, b *bucket, name, key string, v *version) {
	now := s.clk.Now()
	s.sequencer = max(s.sequencer+1, now.UnixNano())
	sequencer := fmt.Sprintf("%018X", s.sequencer)
	n := &b.config.Notification
	if n.EventBridge != nil {
		s.emit(c, b, name, key, v, sequencer)
	}
	e := event{
		EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: b.region, EventTime: instant(now), EventName: name,
		UserIdentity:      identity{"AWS:" + c.Account},
		RequestParameters: requestParameters{sourceAddress(c)},
		ResponseElements:  responseElements{c.RequestID, c.HostID()},
		S3: subject{
			SchemaVersion: "1.0",
			Bucket:        subjectBucket{b.name, identity{strings.ToUpper(canonicalID(b.account)[:14])}, b.arn()},
			Object:        subjectObject{Key: encodeKey(key), VersionID: v.told(), Sequencer: sequencer},
		},
	}
	switch name {
	case created:
		size := len(v.Content)
		e.S3.Object.Size, e.S3.Object.ETag = &size, v.ETag
	case markerCreated:
		e.S3.Object.ETag = v.ETag
	}
	for _, list := range [][]destination{n.Topics, n.Queues} {
		for i := range list {
			if !list[i].takes("s3:"+name, key) {
				continue
			}
			e.S3.ConfigurationID = list[i].ID
			if text, err := json.Marshal(map[string][]event{"Records": {e}}); err == nil {
				_ = s.send(b, &list[i], string(text), c.HTTP.Header.Get("X-Amzn-Trace-Id"))
			}
		}
	}
}

// told is the version's id as events tell it: not at all if versioning wasn't enabled.
func (v *version) told() string {
	if v.ID == nullVersion {
		return ""
	}
	return v.ID
}

// busEvent is the detail of an event on EventBridge. [S3 user guide, "EventBridge event
// message structure"; recorded]
type busEvent struct {
	Version string `json:"version"`
	Bucket  struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object          busObject `json:"object"`
	RequestID       string    `json:"request-id"`
	Requester       string    `json:"requester"`
	SourceIPAddress string    `json:"source-ip-address"`
	Reason          string    `json:"reason"`
	DeletionType    string    `json:"deletion-type,omitempty"`
}

type busObject struct {
	Key       string `json:"key"` // as it is
	Size      *int   `json:"size,omitempty"`
	ETag      string `json:"etag,omitempty"`
	VersionID string `json:"version-id,omitempty"`
	Sequencer string `json:"sequencer"`
}

// emit sends an event to EventBridge, which gets those of all objects.
func (s *Service) emit(c *wire.Call, b *bucket, name, key string, v *version, sequencer string) {
	e := busEvent{
		Version: "0", RequestID: c.RequestID, Requester: c.Account, SourceIPAddress: sourceAddress(c), Reason: "DeleteObject",
		Object: busObject{Key: key, VersionID: v.told(), Sequencer: sequencer},
	}
	e.Bucket.Name = b.name
	kind := "Object Deleted"
	switch name {
	case created:
		size := len(v.Content)
		kind, e.Reason, e.Object.Size, e.Object.ETag = "Object Created", "PutObject", &size, v.ETag
	case markerCreated:
		e.DeletionType, e.Object.ETag = "Delete Marker Created", v.ETag
	case removed:
		e.DeletionType = "Permanently Deleted"
	}
	detail, err := json.Marshal(e)
	if err != nil {
		return
	}
	s.opts.Events.Emit(fabric.ServiceEvent{
		Account: b.account, Region: b.region, Source: "aws.s3", DetailType: kind, Resources: []string{b.arn()}, Detail: detail,
	})
}

func sourceAddress(c *wire.Call) string {
	host, _, err := net.SplitHostPort(c.HTTP.RemoteAddr)
	if err != nil {
		return "127.0.0.1" // the call came without a connection
	}
	return host
}

// encodeKey encodes a key as in the query string of a URL, slashes excepted.
func encodeKey(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
