package dlq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Redacted stands for a value that was redacted.
const Redacted = "[redacted]"

// redactor replaces the values of fields in messages.
type redactor struct {
	paths [][]string // each the end of a path of names, in lower case
}

func newRedactor(fields []string) (redactor, error) {
	var r redactor
	for _, f := range fields {
		path := strings.Split(strings.ToLower(strings.TrimSpace(f)), ".")
		for _, name := range path {
			if name == "" {
				return r, fmt.Errorf("%q can't be redacted: give the name of a field, or a path of names with dots in between", f)
			}
		}
		r.paths = append(r.paths, path)
	}
	return r, nil
}

// message redacts a message.
func (r redactor) message(m InspectedMessage) InspectedMessage {
	if len(r.paths) == 0 {
		return m
	}
	if body, ok := r.text(m.Body, nil); ok {
		m.Body = body
	} else {
		m.Body = Redacted // nobody knows what is in it
	}
	attributes := map[string]MessageAttribute{}
	for name, a := range m.Attributes {
		path := appendName(nil, name)
		switch value, ok := r.text(a.Value, path); {
		case r.hides(path):
			a.Value, a.Binary = Redacted, nil
		case ok:
			a.Value = value
		}
		attributes[name] = a
	}
	if m.Attributes != nil {
		m.Attributes = attributes
	}
	return m
}

// text redacts within a text that is a JSON object or array, or a JSON string of such a
// text. It reports whether it is one.
func (r redactor) text(text string, path []string) (string, bool) {
	if trimmed := strings.TrimSpace(text); trimmed == "" || !strings.ContainsRune(`{["`, rune(trimmed[0])) {
		return text, false
	}
	v, err := decode(text)
	if err != nil {
		return text, false
	}
	if inner, isText := v.(string); isText {
		if inner, isText = r.text(inner, path); !isText {
			return text, false
		}
		v = inner
	} else {
		v = r.value(v, path)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return Redacted, true // what was decoded can be encoded, but better safe
	}
	return strings.TrimSuffix(b.String(), "\n"), true
}

// value redacts within a value; arrays add nothing to the path.
func (r redactor) value(v any, path []string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			at := appendName(path, name)
			if r.hides(at) {
				v[name] = Redacted
			} else {
				v[name] = r.value(member, at)
			}
		}
	case []any:
		for i := range v {
			v[i] = r.value(v[i], path)
		}
	case string:
		if text, ok := r.text(v, path); ok {
			return text
		}
	}
	return v
}

// appendName appends a field's name to a path; one that has dots in it is a path itself.
func appendName(path []string, name string) []string {
	return append(path[:len(path):len(path)], strings.Split(strings.ToLower(name), ".")...)
}

// hides says whether what is at the path is redacted: whether it ends with one of ours.
func (r redactor) hides(path []string) bool {
	for _, p := range r.paths {
		if len(path) < len(p) {
			continue
		}
		same := true
		for i, name := range path[len(path)-len(p):] {
			same = same && name == p[i]
		}
		if same {
			return true
		}
	}
	return false
}

// decode decodes the one JSON value that a text is, with numbers as they are written.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the value")
	}
	return v, nil
}
