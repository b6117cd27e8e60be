package awstest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// consumer is a Lambda function that notes what it gets.
type consumer struct {
	k       *kit
	mu      sync.Mutex
	batches [][]string // bodies
	counts  map[string][]string
	at      []time.Duration // since the start
	start   time.Time
	atOnce  int // invocations at work
	most    int
}

// consume makes a function consume a queue. answer, if not nil, is what it does with a batch.
func (k *kit) consume(queue string, answer func(context.Context, events.SQSEvent) (string, error), change ...func(*lambda.CreateEventSourceMappingInput)) (*consumer, string) {
	k.Helper()
	c := &consumer{k: k, counts: map[string][]string{}, start: k.srv.Clock.Now()}
	k.srv.HandleFunction("worker", func(ctx context.Context, payload []byte) ([]byte, error) {
		var event events.SQSEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		c.mu.Lock()
		var bodies []string
		for _, r := range event.Records {
			bodies = append(bodies, r.Body)
			c.counts[r.Body] = append(c.counts[r.Body], r.Attributes["ApproximateReceiveCount"])
		}
		c.batches = append(c.batches, bodies)
		c.at = append(c.at, k.srv.Clock.Now().Sub(c.start))
		c.atOnce++
		c.most = max(c.most, c.atOnce)
		c.mu.Unlock()
		defer func() {
			c.mu.Lock()
			c.atOnce--
			c.mu.Unlock()
		}()
		if answer == nil {
			return nil, nil
		}
		text, err := answer(ctx, event)
		return []byte(text), err
	})
	in := &lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN(queue)), FunctionName: aws.String("worker")}
	for _, f := range change {
		f(in)
	}
	out, err := k.lambda().CreateEventSourceMapping(k.ctx, in)
	require.NoError(k, err)
	return c, *out.UUID
}

func (k *kit) lambda() *lambda.Client { return lambda.NewFromConfig(k.srv.Config()) }

func batchesOf(n int32) func(*lambda.CreateEventSourceMappingInput) {
	return func(in *lambda.CreateEventSourceMappingInput) { in.BatchSize = &n }
}

func reporting(in *lambda.CreateEventSourceMappingInput) {
	in.FunctionResponseTypes = []lambdatypes.FunctionResponseType{lambdatypes.FunctionResponseTypeReportBatchItemFailures}
}

func (k *kit) sendAll(url string, bodies ...string) {
	k.Helper()
	for chunk := range slices.Chunk(bodies, 10) {
		var entries []sqstypes.SendMessageBatchRequestEntry
		for i, body := range chunk {
			entries = append(entries, sqstypes.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: aws.String(body)})
		}
		out, err := k.sqs.SendMessageBatch(k.ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
		require.NoError(k, err)
		require.Empty(k, out.Failed)
	}
}

func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i)
	}
	return out
}

func (k *kit) requireEmpty(url string) {
	k.Helper()
	for _, name := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"} {
		require.Equal(k, "0", k.attribute(url, name), name)
	}
}

func paused(t *testing.T, opts ...awstest.Option) *kit {
	t.Helper()
	k := start(t, opts...)
	k.srv.Clock.Pause()
	return k
}

func TestAFunctionGetsTheMessagesOfItsQueueInBatches(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	c, _ := k.consume("jobs", nil)
	k.sendAll(url, numbered(23)...)
	k.srv.Clock.Advance(time.Second)
	sizes := []int{}
	for _, b := range c.batches {
		sizes = append(sizes, len(b))
	}
	slices.Sort(sizes)
	require.Equal(t, []int{3, 10, 10}, sizes)
	require.Len(t, c.counts, 23)
	k.requireEmpty(url)
}

