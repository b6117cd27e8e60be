package wire_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func fuzzRouter() *wire.Router {
	last := &seen{}
	return wire.NewRouter(func() time.Time { return now }, nil, toy(last), otherToy(last), restToy())
}

// answered holds every answer to what AWS's look like, and returns its status.
func answered(t *testing.T, rt *wire.Router, r *http.Request) int {
	t.Helper()
	w := httptest.NewRecorder()
	rt.ServeHTTP(w, r)
	require.Contains(t, []int{200, 400, 403, 404, 413, 501}, w.Code, w.Body)
	require.Len(t, w.Header().Get("X-Amzn-RequestId"), 36)
	body := w.Body.Bytes()
	switch w.Header().Get("Content-Type") {
	case "application/x-amz-json-1.0", "application/json":
		var out map[string]any
		require.NoError(t, json.Unmarshal(body, &out), string(body))
		if w.Code != 200 && w.Header().Get("X-Amzn-ErrorType") == "" {
			require.NotEmpty(t, out["__type"])
		}
	case "application/cbor":
		var out map[string]any
		require.NoError(t, cbor.Unmarshal(body, &out), "%x", body)
		if w.Code != 200 {
			require.NotEmpty(t, out["__type"])
		}
	case "text/xml":
		var out struct{ XMLName xml.Name }
		require.NoError(t, xml.Unmarshal(body, &out), string(body))
		if w.Code != 200 {
			require.Contains(t, []string{"ErrorResponse", "UnknownOperationException"}, out.XMLName.Local)
		}
	default:
		t.Fatalf("an answer of type %q", w.Header().Get("Content-Type"))
	}
	return w.Code
}

// FuzzJSON also compares with encoding/json: where names match in their case, both read the same.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"Text":"a","text":"b","Structs":[{"Name":"x","name":"y"}],"Attrs":{"k":{"Name":"v"}},"When":1764000000.5}`))
	f.Add([]byte(`{"\u0054ext":"\"","Other":[{"a":["\\"]},null,true,1e9],"Lists":[["a"],[]],"Blob":"aGVsbG8="}`))
	f.Add([]byte("{\"Text\":\"\xff\"}"))
	f.Add([]byte(`{"Inner":{"Values":[1,2.5,]}}`))
	f.Add([]byte(`{"Te\`))
	f.Add([]byte(`{"\0":""}`))
	f.Add([]byte("{\"\x01\":\"\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Header.Set("X-Amz-Target", "ToyService.Echo")
		status := answered(t, fuzzRouter(), r)
		if status == 200 && len(bytes.TrimSpace(body)) > 0 {
			require.True(t, json.Valid(body))
			require.True(t, utf8.Valid(body))
		}
		if status == 200 {
			requireExact(t, body)
		}
	})
}

// requireExact holds members of Echo's input to what encoding/json reads of the members
// of body whose names are theirs to the letter, one by one.
func requireExact(t *testing.T, body []byte) {
	t.Helper()
	r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "ToyService.Echo")
	w := httptest.NewRecorder()
	fuzzRouter().ServeHTTP(w, r)
	var want, got everything
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	dec := json.NewDecoder(bytes.NewReader(body))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return
	}
	for dec.More() {
		name, err := dec.Token()
		require.NoError(t, err)
		var value json.RawMessage
		require.NoError(t, dec.Decode(&value))
		switch name {
		case "Text", "Number", "Flag", "Map", "Always":
			require.NoError(t, json.Unmarshal(fmt.Appendf(nil, "{%q:%s}", name, value), &want))
		}
	}
	require.Equal(t, []any{want.Text, want.Number, want.Flag, want.Always}, []any{got.Text, got.Number, got.Flag, got.Always})
	require.Len(t, got.Map, len(want.Map))
}

func FuzzQuery(f *testing.F) {
	f.Add("Action=Echo&Text=a%00b&Structs.member.1.Name=x&Map.entry.1.key=k&Tag.1.Key=k&Tag.1.Value=v")
	f.Add("Action=Echo&Always.member.2=b&Always.member.1=a&Flat.Item.1=x&Lists.member.1.member.1=y")
	f.Add("Action=Echo&When=2025-11-24T16:00:00Z&Blob=aGVsbG8%3D&Flag=true&Float=NaN&Number=-1")
	f.Add("Action=Echo&a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q=1")
	f.Add("Action=%zz&;=&&=.&.=")
	f.Fuzz(func(t *testing.T, form string) {
		rt := fuzzRouter()
		r := httptest.NewRequest("POST", "/", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answered(t, rt, r)
		r = httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = form
		answered(t, rt, r)
	})
}

func FuzzCBOR(f *testing.F) {
	f.Add(encode(f, map[string]any{"Text": "t", "When": cbor.Tag{Number: 1, Content: 1764000000.5}, "Structs": []any{map[string]any{"Name": "x"}}}), false)
	f.Add([]byte("\xbf\x64Text\x7f\x61a\x61b\xff\xff"), false)
	f.Add([]byte("\xa1\x67Structs\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"), false)
	f.Add([]byte("\xa1\x65Other\x81\x81\x81\x81\xc1\xc1\xc2\x41\x01"), false)
	f.Add(zip(f, encode(f, map[string]any{"Text": "t"})), true)
	f.Fuzz(func(t *testing.T, body []byte, zipped bool) {
		r := httptest.NewRequest("POST", "/service/ToyService/operation/Echo", bytes.NewReader(body))
		r.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		if zipped {
			r.Header.Set("Content-Encoding", "gzip")
		}
		answered(t, fuzzRouter(), r)
	})
}

func FuzzREST(f *testing.F) {
	f.Add("GET", "/things/a%2Fb", "groupName=g&MaxResults=3", []byte(`{"Note":"n"}`))
	f.Add("POST", "/things/../a//b", "%zz;=", []byte(`{"Name":"x"}`))
	f.Add("CONNECT", "//", "", []byte(nil))
	f.Add("HEAD", "/things/{Name}", "MaxResults=-1", []byte(`[]`))
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery = method, path, "", query
		if u, err := url.ParseRequestURI(path); err == nil {
			r.URL.Path, r.URL.RawPath = u.Path, u.RawPath
		}
		r.Header.Set("Authorization", signed("test/20261124/us-east-1/resttoy/aws4_request"))
		answered(t, fuzzRouter(), r)
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add(signed("test/20261124/us-east-1/toy/aws4_request"), "ToyService.Nothing", "", "application/x-amz-json-1.0", "X-Amz-Credential=a/b/c/d/e")
	f.Add("Credential=////", "", "rpc-v2-cbor", "application/x-www-form-urlencoded;;;", "X-Amz-Credential=%ff/%ff/%ff/%ff/")
	f.Add("Credential=123456789012/x/\xff/toy/", "ToyService", "rpc-v2-json", "", "Action=Nothing")
	f.Add("Credential=a/b/c/resttoy/,Credential=", "..", "rpc-v2-", "text/plain", "Action=Echo&Text=x")
	f.Fuzz(func(t *testing.T, authorization, target, smithy, contentType, query string) {
		for _, path := range []string{"/", "/service/ToyService/operation/Nothing"} {
			r := httptest.NewRequest("POST", path, nil)
			r.URL.RawQuery = query
			for name, value := range map[string]string{"Authorization": authorization, "X-Amz-Target": target, "Smithy-Protocol": smithy, "Content-Type": contentType} {
				r.Header.Set(name, value)
			}
			answered(t, fuzzRouter(), r)
		}
	})
}
