package dynamodb

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// legacy are parameters that expressions have replaced.
type legacy struct {
	Expected            json.RawMessage
	ConditionalOperator json.RawMessage
	KeyConditions       json.RawMessage
	QueryFilter         json.RawMessage
	ScanFilter          json.RawMessage
	AttributesToGet     json.RawMessage
}

func (l *legacy) check() error {
	for name, given := range map[string]json.RawMessage{
		"Expected": l.Expected, "ConditionalOperator": l.ConditionalOperator, "KeyConditions": l.KeyConditions,
		"QueryFilter": l.QueryFilter, "ScanFilter": l.ScanFilter, "AttributesToGet": l.AttributesToGet,
	} {
		if given != nil {
			return notServed("The parameter " + name + ", which expressions have replaced, is")
		}
	}
	return nil
}

// placeholders are what expressions refer to.
type placeholders struct {
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]value
}

// conditional is a write with a condition.
type conditional struct {
	placeholders
	TableName                           string
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure string
}

// checkKey checks that an item has the key attributes of the table, and, if exact, no more.
func (t *table) checkKey(it item, exact bool) error {
	n := 0
	for _, name := range []string{t.primary.hash, t.primary.sort} {
		if name == "" {
			continue
		}
		n++
		v, ok := it[name]
		switch {
		case !ok && exact:
			return invalid("The provided key element does not match the schema")
		case !ok:
			return invalid("One or more parameter values were invalid: Missing the key %s in the item", name)
		case v.kind != t.typeOf(name) && exact:
			return invalid("The provided key element does not match the schema")
		case v.kind != t.typeOf(name):
			return invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", name, t.typeOf(name), v.kind)
		case v.text == "":
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", map[kind]string{kindS: "string", kindB: "binary"}[v.kind], name)
		}
		if limit := map[bool]int{true: 2048, false: 1024}[name == t.primary.hash]; len(v.text) > limit {
			return invalid("One or more parameter values were invalid: Size of %s has exceeded the maximum size limit of %d bytes", map[bool]string{true: "hashkey", false: "rangekey"}[name == t.primary.hash], limit)
		}
	}
	if exact && len(it) != n {
		return invalid("The provided key element does not match the schema")
	}
	return nil
}

// checkIndexes checks that what secondary indexes have as keys is of their types.
func (t *table) checkIndexes(it item) error {
	for _, x := range t.indexes {
		for _, name := range []string{x.hash, x.sort} {
			v, ok := it[name]
			switch {
			case !ok:
			case v.kind != t.typeOf(name):
				return invalid("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", name, t.typeOf(name), v.kind, x.name)
			case v.text == "":
				return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: %s, IndexKey: %s", x.name, name)
			}
		}
	}
	return nil
}

// write is a change of one item: what it becomes, if a condition holds. It is prepared
// first, so that of several none happens if one can't.
type write struct {
	table     *table
	key       string
	old       item // nil if there is none
	condition condition
	again     bool // the old item is returned if the condition doesn't hold
	// becomes is the item afterwards, nil if there is to be none; keep says that nothing
	// changes
	becomes func() (item, error)
	keep    bool
}

// prepare prepares a write. keys are what the item's key is taken from.
func (t *table) prepare(in *conditional, keys item, exact bool, n *names) (*write, error) {
	if err := t.checkKey(keys, exact); err != nil {
		return nil, err
	}
	w := &write{table: t, key: t.keyOf(keys), again: in.ReturnValuesOnConditionCheckFailure == "ALL_OLD"}
	if r := t.records[w.key]; r != nil {
		w.old = r.it
	}
	if in.ConditionExpression != nil {
		c, err := parseCondition("ConditionExpression", *in.ConditionExpression, n)
		if err != nil {
			return nil, err
		}
		w.condition = c
	}
	return w, nil
}

const conditionFailed = "The conditional request failed"

// check checks the condition.
func (w *write) check() *wire.Error {
	if w.condition == nil || w.condition(w.old) {
		return nil
	}
	e := &wire.Error{Code: "ConditionalCheckFailedException", Message: conditionFailed}
	if w.again && w.old != nil {
		body, err := wire.EncodeJSON(map[string]any{
			"__type": "com.amazonaws.dynamodb.v20120810#" + e.Code, "message": e.Message, "Item": w.old,
		})
		if err == nil {
			e.Body = body
		}
	}
	return e
}

// run carries the write out. It is called with s.mu held.
func (s *Service) run(w *write) (now item, err error) {
	if e := w.check(); e != nil {
		return nil, e
	}
	if w.keep {
		return w.old, nil
	}
	if now, err = w.becomes(); err != nil {
		return nil, err
	}
	return now, s.apply(w, now)
}

