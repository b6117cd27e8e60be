package dlq

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

const (
	// defaultCallsPerSecond is where a pace starts. AWS publishes no limit for reading
	// queues' attributes, so the pace finds it: it halves when AWS throttles, and rises
	// again by each call that passes.
	defaultCallsPerSecond = 2000
	leastCallsPerSecond   = 5
	// concurrentCalls bounds the calls that are under way at a time.
	concurrentCalls = 32
	// throttledTries is how often a throttled call is made in all, over about 30 s,
	// beside what the SDK's client itself repeats.
	throttledTries = 10
)

// pace bounds how often and how concurrently AWS is called.
type pace struct {
	limiter *rate.Limiter
	most    rate.Limit
	// halved bounds how fast it slows down: the calls under way at a time are
	// throttled together, and are one sign, not many.
	halved *rate.Limiter
	done   func(calls int) // told of each call, if not nil
}

func newPace(callsPerSecond int) *pace {
	if callsPerSecond <= 0 {
		callsPerSecond = defaultCallsPerSecond
	}
	most := rate.Limit(callsPerSecond)
	return &pace{limiter: rate.NewLimiter(most, concurrentCalls), most: most, halved: rate.NewLimiter(rate.Every(250*time.Millisecond), 1)}
}

// call makes a call when its turn comes, and again while AWS throttles it.
func (p *pace) call(ctx context.Context, call func() error) error {
	for try := 1; ; try++ {
		if err := p.limiter.Wait(ctx); err != nil {
			// it doesn't wait for what would come too late, before ctx is done
			return cmp.Or(context.Cause(ctx), context.DeadlineExceeded)
		}
		err := call()
		if !isThrottled(err) {
			p.limiter.SetLimit(min(p.most, p.limiter.Limit()+1))
			return err
		}
		if p.halved.Allow() {
			p.limiter.SetLimit(max(leastCallsPerSecond, p.limiter.Limit()/2))
		}
		if try == throttledTries {
			return err
		}
		// full jitter, so that what was throttled together doesn't come back together
		backoff := min(5*time.Second, 50*time.Millisecond<<try)
		if err := pause(ctx, rand.N(backoff)); err != nil {
			return err
		}
	}
}

// each makes n calls, some at a time, and returns the first error.
func (p *pace) each(ctx context.Context, n int, call func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentCalls)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			defer p.tell()
			return p.call(ctx, func() error { return call(ctx, i) })
		})
	}
	return group.Wait()
}

func (p *pace) tell() {
	if p.done != nil {
		p.done(1)
	}
}

// pause waits, unless ctx is done before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
