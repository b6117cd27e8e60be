package s3

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// request is the input of all operations.
type request struct {
	Bucket string              `json:",omitempty"`
	Key    string              `json:",omitempty"`
	Query  map[string][]string `json:",omitempty"`
	// Body is the document that the request carries, if any.
	Body string `json:",omitempty"`

	header  http.Header
	content []byte // of an object
	sum     checksum
}

// ReadRequest implements wire.Reader.
func (in *request) ReadRequest(r *http.Request, body []byte) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalidArgument("The query string could not be read: "+err.Error(), "", "")
	}
	in.Bucket, in.Key = split(r)
	in.Query, in.header = query, r.Header
	if len(in.Key) > maxKey {
		return &wire.Error{Code: "KeyTooLongError", Message: "Your key is too long", Detail: []wire.Detail{{Name: "MaxSizeAllowed", Value: "1024"}}}
	}
	content, trailer, err := decodeContent(r.Header, body)
	if err != nil {
		return err
	}
	if in.sum, err = verify(r.Header, trailer, content); err != nil {
		return err
	}
	if r.Method == http.MethodPut && in.Key != "" {
		in.content = content
	} else {
		in.Body = string(content)
	}
	return nil
}

// has reports whether the query string has the parameter, get returns its value.
func (in *request) has(name string) bool   { return url.Values(in.Query).Has(name) }
func (in *request) get(name string) string { return url.Values(in.Query).Get(name) }

// split takes bucket and key from the path or, where a client has a name for this machine
// and not just an address, the bucket from the host: b.localhost.
func split(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if name, ok := strings.CutSuffix(host, ".localhost"); ok {
		return name, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

// subresource is a query parameter that makes a request another than that on the bucket
// or the object itself, with the operations of the methods, empty where there are none.
type subresource struct{ name, get, put, del, post string }

// bucketSubresources are those of buckets; the first that a request has counts. [S3's
// service model]
func bucketSubresources() []subresource {
	return []subresource{
		{"list-type", "ListObjectsV2", "", "", ""},
		{"versions", "ListObjectVersions", "", "", ""},
		{"location", "GetBucketLocation", "", "", ""},
		{"delete", "", "", "", "DeleteObjects"},
		{"versioning", "GetBucketVersioning", "PutBucketVersioning", "", ""},
		{"notification", "GetBucketNotificationConfiguration", "PutBucketNotificationConfiguration", "", ""},
		{"policy", "GetBucketPolicy", "PutBucketPolicy", "DeleteBucketPolicy", ""},
		{"tagging", "GetBucketTagging", "PutBucketTagging", "DeleteBucketTagging", ""},
		{"encryption", "GetBucketEncryption", "PutBucketEncryption", "DeleteBucketEncryption", ""},
		{"ownershipControls", "GetBucketOwnershipControls", "PutBucketOwnershipControls", "DeleteBucketOwnershipControls", ""},
		{"publicAccessBlock", "GetPublicAccessBlock", "PutPublicAccessBlock", "DeletePublicAccessBlock", ""},
		{"acl", "GetBucketAcl", "PutBucketAcl", "", ""},
		{"cors", "GetBucketCors", "PutBucketCors", "DeleteBucketCors", ""},
		{"website", "GetBucketWebsite", "PutBucketWebsite", "DeleteBucketWebsite", ""},
		{"lifecycle", "GetBucketLifecycleConfiguration", "PutBucketLifecycleConfiguration", "DeleteBucketLifecycle", ""},
		{"replication", "GetBucketReplication", "PutBucketReplication", "DeleteBucketReplication", ""},
		{"object-lock", "GetObjectLockConfiguration", "PutObjectLockConfiguration", "", ""},
		{"accelerate", "GetBucketAccelerateConfiguration", "PutBucketAccelerateConfiguration", "", ""},
		{"requestPayment", "GetBucketRequestPayment", "PutBucketRequestPayment", "", ""},
		{"logging", "GetBucketLogging", "PutBucketLogging", "", ""},
		{"policyStatus", "GetBucketPolicyStatus", "", "", ""},
		{"uploads", "ListMultipartUploads", "", "", ""},
		{"analytics", "GetBucketAnalyticsConfiguration", "PutBucketAnalyticsConfiguration", "DeleteBucketAnalyticsConfiguration", ""},
		{"inventory", "GetBucketInventoryConfiguration", "PutBucketInventoryConfiguration", "DeleteBucketInventoryConfiguration", ""},
		{"metrics", "GetBucketMetricsConfiguration", "PutBucketMetricsConfiguration", "DeleteBucketMetricsConfiguration", ""},
		{"intelligent-tiering", "GetBucketIntelligentTieringConfiguration", "PutBucketIntelligentTieringConfiguration", "DeleteBucketIntelligentTieringConfiguration", ""},
		{"metadataConfiguration", "GetBucketMetadataConfiguration", "", "DeleteBucketMetadataConfiguration", "CreateBucketMetadataConfiguration"},
		{"metadataTable", "GetBucketMetadataTableConfiguration", "", "DeleteBucketMetadataTableConfiguration", "CreateBucketMetadataTableConfiguration"},
		{"abac", "GetBucketAbac", "PutBucketAbac", "", ""},
		{"session", "CreateSession", "", "", ""},
	}
}

// objectSubresources are those of objects.
func objectSubresources() []subresource {
	return []subresource{
		{"uploads", "", "", "", "CreateMultipartUpload"},
		{"uploadId", "ListParts", "UploadPart", "AbortMultipartUpload", "CompleteMultipartUpload"},
		{"tagging", "GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging", ""},
		{"acl", "GetObjectAcl", "PutObjectAcl", "", ""},
		{"attributes", "GetObjectAttributes", "", "", ""},
		{"legal-hold", "GetObjectLegalHold", "PutObjectLegalHold", "", ""},
		{"retention", "GetObjectRetention", "PutObjectRetention", "", ""},
		{"torrent", "GetObjectTorrent", "", "", ""},
		{"restore", "", "", "", "RestoreObject"},
		{"select", "", "", "", "SelectObjectContent"},
		{"renameObject", "", "RenameObject", "", ""},
		{"encryption", "", "UpdateObjectEncryption", "", ""},
		{"annotation", "GetObjectAnnotation", "PutObjectAnnotation", "DeleteObjectAnnotation", ""},
	}
}

// operationOf names the operation that a request is for.
func operationOf(r *http.Request) string {
	bucket, key := split(r)
	self, subresources := subresource{get: "ListObjects", put: "CreateBucket", del: "DeleteBucket", post: "PostObject"}, bucketSubresources()
	switch {
	case bucket == "":
		self, subresources = subresource{get: "ListBuckets"}, nil
	case key != "":
		self, subresources = subresource{get: "GetObject", put: "PutObject", del: "DeleteObject"}, objectSubresources()
		if r.Header.Get("X-Amz-Copy-Source") != "" {
			self.put = "CopyObject"
		}
	case r.Method == http.MethodHead:
		return "HeadBucket"
	}
	query := r.URL.Query()
	for _, sub := range subresources {
		if query.Has(sub.name) {
			self = sub
			break
		}
	}
	switch r.Method {
	case http.MethodGet:
		return self.get
	case http.MethodHead:
		if self.get == "GetObject" {
			return "HeadObject"
		}
		return ""
	case http.MethodPut:
		return self.put
	case http.MethodDelete:
		return self.del
	case http.MethodPost:
		return self.post
	}
	return ""
}
