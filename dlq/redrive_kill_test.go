package dlq_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// victim is a selective redrive in a process of its own, which is this test binary.
type victim struct {
	Endpoint, DLQ, Rules                string
	Ledger, QuarantineFile, DiscardFile string
	QuarantineQueue                     string
	Concurrency                         int
}

const victimVariable = "DLQ_TEST_VICTIM"

func TestMain(m *testing.M) {
	if text := os.Getenv(victimVariable); text != "" {
		if err := beVictim(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func beVictim(text string) error {
	var v victim
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return err
	}
	ctx := context.Background()
	client := sqs.New(sqs.Options{Region: "us-east-1", BaseEndpoint: &v.Endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	r, err := v.redrive(ctx, client)
	if err != nil {
		return err
	}
	_, err = r.Run(ctx)
	return err
}

func (v victim) redrive(ctx context.Context, client *sqs.Client) (dlq.Redrive, error) {
	r := dlq.Redrive{Client: client, Ledger: v.Ledger, QuarantineFile: v.QuarantineFile, DiscardFile: v.DiscardFile, Concurrency: v.Concurrency, Wait: -1}
	var err error
	if r.DLQ, err = dlq.Find(ctx, client, v.DLQ); err != nil {
		return r, err
	}
	if v.QuarantineQueue != "" {
		q, err := dlq.Find(ctx, client, v.QuarantineQueue)
		if err != nil {
			return r, err
		}
		r.QuarantineQueue = &q
	}
	r.Rules, err = dlq.ParseRules("rules.yaml", []byte(v.Rules))
	return r, err
}

// moment is when a process is killed: at its call of that number.
type moment struct {
	call int // from 1
	when string
	wait time.Duration // afterwards
}

const (
	beforeEffect = "before it has an effect"
	beforeAnswer = "before its answer"
	afterAnswer  = "after its answer"
)

// runUntil runs the victim and kills it at the moment. It returns how many calls it made,
// and whether it was killed.
func (v victim) runUntil(t testing.TB, endpoint string, at moment) (calls int, killed bool) {
	target, err := url.Parse(endpoint)
	require.NoError(t, err)
	proxying := httputil.NewSingleHostReverseProxy(target)
	proxying.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	// A call that is under way at the kill arrives all the same: Close waits for it then.
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxying.ServeHTTP(struct{ http.ResponseWriter }{w}, r.WithContext(context.WithoutCancel(r.Context())))
	})
	var cmd *exec.Cmd
	var n atomic.Int64
	started := make(chan struct{})
	kill := func() { <-started; _ = cmd.Process.Kill() }
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) != int64(at.call) {
			next.ServeHTTP(w, r)
			return
		}
		switch at.when {
		case beforeEffect:
			kill()
		case beforeAnswer:
			next.ServeHTTP(httptest.NewRecorder(), r)
			kill()
		default:
			next.ServeHTTP(w, r)
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			go func() { time.Sleep(at.wait); kill() }()
			return
		}
		panic(http.ErrAbortHandler)
	}))
	defer proxy.Close()
	v.Endpoint = proxy.URL
	text, err := json.Marshal(v)
	require.NoError(t, err)
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimVariable+"="+string(text), "GOMAXPROCS=2")
	cmd.Stderr = io.Discard
	require.NoError(t, cmd.Start())
	close(started)
	err = cmd.Wait()
	return int(n.Load()), err != nil
}

// scene is a DLQ with messages, a process that is killed while it redrives them, and the
// run that finishes its work.
type scene struct {
	messages    int
	concurrency int
	ledger      bool
	seed        uint64
}

// result is what came of it.
type result struct {
	calls, lost, duplicates, reported int
	killed                            bool
}

