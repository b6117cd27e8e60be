package dlqtest

import (
	"context"
	"strings"
)

// TB is what Require needs of a *testing.T.
type TB interface {
	Helper()
	Context() context.Context
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Require proves the queue's dead-lettering and ends the test if it isn't proven. The
// report goes to the test's log.
func Require(t TB, target Target, q Queue, opts ...Option) *Proof {
	t.Helper()
	proof, err := Prove(t.Context(), target, q, opts...)
	if proof == nil {
		t.Fatalf("proving the dead-lettering of %s: %v", q.Name(), err)
		return nil
	}
	var text strings.Builder
	_ = proof.Report().WriteText(&text) // a strings.Builder takes everything
	if err != nil || !proof.Proven() {
		t.Fatalf("the dead-lettering of %s is not proven (%v):\n%s", q.Name(), err, text.String())
	}
	t.Logf("%s", text.String())
	return proof
}
