package sns

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

func TestAFilterOnAttributes(t *testing.T) {
	str := func(s string) fabric.Attribute { return fabric.Attribute{DataType: "String", StringValue: s} }
	num := func(s string) fabric.Attribute { return fabric.Attribute{DataType: "Number", StringValue: s} }
	arr := func(s string) fabric.Attribute { return fabric.Attribute{DataType: "String.Array", StringValue: s} }
	bin := fabric.Attribute{DataType: "Binary", BinaryValue: []byte{1}}
	none := fabric.Attribute{}
	tests := map[string]struct {
		policy string
		a      fabric.Attribute
		want   bool
	}{
		"a string equals":                            {`{"a":["x"]}`, str("x"), true},
		"a string differs":                           {`{"a":["x"]}`, str("y"), false},
		"strings heed case":                          {`{"a":["x"]}`, str("X"), false},
		"one of several":                             {`{"a":["w","x"]}`, str("x"), true},
		"an absent attribute doesn't match":          {`{"a":["x"]}`, none, false},
		"null matches an absent attribute":           {`{"a":[null]}`, none, true},
		"a number equals, however it is written":     {`{"a":[100]}`, num("1e2"), true},
		"a number is no string":                      {`{"a":["100"]}`, num("100"), false},
		"prefix":                                     {`{"a":[{"prefix":"ab"}]}`, str("abc"), true},
		"prefix of another":                          {`{"a":[{"prefix":"bc"}]}`, str("abc"), false},
		"suffix":                                     {`{"a":[{"suffix":"bc"}]}`, str("abc"), true},
		"equals-ignore-case":                         {`{"a":[{"equals-ignore-case":"ABC"}]}`, str("abC"), true},
		"wildcard":                                   {`{"a":[{"wildcard":"a*c*e"}]}`, str("abcde"), true},
		"wildcards match nothing, too":               {`{"a":[{"wildcard":"a*b*"}]}`, str("ab"), true},
		"a wildcard's ends don't overlap":            {`{"a":[{"wildcard":"ab*ba"}]}`, str("aba"), false},
		"anything but":                               {`{"a":[{"anything-but":"x"}]}`, str("y"), true},
		"anything but itself":                        {`{"a":[{"anything-but":"x"}]}`, str("x"), false},
		"anything but a list":                        {`{"a":[{"anything-but":["x",1]}]}`, num("1"), false},
		"anything but needs an attribute":            {`{"a":[{"anything-but":"x"}]}`, none, false},
		"anything but a prefix":                      {`{"a":[{"anything-but":{"prefix":"ab"}}]}`, str("abc"), false},
		"exists":                                     {`{"a":[{"exists":true}]}`, str("x"), true},
		"a binary exists":                            {`{"a":[{"exists":true}]}`, bin, true},
		"but matches nothing else":                   {`{"a":[{"anything-but":"x"}]}`, bin, false},
		"exists not":                                 {`{"a":[{"exists":false}]}`, none, true},
		"exists, but shouldn't":                      {`{"a":[{"exists":false}]}`, str("x"), false},
		"numeric equals":                             {`{"a":[{"numeric":["=",1.5]}]}`, num("1.50"), true},
		"numeric range, inside":                      {`{"a":[{"numeric":[">",0,"<=",100]}]}`, num("100"), true},
		"numeric range, below":                       {`{"a":[{"numeric":[">",0,"<=",100]}]}`, num("0"), false},
		"numeric less":                               {`{"a":[{"numeric":["<",5]}]}`, num("5"), false},
		"numeric is no match of strings":             {`{"a":[{"numeric":["=",5]}]}`, str("5"), false},
		"an address in a network":                    {`{"a":[{"cidr":"10.0.0.0/24"}]}`, str("10.0.0.255"), true},
		"an address outside":                         {`{"a":[{"cidr":"10.0.0.0/24"}]}`, str("10.0.1.1"), false},
		"one element of an array":                    {`{"a":["x"]}`, arr(`["w","x"]`), true},
		"no element of an array":                     {`{"a":["x"]}`, arr(`["w"]`), false},
		"an array may hold booleans":                 {`{"a":[true]}`, arr(`[true]`), true},
		"anything but: an array with something else": {`{"a":[{"anything-but":["x"]}]}`, arr(`["x","y"]`), true},
		"anything but: an array without":             {`{"a":[{"anything-but":["x"]}]}`, arr(`["x"]`), false},
		"$or, the first":                             {`{"$or":[{"a":["x"]},{"b":["y"]}]}`, str("x"), true},
		"$or, none":                                  {`{"$or":[{"a":["x"]},{"b":["y"]}]}`, str("z"), false},
		"$or and another key":                        {`{"c":["z"],"$or":[{"a":["x"]},{"b":["y"]}]}`, str("x"), false},
		"all keys must match":                        {`{"a":["x"],"b":["y"]}`, str("x"), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := parseFilter(tt.policy, false)
			require.NoError(t, err)
			m := &message{body: "text", attributes: map[string]fabric.Attribute{"a": tt.a}}
			if tt.a.DataType == "" {
				m.attributes = nil
			}
			require.Equal(t, tt.want, f.accepts(m))
		})
	}
}

