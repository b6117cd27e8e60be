package s3

import (
	"bytes"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// nullVersion is the id of versions made while versioning isn't enabled.
const nullVersion = "null"

// emptyETag is the ETag of delete markers in events: that of nothing.
const emptyETag = "d41d8cd98f00b204e9800998ecf8427e"

// objects are a bucket's objects: the versions of each key, the latest last. A bucket
// without versioning keeps one, whose id is null.
type objects struct {
	keys     []string // in order
	versions map[string][]*version
}

// version is a version of an object, which never changes, or a delete marker.
type version struct {
	ID       string
	Marker   bool
	Modified time.Time
	Content  []byte
	ETag     string // without quotes
	Checksum checksum
	Header   http.Header // what the answer repeats of the request: type, metadata, …
}

// latest returns the latest version of a key, nil if there is none.
func (o *objects) latest(key string) *version {
	if all := o.versions[key]; len(all) > 0 {
		return all[len(all)-1]
	}
	return nil
}

// version returns the version of a key with the id, nil if there is none.
func (o *objects) version(key, id string) *version {
	for _, v := range o.versions[key] {
		if v.ID == id {
			return v
		}
	}
	return nil
}

func (o *objects) add(key string, v *version) {
	if o.versions == nil {
		o.versions = map[string][]*version{}
	}
	if len(o.versions[key]) == 0 {
		i, _ := slices.BinarySearch(o.keys, key)
		o.keys = slices.Insert(o.keys, i, key)
	}
	o.versions[key] = append(o.versions[key], v)
}

// remove removes the version of a key with the id, and returns it.
func (o *objects) remove(key, id string) *version {
	all := o.versions[key]
	i := slices.IndexFunc(all, func(v *version) bool { return v.ID == id })
	if i < 0 {
		return nil
	}
	v := all[i]
	if o.versions[key] = slices.Delete(all, i, i+1); len(o.versions[key]) == 0 {
		delete(o.versions, key)
		j, _ := slices.BinarySearch(o.keys, key)
		o.keys = slices.Delete(o.keys, j, j+1)
	}
	return v
}

// cost is what a version counts of maxHeld.
func (v *version) cost(key string) int {
	n := versionCost + len(key) + len(v.Content)
	for name := range v.Header {
		n += len(name) + len(v.Header.Get(name))
	}
	return n
}

// put adds a version, in place of what it replaces.
func (s *Service) put(b *bucket, key string, v *version) error {
	var old *version
	if v.ID == nullVersion {
		old = b.objects.version(key, nullVersion)
	}
	held := s.held + v.cost(key)
	if old != nil {
		held -= old.cost(key)
	}
	if held > maxHeld {
		return &wire.Error{
			Code: "InsufficientStorage", Message: fmt.Sprintf("The endpoint holds objects of up to %d bytes in all.", maxHeld), Status: http.StatusInsufficientStorage,
		}
	}
	if old != nil {
		b.objects.remove(key, nullVersion)
	}
	b.objects.add(key, v)
	s.held = held
	return nil
}

// newVersionID returns the id of a version that is made now.
func (b *bucket) newVersionID() string {
	if b.config.Versioning == "Enabled" {
		return rand.Text()
	}
	return nullVersion
}

// kept are the headers of a PutObject that answers repeat; with them goes user metadata.
func kept() []string {
	return []string{
		"Content-Type", "Content-Disposition", "Content-Encoding", "Content-Language", "Cache-Control", "Expires",
		"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Storage-Class",
	}
}

const metadataPrefix = "X-Amz-Meta-"

// headerOf returns what is kept of the header of a PutObject.
func headerOf(b *bucket, from http.Header) (http.Header, error) {
	for name := range from {
		for _, prefix := range []string{
			"X-Amz-Object-Lock-", "X-Amz-Server-Side-Encryption-Customer-", "X-Amz-Grant-", "X-Amz-Tagging", "X-Amz-Website-", "X-Amz-Write-Offset-Bytes",
		} {
			if strings.HasPrefix(name, prefix) {
				return nil, notImplemented(name)
			}
		}
	}
	if h := asks(from, "X-Amz-Acl", "private", "bucket-owner-full-control"); h != "" {
		return nil, notImplemented(h)
	}
	h, metadata := http.Header{}, 0
	for name, values := range from {
		if user, ok := strings.CutPrefix(name, metadataPrefix); ok {
			h.Set(name, strings.Join(values, ","))
			metadata += len(user) + len(h.Get(name))
		}
	}
	if metadata > maxMetadata {
		return nil, &wire.Error{Code: "MetadataTooLarge", Message: "Your metadata headers exceed the maximum allowed metadata size"}
	}
	for _, name := range kept() {
		if value := from.Get(name); value != "" {
			h.Set(name, value)
		}
	}
	if isChunked(from) {
		_, rest, _ := strings.Cut(h.Get("Content-Encoding"), ",")
		if h.Del("Content-Encoding"); strings.TrimSpace(rest) != "" {
			h.Set("Content-Encoding", strings.TrimSpace(rest))
		}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "binary/octet-stream")
	}
	if h.Get("X-Amz-Storage-Class") == "STANDARD" {
		h.Del("X-Amz-Storage-Class")
	}
	const sse = "X-Amz-Server-Side-Encryption"
	if rule := b.config.Encryption; h.Get(sse) == "" {
		h.Set(sse, rule.Default.SSEAlgorithm)
		if rule.Default.KMSMasterKeyID != "" {
			h.Set(sse+"-Aws-Kms-Key-Id", rule.Default.KMSMasterKeyID)
		}
	}
	return h, nil
}

