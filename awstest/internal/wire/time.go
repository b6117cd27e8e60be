package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Time is a timestamp: epoch seconds in JSON, tag 1 in CBOR, ISO 8601 in Query,
// with milliseconds as its resolution in all of them.
type Time struct{ time.Time }

// At makes a Time of t.
func At(t time.Time) Time { return Time{t} }

// epoch returns the time as seconds since 1970.
func (t Time) epoch() float64 { return float64(t.UnixMilli()) / 1000 }

func fromEpoch(s float64) (Time, error) {
	// beyond this range a time.Time cannot be formatted as RFC 3339
	if math.IsNaN(s) || math.Abs(s) > 253402300799 {
		return Time{}, fmt.Errorf("timestamp out of range: %v", s)
	}
	return Time{time.UnixMilli(int64(math.Round(s * 1000))).UTC()}, nil
}

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, t.epoch(), 'f', -1, 64), nil
}

// UnmarshalJSON implements json.Unmarshaler; it takes epoch seconds or ISO 8601.
func (t *Time) UnmarshalJSON(b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	var err error
	switch v := v.(type) {
	case nil: // null is no value
	case float64:
		*t, err = fromEpoch(v)
	case string:
		*t, err = parseTime(v)
	default:
		err = fmt.Errorf("not a timestamp: %.80s", b)
	}
	return err
}

// MarshalCBOR implements cbor.Marshaler.
func (t Time) MarshalCBOR() ([]byte, error) {
	return cbor.Marshal(cbor.Tag{Number: 1, Content: t.epoch()})
}

// UnmarshalCBOR implements cbor.Unmarshaler; it takes tag 1 over any number.
func (t *Time) UnmarshalCBOR(b []byte) error {
	if len(b) == 1 && (b[0] == 0xf6 || b[0] == 0xf7) { // null and undefined are no value
		return nil
	}
	var raw cbor.RawTag
	if err := cbor.Unmarshal(b, &raw); err != nil || raw.Number != 1 {
		return fmt.Errorf("not a timestamp")
	}
	var s float64
	if err := cbor.Unmarshal(raw.Content, &s); err != nil {
		return err
	}
	var err error
	*t, err = fromEpoch(s)
	return err
}

// parseTime reads the time formats that Query clients send.
func parseTime(s string) (Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "20060102T150405Z", "2006-01-02"} {
		if v, err := time.Parse(layout, s); err == nil {
			return Time{v.UTC()}, nil
		}
	}
	return Time{}, fmt.Errorf("not a timestamp: %.80q", s)
}

// String formats the time as Query responses do.
func (t Time) String() string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
