package pattern_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/pattern"
)

func object(t testing.TB, doc string) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(doc), &m), doc)
	return m
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		name, pattern, object string
		want                  bool
	}{
		{"all keys must match", `{"a":["x"],"b":["y"]}`, `{"a":"x","b":"z"}`, false},
		{"keys beyond those of the pattern don't matter", `{"a":["x"]}`, `{"a":"x","b":"z"}`, true},
		{"keys heed case", `{"a":["x"]}`, `{"A":"x"}`, false},
		{"numbers equal however they are written", `{"a":[300]}`, `{"a":3.0e2}`, true},
		{"a number is no string", `{"a":[300]}`, `{"a":"300"}`, false},
		{"null exists", `{"a":[{"exists":true}]}`, `{"a":null}`, true},
		{"null is anything but a string", `{"a":[{"anything-but":"x"}]}`, `{"a":null}`, true},
		{"what is absent is not anything but", `{"a":[{"anything-but":"x"}]}`, `{}`, false},
		{"an empty array has no element, null neither", `{"a":[null]}`, `{"a":[]}`, false},
		{"prefix", `{"a":[{"prefix":"eu-"}]}`, `{"a":"eu-west-1"}`, true},
		{"prefix heeds case", `{"a":[{"prefix":"EU-"}]}`, `{"a":"eu-west-1"}`, false},
		{"prefix that ignores case", `{"a":[{"prefix":{"equals-ignore-case":"EU-"}}]}`, `{"a":"eu-west-1"}`, true},
		{"suffix", `{"a":[{"suffix":".png"}]}`, `{"a":"a.png"}`, true},
		{"suffix that ignores case", `{"a":[{"suffix":{"equals-ignore-case":".PNG"}}]}`, `{"a":"a.png"}`, true},
		{"suffix of a number", `{"a":[{"suffix":"1"}]}`, `{"a":11}`, false},
		{"equals-ignore-case", `{"a":[{"equals-ignore-case":"ALICE"}]}`, `{"a":"Alice"}`, true},
		{"numeric: the lower bound", `{"a":[{"numeric":[">",10,"<=",20]}]}`, `{"a":10}`, false},
		{"numeric: the upper bound", `{"a":[{"numeric":[">",10,"<=",20]}]}`, `{"a":20}`, true},
		{"wildcard: in the middle", `{"a":[{"wildcard":"dir/*/file"}]}`, `{"a":"dir/x/y/file"}`, true},
		{"wildcard: of nothing", `{"a":[{"wildcard":"a*"}]}`, `{"a":"a"}`, true},
		{"wildcard: its ends don't overlap", `{"a":[{"wildcard":"aba*aba"}]}`, `{"a":"ababa"}`, false},
		{"wildcard: a star that is meant", `{"a":[{"wildcard":"a\\*b"}]}`, `{"a":"a*b"}`, true},
		{"wildcard: a star that is meant is no wildcard", `{"a":[{"wildcard":"a\\*b"}]}`, `{"a":"axb"}`, false},
		{"wildcard: a star after one that is meant", `{"a":[{"wildcard":"a\\**"}]}`, `{"a":"a*b"}`, true},
		{"wildcard: beside letters of all kinds", `{"a":[{"wildcard":"ä*日"}]}`, `{"a":"äß本日"}`, true},
		{"wildcard: a backslash", `{"a":[{"wildcard":"a\\\\*"}]}`, `{"a":"a\\b"}`, true},
		{"anything but a list", `{"a":[{"anything-but":["x","y"]}]}`, `{"a":"y"}`, false},
		{"anything but a prefix", `{"a":[{"anything-but":{"prefix":"eu-"}}]}`, `{"a":"eu-1"}`, false},
		{"anything but a prefix: another", `{"a":[{"anything-but":{"prefix":"eu-"}}]}`, `{"a":"us-1"}`, true},
		{"anything but a prefix: a number", `{"a":[{"anything-but":{"prefix":"1"}}]}`, `{"a":11}`, true},
		{"anything but prefixes", `{"a":[{"anything-but":{"prefix":["eu-","us-"]}}]}`, `{"a":"us-1"}`, false},
		{"anything but suffixes", `{"a":[{"anything-but":{"suffix":[".txt",".md"]}}]}`, `{"a":"x.png"}`, true},
		{"anything but a wildcard", `{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"a":"x/lib/y"}`, false},
		{"anything but, whatever the case", `{"a":[{"anything-but":{"equals-ignore-case":["A","B"]}}]}`, `{"a":"b"}`, false},
		{"anything but that some element isn't", `{"a":[{"anything-but":["x"]}]}`, `{"a":["x","y"]}`, true},
		{"an address in a network", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.7"}`, true},
		{"an address of the other kind", `{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"::1"}`, false},
		{"$or: the second", `{"s":["x"],"$or":[{"a":[1]},{"b":[2]}]}`, `{"s":"x","b":2}`, true},
		{"$or: not without the other keys", `{"s":["x"],"$or":[{"a":[1]},{"b":[2]}]}`, `{"s":"y","b":2}`, false},
		{"$or with an and within", `{"$or":[{"a":[1],"b":[2]},{"c":[3]}]}`, `{"a":1,"c":4}`, false},
		{"$or within $or", `{"$or":[{"a":[1],"$or":[{"b":[2]},{"c":[3]}]},{"d":[4]}]}`, `{"a":1,"c":3}`, true},
		{"$or of operators is a key", `{"$or":[{"prefix":"x"},{"suffix":"y"}]}`, `{"$or":"xz"}`, true},
		{"objects in arrays match one by one", `{"o":{"a":[1],"b":[2]}}`, `{"o":[{"a":1,"b":3},{"a":2,"b":2}]}`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := pattern.Parse(object(t, test.pattern))
			require.NoError(t, err)
			require.Equal(t, test.want, p.Matches(object(t, test.object)))
		})
	}
}