func TestAFilterOnTheBody(t *testing.T) {
	tests := map[string]struct {
		policy, body string
		want         bool
	}{
		"a nested key":                       {`{"o":{"k":[{"prefix":"auto-"}]}}`, `{"o":{"k":"auto-test"}}`, true},
		"a nested key differs":               {`{"o":{"k":[{"prefix":"auto-"}]}}`, `{"o":{"k":"test"}}`, false},
		"what isn't JSON":                    {`{"k":["v"]}`, `text`, false},
		"what isn't an object":               {`{"k":["v"]}`, `["v"]`, false},
		"null":                               {`{"k":[null]}`, `{"k":null}`, true},
		"an absent key isn't null":           {`{"k":[null]}`, `{}`, false},
		"a boolean":                          {`{"k":[false]}`, `{"k":false}`, true},
		"a number":                           {`{"k":[{"numeric":[">=",3]}]}`, `{"k":3}`, true},
		"an object is no leaf":               {`{"k":[{"exists":true}]}`, `{"k":{"l":1}}`, false},
		"a nested key is absent":             {`{"o":{"k":[{"exists":false}]}}`, `{}`, true},
		"an element of an array":             {`{"k":["b"]}`, `{"k":["a","b"]}`, true},
		"an object in an array":              {`{"o":{"a":[1],"b":[2]}}`, `{"o":[{"a":1,"b":3},{"a":1,"b":2}]}`, true},
		"keys of different objects don't go": {`{"o":{"a":[1],"b":[2]}}`, `{"o":[{"a":1},{"b":2}]}`, false},
		"$or within":                         {`{"o":{"$or":[{"a":[1]},{"b":[2]}]}}`, `{"o":{"b":2}}`, true},
		"a key that is called $or":           {`{"$or":["x"]}`, `{"$or":"x"}`, true},
		"dots are part of keys":              {`{"a.b":["x"]}`, `{"a":{"b":"x"}}`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := parseFilter(tt.policy, true)
			require.NoError(t, err)
			require.Equal(t, tt.want, f.accepts(&message{body: tt.body}))
		})
	}
}

