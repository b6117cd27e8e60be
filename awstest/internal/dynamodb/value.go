package dynamodb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// value is an attribute value. Its kind says which of its members counts; it is never
// changed once it is in an item.
type value struct {
	kind kind
	text string           // S, N in its canonical form, B as the bytes
	yes  bool             // BOOL
	set  []string         // SS, NS, BS, sorted
	list []value          // L
	m    map[string]value // M
}

type kind string

// The kinds of values, by their names in requests.
const (
	kindS    kind = "S"
	kindN    kind = "N"
	kindB    kind = "B"
	kindSS   kind = "SS"
	kindNS   kind = "NS"
	kindBS   kind = "BS"
	kindBOOL kind = "BOOL"
	kindNULL kind = "NULL"
	kindL    kind = "L"
	kindM    kind = "M"
)

// item is an item, or a part of one, by attribute names.
type item map[string]value

// maxDepth bounds how deep values are nested. [DynamoDB limits]
const maxDepth = 32

// UnmarshalJSON implements json.Unmarshaler.
func (v *value) UnmarshalJSON(b []byte) error { return v.read(b, 0) }

func (v *value) read(b []byte, depth int) error {
	var raw map[kind]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return errors.New("Start of structure or map found where not expected.")
	}
	if depth > maxDepth {
		return invalid("Nesting Levels have exceeded supported limits: Attributes exceed supported nesting levels")
	}
	if len(raw) != 1 {
		return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	for k, data := range raw {
		v.kind = k
		switch k {
		case kindS:
			return json.Unmarshal(data, &v.text)
		case kindN:
			var text string
			if err := json.Unmarshal(data, &text); err != nil {
				return err
			}
			var err error
			v.text, err = canonical(text)
			return err
		case kindB:
			var bytes []byte
			if err := json.Unmarshal(data, &bytes); err != nil {
				return err
			}
			v.text = string(bytes)
			return nil
		case kindBOOL:
			return json.Unmarshal(data, &v.yes)
		case kindNULL:
			var yes bool
			if err := json.Unmarshal(data, &yes); err != nil || !yes {
				return invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
			}
			return nil
		case kindSS, kindNS, kindBS:
			return v.readSet(data)
		case kindL:
			var list []json.RawMessage
			if err := json.Unmarshal(data, &list); err != nil {
				return err
			}
			v.list = make([]value, len(list))
			for i := range list {
				if err := v.list[i].read(list[i], depth+1); err != nil {
					return err
				}
			}
			return nil
		case kindM:
			var members map[string]json.RawMessage
			if err := json.Unmarshal(data, &members); err != nil {
				return err
			}
			v.m = make(map[string]value, len(members))
			for name, data := range members {
				var member value
				if err := member.read(data, depth+1); err != nil {
					return err
				}
				v.m[name] = member
			}
			return nil
		}
	}
	return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
}

func (v *value) readSet(data []byte) error {
	var texts []string
	if err := json.Unmarshal(data, &texts); err != nil {
		return err
	}
	if len(texts) == 0 {
		return invalid("One or more parameter values were invalid: An number set  may not be empty")
	}
	for i, text := range texts {
		switch v.kind {
		case kindNS:
			n, err := canonical(text)
			if err != nil {
				return err
			}
			texts[i] = n
		case kindBS:
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return err
			}
			texts[i] = string(b)
		}
	}
	v.set = sorted(v.kind, texts)
	if len(slices.Compact(slices.Clone(v.set))) != len(v.set) {
		return invalid("One or more parameter values were invalid: Input collection contains duplicates.")
	}
	return nil
}

// sorted sorts the elements of a set of a kind.
func sorted(k kind, texts []string) []string {
	slices.SortFunc(texts, func(a, b string) int {
		if k == kindNS {
			return compareNumbers(a, b)
		}
		return strings.Compare(a, b)
	})
	return texts
}

