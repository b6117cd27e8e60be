package test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDLQAlarms proves both variants of the not-empty alarm: the one that counts messages
// in flight stays while the DLQ is inspected, the cheap one follows visible messages only.
func TestDLQAlarms(t *testing.T) {
	needsTerraform(t)
	s := deploy(t, "fixtures/alarms", map[string]any{"prefix": uniqueName("a")})
	s.requireNoChanges(t)
	var queues map[string]pair
	s.output(t, "queues", &queues)

	t.Run("counting messages in flight", func(t *testing.T) {
		require.NoError(t, checkProof(s.ctx, s.target.Target, queues["math"], 2, true))
	})
	t.Run("counting visible messages only", func(t *testing.T) {
		require.NoError(t, checkProof(s.ctx, s.target.Target, queues["cheap"], 2, false))
	})
	if s.virtual() {
		t.Run("the cheap one does not hold in flight", func(t *testing.T) {
			err := checkProof(s.ctx, s.target.Target, queues["cheap"], 2, true)
			require.ErrorContains(t, err, "it must count messages in flight")
		})
	}
}
