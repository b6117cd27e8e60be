package logs

import "strings"

// parsePattern reads a filter pattern of terms. [CloudWatch Logs user guide, "Filter pattern
// syntax", unstructured log events]
func parsePattern(pattern string) (match func(message string) bool, err error) {
	rest := strings.TrimSpace(pattern)
	if rest != "" && strings.ContainsAny(rest[:1], "{[%") {
		return nil, invalid("Filter patterns for JSON, for fields and of regular expressions are not served here.")
	}
	var all, any, none []string
	for rest != "" {
		list := &all
		switch rest[0] {
		case '?':
			list, rest = &any, rest[1:]
		case '-':
			list, rest = &none, rest[1:]
		}
		var term string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			term, rest, ok = strings.Cut(quoted, `"`)
			if !ok {
				return nil, invalid("Invalid filter pattern")
			}
		} else {
			term, rest, _ = strings.Cut(rest, " ")
		}
		if term == "" {
			return nil, invalid("Invalid filter pattern")
		}
		*list = append(*list, term)
		rest = strings.TrimSpace(rest)
	}
	return func(message string) bool {
		for _, term := range none {
			if strings.Contains(message, term) {
				return false
			}
		}
		for _, term := range all {
			if !strings.Contains(message, term) {
				return false
			}
		}
		for _, term := range any {
			if strings.Contains(message, term) {
				return true
			}
		}
		return len(any) == 0
	}, nil
}
