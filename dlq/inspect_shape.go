package dlq

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
)

// Text is the shape of a body that is no JSON object or array.
const Text = "text"

const (
	shapeDepth  = 8   // deeper is left out
	shapeLength = 300 // bytes; longer is cut, and told apart by a hash
)

// ShapeOf returns a body's skeleton: the names of its JSON fields without the values, such
// as "{lines: [{sku}], order: {email, id}}", sorted, so that messages of one kind have the
// same. The elements of an array are taken together. Any body that is no JSON object or
// array is Text.
func ShapeOf(body string) string {
	if trimmed := strings.TrimSpace(body); trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
		return Text
	}
	v, err := decode(body)
	if err != nil {
		return Text
	}
	var s shape
	s.merge(v, shapeDepth)
	text := s.String()
	if len(text) <= shapeLength {
		return text
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // a hash takes everything
	return fmt.Sprintf("%s… #%08x", cutText(text, shapeLength), h.Sum32())
}

// shape is what is common to some values: names of an object, elements of an array, or
// neither.
type shape struct {
	fields  map[string]*shape
	element *shape
}

func (s *shape) merge(v any, depth int) {
	if depth == 0 {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		if s.fields == nil {
			s.fields = map[string]*shape{}
		}
		for name, member := range v {
			if s.fields[name] == nil {
				s.fields[name] = &shape{}
			}
			s.fields[name].merge(member, depth-1)
		}
	case []any:
		if s.element == nil {
			s.element = &shape{}
		}
		for _, e := range v {
			s.element.merge(e, depth-1)
		}
	}
}

func (s *shape) String() string {
	var forms []string
	if s.fields != nil {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(s.fields)) {
			if inner := s.fields[name].String(); inner != "" {
				name += ": " + inner
			}
			names = append(names, name)
		}
		forms = append(forms, "{"+strings.Join(names, ", ")+"}")
	}
	if s.element != nil {
		forms = append(forms, "["+s.element.String()+"]")
	}
	return strings.Join(forms, " or ")
}
