package dlq

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
)

// left are the messages that a run leaves in the dead-letter queue. They stay hidden until
// its end, so that it doesn't meet them again, and are then shown. Their receipt handles
// are in a temporary file, as there may be more of them than memory should hold.
//
// They are hidden for a short time, and hidden anew while the run goes on: of a run that
// was killed they can soon be received again.
type left struct {
	client     RedriveClient
	url        string
	visibility time.Duration

	mu      sync.Mutex
	file    *os.File // of lines with a receipt handle each; nil as long as there are none
	bytes   int64
	number  int
	renewed time.Time

	renewing sync.Mutex // one renews them all
}

// add takes messages that were received at that time.
func (l *left) add(letters []*DeadLetter, now time.Time) error {
	if len(letters) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		f, err := os.CreateTemp("", "dlq-left-")
		if err != nil {
			return fmt.Errorf("keeping what is left in the dead-letter queue hidden: %w", err)
		}
		l.file, l.renewed = f, now
	}
	var text strings.Builder
	for _, m := range letters {
		text.WriteString(m.receipt)
		text.WriteByte('\n')
	}
	n, err := l.file.WriteAt([]byte(text.String()), l.bytes)
	if err != nil {
		return fmt.Errorf("keeping what is left in the dead-letter queue hidden: %w", err)
	}
	l.bytes += int64(n)
	l.number += len(letters)
	return nil
}

// count is how many there are.
func (l *left) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.number
}

// forget ends it for a queue that is gone.
func (l *left) forget() {
	if l.file != nil {
		_ = l.file.Close()
		_ = os.Remove(l.file.Name())
	}
}

// renew hides the messages anew if a third of the time has passed that they are hidden for.
func (l *left) renew(ctx context.Context, now time.Time) error {
	l.mu.Lock()
	due := l.file != nil && now.Sub(l.renewed) >= l.visibility/3
	l.mu.Unlock()
	if !due || !l.renewing.TryLock() {
		return nil
	}
	defer l.renewing.Unlock()
	if err := l.change(ctx, l.visibility); err != nil {
		return fmt.Errorf("keeping what is left in the dead-letter queue hidden: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewed = now
	return nil
}

// show ends it: the messages can be received again.
func (l *left) show(ctx context.Context) error {
	if l.file == nil {
		return nil
	}
	err := l.change(ctx, 0)
	if err != nil && !isGone(err) {
		err = fmt.Errorf("showing the messages again that were left in the dead-letter queue, which otherwise happens within %s: %w", l.visibility, err)
	} else {
		err = nil
	}
	return errors.Join(err, l.file.Close(), os.Remove(l.file.Name()))
}

// change changes the visibility of all messages. One that can't be changed, because
// somebody else has deleted it or it has expired, doesn't matter.
func (l *left) change(ctx context.Context, hidden time.Duration) error {
	l.mu.Lock()
	lines := bufio.NewReader(io.NewSectionReader(l.file, 0, l.bytes))
	l.mu.Unlock()
	seconds := int32(hidden / time.Second)
	calls, callCtx := errgroup.WithContext(ctx)
	calls.SetLimit(8)
	for more := true; more && callCtx.Err() == nil; {
		var entries []types.ChangeMessageVisibilityBatchRequestEntry
		for len(entries) < maxBatch {
			receipt, err := lines.ReadString('\n')
			if err != nil {
				more = false
				break
			}
			receipt, id := strings.TrimSuffix(receipt, "\n"), strconv.Itoa(len(entries))
			entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: &id, ReceiptHandle: &receipt, VisibilityTimeout: seconds})
		}
		if len(entries) == 0 {
			break
		}
		calls.Go(func() error {
			_, err := l.client.ChangeMessageVisibilityBatch(callCtx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &l.url, Entries: entries}, patiently)
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}
