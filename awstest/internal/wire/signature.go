package wire

import (
	"net/http"
	"strings"
)

const (
	// DefaultAccount owns what callers whose access key is no account id create.
	DefaultAccount = "000000000000"
	// DefaultRegion is the region of unsigned requests.
	DefaultRegion = "us-east-1"
)

// maxAccessKey is the longest access key id, in characters (IAM's API reference, AccessKey).
const maxAccessKey = 128

// readSignature takes region and account from the Authorization header, or from the
// query string of a presigned URL, and returns the service that the scope names. The
// signature itself isn't checked; a request without one is taken as it is. Services keep
// state by region, so that one has to look like one.
func (x *exchange) readSignature(r *http.Request) (service string, err error) {
	var credential string
	if _, rest, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(rest, ",")
	} else if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	// accessKey/date/region/service/aws4_request
	accessKey, rest, _ := strings.Cut(strings.TrimSpace(credential), "/")
	_, rest, _ = strings.Cut(rest, "/")
	region, rest, _ := strings.Cut(rest, "/")
	service, _, ok := strings.Cut(rest, "/")
	switch {
	case !ok:
		return "", nil
	case len(accessKey) > maxAccessKey:
		return service, &Error{Code: "InvalidClientTokenId", Type: "UnrecognizedClientException", Message: "The security token included in the request is invalid.", Status: http.StatusForbidden, framework: true}
	case region != "" && !isRegion(region):
		return service, &Error{Code: "SignatureDoesNotMatch", Type: "InvalidSignatureException", Message: "Credential should be scoped to a valid region.", Status: http.StatusForbidden, framework: true}
	}
	x.call.AccessKey = accessKey
	if isAccountID(accessKey) {
		x.call.Account = accessKey
	}
	if region != "" {
		x.call.Region = region
	}
	return service, nil
}

func isAccountID(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

func isRegion(s string) bool {
	return len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
