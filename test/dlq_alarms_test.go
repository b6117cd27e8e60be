package test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDLQAlarms proves that each alarm of the module fires when it should, and only then,
// on queues that were deployed together with their alarms.
func TestDLQAlarms(t *testing.T) {
	needsTerraform(t)
	s := deploy(t, "fixtures/alarms", map[string]any{"prefix": uniqueName("a")})
	s.requireNoChanges(t)
	var queues map[string]watched
	s.output(t, "queues", &queues)
	c := clientsOf(s.target.Target)

	if s.virtual() {
		t.Run("nothing happens to queues that nobody uses", func(t *testing.T) {
			require.NoError(t, checkQuiet(s.ctx, c, queues["unused"]))
		})
	}
	t.Run("not empty, counting messages in flight", func(t *testing.T) {
		require.NoError(t, checkProof(s.ctx, s.target.Target, queues["math"].pair, 2, true))
	})
	t.Run("not empty, counting visible messages only", func(t *testing.T) {
		require.NoError(t, checkProof(s.ctx, s.target.Target, queues["cheap"].pair, 2, false))
	})
	if !s.virtual() {
		return // the rest takes days
	}
	t.Run("the cheap one does not hold in flight", func(t *testing.T) {
		err := checkProof(s.ctx, s.target.Target, queues["cheap"].pair, 2, true)
		require.ErrorContains(t, err, "it must count messages in flight")
	})
	t.Run("the cheap one takes messages that were looked at for new ones", func(t *testing.T) {
		err := checkFillingFast(s.ctx, c, queues["cheap"], 2, 10, 5*time.Minute)
		require.ErrorContains(t, err, "somebody looks at them all: it must not fire")
	})
	for name, inDLQ := range map[string]time.Duration{
		"math": 10 * day, // of the DLQ's 14, the source may have used 4
		"fifo": 14 * day, // the move starts them anew
	} {
		t.Run(name+"/about to expire", func(t *testing.T) {
			require.NoError(t, checkAboutToExpire(s.ctx, c, queues[name], 2, 4*day, inDLQ/2, inDLQ/2))
		})
		t.Run(name+"/filling fast", func(t *testing.T) {
			require.NoError(t, checkFillingFast(s.ctx, c, queues[name], 2, 10, 5*time.Minute))
		})
		t.Run(name+"/source stuck", func(t *testing.T) {
			require.NoError(t, checkSourceStuck(s.ctx, c, queues[name], time.Hour))
		})
	}
	t.Run("nothing has happened to those that nobody used meanwhile", func(t *testing.T) {
		require.NoError(t, checkQuiet(s.ctx, c, queues["unused"]))
	})
}
