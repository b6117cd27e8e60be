package wire

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// The Query protocol answers in JSON to those who ask for it by "Accept:
// application/json", as many a curl command and API Gateway integration does. The form
// is older than, and not, the JSON protocol: the response is wrapped as in XML, absent
// members are null, a map is a list of its entries, and members are in alphabetical
// order (API Gateway's answers from SQS, e.g. in aws-samples/serverless-patterns).

// asksForJSON says whether a Query request asks for JSON.
func asksForJSON(r *http.Request) bool {
	accept, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
	accept, _, _ = strings.Cut(accept, ";")
	return strings.EqualFold(strings.TrimSpace(accept), "application/json")
}

// encodeQueryJSON encodes an operation's output as its Query response in JSON.
func encodeQueryJSON(fc *fieldCache, op, requestID string, out any) ([]byte, error) {
	response := map[string]any{"ResponseMetadata": map[string]string{"RequestId": requestID}}
	if v := reflect.ValueOf(out).Elem(); v.NumField() > 0 {
		response[op+"Result"] = fc.tree(v, tag{})
	}
	return EncodeJSON(map[string]any{op + "Response": response})
}

// encodeQueryErrorJSON encodes an error as its Query response in JSON.
func encodeQueryErrorJSON(requestID string, e *Error) ([]byte, error) {
	return EncodeJSON(map[string]any{
		"Error":     map[string]string{"Type": e.fault(), "Code": e.Code, "Message": e.queryMessage()},
		"RequestId": requestID,
	})
}

// tree is v as what encoding/json makes the form of; g is the tag of the field it is from.
func (fc *fieldCache) tree(v reflect.Value, g tag) any {
	if k := v.Kind(); g.omitEmpty && (v.IsZero() || (k == reflect.Slice || k == reflect.Map) && v.Len() == 0) {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if v.Type() == reflect.TypeFor[Time]() {
		return v.Interface()
	}
	switch v.Kind() {
	case reflect.Struct:
		members := map[string]any{}
		for _, g := range fc.of(v.Type()) {
			members[g.member] = fc.tree(v.Field(g.index), g)
		}
		return members
	case reflect.Slice:
		if v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Interface()
		}
		items := make([]any, v.Len())
		for i := range items {
			items[i] = fc.tree(v.Index(i), tag{})
		}
		return items
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		byKey := make(map[string]any, v.Len())
		for entries := v.MapRange(); entries.Next(); {
			byKey[entries.Key().String()] = fc.tree(entries.Value(), tag{})
		}
		entries := make([]any, 0, len(byKey))
		for _, key := range slices.Sorted(maps.Keys(byKey)) {
			entries = append(entries, map[string]any{g.key: key, g.value: byKey[key]})
		}
		return entries
	default:
		return v.Interface()
	}
}
