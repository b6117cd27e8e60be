package wire_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"
)

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := cbor.Marshal(v)
	require.NoError(t, err)
	return b
}

func TestCBOREchoes(t *testing.T) {
	r := newRig(t)
	in := map[string]any{
		"Text": "a <&> é", "named": "n", "Number": -7, "Long": int64(1) << 60, "Float": 1.5, "Flag": true, "NoFlag": false, "Zero": 0,
		"Blob": []byte("hello"), "When": cbor.Tag{Number: 1, Content: 1764000000.123},
		"Inner": map[string]any{"Name": "i", "Values": []float64{1, 2.5}}, "Structs": []any{map[string]any{"Name": "a"}},
		"Flat": []string{"x"}, "Always": []string{}, "Map": map[string]string{"k": "v"}, "Attrs": map[string]any{"x": map[string]any{"Name": "y"}},
		"Other": []any{map[string]any{"Text": "unknown members are ignored"}}, "text": "names are case-sensitive",
	}
	got := r.cbor(t, "Echo", encode(t, in))
	require.Equal(t, 200, got.StatusCode, got.body)
	require.Equal(t, "application/cbor", got.Header.Get("Content-Type"))
	require.Equal(t, "rpc-v2-cbor", got.Header.Get("Smithy-Protocol"))
	var out, want map[string]any
	require.NoError(t, cbor.Unmarshal([]byte(got.body), &out))
	delete(in, "Other")
	delete(in, "text")
	require.NoError(t, cbor.Unmarshal(encode(t, in), &want))
	require.Equal(t, want, out)
	require.WithinDuration(t, time.UnixMilli(1764000000123), out["When"].(time.Time), time.Millisecond)
}

func TestCBORForms(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, body, want string }{
		{"no body", "", "a166416c77617973f6"},
		{"an empty map", "a0", "a166416c77617973f6"},
		{"a map of indefinite length", "bf6454657874617466416c7761797380ff", "a26454657874617466416c7761797380"},
		{"text of indefinite length", "a264546578747f61616162ff66416c7761797380", "a2645465787462616266416c7761797380"},
		{"a time in whole seconds", "a2645768656ec11a69247f0066416c7761797380", "a2645768656ec1fb41da491fc000000066416c7761797380"},
		{"null is no value", "a36454657874f6645768656ef666416c77617973f6", "a166416c77617973f6"},
		{"a whole number for a float", "a265466c6f61740266416c7761797380", "a265466c6f6174fb400000000000000066416c7761797380"},
		{"a half-precision float", "a265466c6f6174f93e0066416c7761797380", "a265466c6f6174fb3ff800000000000066416c7761797380"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body, err := hex.DecodeString(c.body)
			require.NoError(t, err)
			got := r.cbor(t, "Echo", body)
			require.Equal(t, 200, got.StatusCode, got.body)
			var out, want any
			require.NoError(t, cbor.Unmarshal([]byte(got.body), &out))
			b, err := hex.DecodeString(c.want)
			require.NoError(t, err)
			require.NoError(t, cbor.Unmarshal(b, &want))
			require.Equal(t, want, out)
		})
	}
	require.Equal(t, "\xa0", r.cbor(t, "Nothing", nil).body, "an SDK panics on more than an empty map")
	require.Equal(t, "\xa0", r.cbor(t, "Nothing", []byte{0xa0}).body)
}

func TestCBORThatCannotBeRead(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ name, body string }{
		{"text for a number", string(encode(t, map[string]any{"Number": "7"}))},
		{"a list", "\x80"},
		{"cut off", "\xa1\x64Text"},
		{"a second value", "\xa0\xa0"},
		{"invalid UTF-8", "\xa1\x64Text\x61\xff"},
		{"a member twice", "\xa2\x64Text\x61a\x64Text\x61b"},
		{"text of a huge length", "\xa1\x64Text\x7b\x7f\xff\xff\xff\xff\xff\xff\xff"},
		{"a blob of a huge length", "\xa1\x64Blob\x5b\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"a list of a huge length", "\xa1\x67Structs\x9b\x7f\xff\xff\xff\xff\xff\xff\xff\xa0"},
		{"a map of a huge length", "\xa1\x63Map\xbb\x7f\xff\xff\xff\xff\xff\xff\xff\x61a"},
		{"a long list", "\xa1\x67Structs\x9f" + strings.Repeat("\xa0", 1<<17) + "\xff"},
		{"deep lists", "\xa1\x65Other" + strings.Repeat("\x81", 1<<20) + "\x80"},
		{"deep tags", "\xa1\x65Other" + strings.Repeat("\xc1", 1<<20) + "\x80"},
		{"lists without an end", "\xa1\x65Other" + strings.Repeat("\x9f", 1<<20)},
		{"no timestamp", "\xa1\x64When\x61x"},
		{"a timestamp of another tag", "\xa1\x64When\xc0\x61x"},
		{"a timestamp out of range", "\xa1\x64When\xc1\xfb\x7f\xef\xff\xff\xff\xff\xff\xff"},
		{"a timestamp that is no number", "\xa1\x64When\xc1\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.cbor(t, "Echo", []byte(c.body))
			require.Equal(t, 400, got.StatusCode, got.body)
			var body map[string]string
			require.NoError(t, cbor.Unmarshal([]byte(got.body), &body))
			require.Equal(t, "com.amazon.coral.service#SerializationException", body["__type"])
			require.NotEmpty(t, body["message"])
			require.Less(t, len(body["message"]), 300)
		})
	}
}

func TestZippedBodies(t *testing.T) {
	r := newRig(t)
	body := encode(t, map[string]any{"Text": "zipped"})
	got := r.cbor(t, "Echo", zip(t, body), "Content-Encoding", "gzip")
	require.Equal(t, 200, got.StatusCode)
	require.Contains(t, got.body, "zipped")

	for name, body := range map[string][]byte{
		"no gzip": body, "empty": nil, "cut off": zip(t, body)[:20],
		"with a wrong checksum": append(bytes.Clone(zip(t, body)[:len(zip(t, body))-8]), make([]byte, 8)...),
	} {
		got := r.cbor(t, "Echo", body, "Content-Encoding", "gzip")
		require.Equal(t, 400, got.StatusCode, name)
		require.Contains(t, got.body, "SerializationException", name)
	}
}
