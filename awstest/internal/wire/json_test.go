package wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestJSONEchoes(t *testing.T) {
	r := newRig(t)
	for name, body := range map[string]string{
		"all kinds of members": `{"Text":"a \"<&>\" \u2028é","named":"n","Number":-7,"Long":9007199254740993,"Float":1.5,"Flag":true,"NoFlag":false,"Zero":0,
			"Blob":"aGVsbG8=","When":1764000000.123,"Inner":{"Name":"i","Values":[1,2.5]},"Structs":[{"Name":"a"},{"Name":"b"}],"Flat":["x",""],
			"Always":[],"Map":{"k":"v","K":"V"},"Tags":{"a":"b"},"Attrs":{"x":{"Name":"y"}},"Lists":[["a"],[]],"NoQuery":"q"}`,
		"an escaped name": `{"Always":[],"\u0054ext":"t"}`,
	} {
		got := r.json(t, "Echo", body)
		require.Equal(t, 200, got.StatusCode, name)
		require.Equal(t, "application/x-amz-json-1.0", got.Header.Get("Content-Type"))
		require.Len(t, got.Header.Get("X-Amzn-RequestId"), 36)
		require.JSONEq(t, body, got.body, name)
	}
	require.Contains(t, r.json(t, "Echo", `{"Text":"<&>"}`).body, "<&>", "HTML isn't escaped")
}

func TestJSONMembers(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, body, want string }{
		{"no body is an empty input", ``, `{"Always":null}`},
		{"whitespace is an empty input", " \n", `{"Always":null}`},
		{"an unknown member is ignored", `{"Other":{"Text":["}",{"a":"\\\""}],"x":[[[]]]},"Text":"t"}`, `{"Text":"t","Always":null}`},
		{"names are case-sensitive", `{"text":"no","TEXT":"no","Text":"yes"}`, `{"Text":"yes","Always":null}`},
		{"whatever the order", `{"Text":"yes","text":"no"}`, `{"Text":"yes","Always":null}`},
		{"also of escaped names", `{"\u0074ext":"no"}`, `{"Always":null}`},
		{"also in structs in structs", `{"Inner":{"name":"no","VALUES":[1]}}`, `{"Inner":{"Name":""},"Always":null}`},
		{"also in lists", `{"Structs":[{"name":"no"},{"Name":"yes","name":"no"}]}`, `{"Structs":[{"Name":""},{"Name":"yes"}],"Always":null}`},
		{"also in maps", `{"Attrs":{"Name":{"name":"no","Name":"yes"}}}`, `{"Attrs":{"Name":{"Name":"yes"}},"Always":null}`},
		{"keys of maps are kept as they are", `{"Map":{"text":"a","Text":"b","\"":"c"}}`, `{"Map":{"text":"a","Text":"b","\"":"c"},"Always":null}`},
		{"null is no value", `{"Text":null,"Inner":null,"Structs":null,"When":null,"Always":null}`, `{"Always":null}`},
		{"an ISO timestamp", `{"When":"2025-11-24T16:00:00Z"}`, `{"When":1764000000,"Always":null}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.json(t, "Echo", c.body)
			require.Equal(t, 200, got.StatusCode, got.body)
			require.JSONEq(t, c.want, got.body)
		})
	}
	require.Equal(t, "{}", r.json(t, "Nothing", "").body)
}

func TestJSONThatCannotBeRead(t *testing.T) {
	r := newRig(t)
	many := strings.Repeat(`{},`, 1<<14) + `{}`
	for _, c := range []struct{ name, body, message string }{
		{"text for a number", `{"Number":"7"}`, "STRING_VALUE can not be converted to an Integer"},
		{"a number for text", `{"Text":7}`, "NUMBER_VALUE can not be converted to a String"},
		{"a fraction for an integer", `{"Number":1.5}`, "NUMBER_VALUE can not be converted to an Integer"},
		{"text for a boolean", `{"Flag":"true"}`, "STRING_VALUE can not be converted to a Boolean"},
		{"a struct for text", `{"Text":{}}`, "Start of structure or map found where not expected."},
		{"a list for text", `{"Text":[]}`, "Start of list found where not expected"},
		{"text for a list", `{"Structs":"x"}`, "STRING_VALUE can not be converted to a List"},
		{"cut off", `{"Text":"`, "unexpected end of JSON input"},
		{"an unfinished escape", `{"Text":"\`, "in string escape code"},
		{"an invalid escape in an unknown name", `{"\0":1}`, "in string escape code"},
		{"a control character in an unknown name", "{\"\x01\":1}", "in string literal"},
		{"more than one value", `{} {}`, "invalid character '{' after top-level value"},
		{"a list", `[]`, "Start of list found where not expected"},
		{"not base64", `{"Blob":"*"}`, "illegal base64 data at input byte 0"},
		{"no timestamp", `{"When":{}}`, "not a timestamp: {}"},
		{"a timestamp out of range", `{"When":1e30}`, "timestamp out of range: 1e+30"},
		{"invalid UTF-8", "{\"Text\":\"\xff\"}", "invalid UTF-8"},
		{"a long list", `{"Structs":[` + many + `]}`, "a list or map of more than 16384 elements"},
		{"a long list of lists", `{"Lists":[["a"],[` + strings.Repeat(`"",`, 1<<14) + `""]]}`, "a list or map of more than 16384 elements"},
		{"deep nesting", strings.Repeat(`{"a":`, 1<<17), "exceeded max depth"},
		{"deep nesting of lists", strings.Repeat(`[`, 1<<20), "exceeded max depth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.json(t, "Echo", c.body)
			require.Equal(t, 400, got.StatusCode, got.body)
			require.Contains(t, got.body, `"__type":"com.amazon.coral.service#SerializationException"`)
			require.Empty(t, got.Header.Get("X-Amzn-Query-Error"))
			require.Contains(t, got.body, c.message)
			require.Less(t, len(got.body), 300)
		})
	}
}
