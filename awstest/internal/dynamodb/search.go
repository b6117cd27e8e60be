package dynamodb

import (
	"context"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// searchInput is what Query and Scan take alike.
type searchInput struct {
	placeholders
	legacy
	TableName              string
	IndexName              *string
	FilterExpression       *string
	ProjectionExpression   *string
	Select                 string
	Limit                  *int
	ExclusiveStartKey      item
	ConsistentRead         bool
	ReturnConsumedCapacity string
}

type searchOutput struct {
	Items            *[]item `json:",omitempty"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey item      `json:",omitempty"`
	ConsumedCapacity *capacity `json:",omitempty"`
}

type queryInput struct {
	searchInput
	KeyConditionExpression *string
	ScanIndexForward       *bool
}

type scanInput struct {
	searchInput
	Segment, TotalSegments *int
}

// indexFor returns the index that is searched. It is called with s.mu held.
func (in *searchInput) indexFor(t *table) (*index, error) {
	if in.IndexName == nil {
		return t.primary, nil
	}
	x := t.indexOf(*in.IndexName)
	if x == nil {
		return nil, invalid("The table does not have the specified index: %s", *in.IndexName)
	}
	if in.ConsistentRead && !x.local {
		return nil, invalid("Consistent reads are not supported on global secondary indexes")
	}
	return x, nil
}

// search reads records in their order, from the start key on.
func (in *searchInput) search(t *table, x *index, list []*record, descending bool, n *names, filter condition) (*searchOutput, error) {
	var paths []path
	var err error
	if in.ProjectionExpression != nil {
		if paths, err = parseProjection(*in.ProjectionExpression, n); err != nil {
			return nil, err
		}
	}
	if err := n.unused(); err != nil {
		return nil, err
	}
	switch in.Select {
	case "", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT":
	default:
		return nil, invalid("1 validation error detected: Value '%s' at 'select' failed to satisfy constraint: Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES]", in.Select)
	}
	limit := len(list)
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 {
			return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", limit)
		}
	}
	if in.ExclusiveStartKey != nil {
		for _, name := range x.attributes(t) {
			if in.ExclusiveStartKey[name].kind != t.typeOf(name) {
				return nil, invalid("The provided starting key is invalid")
			}
		}
		start := &record{it: in.ExclusiveStartKey, key: t.keyOf(in.ExclusiveStartKey)}
		list = x.after(list, start, descending)
	}
	out := &searchOutput{}
	items := []item{}
	read := 0
	for i, r := range list {
		read += r.size
		out.ScannedCount++
		seen := r.it
		if in.Select != "ALL_ATTRIBUTES" {
			seen = x.projected(t, seen)
		}
		if filter == nil || filter(seen) {
			out.Count++
			items = append(items, project(seen, paths))
		}
		// at the limit there is a key, whether something follows or not
		if out.ScannedCount == limit && in.Limit != nil || read >= maxPage && i < len(list)-1 {
			out.LastEvaluatedKey = item{}
			for _, name := range x.attributes(t) {
				out.LastEvaluatedKey[name] = r.it[name]
			}
			break
		}
	}
	if in.Select != "COUNT" {
		out.Items = &items
	}
	out.ConsumedCapacity = consumed(in.ReturnConsumedCapacity, in.TableName, read, 4096, readShare(in.ConsistentRead))
	return out, nil
}

// start reads what both operations have in common.
func (in *searchInput) start() (*names, condition, error) {
	if err := in.check(); err != nil {
		return nil, nil, err
	}
	n, err := newNames(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil || in.FilterExpression == nil {
		return n, nil, err
	}
	filter, err := parseCondition("FilterExpression", *in.FilterExpression, n)
	return n, filter, err
}

func (s *Service) query(_ context.Context, c *wire.Call, in *queryInput) (out *searchOutput, err error) {
	n, filter, err := in.start()
	if err != nil {
		return nil, err
	}
	if in.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	err = s.edit(c, in.TableName, func(t *table) error {
		x, err := in.indexFor(t)
		if err != nil {
			return err
		}
		hash, within, err := parseKeyCondition(*in.KeyConditionExpression, n, t, x)
		if err != nil {
			return err
		}
		var list []*record
		for _, r := range x.partitions[hash.key()] {
			if within(r.it) {
				list = append(list, r)
			}
		}
		descending := in.ScanIndexForward != nil && !*in.ScanIndexForward
		if descending {
			slices.Reverse(list)
		}
		out, err = in.search(t, x, list, descending, n, filter)
		return err
	})
	return out, err
}

func (s *Service) scan(_ context.Context, c *wire.Call, in *scanInput) (out *searchOutput, err error) {
	n, filter, err := in.start()
	if err != nil {
		return nil, err
	}
	segment, segments := 0, 1
	switch {
	case (in.Segment == nil) != (in.TotalSegments == nil):
		return nil, invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment != nil:
		segment, segments = *in.Segment, *in.TotalSegments
		if segments < 1 || segments > 1_000_000 || segment < 0 || segment >= segments {
			return nil, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", segment, segments)
		}
	}
	err = s.edit(c, in.TableName, func(t *table) error {
		x, err := in.indexFor(t)
		if err != nil {
			return err
		}
		list := x.all()
		if segments > 1 {
			list = slices.DeleteFunc(list, func(r *record) bool {
				h := fnv.New32a()
				_, _ = h.Write([]byte(r.it[x.hash].key()))
				return int(h.Sum32()%uint32(segments)) != segment
			})
		}
		out, err = in.search(t, x, list, false, n, filter)
		return err
	})
	return out, err
}

// parseKeyCondition reads a key condition: the value of the hash key, and a condition on
// the sort key, if any.
func parseKeyCondition(text string, n *names, t *table, x *index) (hash value, within condition, err error) {
	p := newParser("KeyConditionExpression", text, n)
	within = func(item) bool { return true }
	hasHash, hasSort := false, false
	for p.err == nil {
		open := 0
		for p.keyword("(") {
			open++
		}
		name, op, operands := p.keyTerm()
		for range open {
			p.expect(")")
		}
		if p.err != nil {
			break
		}
		if name != x.hash && (name != x.sort || hasSort) {
			return hash, nil, invalid("Query condition missed key schema element: %s", missing(x, hasHash))
		}
		for _, v := range operands {
			if v.kind != t.typeOf(name) {
				return hash, nil, invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
			}
		}
		switch {
		case name == x.hash && !hasHash && op == "=":
			hash, hasHash = operands[0], true
		case name == x.hash:
			return hash, nil, invalid("Query key condition not supported")
		default:
			hasSort = true
			within = keyRange(name, op, operands)
		}
		if !p.keyword("AND") {
			break
		}
	}
	if p.err == nil && p.i < len(p.tokens) {
		p.unexpected()
	}
	if p.err == nil && !hasHash {
		return hash, nil, invalid("Query condition missed key schema element: %s", x.hash)
	}
	return hash, within, p.err
}

// missing is the attribute of the index's key that a condition should be on.
func missing(x *index, hasHash bool) string {
	if hasHash && x.sort != "" {
		return x.sort
	}
	return x.hash
}

// keyTerm reads a term of a key condition.
func (p *parser) keyTerm() (name, op string, operands []value) {
	operand := func() {
		v, ok := p.value()
		if !ok {
			p.unexpected()
		}
		operands = append(operands, v)
	}
	if p.peek() == "begins_with" {
		p.i++
		p.expect("(")
		name = p.name()
		p.expect(",")
		operand()
		p.expect(")")
		return name, "begins_with", operands
	}
	name = p.name()
	switch op = strings.ToUpper(p.next()); op {
	case "=", "<", "<=", ">", ">=":
		operand()
	case "BETWEEN":
		operand()
		p.expect("AND")
		operand()
	default:
		p.i--
		p.unexpected()
	}
	return name, op, operands
}

func keyRange(name, op string, operands []value) condition {
	constant := func(i int) operand { return func(item) (value, bool) { return operands[i], true } }
	key := path{{name, -1}}.in
	switch op {
	case "BETWEEN":
		low, high := compareBy(">=", key, constant(0)), compareBy("<=", key, constant(1))
		return func(it item) bool { return low(it) && high(it) }
	case "begins_with":
		return func(it item) bool { return strings.HasPrefix(it[name].text, operands[0].text) }
	}
	return compareBy(op, key, constant(0))
}
