package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar is a progress bar, on a terminal only.
type bar struct {
	mu  sync.Mutex
	bar *progressbar.ProgressBar // nil: nobody looks
}

func newBar(w io.Writer, what string) *bar {
	if !isTerminal(w) {
		return &bar{}
	}
	return &bar{bar: progressbar.NewOptions(1,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
	)}
}

// set says how much of how much is done. The total may grow.
func (b *bar) set(done, total int) {
	if b.bar == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bar.ChangeMax(total + 1) // at its maximum it would end
	_ = b.bar.Set(done)        // it is there to be looked at, no more
}

// clear takes the bar away.
func (b *bar) clear() {
	if b.bar != nil {
		_ = b.bar.Clear()
	}
}
