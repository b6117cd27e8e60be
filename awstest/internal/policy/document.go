package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// MaxDocument bounds a policy document, in bytes. The largest that a service takes is
// SNS's, 30 KiB.
const MaxDocument = 64 << 10

// Kind is what a policy is attached to, which decides the elements it must have.
type Kind int

// The kinds of policy.
const (
	// Resource policies name principals and resources.
	Resource Kind = iota
	// Trust policies, of roles, name principals; the resource is the role itself.
	Trust
	// Identity policies, of users and roles, name resources.
	Identity
)

// ErrResource says that a trust policy has a Resource, which it must not.
var ErrResource = errors.New("a trust policy must not have a Resource")

// Document is a parsed policy.
type Document struct {
	statements []statement
}

type statement struct {
	Sid                     string
	Effect                  string
	Principal, NotPrincipal principals
	Action, NotAction       list
	Resource, NotResource   list
	Condition               conditions
}

// Parse reads a policy document of any kind.
func Parse(doc string) (*Document, error) {
	if len(doc) > MaxDocument {
		return nil, fmt.Errorf("policy document is longer than %d bytes", MaxDocument)
	}
	var raw struct {
		Version   string
		ID        string `json:"Id"`
		Statement statements
	}
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&raw); err != nil {
		return nil, fmt.Errorf("reading policy document: %w", err)
	}
	if dec.More() {
		return nil, errors.New("policy document is followed by something else")
	}
	if raw.Version != "" && raw.Version != "2012-10-17" && raw.Version != "2008-10-17" {
		return nil, fmt.Errorf("unknown policy version %.40q", raw.Version)
	}
	if len(raw.Statement) == 0 {
		return nil, errors.New("policy document has no statement")
	}
	return &Document{statements: raw.Statement}, nil
}

// Validate reports what is wrong with a resource-based policy document, nil if
// nothing is.
func Validate(doc string) error { return ValidateKind(doc, Resource) }

// ValidateKind reports what is wrong with a policy document of the kind.
func ValidateKind(doc string, kind Kind) error {
	d, err := Parse(doc)
	if err != nil {
		return err
	}
	for i := range d.statements {
		if err := d.statements[i].validate(kind); err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *statement) validate(kind Kind) error {
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return fmt.Errorf("effect must be Allow or Deny, not %.40q", s.Effect)
	}
	if err := oneOf("Action", len(s.Action), len(s.NotAction)); err != nil {
		return err
	}
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		if _, name, ok := strings.Cut(action, ":"); action != "*" && (!ok || name == "") {
			return fmt.Errorf("action %.80q must be a service and a name, separated by a colon", action)
		}
	}
	if kind == Identity {
		if s.Principal != nil || s.NotPrincipal != nil {
			return errors.New("an identity-based policy must not have a Principal")
		}
	} else if err := oneOf("Principal", len(s.Principal), len(s.NotPrincipal)); err != nil {
		return err
	}
	if kind == Trust {
		if s.Resource != nil || s.NotResource != nil {
			return ErrResource
		}
		return nil
	}
	return oneOf("Resource", len(s.Resource), len(s.NotResource))
}

func oneOf(element string, is, isNot int) error {
	switch {
	case is == 0 && isNot == 0:
		return fmt.Errorf("%s is missing", element)
	case is > 0 && isNot > 0:
		return fmt.Errorf("%s and Not%s exclude each other", element, element)
	}
	return nil
}

// Actions returns the actions that the statements name, as they are written, those
// under NotAction excepted.
func (d *Document) Actions() []string {
	var all []string
	for _, s := range d.statements {
		all = append(all, s.Action...)
	}
	return all
}

// Accounts returns the AWS principals that the statements name, as they are written,
// those under NotPrincipal excepted.
func (d *Document) Accounts() []string {
	var all []string
	for _, s := range d.statements {
		all = append(all, s.Principal["AWS"]...)
	}
	return all
}

// statements is a statement or a list of them.
type statements []statement

func (s *statements) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		b = slices.Concat([]byte("["), b, []byte("]"))
	}
	var raw []statement
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields() // the outer decoder's setting doesn't reach in here
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	*s = raw
	return nil
}

// list is a string or a list of strings.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = list{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return err
	}
	*l = many
	return nil
}

// principals holds names by kind: AWS, Service, Federated, CanonicalUser. "*" alone is
// everyone.
type principals map[string]list

func (p *principals) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		if one != "*" {
			return fmt.Errorf("a principal that is a string must be *, not %.80q", one)
		}
		*p = principals{"*": {"*"}}
		return nil
	}
	var many map[string]list
	if err := json.Unmarshal(b, &many); err != nil {
		return err
	}
	for kind := range many {
		if !slices.Contains([]string{"AWS", "Service", "Federated", "CanonicalUser", "*"}, kind) {
			return fmt.Errorf("unknown kind of principal %.80q", kind)
		}
	}
	*p = many
	return nil
}

// conditions holds values by operator and key.
type conditions map[string]map[string]values

// values is a scalar or a list of scalars, as strings.
type values []string

func (v *values) UnmarshalJSON(b []byte) error {
	var raw any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	many, ok := raw.([]any)
	if !ok {
		many = []any{raw}
	}
	out := make(values, 0, len(many))
	for _, one := range many {
		switch one := one.(type) {
		case string:
			out = append(out, one)
		case bool:
			out = append(out, strconv.FormatBool(one))
		case json.Number:
			out = append(out, one.String())
		default:
			return fmt.Errorf("a condition's value must be a string, a number or a boolean: %.80s", b)
		}
	}
	*v = out
	return nil
}