func (s *Service) apply(w *write, now item) error {
	if now == nil {
		if r := w.table.records[w.key]; r != nil {
			s.remove(w.table, r)
		}
		return nil
	}
	if err := w.table.checkIndexes(now); err != nil {
		return err
	}
	return s.put(w.table, now)
}

// capacity is what an operation takes of a table's throughput. [DynamoDB developer guide,
// "DynamoDB read and write operations": units of 1 KB written, or 4 KB read]
type capacity struct {
	TableName     string
	CapacityUnits float64
}

func consumed(kind, name string, bytes, unit int, share float64) *capacity {
	if kind != "TOTAL" && kind != "INDEXES" {
		return nil
	}
	return &capacity{name, float64(max(1, (bytes+unit-1)/unit)) * share}
}

func readShare(consistent bool) float64 {
	if consistent {
		return 1
	}
	return 0.5
}

type writeOutput struct {
	Attributes       item      `json:",omitempty"`
	ConsumedCapacity *capacity `json:",omitempty"`
}

type putItemInput struct {
	conditional
	legacy
	Item                   item
	ReturnValues           string
	ReturnConsumedCapacity string
}

// preparePut prepares a PutItem.
func (t *table) preparePut(in *conditional, it item, n *names) (*write, error) {
	w, err := t.prepare(in, it, false, n)
	if err != nil {
		return nil, err
	}
	w.becomes = func() (item, error) { return it, nil }
	return w, n.unused()
}

func checkReturn(value string, allowed ...string) error {
	if value == "" {
		return nil
	}
	for _, a := range append(allowed, "NONE") {
		if value == a {
			return nil
		}
	}
	return invalid("Return values set to invalid value")
}

// one carries out a write of one item.
func (s *Service) one(c *wire.Call, in *conditional, l *legacy, prepare func(t *table, n *names) (*write, error)) (w *write, now item, err error) {
	if err := l.check(); err != nil {
		return nil, nil, err
	}
	n, err := newNames(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, nil, err
	}
	err = s.edit(c, in.TableName, func(t *table) error {
		if w, err = prepare(t, n); err != nil {
			return err
		}
		now, err = s.run(w)
		return err
	})
	return w, now, err
}

func (s *Service) putItem(_ context.Context, c *wire.Call, in *putItemInput) (*writeOutput, error) {
	if err := checkReturn(in.ReturnValues, "ALL_OLD"); err != nil {
		return nil, err
	}
	w, now, err := s.one(c, &in.conditional, &in.legacy, func(t *table, n *names) (*write, error) { return t.preparePut(&in.conditional, in.Item, n) })
	if err != nil {
		return nil, err
	}
	out := &writeOutput{ConsumedCapacity: consumed(in.ReturnConsumedCapacity, in.TableName, max(now.size(), w.old.size()), 1024, 1)}
	if in.ReturnValues == "ALL_OLD" {
		out.Attributes = w.old
	}
	return out, nil
}

type deleteItemInput struct {
	conditional
	legacy
	Key                    item
	ReturnValues           string
	ReturnConsumedCapacity string
}

func (t *table) prepareDelete(in *conditional, key item, n *names) (*write, error) {
	w, err := t.prepare(in, key, true, n)
	if err != nil {
		return nil, err
	}
	w.becomes = func() (item, error) { return nil, nil }
	return w, n.unused()
}

func (s *Service) deleteItem(_ context.Context, c *wire.Call, in *deleteItemInput) (*writeOutput, error) {
	if err := checkReturn(in.ReturnValues, "ALL_OLD"); err != nil {
		return nil, err
	}
	w, _, err := s.one(c, &in.conditional, &in.legacy, func(t *table, n *names) (*write, error) { return t.prepareDelete(&in.conditional, in.Key, n) })
	if err != nil {
		return nil, err
	}
	out := &writeOutput{ConsumedCapacity: consumed(in.ReturnConsumedCapacity, in.TableName, w.old.size(), 1024, 1)}
	if in.ReturnValues == "ALL_OLD" {
		out.Attributes = w.old
	}
	return out, nil
}

type updateItemInput struct {
	conditional
	legacy
	Key                    item
	UpdateExpression       *string
	AttributeUpdates       map[string]attributeUpdate
	ReturnValues           string
	ReturnConsumedCapacity string
}

// attributeUpdate is what update expressions have replaced, and Terraform's provider uses.
type attributeUpdate struct {
	Action string
	Value  *value
}

