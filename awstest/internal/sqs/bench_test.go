package sqs

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// local calls operations without HTTP.
type local struct {
	svc  *Service
	clk  *clock.Clock
	call *wire.Call
}

func newLocal(t testing.TB, opts Options) *local {
	clk := clock.New(testStart)
	clk.Pause()
	t.Cleanup(clk.Close)
	return &local{svc: New(clk, opts), clk: clk, call: &wire.Call{
		Account: testAccount, Region: "us-east-1", BaseURL: "http://localhost", Protocol: wire.JSON, Time: testStart,
	}}
}

func (l *local) create(t testing.TB, name string, attributes ...string) {
	_, err := l.svc.createQueue(context.Background(), l.call, &createQueueInput{QueueName: name, Attributes: pairs(attributes)})
	require.NoError(t, err)
}

func (l *local) cycle(t testing.TB, queue, body string) {
	ctx := context.Background()
	_, err := l.svc.sendMessage(ctx, l.call, &sendMessageInput{QueueUrl: queue, MessageBody: body})
	require.NoError(t, err)
	got, err := l.svc.receiveMessage(ctx, l.call, &receiveMessageInput{QueueUrl: queue})
	require.NoError(t, err)
	require.Len(t, got.Messages, 1)
	_, err = l.svc.deleteMessage(ctx, l.call, &deleteMessageInput{QueueUrl: queue, ReceiptHandle: got.Messages[0].ReceiptHandle})
	require.NoError(t, err)
}

func BenchmarkSendReceiveDelete(b *testing.B) {
	body := strings.Repeat("x", 1024)
	for _, depth := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("depth=%d", depth), func(b *testing.B) {
			l := newLocal(b, Options{})
			l.create(b, "q")
			for range depth {
				_, err := l.svc.sendMessage(context.Background(), l.call, &sendMessageInput{QueueUrl: "q", MessageBody: body})
				require.NoError(b, err)
			}
			b.ReportAllocs()
			for b.Loop() {
				l.cycle(b, "q", body)
			}
		})
	}
}

func BenchmarkMillionMessages(b *testing.B) {
	for b.Loop() {
		l := newLocal(b, Options{})
		l.create(b, "q")
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range 1_000_000 {
			_, err := l.svc.sendMessage(context.Background(), l.call, &sendMessageInput{QueueUrl: "q", MessageBody: strings.Repeat("x", 1024)})
			require.NoError(b, err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "B/message")
		runtime.KeepAlive(l)
	}
}

// discard takes metrics and keeps nothing.
type discard struct{ values int }

func (d *discard) PutQueue(_, _, _ string, _ time.Time, values []fabric.Value) {
	d.values += len(values)
}

func BenchmarkTwoWeeksOfMetricsOfAHundredQueues(b *testing.B) {
	l := newLocal(b, Options{})
	for i := range 100 {
		name := fmt.Sprintf("q%d", i)
		l.create(b, name, "MessageRetentionPeriod", "1209600")
		_, err := l.svc.sendMessage(context.Background(), l.call, &sendMessageInput{QueueUrl: name, MessageBody: "x"})
		require.NoError(b, err)
	}
	for b.Loop() {
		sink := &discard{}
		now := testStart
		for range 14*24*60 - 1 {
			now = now.Add(time.Minute)
			l.svc.PublishMetrics(now, sink)
		}
		require.NotZero(b, sink.values)
	}
}
