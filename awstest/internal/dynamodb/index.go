package dynamodb

import (
	"maps"
	"slices"
	"sort"
	"strings"
)

// index keeps a table's records by a key: the table's own, or that of a secondary index,
// which has those records only that have its attributes.
type index struct {
	name       string // empty for the table's own
	schema     []keyElement
	hash, sort string // attributes; sort may be empty
	projection projection
	local      bool
	throughput throughput
	partitions map[string][]*record // by the hash key's text, in order
}

func newIndex(name string, schema []keyElement) *index {
	x := &index{name: name, schema: schema, hash: schema[0].AttributeName, partitions: map[string][]*record{}}
	if len(schema) > 1 {
		x.sort = schema[1].AttributeName
	}
	return x
}

// has reports whether the index has the item.
func (x *index) has(it item) bool {
	_, ok := it[x.hash]
	if ok && x.sort != "" {
		_, ok = it[x.sort]
	}
	return ok
}

// order orders two records within a partition.
func (x *index) order(a, b *record) int {
	if x.sort != "" {
		if n, _ := compare(a.it[x.sort], b.it[x.sort]); n != 0 {
			return n
		}
	}
	return strings.Compare(a.key, b.key)
}

// place is where a record is, or belongs, in its partition.
func (x *index) place(list []*record, r *record) int {
	return sort.Search(len(list), func(i int) bool { return x.order(list[i], r) >= 0 })
}

func (x *index) add(r *record) {
	if !x.has(r.it) {
		return
	}
	key := r.it[x.hash].key()
	list := x.partitions[key]
	x.partitions[key] = slices.Insert(list, x.place(list, r), r)
}

func (x *index) remove(r *record) {
	if !x.has(r.it) {
		return
	}
	key := r.it[x.hash].key()
	list := x.partitions[key]
	i := x.place(list, r)
	if i == len(list) || list[i].key != r.key {
		return
	}
	if len(list) == 1 {
		delete(x.partitions, key)
		return
	}
	x.partitions[key] = slices.Delete(list, i, i+1)
}

// all are the index's records, partition by partition.
func (x *index) all() []*record {
	var out []*record
	for _, key := range slices.Sorted(maps.Keys(x.partitions)) {
		out = append(out, x.partitions[key]...)
	}
	return out
}

// after cuts off a list of records, in the order of all or of one partition, up to the
// record with the key attributes.
func (x *index) after(list []*record, start *record, descending bool) []*record {
	startKey := start.it[x.hash].key()
	for i, r := range list {
		order := strings.Compare(r.it[x.hash].key(), startKey)
		if order == 0 {
			order = x.order(r, start)
		}
		if descending {
			order = -order
		}
		if order > 0 {
			return list[i:]
		}
	}
	return nil
}

// attributes are the attributes of the index's key and the table's.
func (x *index) attributes(t *table) []string {
	var out []string
	for _, name := range []string{t.primary.hash, t.primary.sort, x.hash, x.sort} {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// projected is what the index has of an item.
func (x *index) projected(t *table, it item) item {
	if x.name == "" || x.projection.ProjectionType == "ALL" {
		return it
	}
	names := x.attributes(t)
	if x.projection.ProjectionType == "INCLUDE" {
		names = append(names, x.projection.NonKeyAttributes...)
	}
	out := item{}
	for _, name := range names {
		if v, ok := it[name]; ok {
			out[name] = v
		}
	}
	return out
}
