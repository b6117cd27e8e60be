package s3

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// config is how a bucket is set up.
type config struct {
	Versioning   string // "", Enabled or Suspended
	Policy       string
	Tags         []tag
	Ownership    string // "" if there are no ownership controls
	Block        *publicAccessBlock
	Encryption   encryptionRule
	Notification notification
}

// newConfig is what new buckets have had since April 2023. [S3 user guide, "Default settings
// for new S3 buckets"]
func newConfig() config {
	return config{Ownership: "BucketOwnerEnforced", Block: &publicAccessBlock{true, true, true, true}, Encryption: defaultEncryption()}
}

// settings are the operations on the settings of a bucket, but for its notifications.
func settings() map[string]operation {
	return map[string]operation{
		"GetBucketVersioning":           getVersioning,
		"PutBucketVersioning":           putVersioning,
		"GetBucketPolicy":               getPolicy,
		"PutBucketPolicy":               putPolicy,
		"DeleteBucketPolicy":            deletePolicy,
		"GetBucketTagging":              getTagging,
		"PutBucketTagging":              putTagging,
		"DeleteBucketTagging":           deleteTagging,
		"GetBucketOwnershipControls":    getOwnership,
		"PutBucketOwnershipControls":    putOwnership,
		"DeleteBucketOwnershipControls": deleteOwnership,
		"GetPublicAccessBlock":          getBlock,
		"PutPublicAccessBlock":          putBlock,
		"DeletePublicAccessBlock":       deleteBlock,
		"GetBucketEncryption":           getEncryption,
		"PutBucketEncryption":           putEncryption,
		"DeleteBucketEncryption":        deleteEncryption,
		// the rest is as it is in every bucket
		"GetBucketAcl":                     getACL,
		"GetBucketAccelerateConfiguration": empty("AccelerateConfiguration"),
		"GetBucketLogging":                 empty("BucketLoggingStatus"),
		"GetBucketRequestPayment":          getRequestPayment,
		"GetBucketCors":                    absent("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
		"GetBucketWebsite":                 absent("NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration"),
		"GetBucketLifecycleConfiguration":  absent("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"),
		"GetBucketReplication":             absent("ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
		"GetObjectLockConfiguration":       absent("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket"),
	}
}

func empty(root string) operation {
	return func(*wire.Call, *bucket, *request) (*wire.Response, error) { return document(root, struct{}{}) }
}

func absent(code, message string) operation {
	return func(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
		return nil, bucketError(http.StatusNotFound, b.name, code, message)
	}
}

func getRequestPayment(*wire.Call, *bucket, *request) (*wire.Response, error) {
	return document("RequestPaymentConfiguration", struct{ Payer string }{"BucketOwner"})
}

func getACL(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	type grantee struct {
		Instance string `xml:"xmlns:xsi,attr"`
		Type     string `xml:"xsi:type,attr"`
		ID       string
	}
	type grant struct {
		Grantee    grantee
		Permission string
	}
	id := canonicalID(b.account)
	return document("AccessControlPolicy", struct {
		Owner  owner
		Grants []grant `xml:"AccessControlList>Grant"`
	}{owner{id}, []grant{{grantee{"http://www.w3.org/2001/XMLSchema-instance", "CanonicalUser", id}, "FULL_CONTROL"}}})
}

type versioning struct {
	Status    string `xml:",omitempty"`
	MFADelete string `xml:"MfaDelete,omitempty"`
}

func getVersioning(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	return document("VersioningConfiguration", versioning{Status: b.config.Versioning})
}

func putVersioning(_ *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	var v versioning
	if err := parse(in.Body, "VersioningConfiguration", &v); err != nil {
		return nil, err
	}
	switch {
	case v.MFADelete == "Enabled":
		return nil, &wire.Error{Code: "NotImplemented", Message: "MFA delete is not served here.", Status: http.StatusNotImplemented}
	case v.Status == "":
		return nil, &wire.Error{Code: "IllegalVersioningConfigurationException", Message: "The Versioning element must be specified"}
	case v.Status != "Enabled" && v.Status != "Suspended":
		return nil, malformedXML()
	}
	b.config.Versioning = v.Status
	return done()
}

// maxPolicy bounds a bucket policy, in bytes. [S3 user guide, "Bucket policies"]
const maxPolicy = 20 << 10

func getPolicy(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	if b.config.Policy == "" {
		return nil, bucketError(http.StatusNotFound, b.name, "NoSuchBucketPolicy", "The bucket policy does not exist")
	}
	return &wire.Response{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(b.config.Policy)}, nil
}

func putPolicy(_ *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	doc := in.Body
	switch {
	case !strings.HasPrefix(doc, "{") || !json.Valid([]byte(doc)):
		return nil, malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
	case len(doc) > maxPolicy:
		return nil, &wire.Error{Code: "PolicyTooLarge", Message: "Your policy exceeds the maximum allowed document size."}
	}
	if err := policy.Validate(doc); err != nil {
		return nil, malformedPolicy(err.Error())
	}
	if !b.isAbout(doc) {
		return nil, malformedPolicy("Policy has invalid resource")
	}
	if b.config.Block != nil && b.config.Block.BlockPublicPolicy && isPublic(doc) {
		return nil, accessDenied("User: arn:" + wire.Partition(b.region) + ":iam::" + b.account + `:root is not authorized to perform: s3:PutBucketPolicy on resource: "` +
			b.arn() + `" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.`)
	}
	b.config.Policy = doc
	return gone()
}

func malformedPolicy(message string) *wire.Error {
	return &wire.Error{Code: "MalformedPolicy", Message: message}
}

// statement is what matters of a policy's statement, apart from what it allows.
type statement struct {
	Effect    string
	Principal json.RawMessage
	Resource  oneOrMore
	Condition map[string]any
}

// oneOrMore is a string or a list of them.
type oneOrMore []string

func (l *oneOrMore) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// statementsOf reads the statements of a policy that is valid.
func statementsOf(doc string) []statement {
	var many struct{ Statement []statement }
	if json.Unmarshal([]byte(doc), &many) == nil {
		return many.Statement
	}
	var one struct{ Statement statement }
	_ = json.Unmarshal([]byte(doc), &one)
	return []statement{one.Statement}
}

// isAbout reports whether all resources of a policy are the bucket and objects in it.
func (b *bucket) isAbout(doc string) bool {
	for _, s := range statementsOf(doc) {
		for _, resource := range s.Resource {
			if resource != b.arn() && !strings.HasPrefix(resource, b.arn()+"/") && resource != b.arn()+"*" && resource != "*" {
				return false
			}
		}
	}
	return true
}

// isPublic reports whether a policy lets everyone do something. Any condition is taken to
// narrow it down. [S3 user guide, "The meaning of public"]
func isPublic(doc string) bool {
	for _, s := range statementsOf(doc) {
		var everyone string
		var who struct{ AWS oneOrMore }
		if json.Unmarshal(s.Principal, &everyone) != nil {
			_ = json.Unmarshal(s.Principal, &who)
		}
		if s.Effect == "Allow" && len(s.Condition) == 0 && (everyone == "*" || slices.Contains(who.AWS, "*")) {
			return true
		}
	}
	return false
}

func deletePolicy(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	b.config.Policy = ""
	return gone()
}

type tag struct{ Key, Value string }

type tagging struct {
	Tags []tag `xml:"TagSet>Tag"`
}

func getTagging(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	if len(b.config.Tags) == 0 {
		return nil, bucketError(http.StatusNotFound, b.name, "NoSuchTagSet", "The TagSet does not exist")
	}
	return document("Tagging", tagging{b.config.Tags})
}

func putTagging(_ *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	var t tagging
	if err := parse(in.Body, "Tagging", &t); err != nil {
		return nil, err
	}
	if err := checkTags(t.Tags); err != nil {
		return nil, err
	}
	b.config.Tags = t.Tags
	return gone()
}

func deleteTagging(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	b.config.Tags = nil
	return gone()
}

const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

func checkTags(tags []tag) error {
	invalid := func(message string) error { return &wire.Error{Code: "InvalidTag", Message: message} }
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len([]rune(t.Key)) > maxTagKey:
			return invalid("The TagKey you have provided is invalid")
		case len([]rune(t.Value)) > maxTagValue:
			return invalid("The TagValue you have provided is invalid")
		case strings.HasPrefix(t.Key, "aws:"):
			return invalid("System tags cannot be added/updated by requester")
		case seen[t.Key]:
			return invalid("Cannot provide multiple Tags with the same key")
		}
		seen[t.Key] = true
	}
	if len(tags) > maxTags {
		return &wire.Error{Code: "BadRequest", Message: "Bucket tag count cannot be greater than 50"}
	}
	return nil
}

