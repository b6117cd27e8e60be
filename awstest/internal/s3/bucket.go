package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// find returns the bucket that a request is about. It is called with s.mu held.
func (s *Service) find(c *wire.Call, in *request) (*bucket, error) {
	b := s.buckets[in.Bucket]
	if b == nil {
		return nil, noSuchBucket(in.Bucket)
	}
	if owner := in.header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != b.account {
		return nil, accessDenied("Access Denied")
	}
	if c.Account != b.account && !b.admits(c, in.Key) {
		return nil, accessDenied("Access Denied")
	}
	if c.Region != b.region {
		return nil, &wire.Error{
			Code: "PermanentRedirect", Status: http.StatusMovedPermanently,
			Message: "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
			Detail:  []wire.Detail{{Name: "Bucket", Value: b.name}, {Name: "Endpoint", Value: "s3." + b.region + ".amazonaws.com"}},
			Header:  http.Header{"X-Amz-Bucket-Region": {b.region}},
		}
	}
	return b, nil
}

// admits reports whether the bucket's policy lets another account do what it calls for. No
// policy gives away the bucket's settings.
func (b *bucket) admits(c *wire.Call, key string) bool {
	action, resource := "", b.arn()
	switch c.Operation {
	case "PutObject", "GetObject", "DeleteObject":
		action, resource = "s3:"+c.Operation, resource+"/"+key
	case "HeadObject":
		action, resource = "s3:GetObject", resource+"/"+key
	case "DeleteObjects":
		action, resource = "s3:DeleteObject", resource+"/*"
	case "ListObjects", "ListObjectsV2", "HeadBucket":
		action = "s3:ListBucket"
	default:
		return false
	}
	from := fabric.Principal{SourceAccount: c.Account}
	return policy.Decide(b.config.Policy, policy.Request{From: from, Action: action, Resource: resource}) == policy.Allow
}

// arn is the bucket's ARN, which has neither region nor account.
func (b *bucket) arn() string { return "arn:" + wire.Partition(b.region) + ":s3:::" + b.name }

// canonicalID is what S3 calls an account.
func canonicalID(account string) string {
	sum := sha256.Sum256([]byte(account))
	return hex.EncodeToString(sum[:])
}

type owner struct {
	ID string `xml:"ID"`
}

// legacyRegion is the region whose endpoint was once that of all: buckets in it have no
// location constraint, and it makes buckets in any.
const legacyRegion = "us-east-1"