func TestAFunctionThatFailsGetsTheBatchAgainUntilItIsDeadLettered(t *testing.T) {
	k := paused(t)
	url, dlq := k.sourceAndDLQ("jobs", "3")
	c, _ := k.consume("jobs", func(context.Context, events.SQSEvent) (string, error) { return "", errors.New("no") })
	k.sendAll(url, "a", "b")
	k.srv.Clock.Advance(10 * time.Minute)
	require.Equal(t, map[string][]string{"a": {"1", "2", "3"}, "b": {"1", "2", "3"}}, c.counts)
	// each time when the visibility timeout has passed, and a moment for noticing
	require.Equal(t, []time.Duration{10 * time.Millisecond, 30*time.Second + 20*time.Millisecond, 60*time.Second + 30*time.Millisecond}, c.at)
	require.ElementsMatch(t, []string{"a", "b"}, k.bodies(dlq))
}

func TestWhatAFunctionReportsComesBack(t *testing.T) {
	const ok, all = "ok", "all"
	for name, tt := range map[string]struct {
		response string
		want     string // what comes back: ok = nothing, all, or the body
	}{
		"an empty response":              {``, ok},
		"null":                           {`null`, ok},
		"an empty object":                {`{}`, ok},
		"a null list":                    {`{"batchItemFailures":null}`, ok},
		"an empty list":                  {`{"batchItemFailures":[]}`, ok},
		"another member":                 {`{"failures":[{"itemIdentifier":"x"}]}`, ok},
		"one id":                         {`{"batchItemFailures":[{"itemIdentifier":"ID-b"}]}`, "b"},
		"an id twice":                    {`{"batchItemFailures":[{"itemIdentifier":"ID-b"},{"itemIdentifier":"ID-b"}]}`, "b"},
		"an empty id":                    {`{"batchItemFailures":[{"itemIdentifier":""}]}`, all},
		"a null id":                      {`{"batchItemFailures":[{"itemIdentifier":null}]}`, all},
		"a number as id":                 {`{"batchItemFailures":[{"itemIdentifier":1}]}`, all},
		"a wrong key":                    {`{"batchItemFailures":[{"itemIdentifer":"ID-b"}]}`, all},
		"a key in the wrong case":        {`{"batchItemFailures":[{"ItemIdentifier":"ID-b"}]}`, all},
		"an unknown id":                  {`{"batchItemFailures":[{"itemIdentifier":"ID-b"},{"itemIdentifier":"gone"}]}`, all},
		"a list of strings":              {`{"batchItemFailures":["ID-b"]}`, all},
		"no list":                        {`{"batchItemFailures":"ID-b"}`, all},
		"a string":                       {`"done"`, all},
		"no JSON":                        {`{"batchItemFailures":[`, all},
		"a list that has the wrong name": {`{"BatchItemFailures":[{"itemIdentifier":"ID-b"}]}`, ok},
	} {
		t.Run(name, func(t *testing.T) {
			k := paused(t)
			url := k.queue("jobs")
			first := true
			c, _ := k.consume("jobs", func(_ context.Context, e events.SQSEvent) (string, error) {
				if !first {
					return "", nil
				}
				first = false
				text := tt.response
				for _, r := range e.Records {
					text = strings.ReplaceAll(text, "ID-"+r.Body, r.MessageId)
				}
				return text, nil
			}, reporting)
			k.sendAll(url, "a", "b", "c")
			k.srv.Clock.Advance(40 * time.Second)
			require.Equal(t, []string{"a", "b", "c"}, c.batches[0])
			switch tt.want {
			case ok:
				require.Len(t, c.batches, 1)
			case all:
				require.Equal(t, [][]string{{"a", "b", "c"}}, c.batches[1:])
			default:
				require.Equal(t, [][]string{{tt.want}}, c.batches[1:])
			}
			k.requireEmpty(url)
		})
	}
}

func TestWithoutReportsAResponseDoesntCount(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	c, _ := k.consume("jobs", func(_ context.Context, e events.SQSEvent) (string, error) {
		return `{"batchItemFailures":[{"itemIdentifier":"` + e.Records[0].MessageId + `"}]}`, nil
	})
	k.sendAll(url, "a")
	k.srv.Clock.Advance(time.Hour)
	require.Len(t, c.batches, 1)
	k.requireEmpty(url)
}

