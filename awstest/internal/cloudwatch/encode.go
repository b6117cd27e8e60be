package cloudwatch

import (
	"bytes"
	"encoding/json"
	"strings"
)

// toJSON encodes what can always be encoded: structs of strings, numbers and lists. It
// leaves <, > and & as they are, as AWS does: reasons say "OK -> ALARM".
func toJSON(v any) string { return encode(v, "") }

func encode(v any, indent string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		panic("cloudwatch: encoding " + err.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}
