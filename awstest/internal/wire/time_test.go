package wire_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func TestTime(t *testing.T) {
	for _, c := range []struct {
		name string
		time time.Time
		json string
		text string
	}{
		{"with milliseconds", time.UnixMilli(1764000000123), "1764000000.123", "2025-11-24T16:00:00.123Z"},
		{"in whole seconds", time.Unix(1764000000, 0), "1764000000", "2025-11-24T16:00:00.000Z"},
		{"of another zone", time.Unix(1764000000, 0).In(time.FixedZone("", 3600)), "1764000000", "2025-11-24T16:00:00.000Z"},
		{"more precise than AWS", time.Unix(1764000000, 999), "1764000000", "2025-11-24T16:00:00.000Z"},
		{"before 1970", time.UnixMilli(-1500), "-1.5", "1969-12-31T23:59:58.500Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := wire.At(c.time)
			text, err := json.Marshal(in)
			require.NoError(t, err)
			require.Equal(t, c.json, string(text))
			require.Equal(t, c.text, in.String())
			var out wire.Time
			require.NoError(t, json.Unmarshal(text, &out))
			require.Equal(t, c.time.Truncate(time.Millisecond).UTC(), out.Time)

			b, err := cbor.Marshal(in)
			require.NoError(t, err)
			out = wire.Time{}
			require.NoError(t, cbor.Unmarshal(b, &out))
			require.Equal(t, c.time.Truncate(time.Millisecond).UTC(), out.Time)
		})
	}
	var out struct{ T wire.Time }
	require.NoError(t, json.Unmarshal([]byte(`{"T":null}`), &out))
	require.NoError(t, cbor.Unmarshal([]byte("\xa1\x61T\xf6"), &out))
	require.True(t, out.T.IsZero())
}