func TestAFunctionThatWorksTooLongTimesOut(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	var ended []error
	c, _ := k.consume("jobs", func(ctx context.Context, _ events.SQSEvent) (string, error) {
		d := 10 * time.Second
		if len(ended) == 1 {
			d = 2 * time.Second
		}
		err := awstest.Work(ctx, d)
		ended = append(ended, err)
		return "", err
	})
	k.sendAll(url, "a")
	k.srv.Clock.Advance(time.Minute)
	require.Equal(t, map[string][]string{"a": {"1", "2"}}, c.counts)
	require.Len(t, ended, 2)
	require.Error(t, ended[0])
	require.NoError(t, ended[1])
	k.requireEmpty(url)
	require.Contains(t, fmt.Sprint(k.srv.FunctionOutput("worker")), "Task timed out after 3.00 seconds")
}

func TestConcurrencyStaysWithinItsMaximum(t *testing.T) {
	for name, tt := range map[string]struct {
		maximum int32
		want    int
	}{"none of its own: five to begin with": {0, 5}, "two": {2, 2}, "more than five": {7, 5}} {
		t.Run(name, func(t *testing.T) {
			k := paused(t)
			url := k.queue("jobs")
			c, _ := k.consume("jobs", func(ctx context.Context, _ events.SQSEvent) (string, error) {
				return "", awstest.Work(ctx, time.Second)
			}, batchesOf(1), func(in *lambda.CreateEventSourceMappingInput) {
				if tt.maximum > 0 {
					in.ScalingConfig = &lambdatypes.ScalingConfig{MaximumConcurrency: &tt.maximum}
				}
			})
			k.sendAll(url, numbered(20)...)
			k.srv.Clock.Advance(15 * time.Second)
			require.Equal(t, tt.want, c.most)
			require.Len(t, c.batches, 20)
			k.requireEmpty(url)
		})
	}
}

func TestConcurrencyGrowsWhileThereIsMoreToDo(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	c, _ := k.consume("jobs", func(ctx context.Context, _ events.SQSEvent) (string, error) {
		return "", awstest.Work(ctx, 2*time.Second)
	}, batchesOf(1))
	k.sendAll(url, numbered(400)...)
	k.srv.Clock.Advance(50 * time.Second)
	require.Equal(t, 5, c.most)
	k.srv.Clock.Advance(20 * time.Second)
	require.Greater(t, c.most, 100)
	k.srv.Clock.Advance(time.Minute)
	k.requireEmpty(url)
}

func TestABatchingWindowCollectsMessages(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	c, _ := k.consume("jobs", nil, batchesOf(100), func(in *lambda.CreateEventSourceMappingInput) { in.MaximumBatchingWindowInSeconds = aws.Int32(20) })
	k.sendAll(url, numbered(12)...)
	k.srv.Clock.Advance(10 * time.Second)
	require.Empty(t, c.batches)
	require.Equal(t, "12", k.attribute(url, "ApproximateNumberOfMessagesNotVisible"))
	k.sendAll(url, numbered(5)...)
	k.srv.Clock.Advance(11 * time.Second)
	require.Len(t, c.batches, 1)
	require.Len(t, c.batches[0], 17)
	k.sendAll(url, numbered(250)...)
	k.srv.Clock.Advance(time.Second)
	require.Len(t, c.batches, 3, "full batches don't wait")
	k.srv.Clock.Advance(20 * time.Second)
	require.Len(t, c.batches[3], 50)
	k.requireEmpty(url)
}

func TestAPayloadHoldsNoMoreThanSixMegabytes(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	c, _ := k.consume("jobs", nil)
	_, err := k.lambda().UpdateFunctionConfiguration(k.ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("worker"), Role: aws.String(k.role("r", allowAll)), Timeout: aws.Int32(900), // decoding megabytes takes a busy machine seconds
	})
	require.NoError(t, err)
	big := strings.Repeat("0123456789", 90_000)
	for range 10 {
		k.send(url, big)
	}
	k.srv.Clock.Advance(time.Second)
	require.Len(t, c.batches, 2)
	require.Len(t, slices.Concat(c.batches...), 10)
	k.requireEmpty(url)
}

