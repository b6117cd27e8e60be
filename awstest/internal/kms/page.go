package kms

import (
	"encoding/base64"
	"slices"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// defaultPage is how many a list operation returns at once unless it is told otherwise.
// [ListKeys API reference; the bound differs by operation]
const defaultPage = 100

// paginate sorts names and returns those that follow the marker, which names the last one
// of the page before.
func paginate(names []string, size *int, marker string, bound int) (page []string, next string, err error) {
	limit := min(defaultPage, bound)
	if size != nil {
		if limit = *size; limit < 1 || limit > bound {
			return nil, "", constraint(limit, "limit", "Member must have a value within the bounds of the operation")
		}
	}
	slices.Sort(names)
	if marker != "" {
		last, err := base64.RawURLEncoding.DecodeString(marker)
		if err != nil {
			return nil, "", &wire.Error{Code: "InvalidMarkerException", Message: "Invalid marker."}
		}
		at, found := slices.BinarySearch(names, string(last))
		if found {
			at++
		}
		names = names[at:]
	}
	if len(names) > limit {
		names = names[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(names[limit-1]))
	}
	return names, next, nil
}
