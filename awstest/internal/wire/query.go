package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// tag is the parsed `query` tag of a struct field. Its forms:
//
//	`query:"Name"`                 a member of another name than in JSON
//	`query:"Name,flat"`            a flattened list: Name.1, Name.2 (else Name.member.1)
//	`query:"Name,flat,Key,Value"`  a flattened map: Name.1.Key, Name.1.Value (else Name.entry.1.key)
//	`query:"Name,map,Key,Value"`   a map whose entries have other names than key and value
//	`query:"Name|Other,…"`         a second name that requests may use
//	`query:"-"`                    no member of the Query protocol
//
// A `queryjson:"name"` tag beside it names a member that has another name than in the JSON
// protocol where Query answers in JSON.
type tag struct {
	names      []string
	member     string // its name where Query answers in JSON
	flat       bool
	key, value string
	omitEmpty  bool // of the json tag: the zero value is left out
	index      int
}

// fieldCache holds the tags of each struct type that was met: []tag by reflect.Type.
type fieldCache struct{ m sync.Map }

func (fc *fieldCache) of(t reflect.Type) []tag {
	if cached, ok := fc.m.Load(t); ok {
		return cached.([]tag)
	}
	var tags []tag
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			name = f.Name
		}
		g := tag{names: []string{name}, member: name, key: "key", value: "value", omitEmpty: strings.Contains(opts, "omitempty"), index: i}
		if m, ok := f.Tag.Lookup("queryjson"); ok {
			g.member = m
		}
		if q, ok := f.Tag.Lookup("query"); ok {
			parts := strings.Split(q, ",")
			if parts[0] == "-" {
				continue
			}
			if parts[0] != "" {
				g.names = strings.Split(parts[0], "|")
			}
			g.flat = len(parts) > 1 && parts[1] == "flat"
			if len(parts) > 3 {
				g.key, g.value = parts[2], parts[3]
			}
		}
		tags = append(tags, g)
	}
	fc.m.Store(t, tags)
	return tags
}

// parseForm reads the parameters of a Query request: those of the query string and, of a
// POST, those of the form that is its body.
func parseForm(r *http.Request, body *bytes.Buffer) (url.Values, error) {
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || r.Method != http.MethodPost || body == nil {
		return form, err
	}
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if mediaType = strings.TrimSpace(mediaType); mediaType != "" && !strings.EqualFold(mediaType, "application/x-www-form-urlencoded") {
		return form, nil
	}
	posted, err := url.ParseQuery(body.String())
	if len(form) == 0 {
		return posted, err
	}
	maps.Copy(form, posted)
	return form, err
}

// param is a node of the tree that dotted parameter names form.
type param struct {
	value    string
	children map[string]*param
}

// maxQueryDepth bounds the segments of a parameter's name, e.g. "Entry.1.Attribute.2.Value.StringValue".
const maxQueryDepth = 16

func (p *param) child(name string) *param {
	if p == nil {
		return nil
	}
	return p.children[name]
}

// items returns the numbered children in order of their numbers.
func (p *param) items() []*param {
	type item struct {
		n int
		p *param
	}
	var items []item
	for name, c := range p.children {
		if n, err := strconv.Atoi(name); err == nil && n > 0 {
			items = append(items, item{n, c})
		}
	}
	slices.SortFunc(items, func(a, b item) int { return a.n - b.n })
	out := make([]*param, len(items))
	for i := range items {
		out[i] = items[i].p
	}
	return out
}

func parseParams(form url.Values) (*param, error) {
	root := &param{}
	for name, values := range form {
		if strings.Count(name, ".") >= maxQueryDepth {
			return nil, fmt.Errorf("parameter name too deep: %.80q", name)
		}
		if len(values) > 0 && !utf8.ValidString(values[0]) {
			return nil, fmt.Errorf("%.80q: invalid UTF-8", name)
		}
		p := root
		for part := range strings.SplitSeq(name, ".") {
			if p.children == nil {
				p.children = map[string]*param{}
			}
			c := p.children[part]
			if c == nil {
				c = &param{}
				p.children[part] = c
			}
			p = c
		}
		if len(values) > 0 {
			p.value = values[0]
		}
	}
	return root, nil
}

