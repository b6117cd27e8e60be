package lambda

import (
	"bytes"
	"encoding/json"
)

// done returns the receipt handles of the messages of a batch that are dealt with, in their
// order: all, if the function succeeded, but for those that it reports as failed. A report
// that isn't understood fails the batch as a whole. [Lambda developer guide, "Implementing
// partial batch responses"; recorded]
func (b *batch) done(out outcome, partial bool) []string {
	if out.failed != "" {
		return nil
	}
	failed := map[string]bool{}
	if partial {
		var ok bool
		if failed, ok = failures(out.payload); !ok {
			return nil
		}
	}
	known := map[string]bool{}
	handles := []string{}
	for _, m := range b.messages {
		known[m.ID] = true
		if !failed[m.ID] {
			handles = append(handles, m.ReceiptHandle)
		}
	}
	for id := range failed {
		if !known[id] {
			return nil
		}
	}
	return handles
}

// failures reads a function's report: the ids of messages that failed. The names of members
// are case-sensitive.
func failures(payload []byte) (ids map[string]bool, ok bool) {
	ids = map[string]bool{}
	if len(bytes.TrimSpace(payload)) == 0 {
		return ids, true // as empty a response as there can be
	}
	var response map[string]json.RawMessage // null is nil
	if json.Unmarshal(payload, &response) != nil {
		return nil, false
	}
	list := response["batchItemFailures"]
	if list == nil {
		return ids, true
	}
	var items []map[string]json.RawMessage
	if json.Unmarshal(list, &items) != nil {
		return nil, false
	}
	for _, item := range items {
		var id string
		if json.Unmarshal(item["itemIdentifier"], &id) != nil || id == "" { // null is empty, too
			return nil, false
		}
		ids[id] = true
	}
	return ids, true
}
