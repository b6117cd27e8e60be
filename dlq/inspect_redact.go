package dlq

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Redacted stands for a value that was redacted.
const Redacted = "[redacted]"

// shortestSecret is how many characters a redacted value must have to be replaced where
// else it stands in its message. Shorter ones stand everywhere.
const shortestSecret = 4

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

// message redacts a message: once to learn which values are to be hidden, and then to hide
// them wherever they stand.
func (r redactor) message(m InspectedMessage) InspectedMessage {
	if len(r.paths) == 0 {
		return m
	}
	found := redaction{redactor: r, secrets: map[string]bool{}}
	found.message(m)
	// the longest first, as one may stand in another
	secrets := slices.SortedFunc(maps.Keys(found.secrets), func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range secrets {
		pairs = append(pairs, s, Redacted)
	}
	found.elsewhere = strings.NewReplacer(pairs...)
	return found.message(m)
}

// redaction is the redaction of one message.
type redaction struct {
	redactor
	secrets   map[string]bool   // values that were hidden
	elsewhere *strings.Replacer // hides them in other texts; nil while they are looked for
}

func (r *redaction) message(m InspectedMessage) InspectedMessage {
	if body, ok := r.json(m.Body, nil); ok {
		m.Body = body
	} else {
		m.Body = Redacted // nobody knows what is in it
	}
	attributes := map[string]MessageAttribute{}
	for name, a := range m.Attributes {
		path := appendName(nil, name)
		if r.hides(path) {
			r.learn(a.Value)
			a.Value, a.Binary = Redacted, nil
		} else if value, ok := r.json(a.Value, path); ok {
			a.Value = value
		} else {
			a.Value = r.text(a.Value)
		}
		attributes[name] = a
	}
	if m.Attributes != nil {
		m.Attributes = attributes
	}
	m.GroupID, m.DeduplicationID = r.text(m.GroupID), r.text(m.DeduplicationID)
	return m
}

// text hides in a text what was hidden elsewhere.
func (r *redaction) text(text string) string {
	if r.elsewhere == nil {
		return text
	}
	return r.elsewhere.Replace(text)
}

// learn remembers a value that is hidden.
func (r *redaction) learn(v any) {
	switch v := v.(type) {
	case string:
		if utf8.RuneCountInString(v) >= shortestSecret {
			r.secrets[v] = true
		}
	case json.Number:
		r.learn(v.String())
	case []any:
		for _, e := range v {
			r.learn(e)
		}
	case map[string]any:
		for _, e := range v {
			r.learn(e)
		}
	}
}

// json redacts within a text that is a JSON object or array, or a JSON string of such a
// text. It reports whether it is one. Each level of JSON in a string has twice the quotes of
// the one before, so that there are few of them in a message.
func (r *redaction) json(text string, path []string) (string, bool) {
	if trimmed := strings.TrimSpace(text); trimmed == "" || !strings.ContainsRune(`{["`, rune(trimmed[0])) {
		return text, false
	}
	v, err := decode(text)
	if err != nil {
		return text, false
	}
	if inner, isText := v.(string); isText {
		if inner, isText = r.json(inner, path); !isText {
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
func (r *redaction) value(v any, path []string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			at := appendName(path, name)
			if r.hides(at) {
				r.learn(member)
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
		if text, ok := r.json(v, path); ok {
			return text
		}
		return r.text(v)
	case json.Number:
		if r.elsewhere != nil && r.secrets[v.String()] {
			return Redacted
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
	return slices.ContainsFunc(r.paths, func(p []string) bool {
		return len(path) >= len(p) && slices.Equal(path[len(path)-len(p):], p)
	})
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
