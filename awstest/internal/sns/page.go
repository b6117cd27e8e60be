package sns

import (
	"encoding/base64"
	"slices"
)

// pageSize is how many topics or subscriptions a list operation returns at once.
// [ListTopics API reference]
const pageSize = 100

// paginate sorts ARNs and returns those that follow the token, which names the last
// one of the page before.
func paginate(arns []string, token string) (page []string, next string, err error) {
	slices.Sort(arns)
	if token != "" {
		last, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", invalid("NextToken")
		}
		at, found := slices.BinarySearch(arns, string(last))
		if found {
			at++
		}
		arns = arns[at:]
	}
	if len(arns) > pageSize {
		arns = arns[:pageSize]
		next = base64.RawURLEncoding.EncodeToString([]byte(arns[pageSize-1]))
	}
	return arns, next, nil
}
