package policy

import (
	"slices"
	"strconv"
	"strings"
)

// context holds the condition keys of a request, in lower case. A key with a nil
// value is one that AWS knows and this request doesn't have.
type context map[string]*string

// absentKeys are keys of AWS that no request here has: there are no organizations,
// networks, sessions or tags. Negated operators match them, as on AWS.
func absentKeys() []string {
	return []string{
		"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths",
		"aws:resourceorgid", "aws:resourceorgpaths", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip",
		"aws:sourceip", "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:federatedprovider",
		"aws:multifactorauthpresent", "aws:multifactorauthage", "aws:tokenissuetime", "aws:sourceidentity",
		"aws:referer", "aws:userid", "aws:username", "sns:endpoint", "sns:protocol",
	}
}

// contextOf returns the condition keys of a request. Source: IAM user guide, "AWS
// global condition context keys"; aws:SourceOwner is SNS's own (SNS developer guide,
// "aws:SourceAccount versus aws:SourceOwner").
func contextOf(r Request) context {
	c := context{}
	for _, key := range absentKeys() {
		c[key] = nil
	}
	// a key without a value is there, but absent
	set := func(key, value string) {
		c[key] = nil
		if value != "" {
			c[key] = &value
		}
	}
	from := r.From
	isService := from.Service != ""
	set("aws:securetransport", strconv.FormatBool(!r.Insecure))
	set("aws:viaawsservice", "false")
	set("aws:principalisawsservice", strconv.FormatBool(isService))
	set("aws:sourceowner", from.SourceAccount)
	if isService {
		set("aws:principalservicename", from.Service)
		set("aws:sourcearn", from.SourceARN)
		set("aws:sourceaccount", from.SourceAccount)
		set("aws:principalarn", "")
		set("aws:principalaccount", "")
	} else {
		arn := from.SourceARN
		if arn == "" && from.SourceAccount != "" {
			arn = "arn:" + partition(r.Resource) + ":iam::" + from.SourceAccount + ":root"
		}
		set("aws:principalservicename", "")
		set("aws:sourcearn", "")
		set("aws:sourceaccount", "")
		set("aws:principalarn", arn)
		set("aws:principalaccount", from.SourceAccount)
	}
	if parts := strings.SplitN(r.Resource, ":", 6); len(parts) == 6 {
		set("aws:requestedregion", parts[3])
		set("aws:resourceaccount", parts[4])
	}
	for key, value := range r.Keys {
		set(strings.ToLower(key), value)
	}
	return c
}

func partition(arn string) string {
	if parts := strings.SplitN(arn, ":", 3); len(parts) == 3 && parts[1] != "" {
		return parts[1]
	}
	return "aws"
}

// operator is a comparison of one value of the request with one of the policy.
type operator struct {
	compare func(pattern, value string) bool
	negated bool
}

// operatorOf returns the comparison of a condition operator without its set prefix
// and IfExists.
func operatorOf(name string) (operator, bool) {
	equal := func(pattern, value string) bool { return pattern == value }
	switch strings.ToLower(name) {
	case "stringequals":
		return operator{equal, false}, true
	case "stringnotequals":
		return operator{equal, true}, true
	case "stringequalsignorecase", "bool":
		return operator{strings.EqualFold, false}, true
	case "stringnotequalsignorecase":
		return operator{strings.EqualFold, true}, true
	case "stringlike":
		return operator{glob, false}, true
	case "stringnotlike":
		return operator{glob, true}, true
	case "arnequals", "arnlike":
		return operator{arnLike, false}, true
	case "arnnotequals", "arnnotlike":
		return operator{arnLike, true}, true
	}
	return operator{}, false
}

// arnLike compares the six components of two ARNs one by one, so that no wildcard
// reaches across a colon; ArnEquals does the same on AWS.
func arnLike(pattern, value string) bool {
	if pattern == "*" {
		return true
	}
	p, v := strings.SplitN(pattern, ":", 6), strings.SplitN(value, ":", 6)
	if len(p) != 6 || len(v) != 6 {
		return false
	}
	for i := range p {
		if !glob(p[i], v[i]) {
			return false
		}
	}
	return true
}

// match reports whether all conditions hold.
func (c conditions) match(keys context) bool {
	for name, byKey := range c {
		for key, patterns := range byKey {
			if !matchOne(name, key, patterns, keys) {
				return false
			}
		}
	}
	return true
}

func matchOne(name, key string, patterns []string, keys context) bool {
	value, known := lookup(keys, key)
	if !known {
		return false
	}
	if strings.EqualFold(name, "Null") {
		return slices.ContainsFunc(patterns, func(p string) bool {
			return strings.EqualFold(p, strconv.FormatBool(value == nil))
		})
	}
	set, base, qualified := strings.Cut(name, ":")
	if !qualified {
		set, base = "", name
	}
	all, some := strings.EqualFold(set, "ForAllValues"), strings.EqualFold(set, "ForAnyValue")
	if qualified && !all && !some {
		return false
	}
	base, ifExists := cutSuffixFold(base, "IfExists")
	op, ok := operatorOf(base)
	if !ok {
		return false
	}
	if value == nil {
		// nothing satisfies "for any value", everything "for all values"
		return ifExists || all || op.negated && !some
	}
	matched := slices.ContainsFunc(patterns, func(p string) bool { return op.compare(p, *value) })
	return matched != op.negated
}

// lookup finds a key's value; known is false for keys that are not AWS's.
func lookup(keys context, key string) (value *string, known bool) {
	key = strings.ToLower(key)
	if value, known = keys[key]; known {
		return value, true
	}
	for _, family := range []string{"aws:principaltag/", "aws:resourcetag/", "aws:requesttag/"} {
		if strings.HasPrefix(key, family) {
			return nil, true
		}
	}
	return nil, false
}

func cutSuffixFold(s, suffix string) (string, bool) {
	if n := len(s) - len(suffix); n >= 0 && strings.EqualFold(s[n:], suffix) {
		return s[:n], true
	}
	return s, false
}