func (s *Service) createBucket(_ context.Context, c *wire.Call, in *request) (*wire.Response, error) {
	if !isBucketName(in.Bucket) {
		return nil, bucketError(http.StatusBadRequest, in.Bucket, "InvalidBucketName", "The specified bucket is not valid.")
	}
	if h := asks(in.header, "X-Amz-Bucket-Object-Lock-Enabled", "false"); h != "" {
		return nil, notImplemented(h)
	}
	if h := asks(in.header, "X-Amz-Acl", "private"); h != "" {
		return nil, notImplemented(h)
	}
	b := &bucket{name: in.Bucket, account: c.Account, region: c.Region, created: c.Time.UTC().Truncate(time.Second), config: newConfig()}
	if err := b.create(in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.buckets[b.name]
	switch {
	case old != nil && old.account != b.account:
		return nil, bucketError(http.StatusConflict, b.name, "BucketAlreadyExists", "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	case old != nil && (old.region != legacyRegion || b.region != legacyRegion):
		return nil, bucketError(http.StatusConflict, b.name, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	case old != nil: // in us-east-1 for historical reasons no error. [CreateBucket API reference]
	case len(s.buckets) >= maxBuckets:
		return nil, &wire.Error{Code: "TooManyBuckets", Message: "You have attempted to create more buckets than allowed"}
	default:
		s.buckets[b.name] = b
	}
	return &wire.Response{Header: http.Header{"Location": {"/" + b.name}, "X-Amz-Bucket-Arn": {b.arn()}}}, nil
}

// create applies what the request to create the bucket says of it.
func (b *bucket) create(in *request) error {
	if ownership := in.header.Get("X-Amz-Object-Ownership"); ownership != "" {
		if !isOwnership(ownership) {
			return invalidArgument("Invalid x-amz-object-ownership header: "+ownership, "x-amz-object-ownership", ownership)
		}
		b.config.Ownership = ownership
	}
	var doc struct {
		LocationConstraint string
		Tags               []tag     `xml:"Tags>Tag"`
		Bucket             *struct{} `xml:"Bucket"` // of directory buckets
		Location           *struct{}
	}
	if in.Body == "" {
		if b.region != legacyRegion {
			return illegalLocation("unspecified")
		}
		return nil
	}
	if err := parse(in.Body, "CreateBucketConfiguration", &doc); err != nil {
		return err
	}
	if doc.Bucket != nil || doc.Location != nil {
		return &wire.Error{Code: "NotImplemented", Message: "Directory buckets are not served here.", Status: http.StatusNotImplemented}
	}
	where := doc.LocationConstraint
	switch {
	case where == "" && b.region == legacyRegion, where == b.region && where != legacyRegion:
	case where == "":
		return illegalLocation("unspecified")
	case b.region != legacyRegion:
		return illegalLocation(where)
	case !isRegion(where):
		return &wire.Error{
			Code: "InvalidLocationConstraint", Message: "The specified location-constraint is not valid",
			Detail: []wire.Detail{{Name: "LocationConstraint", Value: where}},
		}
	default:
		b.region = where
	}
	b.config.Tags = doc.Tags
	return checkTags(doc.Tags)
}

func illegalLocation(name string) *wire.Error {
	return &wire.Error{
		Code:    "IllegalLocationConstraintException",
		Message: "The " + name + " location constraint is incompatible for the region specific endpoint this request was sent to.",
	}
}

// isRegion reports whether a location constraint may name another region than us-east-1.
func isRegion(s string) bool {
	return s != legacyRegion && len(s) <= 32 && strings.Count(s, "-") >= 2 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// isBucketName follows the S3 user guide, "General purpose bucket naming rules".
func isBucketName(s string) bool {
	if len(s) < 3 || len(s) > 63 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" ||
		strings.Trim(s, ".-") != s || strings.Contains(s, "..") || net.ParseIP(s) != nil {
		return false
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(s, prefix) {
			return false
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(s, suffix) {
			return false
		}
	}
	return true
}

// asks returns the header if it asks for another value than those served.
func asks(h http.Header, header string, served ...string) string {
	if v := h.Get(header); v != "" && !slices.Contains(served, v) {
		return header
	}
	return ""
}

func headBucket(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	return &wire.Response{Header: http.Header{
		"X-Amz-Bucket-Region": {b.region}, "X-Amz-Bucket-Arn": {b.arn()}, "X-Amz-Access-Point-Alias": {"false"},
		"Content-Type": {"application/xml"},
	}}, nil
}

func (s *Service) deleteBucket(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	if len(b.objects.keys) > 0 {
		message := "The bucket you tried to delete is not empty"
		if b.config.Versioning != "" {
			message += ". You must delete all versions in the bucket."
		}
		return nil, bucketError(http.StatusConflict, b.name, "BucketNotEmpty", message)
	}
	delete(s.buckets, b.name)
	return gone()
}

func getBucketLocation(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	var constraint struct {
		Region string `xml:",chardata"`
	}
	if b.region != legacyRegion {
		constraint.Region = b.region
	}
	return document("LocationConstraint", constraint)
}

func (s *Service) listBuckets(_ context.Context, c *wire.Call, in *request) (*wire.Response, error) {
	type entry struct{ Name, CreationDate, BucketRegion string }
	var out struct {
		Owner             owner
		Buckets           []entry `xml:"Buckets>Bucket"`
		ContinuationToken string  `xml:",omitempty"`
		Prefix            string  `xml:",omitempty"`
	}
	limit := maxBuckets
	if text := in.get("max-buckets"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxBuckets {
			return nil, invalidArgument("Argument max-buckets must be an integer between 1 and 10000", "max-buckets", text)
		}
		limit = n
	}
	out.Owner, out.Prefix = owner{canonicalID(c.Account)}, in.get("prefix")
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.buckets {
		if b.account == c.Account && strings.HasPrefix(b.name, out.Prefix) && b.name > in.get("continuation-token") &&
			(!in.has("bucket-region") || b.region == in.get("bucket-region")) {
			out.Buckets = append(out.Buckets, entry{b.name, instant(b.created), b.region})
		}
	}
	slices.SortFunc(out.Buckets, func(a, b entry) int { return strings.Compare(a.Name, b.Name) })
	if len(out.Buckets) > limit {
		out.Buckets = out.Buckets[:limit]
		out.ContinuationToken = out.Buckets[limit-1].Name
	}
	return document("ListAllMyBucketsResult", out)
}
