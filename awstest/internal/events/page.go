package events

import (
	"encoding/base64"
	"slices"
	"strings"
)

// listInput is what all list operations take.
type listInput struct {
	Limit     *int
	NextToken string
}

// page sorts names and returns those with the prefix that follow the token, which names
// the last one of the page before.
func (in listInput) page(names []string, prefix string) (page []string, next string, err error) {
	limit := 100
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > 100 {
			return nil, "", constraint(limit, "limit", "Member must have value between 1 and 100")
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) })
	slices.Sort(names)
	if in.NextToken != "" {
		last, err := base64.RawURLEncoding.DecodeString(in.NextToken)
		if err != nil {
			return nil, "", invalid("Token is not valid.")
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
