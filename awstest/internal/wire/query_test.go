package wire_test

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// echoed is what Echo answers, in XML.
func echoed(r *rig, t *testing.T, params ...string) string {
	t.Helper()
	form := url.Values{"Action": {"Echo"}, "Version": {"2026-01-01"}}
	for i := 0; i < len(params); i += 2 {
		form.Add(params[i], params[i+1])
	}
	got := r.query(t, form.Encode())
	require.Equal(t, 200, got.StatusCode, got.body)
	require.Equal(t, "text/xml", got.Header.Get("Content-Type"))
	prefix := `<?xml version="1.0"?><EchoResponse xmlns="http://toy.amazonaws.com/doc/2026-01-01/">`
	suffix := `<ResponseMetadata><RequestId>` + got.Header.Get("X-Amzn-RequestId") + `</RequestId></ResponseMetadata></EchoResponse>`
	result, ok := strings.CutPrefix(got.body, prefix)
	require.True(t, ok, got.body)
	result, ok = strings.CutSuffix(result, suffix)
	require.True(t, ok, got.body)
	if result == "<EchoResult/>" {
		return ""
	}
	members, ok := strings.CutPrefix(result, "<EchoResult>")
	require.True(t, ok, got.body)
	members, ok = strings.CutSuffix(members, "</EchoResult>")
	require.True(t, ok, got.body)
	require.NotEmpty(t, members, "an empty result is one tag")
	return members
}