// The words are those recorded from EventBridge.
func TestPatternsThatAreNone(t *testing.T) {
	for doc, want := range map[string]string{
		`{"int":42}`:                                                     `"int" must be an object or an array`,
		`{"a":[{"NUMERIC":["=",5]}]}`:                                    "Unrecognized match type NUMERIC",
		`{"a":[]}`:                                                       "Empty arrays are not allowed",
		`{"a":[{"numeric":[">",0,">",0]}]}`:                              "Bad numeric range operator: >",
		`{"a":[{"numeric":[">",0,"<"]}]}`:                                "Value of < must be numeric",
		`{"a":[{"equals-ignore-case":["x"]}]}`:                           "equals-ignore-case match pattern must be a string",
		`{"a":[{"equals-ignore-case":{"prefix":"x"}}]}`:                  "equals-ignore-case match pattern must be a string",
		`{"a":[{"cidr":"bad-filter"}]}`:                                  "Malformed CIDR, one '/' required",
		`{"a":[{"wildcard":"arn:aws:events:us-east-1:**:event-bus/*"}]}`: "Consecutive wildcard characters at pos 26",
		`{"a":[{"wildcard":"a\\b"}]}`:                                    "Invalid escape character at pos 1",
		`{"a":[{"anything-but":{"equals-ignore-case":123}}]}`:            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
		`{"a":[{"anything-but":{"equals-ignore-case":[123,456]}}]}`:      "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.",
		`{"a":[{"anything-but":{"prefix":""}}]}`:                         "Null prefix/suffix not allowed",
		`{"a":[{"anything-but":{"exists":true}}]}`:                       "Unsupported anything-but pattern: exists",
		`{"a":[{"anything-but":{"prefix":[]}}]}`:                         "Empty arrays are not allowed",
		`{}`:                                                             "Empty objects are not allowed",
	} {
		t.Run(doc, func(t *testing.T) {
			_, err := pattern.Parse(object(t, doc))
			require.EqualError(t, err, want)
		})
	}
}

func FuzzPattern(f *testing.F) {
	f.Add(`{"a":[{"prefix":"x"}],"$or":[{"b":[1]},{"c":{"d":[null]}}]}`, `{"a":"xy","b":[[1]]}`)
	f.Add(`{"a":[{"anything-but":{"wildcard":["*a*b*","\\**"]}},{"numeric":[">",1e308,"<",1e309]}]}`, `{"a":[{}]}`)
	f.Add(`{"a":`+strings.Repeat(`{"a":`, 100)+`[1]`+strings.Repeat(`}`, 101), `{"a":`+strings.Repeat(`[`, 100)+strings.Repeat(`]`, 100)+`}`)
	f.Fuzz(func(t *testing.T, doc, text string) {
		var p, o map[string]any
		if json.Unmarshal([]byte(doc), &p) != nil || json.Unmarshal([]byte(text), &o) != nil {
			return
		}
		parsed, err := pattern.Parse(p)
		if err != nil {
			return
		}
		require.Equal(t, parsed.Matches(o), parsed.Matches(o))
		parsed.MatchesAttributes(o)
	})
}
