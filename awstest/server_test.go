package awstest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// TestMain makes this binary the child process of TestEnv, too.
func TestMain(m *testing.M) {
	if name := os.Getenv("AWSTEST_CHILD_CREATES"); name != "" {
		os.Exit(child(name))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	if programDir, err = os.MkdirTemp("", "function-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(programDir)
	return m.Run()
}

// child creates a queue by what its environment says alone.
func child(name string) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err == nil {
		_, err = sqs.NewFromConfig(cfg).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestAClosedEndpointLeavesNoGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 3 {
		srv, err := awstest.New()
		require.NoError(t, err)
		k := on(t, srv)
		k.send(k.queue("q"), "body")
		k.alarmOn("a", "q")
		srv.Clock.Advance(time.Hour)
		srv.Close()
		srv.Close() // once more does no harm
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond) // connections take their time to end
	}
	buf := make([]byte, 1<<20)
	require.LessOrEqual(t, runtime.NumGoroutine(), before, "%s", buf[:runtime.Stack(buf, true)])
}

func TestCloseEndsLongPolls(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	client := sqs.NewFromConfig(once(k.srv))
	failed := make(chan error, 8)
	for range cap(failed) {
		go func() {
			_, err := client.ReceiveMessage(k.ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
			failed <- err
		}()
	}
	// they all wait: none has been answered, though all have arrived
	require.Eventually(t, func() bool { return goroutinesIn("sqs.(*queue).receive") == cap(failed) }, time.Minute, time.Millisecond)
	began := time.Now()
	k.srv.Close()
	for range cap(failed) {
		require.Error(t, <-failed)
	}
	require.Less(t, time.Since(began), 5*time.Second)
}

// goroutinesIn counts the goroutines that have a function on their stack.
func goroutinesIn(function string) int {
	buf := make([]byte, 4<<20)
	n := 0
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, function) {
			n++
		}
	}
	return n
}

func TestAPortInUseIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	_, err = awstest.New(awstest.Listen(l.Addr().String()))
	require.ErrorContains(t, err, "listening on "+l.Addr().String())
}

func TestTheURLOfAnEndpointOnAllAddressesCanBeCalled(t *testing.T) {
	srv := awstest.Start(t, awstest.Listen(":0"))
	require.True(t, strings.HasPrefix(srv.URL, "http://127.0.0.1:"), srv.URL)
	resp, err := http.Get(srv.URL + "/_health")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

// failing is a TB that records a fatal failure.
type failing struct {
	text    string
	cleaned []func()
}

func (f *failing) Helper() {}
func (f *failing) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
func (f *failing) Cleanup(fn func()) { f.cleaned = append(f.cleaned, fn) }

func TestStart(t *testing.T) {
	t.Run("closes the endpoint when the test ends", func(t *testing.T) {
		tb := &failing{}
		srv := awstest.Start(tb)
		require.Len(t, tb.cleaned, 1)
		tb.cleaned[0]()
		_, err := net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://"))
		require.Error(t, err)
	})
	t.Run("fails the test if there is no endpoint", func(t *testing.T) {
		tb := &failing{}
		var wait sync.WaitGroup
		wait.Go(func() { awstest.Start(tb, awstest.Listen("256.0.0.1:1")) })
		wait.Wait()
		require.Contains(t, tb.text, "starting the AWS endpoint: listening on 256.0.0.1:1")
	})
}

func TestEnv(t *testing.T) {
	k := start(t)
	cmd := exec.CommandContext(k.ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "AWSTEST_CHILD_CREATES=from-a-child", "AWS_PROFILE=", "HTTP_PROXY=http://192.0.2.1:1", "http_proxy=http://192.0.2.1:1")
	for name, value := range k.srv.Env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, err = k.sqs.GetQueueUrl(k.ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("from-a-child")})
	require.NoError(t, err)
	calls := k.srv.Calls()
	require.Equal(t, "CreateQueue", calls[0].Operation)
	require.Equal(t, k.srv.Account, calls[0].Account)
	require.Equal(t, k.srv.Region, calls[0].Region)
}

func TestAccountsAndRegionsAreToldApartByTheSignature(t *testing.T) {
	k := start(t)
	as := func(key, region string) aws.Config {
		cfg := k.srv.Config()
		cfg.Region, cfg.Credentials = region, credentials.NewStaticCredentialsProvider(key, "any", "")
		return cfg
	}
	k.queue("mine")
	for _, other := range []struct{ name, key, region, account string }{
		{"another account", "123456789012", "us-east-1", "123456789012"},
		{"another region", "test", "eu-central-1", "000000000000"},
		{"an access key that is no account", "AKIAIOSFODNN7EXAMPLE", "us-west-2", "000000000000"},
	} {
		t.Run(other.name, func(t *testing.T) {
			cfg := as(other.key, other.region)
			id, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			require.NoError(t, err)
			require.Equal(t, other.account, *id.Account)
			client := sqs.NewFromConfig(cfg)
			list, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
			require.NoError(t, err)
			require.Empty(t, list.QueueUrls)
			made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("mine")})
			require.NoError(t, err)
			attributes, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: made.QueueUrl, AttributeNames: []types.QueueAttributeName{"QueueArn"}})
			require.NoError(t, err)
			require.Equal(t, "arn:aws:sqs:"+other.region+":"+other.account+":mine", attributes.Attributes["QueueArn"])
		})
	}
	require.Equal(t, "0", k.attribute(k.srv.URL+"/000000000000/mine", "ApproximateNumberOfMessages"))
}

func TestAClientThatGivesUpWaitingTakesNoMessage(t *testing.T) {
	k := start(t)
	url := k.queue("q")
	ctx, cancel := context.WithCancel(k.ctx)
	done := make(chan error, 1)
	go func() {
		_, err := k.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
		done <- err
	}()
	require.Eventually(t, func() bool { return goroutinesIn("sqs.(*queue).receive") == 1 }, time.Minute, time.Millisecond)
	cancel()
	require.True(t, errors.Is(<-done, context.Canceled))
	require.Eventually(t, func() bool { return goroutinesIn("sqs.(*queue).receive") == 0 }, time.Minute, time.Millisecond)
	k.send(url, "body")
	require.Equal(t, "1", k.receive(url)[0].Attributes["ApproximateReceiveCount"])
}
