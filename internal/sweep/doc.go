// Package sweep finds and removes what killed proofs left behind: queues, topics with
// their subscriptions, and alarms that carry the tags of a proof, and working directories
// among the temporary files of this machine.
//
//	s := sweep.New(cfg)
//	found, err := s.Find(ctx, sweep.Filter{OlderThan: 2 * time.Hour})
//	for _, r := range found { … } // show them first
//	deleted, err := s.Delete(ctx, found)
//
// Whatever lacks the tags is never touched. What cannot be looked at or deleted is told
// in the error, and the rest is swept all the same.
package sweep