func (s *Service) putObject(c *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	header, err := headerOf(b, in.header)
	if err != nil {
		return nil, err
	}
	old := b.objects.latest(in.Key)
	exists := old != nil && !old.Marker
	if want := in.header.Get("If-None-Match"); want == "*" && exists {
		return nil, preconditionFailed("If-None-Match")
	}
	if want := in.header.Get("If-Match"); want != "" {
		if !exists {
			return nil, noSuchKey(in.Key)
		}
		if want != "*" && strings.Trim(want, `"`) != old.ETag {
			return nil, preconditionFailed("If-Match")
		}
	}
	sum := md5.Sum(in.content)
	v := &version{
		ID: b.newVersionID(), Modified: c.Time.UTC().Truncate(time.Second), Content: in.content, ETag: hex.EncodeToString(sum[:]),
		Checksum: in.sum, Header: header,
	}
	if err := s.put(b, in.Key, v); err != nil {
		return nil, err
	}
	s.tell(c, b, created, in.Key, v)
	h := http.Header{"Etag": {`"` + v.ETag + `"`}, v.Checksum.header(): {v.Checksum.Value}, "X-Amz-Checksum-Type": {"FULL_OBJECT"}}
	for _, name := range kept() {
		if strings.HasPrefix(name, "X-Amz-Server-Side-") && header.Get(name) != "" {
			h.Set(name, header.Get(name))
		}
	}
	if b.config.Versioning != "" {
		h.Set("X-Amz-Version-Id", v.ID)
	}
	return &wire.Response{Header: h}, nil
}

// getObject implements GetObject and HeadObject.
func (s *Service) getObject(c *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	if in.has("partNumber") && in.get("partNumber") != "1" {
		return nil, &wire.Error{Code: "InvalidPartNumber", Message: "The requested partnumber is not satisfiable", Status: http.StatusRequestedRangeNotSatisfiable}
	}
	v := b.objects.latest(in.Key)
	if id := in.get("versionId"); id != "" {
		if v = b.objects.version(in.Key, id); v == nil {
			return nil, &wire.Error{
				Code: "NoSuchVersion", Message: "The specified version does not exist.", Status: http.StatusNotFound,
				Detail: []wire.Detail{{Name: "Key", Value: in.Key}, {Name: "VersionId", Value: id}},
			}
		}
		if v.Marker {
			return nil, &wire.Error{
				Code: "MethodNotAllowed", Message: "The specified method is not allowed against this resource.", Status: http.StatusMethodNotAllowed,
				Detail: []wire.Detail{{Name: "Method", Value: c.HTTP.Method}, {Name: "ResourceType", Value: "DeleteMarker"}},
				Header: http.Header{"X-Amz-Delete-Marker": {"true"}, "X-Amz-Version-Id": {id}, "Allow": {"DELETE"}},
			}
		}
	}
	if v == nil {
		return nil, noSuchKey(in.Key)
	}
	if v.Marker {
		e := noSuchKey(in.Key)
		e.Header = http.Header{"X-Amz-Delete-Marker": {"true"}, "X-Amz-Version-Id": {v.ID}}
		return nil, e
	}
	return v.answer(c.HTTP, b.config.Versioning != "")
}