type ownershipControls struct {
	Rules []struct{ ObjectOwnership string } `xml:"Rule"`
}

func isOwnership(s string) bool {
	return s == "BucketOwnerEnforced" || s == "BucketOwnerPreferred" || s == "ObjectWriter"
}

func getOwnership(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	if b.config.Ownership == "" {
		return nil, bucketError(http.StatusNotFound, b.name, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
	}
	return document("OwnershipControls", ownershipControls{[]struct{ ObjectOwnership string }{{b.config.Ownership}}})
}

func putOwnership(_ *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	var o ownershipControls
	if err := parse(in.Body, "OwnershipControls", &o); err != nil {
		return nil, err
	}
	if len(o.Rules) != 1 || !isOwnership(o.Rules[0].ObjectOwnership) {
		return nil, malformedXML()
	}
	b.config.Ownership = o.Rules[0].ObjectOwnership
	return done()
}

func deleteOwnership(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	b.config.Ownership = ""
	return gone()
}

type publicAccessBlock struct {
	BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool
}

func getBlock(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	if b.config.Block == nil {
		return nil, bucketError(http.StatusNotFound, b.name, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found")
	}
	return document("PublicAccessBlockConfiguration", *b.config.Block)
}

func putBlock(_ *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	var p publicAccessBlock
	if err := parse(in.Body, "PublicAccessBlockConfiguration", &p); err != nil {
		return nil, err
	}
	b.config.Block = &p
	return done()
}

func deleteBlock(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	b.config.Block = nil
	return gone()
}

// encryptionRule is how objects are encrypted if they don't say otherwise. They aren't,
// here; it is kept and told.
type encryptionRule struct {
	Default struct {
		SSEAlgorithm   string
		KMSMasterKeyID string `xml:",omitempty"`
	} `xml:"ApplyServerSideEncryptionByDefault"`
	BucketKeyEnabled bool
}

func defaultEncryption() encryptionRule {
	var r encryptionRule
	r.Default.SSEAlgorithm = "AES256"
	return r
}

type encryption struct {
	Rules []encryptionRule `xml:"Rule"`
}

func getEncryption(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	return document("ServerSideEncryptionConfiguration", encryption{[]encryptionRule{b.config.Encryption}})
}

func putEncryption(_ *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	var e encryption
	if err := parse(in.Body, "ServerSideEncryptionConfiguration", &e); err != nil {
		return nil, err
	}
	if len(e.Rules) != 1 {
		return nil, malformedXML()
	}
	r := e.Rules[0]
	switch r.Default.SSEAlgorithm {
	case "AES256":
		if r.Default.KMSMasterKeyID != "" {
			return nil, invalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse", "ApplyServerSideEncryptionByDefault", "")
		}
	case "aws:kms", "aws:kms:dsse":
	default:
		return nil, malformedXML()
	}
	b.config.Encryption = r
	return done()
}

func deleteEncryption(_ *wire.Call, b *bucket, _ *request) (*wire.Response, error) {
	b.config.Encryption = defaultEncryption()
	return gone()
}