func TestQueryEchoes(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name   string
		params []string
		want   string
	}{
		{"nothing", nil, ``},
		{"scalars", []string{"Text", "t", "NamedInQuery", "n", "Number", "-7", "Long", "9007199254740993", "Float", "1.5", "Flag", "true", "NoFlag", "false", "Zero", "0"},
			`<Text>t</Text><NamedInQuery>n</NamedInQuery><Number>-7</Number><Long>9007199254740993</Long><Float>1.5</Float><Flag>true</Flag><NoFlag>false</NoFlag><Zero>0</Zero>`},
		{"the name in JSON is none in Query", []string{"named", "n"}, ``},
		{"an alias", []string{"OldAlias", "a"}, `<Alias>a</Alias>`},
		{"a name before its alias", []string{"OldAlias", "a", "Alias", "b"}, `<Alias>b</Alias>`},
		{"what Query has no member for", []string{"NoQuery", "x", "Other.1.Thing", "y"}, ``},
		{"text that XML escapes", []string{"Text", "<a href=\"x\">&amp;\r\n\t\x00\ufffeé😀</a>"},
			"<Text>&lt;a href=&quot;x&quot;&gt;&amp;amp;&#xD;\n\t\ufffd\ufffdé😀&lt;/a&gt;</Text>"},
		{"a blob", []string{"Blob", "aGVsbG8="}, `<Blob>aGVsbG8=</Blob>`},
		{"a timestamp", []string{"When", "2025-11-24T16:00:00.123Z"}, `<When>2025-11-24T16:00:00.123Z</When>`},
		{"a timestamp elsewhere", []string{"When", "2025-11-24T17:00:00+01:00"}, `<When>2025-11-24T16:00:00.000Z</When>`},
		{"a timestamp without a zone", []string{"When", "2025-11-24T16:00:00"}, `<When>2025-11-24T16:00:00.000Z</When>`},
		{"a struct", []string{"Inner.Name", "i", "Inner.Values.member.1", "1", "Inner.Values.member.2", "2.5"},
			`<Inner><Name>i</Name><Values><member>1</member><member>2.5</member></Values></Inner>`},
		{"a list of structs", []string{"Structs.member.1.Name", "a", "Structs.member.2.Name", "b"},
			`<Structs><member><Name>a</Name></member><member><Name>b</Name></member></Structs>`},
		{"a list in the order of its numbers", []string{"Always.member.10", "j", "Always.member.9", "i", "Always.member.1", "a", "Always.member.x", "no", "Always.member.0", "no", "Always.member.-1", "no"},
			`<Always><member>a</member><member>i</member><member>j</member></Always>`},
		{"an empty list", []string{"Always", ""}, `<Always></Always>`},
		{"a map", []string{"Map.entry.1.key", "k", "Map.entry.1.value", "v", "Map.entry.2.key", "a", "Map.entry.2.value", ""},
			`<Map><entry><key>a</key><value></value></entry><entry><key>k</key><value>v</value></entry></Map>`},
		{"a flattened map", []string{"Tag.1.Key", "k", "Tag.1.Value", "v", "Tag.2.Key", "a"},
			`<Tag><Key>a</Key><Value></Value></Tag><Tag><Key>k</Key><Value>v</Value></Tag>`},
		{"a map of structs with names of its own", []string{"Attrs.entry.1.Name", "k", "Attrs.entry.1.Value.Name", "v"},
			`<Attrs><entry><Name>k</Name><Value><Name>v</Name></Value></entry></Attrs>`},
		{"a list of lists", []string{"Lists.member.1.member.1", "a", "Lists.member.2", ""},
			`<Lists><member><member>a</member></member><member></member></Lists>`},
		{"of a parameter given twice the first", []string{"Text", "a", "Text", "b"}, `<Text>a</Text>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := echoed(r, t, c.params...)
			require.Equal(t, c.want, got)
			require.NoError(t, xml.Unmarshal([]byte("<x>"+got+"</x>"), &struct{}{}))
		})
	}
}

func TestQueryThatCannotBeRead(t *testing.T) {
	r := newRig(t)
	long := strings.Builder{}
	for i := range 20_000 {
		fmt.Fprintf(&long, "&Always.member.%d=x", i)
	}
	for _, c := range []struct{ name, form, code, message string }{
		{"no integer", "Number=x", "MalformedInput", `Number: not an integer: &quot;x&quot;`},
		{"an integer out of range", "Number=99999999999999999999", "MalformedInput", "not an integer"},
		{"no boolean", "Flag=x", "MalformedInput", "not a boolean"},
		{"no number", "Inner.Values.member.1=x", "MalformedInput", "Inner: Values: not a number"},
		{"no base64", "Blob=*", "MalformedInput", "not base64"},
		{"no timestamp", "When=now", "MalformedInput", "not a timestamp"},
		{"a map's entry without a key", "Map.entry.1.value=x", "MalformedInput", "an entry without key"},
		{"invalid UTF-8", "Text=%ff", "MalformedInput", "invalid UTF-8"},
		{"invalid escapes", "Text=%zz", "MalformedQueryString", "invalid URL escape"},
		{"a deep name", "a" + strings.Repeat(".a", 1<<16) + "=x", "MalformedInput", "parameter name too deep"},
		{"thousands of parameters", long.String()[1:], "MalformedQueryString", "number of URL query parameters exceeded limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.query(t, "Action=Echo&"+c.form, "Authorization", signed("test/20261124/us-east-1/toy/aws4_request"))
			require.Equal(t, 400, got.StatusCode, got.body)
			require.Contains(t, got.body, "<Type>Sender</Type><Code>"+c.code+"</Code>")
			require.Contains(t, got.body, c.message)
			require.Less(t, len(got.body), 600)
		})
	}
}

func TestQueryOfOperationsWithoutMembers(t *testing.T) {
	r := newRig(t)
	got := r.query(t, "Action=Nothing&Version=2026-01-01")
	require.Equal(t, `<?xml version="1.0"?><NothingResponse xmlns="http://toy.amazonaws.com/doc/2026-01-01/"><ResponseMetadata><RequestId>`+
		got.Header.Get("X-Amzn-RequestId")+`</RequestId></ResponseMetadata></NothingResponse>`, got.body)
}

func TestQueryByMethod(t *testing.T) {
	r := newRig(t)
	get := r.do(t, r.request(t, "GET", "/?Action=Echo&Version=2026-01-01&Text=t", ""))
	require.Equal(t, 200, get.StatusCode)
	require.Contains(t, get.body, "<Text>t</Text>")

	head := r.do(t, r.request(t, "HEAD", "/?Action=Echo&Version=2026-01-01&Text=t", ""))
	require.Equal(t, 200, head.StatusCode)
	require.Empty(t, head.body)
	require.EqualValues(t, len(get.body), head.ContentLength)

	put := r.do(t, r.request(t, "PUT", "/", "Action=Echo&Version=2026-01-01"))
	require.Equal(t, 404, put.StatusCode, "only a POST has parameters in its body")

	both := r.do(t, r.request(t, "POST", "/?Action=Echo&Version=2026-01-01&Text=url&Alias=a", "Text=form", "Content-Type", "application/x-www-form-urlencoded"))
	require.Contains(t, both.body, "<Text>form</Text><Alias>a</Alias>")

	untyped := r.do(t, r.request(t, "POST", "/", "Action=Echo&Text=t"))
	require.Contains(t, untyped.body, "<Text>t</Text>")

	other := r.do(t, r.request(t, "POST", "/?Action=Echo", "Text=t", "Content-Type", "text/plain"))
	require.NotContains(t, other.body, "<Text>")
}