func TestFiltersDecideWhatAFunctionGets(t *testing.T) {
	for name, tt := range map[string]struct {
		patterns []string
		want     []string
	}{
		"a member of the body":           {[]string{`{"body":{"kind":["order"]}}`}, []string{`{"kind":"order"}`}},
		"either of two":                  {[]string{`{"body":{"kind":["order"]}}`, `{"body":{"n":[{"numeric":[">",5]}]}}`}, []string{`{"kind":"order"}`, `{"n":7}`}},
		"text":                           {[]string{`{"body":["plain"]}`}, []string{`plain`}},
		"the beginning of a text":        {[]string{`{"body":[{"prefix":"p"}]}`}, []string{`plain`}},
		"text is no object":              {[]string{`{"body":[{"exists":true}]}`}, []string{`plain`}},
		"an object is no text":           {[]string{`{"body":{"kind":[{"exists":false}]}}`}, []string{`{"n":3}`, `{"n":7}`}},
		"without the body, all the rest": {[]string{`{"eventSource":["aws:sqs"]}`}, []string{`{"kind":"order"}`, `{"n":3}`, `{"n":7}`, `plain`}},
	} {
		t.Run(name, func(t *testing.T) {
			k := paused(t)
			url := k.queue("jobs")
			c, _ := k.consume("jobs", nil, func(in *lambda.CreateEventSourceMappingInput) {
				in.FilterCriteria = &lambdatypes.FilterCriteria{}
				for _, p := range tt.patterns {
					in.FilterCriteria.Filters = append(in.FilterCriteria.Filters, lambdatypes.Filter{Pattern: aws.String(p)})
				}
			})
			k.sendAll(url, `{"kind":"order"}`, `{"n":3}`, `{"n":7}`, `plain`)
			k.srv.Clock.Advance(time.Second)
			require.Equal(t, tt.want, slices.Concat(c.batches...))
			k.requireEmpty(url) // what no filter matches is gone, too
		})
	}
}

func TestGroupsOfAFIFOQueueKeepTheirOrder(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs.fifo", "FifoQueue", "true", "ContentBasedDeduplication", "true")
	seen := map[string][]string{}
	busy := map[string]bool{}
	var mu sync.Mutex
	failed := false
	c, _ := k.consume("jobs.fifo", func(ctx context.Context, e events.SQSEvent) (string, error) {
		groups := map[string]bool{}
		mu.Lock()
		for _, r := range e.Records {
			groups[r.Attributes["MessageGroupId"]] = true
		}
		for g := range groups {
			if busy[g] {
				mu.Unlock()
				return "", fmt.Errorf("group %s is worked on twice at a time", g)
			}
			busy[g] = true
		}
		fail := groups["b"] && !failed
		failed = failed || fail
		mu.Unlock()
		err := awstest.Work(ctx, time.Second)
		mu.Lock()
		defer mu.Unlock()
		for g := range groups {
			busy[g] = false
		}
		if fail {
			return "", errors.New("once")
		}
		for _, r := range e.Records {
			g := r.Attributes["MessageGroupId"]
			seen[g] = append(seen[g], r.Body)
		}
		return "", err
	}, batchesOf(2))
	for i := range 6 {
		for _, g := range []string{"a", "b", "c"} {
			_, err := k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageGroupId: aws.String(g), MessageBody: aws.String(fmt.Sprint(g, i))})
			require.NoError(t, err)
		}
	}
	k.srv.Clock.Advance(2 * time.Minute)
	for _, g := range []string{"a", "b", "c"} {
		require.Equal(t, []string{g + "0", g + "1", g + "2", g + "3", g + "4", g + "5"}, seen[g])
	}
	require.Greater(t, c.most, 1, "groups are worked on side by side")
	k.requireEmpty(url)
}

