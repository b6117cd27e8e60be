package cloudwatch

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// offset is the position that a token stands for.
func offset(token string) (from int, err error) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	number, ok := strings.CutPrefix(string(raw), "from:")
	if err != nil || !ok {
		return 0, invalidNextToken()
	}
	if from, err = strconv.Atoi(number); err != nil || from < 0 {
		return 0, invalidNextToken()
	}
	return from, nil
}

// page cuts what a token and a limit select out of a list, and returns the token of what
// comes next, empty if nothing does.
func page[T any](items []T, token string, limit *int32, fallback int) ([]T, string, error) {
	from, err := offset(token)
	if err != nil {
		return nil, "", err
	}
	n := fallback
	if limit != nil {
		n = int(*limit)
	}
	from = min(from, len(items))
	to := min(from+n, len(items))
	if to == len(items) {
		return items[from:], "", nil
	}
	return items[from:to], base64.RawURLEncoding.EncodeToString([]byte("from:" + strconv.Itoa(to))), nil
}