// play plays the scene. Every other message is over the limit and goes to quarantine.
func (sc scene) play(t testing.TB, at moment, rules string) result {
	m := newMorning(t)
	var send []message
	for i := range sc.messages {
		one := body(strconv.Itoa(i))
		if i%3 == 0 {
			one.MessageAttributes = map[string]types.MessageAttributeValue{"RedriveCount": {DataType: aws.String("Number"), StringValue: aws.String("3")}}
		}
		send = append(send, one)
	}
	m.fail(m.orders, send...)
	v := victim{DLQ: m.dlq.Name, Rules: rules, Concurrency: sc.concurrency, DiscardFile: m.file("discarded")}
	if sc.seed%2 == 0 {
		v.QuarantineFile = m.file("quarantine")
	} else {
		v.QuarantineQueue = m.create("quarantine").Name
	}
	if sc.ledger {
		v.Ledger = m.file("ledger")
	}
	var out result
	out.calls, out.killed = v.runUntil(t, m.srv.URL, at)

	m.srv.Clock.Advance(5 * minute) // what it had received is visible again
	r, err := v.redrive(t.Context(), m.sqs)
	require.NoError(t, err)
	r.Now, r.Sleep = m.srv.Clock.Now, m.srv.Clock.Sleep
	s := m.run(r)
	require.Equal(t, [2]string{"0", "0"}, m.count(m.dlq), "%+v: the rerun finishes the job: %+v", at, s)
	got := each(m.drain(m.orders))
	if r.QuarantineQueue != nil {
		for b, n := range each(m.drain(*r.QuarantineQueue)) {
			got[b] += n
		}
	}
	for _, name := range []string{r.QuarantineFile, r.DiscardFile} {
		kept := map[string]bool{} // in a file the same message twice is no duplicate
		if name != "" {
			for _, k := range m.keptIn(name) {
				kept[k.Body] = true
			}
		}
		for b := range kept {
			got[b]++
		}
	}
	for i := range sc.messages {
		switch n := got[strconv.Itoa(i)]; {
		case n == 0:
			out.lost++
		default:
			out.duplicates += n - 1
		}
	}
	out.reported = s.PossibleDuplicates
	return out
}

func (sc scene) judge(t testing.TB, at moment, r result) {
	require.Zero(t, r.lost, "killed at %+v (seed %d): lost", at, sc.seed)
	require.LessOrEqual(t, r.duplicates, 10*sc.concurrency, "killed at %+v (seed %d): duplicates", at, sc.seed)
	if sc.ledger {
		require.LessOrEqual(t, r.duplicates, r.reported, "killed at %+v (seed %d): duplicates that nobody is told of", at, sc.seed)
	}
}

func TestAKillAtEachStepLosesNothing(t *testing.T) {
	for _, tt := range []struct {
		rules string
		steps int
	}{
		{"otherwise: redrive", 14},
		{"otherwise: discard", 9},
	} {
		var mu sync.Mutex
		var duplicates, killed int
		t.Run(tt.rules, func(t *testing.T) {
			// Find; the attributes; receive, find the source, send, store, delete; …
			for call := 1; call <= tt.steps; call++ {
				for _, when := range []string{beforeEffect, beforeAnswer} {
					t.Run(fmt.Sprintf("call %d %s", call, when), func(t *testing.T) {
						t.Parallel()
						sc := scene{messages: 20, concurrency: 1, ledger: true, seed: uint64(call)}
						at := moment{call: call, when: when}
						r := sc.play(t, at, tt.rules)
						sc.judge(t, at, r)
						mu.Lock()
						defer mu.Unlock()
						duplicates += r.duplicates
						if r.killed {
							killed++
						}
					})
				}
			}
		})
		require.Equal(t, 2*tt.steps, killed, tt.rules)
		if tt.rules == "otherwise: redrive" {
			require.Positive(t, duplicates, "one moment at least is between a send and its answer")
		} else {
			require.Zero(t, duplicates, "a file tells what it has")
		}
	}
}

func TestAHundredKillsAtRandomInstantsLoseNothing(t *testing.T) {
	kills := 100
	if testing.Short() {
		kills = 20
	}
	var mu sync.Mutex
	var killed, duplicates, reported int
	t.Run("kill", func(t *testing.T) {
		for i := range kills {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				random := rand.New(rand.NewPCG(uint64(i), 7))
				sc := scene{messages: 60, concurrency: 1 + random.IntN(3), ledger: i%2 == 0, seed: uint64(i / 2)}
				at := moment{call: 1 + random.IntN(22), when: []string{beforeEffect, beforeAnswer, afterAnswer, afterAnswer}[random.IntN(4)], wait: time.Duration(random.IntN(1500)) * time.Microsecond}
				r := sc.play(t, at, "otherwise: redrive")
				sc.judge(t, at, r)
				mu.Lock()
				defer mu.Unlock()
				duplicates, reported = duplicates+r.duplicates, reported+r.reported
				if r.killed {
					killed++
				}
			})
		}
	})
	t.Logf("%d of %d were killed in time; %d duplicates, %d reported as possible", killed, kills, duplicates, reported)
	require.Greater(t, killed, kills*9/10, "the others had ended before")
}
