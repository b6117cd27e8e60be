package dlq

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// By then the messages that were received first are about to come back.
func TestNothingIsReceivedAfterThreeQuartersOfTheVisibilityTimeout(t *testing.T) {
	h := newHolding(nil, Queue{Name: "dead"}, time.Minute) // it has no client to call
	h.began = time.Now().Add(-46 * time.Second)
	ending, err := h.receive(t.Context(), 10, nil)
	require.NoError(t, err)
	require.Equal(t, EndedTime, ending)
}
