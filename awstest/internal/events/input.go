package events

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

var (
	// pathPattern is the part of JSONPath that EventBridge knows. [EventBridge user guide,
	// "Amazon EventBridge input transformation"]
	pathPattern = regexp.MustCompile(`^\$(\.[^.\[\]'"\s]+|\[(\d{1,9}|\*)\])*$`)
	stepPattern = regexp.MustCompile(`\.([^.\[\]]+)|\[(\d+|\*)\]`)

	variablePattern    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	placeholderPattern = regexp.MustCompile(`<([A-Za-z0-9_.-]+)>`)
)

// reserved are the variables that every template may use.
func reserved() []string {
	return []string{"aws.events.rule-arn", "aws.events.rule-name", "aws.events.event.ingestion-time", "aws.events.event", "aws.events.event.json"}
}

// find returns what a path leads to in a JSON text, word for word.
func find(text json.RawMessage, path string) (json.RawMessage, bool) {
	return follow(text, stepPattern.FindAllStringSubmatch(path, -1))
}

func follow(text json.RawMessage, steps [][]string) (json.RawMessage, bool) {
	if len(steps) == 0 {
		return text, true
	}
	name, index := steps[0][1], steps[0][2]
	if name == "*" || index == "*" {
		return followAll(text, steps[1:])
	}
	if name != "" {
		var object map[string]json.RawMessage
		if json.Unmarshal(text, &object) != nil {
			return nil, false
		}
		member, ok := object[name]
		if !ok {
			return nil, false
		}
		return follow(member, steps[1:])
	}
	var array []json.RawMessage
	n, err := strconv.Atoi(index)
	if err != nil || json.Unmarshal(text, &array) != nil || n >= len(array) {
		return nil, false
	}
	return follow(array[n], steps[1:])
}

// followAll makes an array of what the steps lead to from each element.
func followAll(text json.RawMessage, steps [][]string) (json.RawMessage, bool) {
	var array []json.RawMessage
	if json.Unmarshal(text, &array) != nil {
		return nil, false
	}
	found := []json.RawMessage{}
	for _, element := range array {
		if one, ok := follow(element, steps); ok {
			found = append(found, one)
		}
	}
	out, err := encode(found)
	return json.RawMessage(out), err == nil
}

// input is what a target of the rule gets of an event.
func (t *target) input(r *rule, e *event) (string, error) {
	switch {
	case t.Input != "":
		return t.Input, nil
	case t.InputPath != "":
		part, ok := find(json.RawMessage(e.text), t.InputPath)
		if !ok {
			return "", invalidJSON("The event has nothing at the InputPath " + t.InputPath + ".")
		}
		return string(part), nil
	case t.InputTransformer != nil:
		return t.InputTransformer.apply(r, e)
	}
	return e.text, nil
}

func invalidJSON(message string) *wire.Error {
	return &wire.Error{Code: "InvalidJson", Message: message}
}

// maxInput bounds what a template may make of an event, in bytes: more than any target
// takes.
const maxInput = 4 << 20

// apply fills the template in. In quotes a value stands as it is, without being escaped,
// and objects and arrays without quotation marks; elsewhere in JSON it is JSON. What the
// event lacks is an empty string. JSON is minified. [recorded; EventBridge user guide,
// "Common issues with transforming input"]
func (in *inputTransformer) apply(r *rule, e *event) (string, error) {
	var out strings.Builder
	template := strings.TrimSpace(in.InputTemplate)
	isJSON := strings.HasPrefix(template, "{") || strings.HasPrefix(template, "[")
	quoted, at := false, 0
	for _, span := range placeholderPattern.FindAllStringSubmatchIndex(template, -1) {
		literal := template[at:span[0]]
		quoted = endsQuoted(literal, quoted)
		out.WriteString(literal)
		value := in.value(template[span[2]:span[3]], r, e)
		if isJSON && !quoted {
			out.Write(value)
		} else {
			out.WriteString(bare(value))
		}
		at = span[1]
		if out.Len() > maxInput {
			return "", invalidJSON("The input is too long.")
		}
	}
	out.WriteString(template[at:])
	var minified bytes.Buffer
	if err := json.Compact(&minified, []byte(out.String())); err == nil {
		return minified.String(), nil
	}
	if isJSON {
		return "", invalidJSON("The InputTemplate makes no valid JSON of the event.")
	}
	return out.String(), nil
}

// endsQuoted reports whether a string is open at the end of a piece of JSON.
func endsQuoted(text string, quoted bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		}
	}
	return quoted
}

// bare is a value within a string.
func bare(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && string(value) != "null" {
		return text
	}
	return strings.ReplaceAll(string(value), `"`, "")
}

// value is a variable's, as JSON.
func (in *inputTransformer) value(name string, r *rule, e *event) json.RawMessage {
	quote := func(s string) json.RawMessage {
		text, _ := encode(s) // a string can always be encoded
		return json.RawMessage(text)
	}
	switch name {
	case "aws.events.rule-arn":
		return quote(r.arn)
	case "aws.events.rule-name":
		return quote(r.name)
	case "aws.events.event.ingestion-time":
		return quote(stamp(e.seen))
	case "aws.events.event.json":
		return json.RawMessage(e.text)
	case "aws.events.event":
		return json.RawMessage(e.head)
	}
	if value, ok := find(json.RawMessage(e.text), in.InputPathsMap[name]); ok {
		return value
	}
	return json.RawMessage(`""`)
}
