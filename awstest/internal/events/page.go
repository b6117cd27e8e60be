package events

import (
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/page"
)

// listInput is what all list operations take.
type listInput struct {
	Limit     *int
	NextToken string
}

// page returns those of the names with the prefix that follow the token, in order.
func (in listInput) page(names []string, prefix string) (some []string, next string, err error) {
	limit := 100
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > 100 {
			return nil, "", constraint(limit, "limit", "Member must have value between 1 and 100")
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) })
	if names, next, err = page.After(names, in.NextToken, limit); err != nil {
		return nil, "", invalid("Token is not valid.")
	}
	return names, next, nil
}