func TestAMappingThatIsDisabledLeavesMessagesAlone(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	c, id := k.consume("jobs", nil)
	out, err := k.lambda().UpdateEventSourceMapping(k.ctx, &lambda.UpdateEventSourceMappingInput{UUID: &id, Enabled: aws.Bool(false)})
	require.NoError(t, err)
	require.Equal(t, "Disabling", *out.State)
	k.srv.Clock.Advance(time.Second)
	k.sendAll(url, "a")
	k.srv.Clock.Advance(time.Hour)
	require.Empty(t, c.batches)
	require.Equal(t, "1", k.attribute(url, "ApproximateNumberOfMessages"))
	state, err := k.lambda().GetEventSourceMapping(k.ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
	require.NoError(t, err)
	require.Equal(t, "Disabled", *state.State)
	out, err = k.lambda().UpdateEventSourceMapping(k.ctx, &lambda.UpdateEventSourceMappingInput{UUID: &id, Enabled: aws.Bool(true)})
	require.NoError(t, err)
	require.Equal(t, "Enabling", *out.State)
	k.srv.Clock.Advance(time.Second)
	require.Equal(t, [][]string{{"a"}}, c.batches)
	gone, err := k.lambda().DeleteEventSourceMapping(k.ctx, &lambda.DeleteEventSourceMappingInput{UUID: &id})
	require.NoError(t, err)
	require.Equal(t, "Deleting", *gone.State)
	k.srv.Clock.Advance(time.Second)
	_, err = k.lambda().GetEventSourceMapping(k.ctx, &lambda.GetEventSourceMappingInput{UUID: &id})
	var notFound *lambdatypes.ResourceNotFoundException
	require.ErrorAs(t, err, &notFound)
}

func TestAFunctionMayCallTheEndpointWhileTheClockAdvances(t *testing.T) {
	k := paused(t)
	url, out := k.queue("jobs"), k.queue("results")
	c, _ := k.consume("jobs", func(ctx context.Context, e events.SQSEvent) (string, error) {
		for _, r := range e.Records {
			if _, err := k.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &out, MessageBody: aws.String(r.Body)}); err != nil {
				return "", err
			}
			// backing off while it is at it
			if _, err := k.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: &r.ReceiptHandle, VisibilityTimeout: 300}); err != nil {
				return "", err
			}
		}
		return "", errors.New("again")
	})
	k.sendAll(url, "a")
	k.srv.Clock.Advance(11 * time.Minute)
	require.Len(t, c.batches, 3)
	require.Equal(t, "3", k.attribute(out, "ApproximateNumberOfMessages"))
	require.Equal(t, []time.Duration{10 * time.Millisecond, 5*time.Minute + 20*time.Millisecond, 10*time.Minute + 30*time.Millisecond}, c.at)
}

func TestAFunctionWorksWhileTimePassesByItself(t *testing.T) {
	k := start(t)
	url := k.queue("jobs")
	c, _ := k.consume("jobs", nil)
	k.send(url, "a")
	require.Eventually(t, func() bool {
		return k.attribute(url, "ApproximateNumberOfMessages") == "0" && k.attribute(url, "ApproximateNumberOfMessagesNotVisible") == "0"
	}, 10*time.Second, 10*time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Equal(t, [][]string{{"a"}}, c.batches)
}

func TestAQueueThatIsCreatedAgainIsConsumedAgain(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	c, _ := k.consume("jobs", nil)
	k.srv.Clock.Advance(time.Second)
	_, err := k.sqs.DeleteQueue(k.ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
	require.NoError(t, err)
	k.srv.Clock.Advance(2 * time.Minute)
	k.queue("jobs")
	k.sendAll(url, "a")
	k.srv.Clock.Advance(time.Second)
	require.Equal(t, [][]string{{"a"}}, c.batches)
}
