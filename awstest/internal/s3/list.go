package s3

import (
	"encoding/base64"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// listing is what all listings are asked and answer.
type listing struct {
	Name           string
	Prefix         string
	Delimiter      string `xml:",omitempty"`
	MaxKeys        int
	EncodingType   string `xml:",omitempty"`
	IsTruncated    bool
	CommonPrefixes []commonPrefix
}

type commonPrefix struct{ Prefix string }

func newListing(b *bucket, in *request) (listing, error) {
	l := listing{Name: b.name, Prefix: in.get("prefix"), Delimiter: in.get("delimiter"), EncodingType: in.get("encoding-type"), MaxKeys: maxPage}
	if l.EncodingType != "" && l.EncodingType != "url" {
		return l, invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", l.EncodingType)
	}
	if text := in.get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return l, invalidArgument("Provided max-keys not an integer or within integer range", "max-keys", text)
		}
		if n < 0 {
			return l, invalidArgument("Argument maxKeys must be an integer between 0 and 2147483647", "maxKeys", text)
		}
		l.MaxKeys = min(n, maxPage)
	}
	return l, nil
}

// encode encodes a key as the caller wants it.
func (l *listing) encode(key string) string {
	if l.EncodingType == "url" {
		return encodeKey(key)
	}
	return key
}

// encodeAll encodes the parts of the listing itself.
func (l *listing) encodeAll() {
	l.Prefix, l.Delimiter = l.encode(l.Prefix), l.encode(l.Delimiter)
	for i := range l.CommonPrefixes {
		l.CommonPrefixes[i].Prefix = l.encode(l.CommonPrefixes[i].Prefix)
	}
}

// walk yields the entries of the listing behind after, in order: keys that are visible, and
// once each the prefixes that keys have in common up to the delimiter. It ends when yield
// returns false.
func (l *listing) walk(o *objects, after string, visible func(key string) bool, yield func(name string, common bool) bool) {
	i, _ := slices.BinarySearch(o.keys, max(after, l.Prefix))
	latest := after
	for _, key := range o.keys[i:] {
		if !strings.HasPrefix(key, l.Prefix) {
			return
		}
		if key <= after || !visible(key) {
			continue
		}
		common := l.commonPrefix(key)
		switch {
		case common == "":
			if !yield(key, false) {
				return
			}
		case common != latest:
			latest = common
			if !yield(common, true) {
				return
			}
		}
	}
}

// commonPrefix is what a key is listed as, empty if as itself.
func (l *listing) commonPrefix(key string) string {
	if l.Delimiter != "" {
		if n := strings.Index(key[len(l.Prefix):], l.Delimiter); n >= 0 {
			return key[:len(l.Prefix)+n+len(l.Delimiter)]
		}
	}
	return ""
}

// content is an object in a listing.
type content struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
	StorageClass string
	Owner        *owner `xml:",omitempty"`
}

// page lists up to MaxKeys objects behind after, and returns the last entry.
func (l *listing) page(b *bucket, after string, owned bool) (contents []content, count int, last string) {
	if l.MaxKeys == 0 {
		return nil, 0, ""
	}
	visible := func(key string) bool { return !b.objects.latest(key).Marker }
	l.walk(&b.objects, after, visible, func(name string, common bool) bool {
		if count == l.MaxKeys {
			l.IsTruncated = true
			return false
		}
		count++
		last = name
		if common {
			l.CommonPrefixes = append(l.CommonPrefixes, commonPrefix{name})
			return true
		}
		v := b.objects.latest(name)
		c := content{Key: l.encode(name), LastModified: instant(v.Modified), ETag: `"` + v.ETag + `"`, Size: len(v.Content), StorageClass: v.storageClass()}
		if owned {
			c.Owner = &owner{canonicalID(b.account)}
		}
		contents = append(contents, c)
		return true
	})
	return contents, count, last
}

func (v *version) storageClass() string {
	if class := v.Header.Get("X-Amz-Storage-Class"); class != "" {
		return class
	}
	return "STANDARD"
}