// changesOf makes changes of attribute updates.
func changesOf(updates map[string]attributeUpdate) ([]change, error) {
	var changes []change
	for _, name := range slices.Sorted(maps.Keys(updates)) {
		u, at := updates[name], path{{name, -1}}
		switch {
		case u.Action == "DELETE" && u.Value == nil:
			changes = append(changes, change{at, func(_, after item) error { return at.remove(after) }})
		case u.Value == nil:
			return nil, invalid("One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified")
		case u.Action == "" || u.Action == "PUT":
			changes = append(changes, change{at, func(_, after item) error { return at.put(after, *u.Value) }})
		case u.Action == "ADD" || u.Action == "DELETE":
			changes = append(changes, change{at, func(before, after item) error { return at.combine(before, after, *u.Value, u.Action == "ADD") }})
		default:
			return nil, invalid("1 validation error detected: Value '%s' at 'attributeUpdates.%s.member.action' failed to satisfy constraint: Member must satisfy enum value set: [ADD, DELETE, PUT]", u.Action, name)
		}
	}
	return changes, nil
}

// prepareUpdate prepares an UpdateItem; the changes are what it changes.
func (t *table) prepareUpdate(in *conditional, key item, expression *string, updates map[string]attributeUpdate, n *names) (*write, []change, error) {
	w, err := t.prepare(in, key, true, n)
	if err != nil {
		return nil, nil, err
	}
	if expression != nil && updates != nil {
		return nil, nil, invalid("Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributeUpdates} Expression parameters: {UpdateExpression}")
	}
	changes, err := changesOf(updates)
	if err != nil {
		return nil, nil, err
	}
	if expression != nil {
		if changes, err = parseUpdate(*expression, n); err != nil {
			return nil, nil, err
		}
	}
	for _, ch := range changes {
		if name := ch.at[0].name; name == t.primary.hash || name == t.primary.sort {
			return nil, nil, invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	w.becomes = func() (item, error) {
		now := item{}
		maps.Copy(now, w.old)
		if w.old == nil {
			maps.Copy(now, key)
		}
		for _, ch := range changes {
			if err := ch.apply(w.old, now); err != nil {
				return nil, err
			}
		}
		return now, nil
	}
	return w, changes, n.unused()
}

func (s *Service) updateItem(_ context.Context, c *wire.Call, in *updateItemInput) (*writeOutput, error) {
	if err := checkReturn(in.ReturnValues, "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"); err != nil {
		return nil, err
	}
	var changes []change
	w, now, err := s.one(c, &in.conditional, &in.legacy, func(t *table, n *names) (w *write, err error) {
		w, changes, err = t.prepareUpdate(&in.conditional, in.Key, in.UpdateExpression, in.AttributeUpdates, n)
		return w, err
	})
	if err != nil {
		return nil, err
	}
	out := &writeOutput{ConsumedCapacity: consumed(in.ReturnConsumedCapacity, in.TableName, max(now.size(), w.old.size()), 1024, 1)}
	paths := []path{}
	for _, ch := range changes {
		paths = append(paths, ch.at)
	}
	switch in.ReturnValues {
	case "ALL_OLD":
		out.Attributes = w.old
	case "ALL_NEW":
		out.Attributes = now
	case "UPDATED_OLD":
		out.Attributes = project(w.old, paths)
	case "UPDATED_NEW":
		out.Attributes = project(now, paths)
	}
	return out, nil
}

type getItemInput struct {
	legacy
	TableName                string
	Key                      item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	ConsistentRead           bool
	ReturnConsumedCapacity   string
}

type getItemOutput struct {
	Item             item      `json:",omitempty"`
	ConsumedCapacity *capacity `json:",omitempty"`
}

// get reads an item. It is called with s.mu held.
func (t *table) get(key item, expression *string, attributeNames map[string]string) (found item, size int, err error) {
	if err := t.checkKey(key, true); err != nil {
		return nil, 0, err
	}
	n, err := newNames(attributeNames, nil)
	if err != nil {
		return nil, 0, err
	}
	var paths []path
	if expression != nil {
		if paths, err = parseProjection(*expression, n); err != nil {
			return nil, 0, err
		}
	}
	if err := n.unused(); err != nil {
		return nil, 0, err
	}
	r := t.records[t.keyOf(key)]
	if r == nil {
		return nil, 0, nil
	}
	return project(r.it, paths), r.size, nil
}

func (s *Service) getItem(_ context.Context, c *wire.Call, in *getItemInput) (out *getItemOutput, err error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	err = s.edit(c, in.TableName, func(t *table) error {
		found, size, err := t.get(in.Key, in.ProjectionExpression, in.ExpressionAttributeNames)
		out = &getItemOutput{found, consumed(in.ReturnConsumedCapacity, in.TableName, size, 4096, readShare(in.ConsistentRead))}
		return err
	})
	return out, err
}