// answer is the object, or the part of it that is asked for, if its preconditions hold.
func (v *version) answer(asked *http.Request, versioned bool) (*wire.Response, error) {
	r := &http.Request{Method: http.MethodGet, Header: http.Header{}, URL: asked.URL}
	for _, name := range []string{"Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"} {
		if value := asked.Header.Get(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range") // S3 has no answers in several parts
	}
	w := &recorder{header: maps.Clone(v.Header), status: http.StatusOK}
	w.header.Set("Etag", `"`+v.ETag+`"`)
	if versioned {
		w.header.Set("X-Amz-Version-Id", v.ID)
	}
	if asked.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && r.Header.Get("Range") == "" {
		w.header.Set(v.Checksum.header(), v.Checksum.Value)
		w.header.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	http.ServeContent(w, r, "", v.Modified, bytes.NewReader(v.Content))
	switch w.status {
	case http.StatusPreconditionFailed:
		name := "If-Match"
		if r.Header.Get(name) == "" {
			name = "If-Unmodified-Since"
		}
		return nil, preconditionFailed(name)
	case http.StatusRequestedRangeNotSatisfiable:
		return nil, &wire.Error{
			Code: "InvalidRange", Message: "The requested range is not satisfiable", Status: w.status,
			Detail: []wire.Detail{{Name: "ActualObjectSize", Value: strconv.Itoa(len(v.Content))}, {Name: "RangeRequested", Value: r.Header.Get("Range")}},
		}
	}
	query := asked.URL.Query()
	for _, name := range kept() {
		if value := query.Get("response-" + strings.ToLower(name)); value != "" {
			w.header.Set(name, value)
		}
	}
	return &wire.Response{Status: w.status, Header: w.header, Body: w.body.Bytes()}, nil
}

// recorder is where net/http writes the answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }

// deletion is what became of a key, or a version of it, that was deleted.
type deletion struct {
	marker    bool   // what was deleted, or made, is a delete marker
	versionID string // of the marker or of the version that was asked for
}

// delete deletes a key or, if id isn't empty, a version of it. It is no error if there is
// nothing to delete.
func (s *Service) delete(c *wire.Call, b *bucket, key, id string) (deletion, error) {
	name, replaced := removed, id
	if id == "" {
		replaced = nullVersion
	}
	var v *version
	if id != "" || b.config.Versioning != "Enabled" {
		if v = b.objects.remove(key, replaced); v != nil {
			s.held -= v.cost(key)
		}
	}
	out := deletion{versionID: id, marker: id != "" && v != nil && v.Marker}
	if id == "" && b.config.Versioning != "" {
		v = &version{ID: b.newVersionID(), Marker: true, Modified: c.Time.UTC().Truncate(time.Second), ETag: emptyETag}
		if err := s.put(b, key, v); err != nil {
			return out, err
		}
		name, out = markerCreated, deletion{marker: true, versionID: v.ID}
	}
	if v != nil {
		s.tell(c, b, name, key, v)
	}
	return out, nil
}

func (s *Service) deleteObject(c *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	d, err := s.delete(c, b, in.Key, in.get("versionId"))
	if err != nil {
		return nil, err
	}
	h := http.Header{}
	if d.marker {
		h.Set("X-Amz-Delete-Marker", "true")
	}
	if d.versionID != "" {
		h.Set("X-Amz-Version-Id", d.versionID)
	}
	return &wire.Response{Status: http.StatusNoContent, Header: h}, nil
}

func (s *Service) deleteObjects(c *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	type object struct {
		Key       string
		VersionID string `xml:"VersionId,omitempty"`
	}
	var doc struct {
		Objects []object `xml:"Object"`
		Quiet   bool
	}
	if err := parse(in.Body, "Delete", &doc); err != nil {
		return nil, err
	}
	if len(doc.Objects) == 0 || len(doc.Objects) > maxPage {
		return nil, malformedXML()
	}
	type deleted struct {
		object
		Marker   bool   `xml:"DeleteMarker,omitempty"`
		MarkerID string `xml:"DeleteMarkerVersionId,omitempty"`
	}
	type failure struct{ Key, VersionID, Code, Message string }
	var out struct {
		Deleted []deleted
		Errors  []failure `xml:"Error"`
	}
	for _, o := range doc.Objects {
		d, err := s.delete(c, b, o.Key, o.VersionID)
		switch e, _ := err.(*wire.Error); {
		case e != nil:
			out.Errors = append(out.Errors, failure{o.Key, o.VersionID, e.Code, e.Message})
		case !doc.Quiet:
			entry := deleted{object: o, Marker: d.marker}
			if d.marker {
				entry.MarkerID = d.versionID
			}
			out.Deleted = append(out.Deleted, entry)
		}
	}
	return document("DeleteResult", out)
}
