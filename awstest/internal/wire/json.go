package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unicode/utf8"
)

// maxElements bounds each list and map of an input. AWS takes no list in these services
// that is longer than 1,000; without a bound, a body of empty objects would unfold to a
// hundred times its size.
const maxElements = 1 << 14

// jsonDecoder decodes JSON as AWS does, where encoding/json is more lenient: the names of
// members are case-sensitive, and text must be UTF-8.
type jsonDecoder struct {
	members sync.Map // map[string]reflect.Type, the types of a struct's members, by reflect.Type
}

// decode fills what in points to. It may change data.
func (d *jsonDecoder) decode(data []byte, in any) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil // of an operation whose input is empty
	}
	if !utf8.Valid(data) {
		return errors.New("invalid UTF-8")
	}
	s := scanner{d: d, data: data}
	s.value(reflect.TypeOf(in).Elem())
	if s.tooLong {
		return fmt.Errorf("a list or map of more than %d elements", maxElements)
	}
	err := json.Unmarshal(data, in)
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return errors.New(mismatchMessage(mismatch))
	}
	return err
}

// mismatchMessage says in AWS's words that a value is not of its member's type.
func mismatchMessage(e *json.UnmarshalTypeError) string {
	kind, _, _ := strings.Cut(e.Value, " ") // "number 1.5" has its value added
	switch kind {
	case "object":
		return "Start of structure or map found where not expected."
	case "array":
		return "Start of list found where not expected"
	}
	want := "a " + strings.ToUpper(e.Type.Kind().String()[:1]) + e.Type.Kind().String()[1:]
	switch e.Type.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64:
		want = "an Integer"
	case reflect.Bool:
		want = "a Boolean"
	case reflect.Float64:
		want = "a Double"
	case reflect.Slice:
		want = "a List"
	}
	return strings.ToUpper(kind) + "_VALUE can not be converted to " + want
}

// membersOf returns the types of a struct's members by their names in JSON.
func (d *jsonDecoder) membersOf(t reflect.Type) map[string]reflect.Type {
	if cached, ok := d.members.Load(t); ok {
		return cached.(map[string]reflect.Type)
	}
	members := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		if f.IsExported() && name != "-" {
			members[name] = f.Type
		}
	}
	d.members.Store(t, members)
	return members
}

// scanner walks JSON beside the type that it is for, and blanks the names of what are no
// members of it. At the first thing it cannot read it stops: json.Unmarshal will say why.
// It recurses no deeper than types are nested.
type scanner struct {
	d       *jsonDecoder
	data    []byte
	i       int
	tooLong bool
}

func (s *scanner) value(t reflect.Type) (ok bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s.space()
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return s.skip() // it reads itself
	}
	switch open, kind := s.peek(), t.Kind(); {
	case open == '{' && kind == reflect.Struct:
		members := s.d.membersOf(t)
		return s.elements('}', func() bool {
			name, ok := s.text()
			if !ok || !s.colon() {
				return false
			}
			if member, ok := members[string(name)]; ok {
				return s.value(member)
			}
			if bytes.IndexByte(name, '\\') >= 0 {
				text, err := unescape(name)
				if err != nil {
					return false
				}
				if member, ok := members[text]; ok {
					return s.value(member)
				}
			}
			blank(name)
			return s.skip()
		})
	case open == '{' && kind == reflect.Map:
		return s.elements('}', func() bool {
			_, ok := s.text()
			return ok && s.colon() && s.value(t.Elem())
		})
	case open == '[' && kind == reflect.Slice:
		return s.elements(']', func() bool { return s.value(t.Elem()) })
	default:
		return s.skip()
	}
}

// elements walks the elements of a list, map or struct, from its opening bracket on.
func (s *scanner) elements(end byte, element func() bool) bool {
	s.i++
	for n := 0; ; n++ {
		s.space()
		if n == 0 && s.peek() == end {
			s.i++
			return true
		}
		if s.tooLong = s.tooLong || n == maxElements; s.tooLong {
			return false
		}
		if !element() {
			return false
		}
		s.space()
		s.i++
		switch s.last() {
		case end:
			return true
		case ',':
		default:
			return false
		}
	}
}

// peek returns the byte at which the scanner stands, 0 at the end.
func (s *scanner) peek() byte {
	if s.i < len(s.data) {
		return s.data[s.i]
	}
	return 0
}

// last returns the byte that the scanner passed last, 0 at the end.
func (s *scanner) last() byte {
	if s.i <= len(s.data) {
		return s.data[s.i-1]
	}
	return 0
}

func (s *scanner) space() {
	for s.i < len(s.data) {
		switch s.data[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

func (s *scanner) colon() bool {
	s.space()
	s.i++
	return s.last() == ':'
}

// text passes a string and returns what is between its quotes.
func (s *scanner) text() ([]byte, bool) {
	s.space()
	if s.peek() != '"' {
		return nil, false
	}
	start := s.i + 1
	for s.i = start; ; s.i++ {
		n := bytes.IndexByte(s.data[s.i:], '"')
		if n < 0 {
			return nil, false
		}
		s.i += n
		escapes := s.i
		for escapes > start && s.data[escapes-1] == '\\' {
			escapes--
		}
		if (s.i-escapes)%2 == 0 { // else the quote is escaped
			s.i++
			return s.data[start : s.i-1], true
		}
	}
}

// skip passes a value of any kind.
func (s *scanner) skip() bool {
	depth := 0
	for {
		s.space()
		switch s.peek() {
		case 0:
			return false
		case '"':
			if _, ok := s.text(); !ok {
				return false
			}
		case '{', '[':
			depth++
			s.i++
		case '}', ']':
			depth--
			s.i++
		case ',', ':':
			if depth == 0 {
				return false // no value at all
			}
			s.i++
			continue
		default: // a number, true, false or null
			for s.i < len(s.data) && bytes.IndexByte([]byte(",:]}[{\" \t\r\n\x00"), s.data[s.i]) < 0 {
				s.i++
			}
		}
		if depth <= 0 {
			return depth == 0
		}
	}
}

// unescape returns the text of what is between the quotes of a string.
func unescape(raw []byte) (text string, err error) {
	err = json.Unmarshal(append(append([]byte{'"'}, raw...), '"'), &text)
	return text, err
}

// blank makes a name one that no member has, valid only if it was. It has no invalid
// escapes; control characters are what else is invalid in it.
func blank(name []byte) {
	for i, c := range name {
		if c >= ' ' {
			name[i] = '_'
		}
	}
}

// EncodeJSON is json.Marshal without the escaping of HTML, which AWS doesn't do.
func EncodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}