// decodeQuery fills the struct that in points to from the form's parameters.
func decodeQuery(fc *fieldCache, form url.Values, in any) error {
	root, err := parseParams(form)
	if err != nil {
		return err
	}
	return decodeStruct(fc, root, reflect.ValueOf(in).Elem())
}

func decodeStruct(fc *fieldCache, p *param, v reflect.Value) error {
	for _, g := range fc.of(v.Type()) {
		for _, name := range g.names {
			c := p.child(name)
			if c == nil {
				continue
			}
			if err := decodeField(fc, c, v.Field(g.index), g); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			break
		}
	}
	return nil
}

func decodeField(fc *fieldCache, p *param, v reflect.Value, g tag) error {
	switch v.Kind() {
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		list := p
		if !g.flat {
			if list = p.child("member"); list == nil {
				v.Set(reflect.MakeSlice(v.Type(), 0, 0)) // given, but empty
				return nil
			}
		}
		items := list.items()
		out := reflect.MakeSlice(v.Type(), len(items), len(items))
		for i, item := range items {
			if err := decodeValue(fc, item, out.Index(i)); err != nil {
				return err
			}
		}
		v.Set(out)
		return nil
	case reflect.Map:
		list := p
		if !g.flat {
			list = p.child("entry")
		}
		out := reflect.MakeMap(v.Type())
		if list != nil {
			for _, item := range list.items() {
				k := item.child(g.key)
				if k == nil {
					return fmt.Errorf("an entry without %s", g.key)
				}
				elem := reflect.New(v.Type().Elem()).Elem()
				if val := item.child(g.value); val != nil {
					if err := decodeValue(fc, val, elem); err != nil {
						return err
					}
				}
				out.SetMapIndex(reflect.ValueOf(k.value).Convert(v.Type().Key()), elem)
			}
		}
		v.Set(out)
		return nil
	}
	return decodeValue(fc, p, v)
}

func decodeValue(fc *fieldCache, p *param, v reflect.Value) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if v.Type() == reflect.TypeFor[Time]() {
		t, err := parseTime(p.value)
		v.Set(reflect.ValueOf(t))
		return err
	}
	switch v.Kind() {
	case reflect.Struct:
		return decodeStruct(fc, p, v)
	case reflect.String:
		v.SetString(p.value)
	case reflect.Bool:
		b, err := strconv.ParseBool(p.value)
		if err != nil {
			return fmt.Errorf("not a boolean: %.80q", p.value)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(p.value, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("not an integer: %.80q", p.value)
		}
		v.SetInt(n)
	case reflect.Float64:
		f, err := strconv.ParseFloat(p.value, 64)
		if err != nil {
			return fmt.Errorf("not a number: %.80q", p.value)
		}
		v.SetFloat(f)
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 { // a list in a list or a map
			return decodeField(fc, p, v, tag{})
		}
		b, err := base64.StdEncoding.DecodeString(p.value)
		if err != nil {
			return fmt.Errorf("not base64: %w", err)
		}
		v.SetBytes(b)
	default:
		return fmt.Errorf("no Query form for %s", v.Type())
	}
	return nil
}

// xmlWriter encodes outputs as the XML of Query responses.
type xmlWriter struct {
	fields *fieldCache
	buf    []byte
}

func (w *xmlWriter) open(name string)  { w.buf = append(append(append(w.buf, '<'), name...), '>') }
func (w *xmlWriter) close(name string) { w.buf = append(append(append(w.buf, '<', '/'), name...), '>') }

func (w *xmlWriter) element(name, text string) {
	w.open(name)
	w.text(text)
	w.close(name)
}

