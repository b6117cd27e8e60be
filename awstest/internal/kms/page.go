package kms

import (
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/page"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// defaultPage is how many a list operation returns at once unless it is told otherwise.
// [ListKeys API reference; the bound differs by operation]
const defaultPage = 100

// paginate returns those of the names that follow the marker, in order.
func paginate(names []string, size *int, marker string, bound int) (some []string, next string, err error) {
	limit := min(defaultPage, bound)
	if size != nil {
		if limit = *size; limit < 1 || limit > bound {
			return nil, "", constraint(limit, "limit", "Member must have a value within the bounds of the operation")
		}
	}
	if names, next, err = page.After(names, marker, limit); err != nil {
		return nil, "", &wire.Error{Code: "InvalidMarkerException", Message: "Invalid marker."}
	}
	return names, next, nil
}