func listObjects(_ *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	l, err := newListing(b, in)
	if err != nil {
		return nil, err
	}
	contents, _, last := l.page(b, in.get("marker"), true)
	var next string
	if l.IsTruncated && l.Delimiter != "" {
		next = l.encode(last)
	}
	l.encodeAll()
	return document("ListBucketResult", struct {
		listing
		Marker     string
		NextMarker string `xml:",omitempty"`
		Contents   []content
	}{l, l.encode(in.get("marker")), next, contents})
}

func listObjectsV2(_ *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	l, err := newListing(b, in)
	if err != nil {
		return nil, err
	}
	after, token := in.get("start-after"), in.get("continuation-token")
	if in.has("continuation-token") {
		decoded, err := base64.URLEncoding.DecodeString(token)
		if err != nil || token == "" {
			return nil, invalidArgument("The continuation token provided is incorrect", "continuation-token", token)
		}
		after = string(decoded)
	}
	contents, count, last := l.page(b, after, in.get("fetch-owner") == "true")
	var next string
	if l.IsTruncated {
		next = base64.URLEncoding.EncodeToString([]byte(last))
	}
	l.encodeAll()
	return document("ListBucketResult", struct {
		listing
		KeyCount              int
		StartAfter            string `xml:",omitempty"`
		ContinuationToken     string `xml:",omitempty"`
		NextContinuationToken string `xml:",omitempty"`
		Contents              []content
	}{l, count, l.encode(in.get("start-after")), token, next, contents})
}

// listed is a version in a listing, named Version or DeleteMarker.
type listed struct {
	XMLName      xml.Name
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         *int   `xml:",omitempty"`
	StorageClass string `xml:",omitempty"`
	Owner        owner
}

func listObjectVersions(_ *wire.Call, b *bucket, in *request) (*wire.Response, error) {
	l, err := newListing(b, in)
	if err != nil {
		return nil, err
	}
	marker, idMarker := in.get("key-marker"), in.get("version-id-marker")
	if idMarker != "" && marker == "" {
		return nil, invalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", idMarker)
	}
	var all []listed
	var lastKey, lastID string
	count := 0
	// list lists the versions of a key behind the one with the id, the latest first
	list := func(key, after string) bool {
		versions := b.objects.versions[key]
		skip := after != ""
		for i := len(versions) - 1; i >= 0; i-- {
			v := versions[i]
			if skip {
				skip = v.ID != after
				continue
			}
			if count == l.MaxKeys {
				l.IsTruncated = true
				return false
			}
			count++
			lastKey, lastID = key, v.ID
			all = append(all, l.entry(b, key, v, i == len(versions)-1))
		}
		return true
	}
	if l.MaxKeys > 0 && (idMarker == "" || !strings.HasPrefix(marker, l.Prefix) || list(marker, idMarker)) {
		l.walk(&b.objects, marker, func(string) bool { return true }, func(name string, common bool) bool {
			if !common {
				return list(name, "")
			}
			if count == l.MaxKeys {
				l.IsTruncated = true
				return false
			}
			count++
			lastKey, lastID = name, ""
			l.CommonPrefixes = append(l.CommonPrefixes, commonPrefix{name})
			return true
		})
	}
	if !l.IsTruncated {
		lastKey, lastID = "", ""
	}
	l.encodeAll()
	return document("ListVersionsResult", struct {
		listing
		KeyMarker           string
		VersionIDMarker     string `xml:"VersionIdMarker"`
		NextKeyMarker       string `xml:",omitempty"`
		NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
		Versions            []listed
	}{l, l.encode(marker), idMarker, l.encode(lastKey), lastID, all})
}

func (l *listing) entry(b *bucket, key string, v *version, latest bool) listed {
	out := listed{
		XMLName: xml.Name{Local: "DeleteMarker"}, Key: l.encode(key), VersionID: v.ID, IsLatest: latest,
		LastModified: instant(v.Modified), Owner: owner{canonicalID(b.account)},
	}
	if !v.Marker {
		size := len(v.Content)
		out.XMLName.Local, out.ETag, out.Size, out.StorageClass = "Version", `"`+v.ETag+`"`, &size, v.storageClass()
	}
	return out
}