// text escapes what XML 1.0 needs escaped, and carriage returns, which parsers would
// otherwise normalise away. What XML cannot carry becomes U+FFFD.
func (w *xmlWriter) text(s string) {
	for _, r := range s {
		switch {
		case r == '<':
			w.buf = append(w.buf, "&lt;"...)
		case r == '>':
			w.buf = append(w.buf, "&gt;"...)
		case r == '&':
			w.buf = append(w.buf, "&amp;"...)
		case r == '"':
			w.buf = append(w.buf, "&quot;"...)
		case r == '\r':
			w.buf = append(w.buf, "&#xD;"...)
		case r == '\t', r == '\n', r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
			w.buf = utf8.AppendRune(w.buf, r)
		default:
			w.buf = append(w.buf, "\uFFFD"...)
		}
	}
}

func (w *xmlWriter) structFields(v reflect.Value) {
	for _, g := range w.fields.of(v.Type()) {
		w.field(g, v.Field(g.index))
	}
}

func (w *xmlWriter) field(g tag, v reflect.Value) {
	name := g.names[0]
	if k := v.Kind(); g.omitEmpty && (v.IsZero() || (k == reflect.Slice || k == reflect.Map) && v.Len() == 0) {
		return
	}
	switch v.Kind() {
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		if v.IsNil() {
			return
		}
		item := name
		if !g.flat {
			w.open(name)
			item = "member"
		}
		for i := range v.Len() {
			w.value(item, v.Index(i))
		}
		if !g.flat {
			w.close(name)
		}
		return
	case reflect.Map:
		if v.IsNil() {
			return
		}
		entry := name
		if !g.flat {
			w.open(name)
			entry = "entry"
		}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			w.open(entry)
			w.element(g.key, k.String())
			w.value(g.value, v.MapIndex(k))
			w.close(entry)
		}
		if !g.flat {
			w.close(name)
		}
		return
	}
	w.value(name, v)
}

func (w *xmlWriter) value(name string, v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return
		}
		v = v.Elem()
	}
	if v.Type() == reflect.TypeFor[Time]() {
		if t := v.Interface().(Time); !t.IsZero() {
			w.element(name, t.String())
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		w.open(name)
		w.structFields(v)
		w.close(name)
	case reflect.String:
		w.element(name, v.String())
	case reflect.Bool:
		w.element(name, strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int32, reflect.Int64:
		w.element(name, strconv.FormatInt(v.Int(), 10))
	case reflect.Float64:
		w.element(name, strconv.FormatFloat(v.Float(), 'f', -1, 64))
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 { // a list in a list or a map
			w.field(tag{names: []string{name}}, v)
		} else if !v.IsNil() {
			w.element(name, base64.StdEncoding.EncodeToString(v.Bytes()))
		}
	default:
		panic("wire: no Query form for " + v.Type().String())
	}
}

// encodeQuery encodes an operation's output as its Query response.
func encodeQuery(fc *fieldCache, op, namespace, requestID string, out any) []byte {
	w := &xmlWriter{fields: fc, buf: make([]byte, 0, 512)}
	w.buf = append(w.buf, "<?xml version=\"1.0\"?>"...)
	w.open(op + `Response xmlns="` + namespace + `"`)
	v := reflect.ValueOf(out).Elem()
	if v.NumField() > 0 {
		w.open(op + "Result")
		start := len(w.buf)
		w.structFields(v)
		if len(w.buf) == start {
			w.buf = append(w.buf[:start-1], "/>"...) // as AWS writes it
		} else {
			w.close(op + "Result")
		}
	}
	w.open("ResponseMetadata")
	w.element("RequestId", requestID)
	w.close("ResponseMetadata")
	w.close(op + "Response")
	return w.buf
}

// encodeQueryError encodes an error as its Query response.
func encodeQueryError(namespace, requestID string, e *Error) []byte {
	w := &xmlWriter{buf: make([]byte, 0, 512)}
	w.buf = append(w.buf, "<?xml version=\"1.0\"?>"...)
	w.open(`ErrorResponse xmlns="` + namespace + `"`)
	w.open("Error")
	w.element("Type", e.fault())
	w.element("Code", e.Code)
	w.element("Message", e.queryMessage())
	w.buf = append(w.buf, "<Detail/>"...)
	w.close("Error")
	w.element("RequestId", requestID)
	w.close("ErrorResponse")
	return w.buf
}
