package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// Three workers compete for six groups, whose messages fail now and then; two of them
// always do.
func TestGroupsStayInOrderUnderFailuresAndCompetingWorkers(t *testing.T) {
	k := start(t)
	dlq := k.queue("q-dlq.fifo", "FifoQueue", "true")
	url := k.queue("q.fifo", "FifoQueue", "true", "RedrivePolicy", `{"deadLetterTargetArn":"`+arnOf("q-dlq.fifo")+`","maxReceiveCount":5}`)
	for i := range 20 {
		for g := range 6 {
			k.sendGroup(url, fmt.Sprint(g), strconv.Itoa(i))
		}
	}
	var mu sync.Mutex
	done := map[string][]string{}
	busy := map[string]bool{}
	failed := 0
	handle := func(_ context.Context, m consumer.Message) error {
		mu.Lock()
		require.False(t, busy[m.GroupID], "two of a group at a time")
		busy[m.GroupID] = true
		mu.Unlock()
		time.Sleep(50 * time.Microsecond) // lets others overlap that should not
		mu.Lock()
		defer mu.Unlock()
		busy[m.GroupID] = false
		luck := fnv.New32()
		_, _ = fmt.Fprint(luck, m.GroupID, m.Body, m.Attempt)
		if m.GroupID == "3" && (m.Body == "0" || m.Body == "11") || m.Attempt < 4 && luck.Sum32()%3 == 0 {
			failed++
			return errors.New("failed")
		}
		done[m.GroupID] = append(done[m.GroupID], m.Body)
		return nil
	}
	var desks []*desk
	for range 3 {
		d := k.desk()
		desks = append(desks, d)
		d.worker(url, handle, consumer.Concurrency(2))
	}
	desks[0].until(func() bool { return k.size(url) == 0 }, desks[1:]...)

	require.Greater(t, failed, 30)
	for g := range 6 {
		var want []string
		for i := range 20 {
			if g != 3 || i != 0 && i != 11 {
				want = append(want, strconv.Itoa(i))
			}
		}
		require.Equal(t, want, done[fmt.Sprint(g)], "group %d", g)
	}
	var dead []string
	for _, m := range k.receive(dlq) {
		dead = append(dead, m.Attributes["MessageGroupId"]+"-"+*m.Body)
	}
	require.Equal(t, []string{"3-0", "3-11"}, dead)
}

func TestBehindAFailureAGroupWaitsAndSpendsNoReceive(t *testing.T) {
	k := start(t)
	url := k.queue("q.fifo", "FifoQueue", "true")
	k.sendGroup(url, "g", "1", "2", "3")
	k.sendGroup(url, "h", "1", "2")
	d := k.desk()
	var mu sync.Mutex
	var seen []string
	d.worker(url, func(_ context.Context, m consumer.Message) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s%s attempt %d", m.GroupID, m.Body, m.Attempt))
		if m.GroupID == "g" && m.Body == "1" && m.Attempt < 3 {
			return errors.New("failed")
		}
		return nil
	}, consumer.Concurrency(1), consumer.Prefetch(10))
	d.until(func() bool { return k.size(url) == 0 })
	// 2 and 3 were received with 1 at first, and then when it was done
	require.Equal(t, []string{
		"g1 attempt 1", "h1 attempt 1", "h2 attempt 1", "g1 attempt 2", "g1 attempt 3", "g2 attempt 2", "g3 attempt 2",
	}, seen)
}

// A message that could not be deleted comes again, before its successors, which must not
// have been worked on meanwhile.
func TestNothingOfAGroupIsBegunUntilWhatCameBeforeItIsDeleted(t *testing.T) {
	k := start(t)
	url := k.queue("q.fifo", "FifoQueue", "true", "VisibilityTimeout", "60")
	k.sendGroup(url, "g", "1", "2")
	k.srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "sqs", Operation: "DeleteMessageBatch", Times: 1})
	d := k.desk()
	var mu sync.Mutex
	var seen []string
	d.worker(url, func(_ context.Context, m consumer.Message) error {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, m.Body)
		return nil
	})
	k.eventually(func() bool {
		k.clock.advance(time.Second)
		time.Sleep(100 * time.Microsecond)
		return k.size(url) == 0
	}, "done")
	require.Equal(t, []string{"1", "1", "2"}, seen)
}