// MarshalJSON implements json.Marshaler.
func (v value) MarshalJSON() ([]byte, error) {
	var inner any
	switch v.kind {
	case kindS, kindN:
		inner = v.text
	case kindB:
		inner = []byte(v.text)
	case kindBOOL:
		inner = v.yes
	case kindNULL:
		inner = true
	case kindSS, kindNS:
		inner = v.set
	case kindBS:
		list := make([][]byte, len(v.set))
		for i, text := range v.set {
			list[i] = []byte(text)
		}
		inner = list
	case kindL:
		inner = v.list
		if v.list == nil {
			inner = []value{}
		}
	case kindM:
		inner = v.m
		if v.m == nil {
			inner = map[string]value{}
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(map[kind]any{v.kind: inner})
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

var numberPattern = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?$`)

// canonical is a number as DynamoDB returns it: without zeros that don't count, and, unless
// it is very large or small, without an exponent. It has up to 38 digits. [DynamoDB
// developer guide, "Data types", "Number"]
func canonical(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) > 200 || !numberPattern.MatchString(s) {
		return "", invalid("The parameter cannot be converted to a numeric value: %.80s", s)
	}
	sign := ""
	if s[0] == '-' || s[0] == '+' {
		if s[0] == '-' {
			sign = "-"
		}
		s = s[1:]
	}
	mantissa, exponent := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa = s[:i]
		var err error
		if exponent, err = strconv.Atoi(s[i+1:]); err != nil {
			return "", invalid("The parameter cannot be converted to a numeric value: %.80s", s)
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	point := len(whole) + exponent // of the digits, how many stand before the point
	trimmed := strings.TrimLeft(digits, "0")
	point -= len(digits) - len(trimmed)
	digits = strings.TrimRight(trimmed, "0")
	switch {
	case digits == "":
		return "0", nil
	case len(digits) > 38:
		return "", invalid("Attempting to store more than 38 significant digits in a Number")
	case point > 126:
		return "", invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case point < -129:
		return "", invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits, nil
	case point >= len(digits):
		return sign + digits + strings.Repeat("0", point-len(digits)), nil
	}
	return sign + digits[:point] + "." + digits[point:], nil
}

// rational is a canonical number.
func rational(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return new(big.Rat) // canonical numbers can always be read
	}
	return r
}

func compareNumbers(a, b string) int {
	if a == b {
		return 0
	}
	return rational(a).Cmp(rational(b))
}

// sum adds two canonical numbers, the second one times sign.
func sum(a, b string, sign int64) (string, error) {
	r := rational(b)
	r.Mul(r, big.NewRat(sign, 1))
	r.Add(r, rational(a))
	return canonical(r.FloatString(130))
}

// equal reports whether two values are the same.
func equal(a, b value) bool {
	if a.kind != b.kind || a.text != b.text || a.yes != b.yes {
		return false
	}
	return slices.Equal(a.set, b.set) && slices.EqualFunc(a.list, b.list, equal) && maps.EqualFunc(a.m, b.m, equal)
}

// compare orders two values of one of the kinds that have an order; ok is false for others.
func compare(a, b value) (order int, ok bool) {
	if a.kind != b.kind {
		return 0, false
	}
	switch a.kind {
	case kindN:
		return compareNumbers(a.text, b.text), true
	case kindS, kindB:
		return strings.Compare(a.text, b.text), true
	}
	return 0, false
}

// size is how much a value takes, in bytes. [DynamoDB developer guide, "DynamoDB item sizes
// and formats"]
func (v value) size() int {
	switch v.kind {
	case kindS, kindB:
		return len(v.text)
	case kindN:
		return numberSize(v.text)
	case kindBOOL, kindNULL:
		return 1
	case kindL:
		n := 3
		for _, e := range v.list {
			n += 1 + e.size()
		}
		return n
	case kindM:
		n := 3
		for name, e := range v.m {
			n += 1 + len(name) + e.size()
		}
		return n
	}
	n := 0
	for _, e := range v.set {
		if v.kind == kindNS {
			n += numberSize(e)
		} else {
			n += len(e)
		}
	}
	return n
}

func numberSize(s string) int {
	digits := strings.Trim(strings.NewReplacer("-", "", ".", "").Replace(s), "0")
	return (len(digits)+1)/2 + 1
}

func (it item) size() int {
	n := 0
	for name, v := range it {
		n += len(name) + v.size()
	}
	return n
}

// key is a value of a key as one text; the texts of different values differ.
func (v value) key() string { return fmt.Sprintf("%s:%d:%s", v.kind, len(v.text), v.text) }