func TestABadFilterIsRefused(t *testing.T) {
	for policy, want := range map[string]string{
		`{`:                                 "FilterPolicy: failed to parse JSON.",
		`[]`:                                "FilterPolicy: failed to parse JSON.",
		`null`:                              "FilterPolicy: failed to parse JSON.",
		`{"key":[["value"]]}`:               "FilterPolicy: Match value must be String, number, true, false, or null",
		`{"key":[{"wrong-operator":true}]}`: "FilterPolicy: Unrecognized match type wrong-operator",
		`{"key":[{"suffix":"value","prefix":"value2"}]}`:                "FilterPolicy: Only one key allowed in match expression",
		`{"key":[{"suffix":100}]}`:                                      "FilterPolicy: suffix match pattern must be a string",
		`{"key":[{"suffix":null}]}`:                                     "FilterPolicy: suffix match pattern must be a string",
		`{"key":{"suffix":"value"}}`:                                    `FilterPolicy: "suffix" must be an object or an array`,
		`{"key_a":"value_one"}`:                                         `FilterPolicy: "key_a" must be an object or an array`,
		`{"key":[]}`:                                                    "FilterPolicy: Empty arrays are not allowed",
		`{"key":{}}`:                                                    "FilterPolicy: Empty objects are not allowed",
		`{"key":[{"numeric":[]}]}`:                                      "FilterPolicy: Invalid member in numeric match: ]",
		`{"key":[{"numeric":["operator"]}]}`:                            "FilterPolicy: Unrecognized numeric range operator: operator",
		`{"key":[{"numeric":[1,"<="]}]}`:                                "FilterPolicy: Invalid member in numeric match: 1",
		`{"key":[{"numeric":["=","000"]}]}`:                             "FilterPolicy: Value of equals must be numeric",
		`{"key":[{"numeric":[">="]}]}`:                                  "FilterPolicy: Value of >= must be numeric",
		`{"key":[{"numeric":["<",100,">",10]}]}`:                        "FilterPolicy: Too many elements in numeric expression",
		`{"key":[{"numeric":[">=",1,">",2]}]}`:                          "FilterPolicy: Bad numeric range operator: >",
		`{"key":[{"numeric":[">",3,"<",1]}]}`:                           "FilterPolicy: Bottom must be less than top",
		`{"key":[{"numeric":[">",20,"<="]}]}`:                           "FilterPolicy: Value of <= must be numeric",
		`{"key":[{"numeric":[">",20,30]}]}`:                             "FilterPolicy: Bad value in numeric range: 30",
		`{"key":[{"numeric":[">",20,"test"]}]}`:                         "FilterPolicy: Bad numeric range operator: test",
		`{"key":[{"numeric":[">","20","<","30"]}]}`:                     "FilterPolicy: Value of > must be numeric",
		`{"key":[{"numeric":[">",20,"<","30"]}]}`:                       "FilterPolicy: Value of < must be numeric",
		`{"key":[{"numeric":[">",20,"<",30,"<",50]}]}`:                  "FilterPolicy: Too many terms in numeric range expression",
		`{"key":[{"exists":"no"}]}`:                                     "FilterPolicy: exists match pattern must be either true or false.",
		`{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}`: "FilterPolicy: Filter policy can not have more than 5 keys",
		`{"a":[1,2,3,4,5,6],"b":[1,2,3,4,5,6],"c":[1,2,3,4,5]}`:         "FilterPolicy: Filter policy is too complex",
		`{"a":{"b":["c"]}}`:                                             "Filter policy scope MessageAttributes does not support nested filter policy",
	} {
		t.Run(policy, func(t *testing.T) {
			_, err := parseFilter(policy, false)
			require.EqualError(t, err, want)
		})
	}
}

func TestComplexityCountsDepth(t *testing.T) {
	// the example of the developer guide: 3 x 4 x 2 x 3 = 72, here doubled and more
	_, err := parseFilter(`{"a":{"b":{"c":[1,2,3,4]}},"d":{"e":[1,2,3]}}`, true)
	require.NoError(t, err)
	_, err = parseFilter(`{"a":{"b":{"c":[1,2,3,4,5,6,7]}},"d":{"e":[1,2,3,4]}}`, true)
	require.EqualError(t, err, "FilterPolicy: Filter policy is too complex")
}

func FuzzFilter(f *testing.F) {
	f.Add(`{"a":[{"prefix":"x"}],"$or":[{"b":[1]},{"c":{"d":[null]}}]}`, `{"a":"xy","b":[[1]]}`)
	f.Add(`{"a":[{"anything-but":{"wildcard":"*a*b*"}},{"numeric":[">",1e308,"<",1e309]}]}`, `{"a":[{}]}`)
	f.Fuzz(func(t *testing.T, doc, body string) {
		for _, onBody := range []bool{true, false} {
			parsed, err := parseFilter(doc, onBody)
			if err != nil {
				continue
			}
			m := &message{body: body, attributes: map[string]fabric.Attribute{"a": {DataType: "String.Array", StringValue: body}}}
			require.Equal(t, parsed.accepts(m), parsed.accepts(m))
		}
	})
}
