package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/internal/tfenv"
)

// progress tells on standard error what is being done, a line at a time.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	began time.Time
}

func newProgress(w io.Writer) *progress { return &progress{w: w, began: time.Now()} }

func (p *progress) line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%5.0fs  %s\n", time.Since(p.began).Seconds(), text)
}

// terraform tells a step of Terraform's, but for data sources, which take no time.
func (p *progress) terraform(e tfenv.Event) {
	if e.Action != "read" || e.Status == tfenv.Failed {
		p.line("  " + e.String())
	}
}
