// Package page cuts the answers of list operations into pages, in the order of names. A
// token names the last one of the page before, so that a list may change meanwhile:
//
//	names, next, err := page.After(names, in.NextToken, 100)
package page

import (
	"encoding/base64"
	"slices"
)

// After sorts names and returns at most limit of those that follow the token, all from the
// first if it is empty, and the token of what comes next, empty if nothing does. An error is
// about a token that never was one.
func After(names []string, token string, limit int) (page []string, next string, err error) {
	slices.Sort(names)
	if token != "" {
		last, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", err
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
