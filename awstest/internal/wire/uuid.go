package wire

import (
	"encoding/hex"
	"math/rand/v2"
)

// NewUUID returns a random UUID, 8-4-4-4-12 hexadecimal digits.
func NewUUID() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
