package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"
)

// served is dlq serve in a process of its own.
type served struct {
	*exec.Cmd
	url    string
	stderr bytes.Buffer
}

// serving starts dlq serve on a free port. The process is this test binary, which the
// test that calls it makes dlq by calling asChild first.
func serving(t *testing.T, args ...string) *served {
	t.Helper()
	line, err := json.Marshal(append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
	require.NoError(t, err)
	s := &served{Cmd: exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")}
	s.Env = append(os.Environ(), "DLQ_TEST_ARGS="+string(line))
	s.Stderr = &s.stderr
	out, err := s.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.Start())
	t.Cleanup(func() {
		_ = s.Process.Kill() // it may have ended
		_ = s.Wait()
	})
	text, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	url, ok := strings.CutPrefix(strings.TrimSpace(text), "AWS endpoint at ")
	require.True(t, ok, text)
	s.url = url
	return s
}

// asChild runs the command if this process is to be it, and doesn't return then.
func asChild(t *testing.T) {
	line := os.Getenv("DLQ_TEST_ARGS")
	if line == "" {
		return
	}
	var args []string
	require.NoError(t, json.Unmarshal([]byte(line), &args))
	os.Exit(run(args, os.Stdout, os.Stderr))
}

func (s *served) client() *sqs.Client {
	return sqs.New(sqs.Options{
		Region: "us-east-1", BaseEndpoint: &s.url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// stop sends a signal and returns the exit status.
func (s *served) stop(t *testing.T, signal os.Signal) int {
	t.Helper()
	require.NoError(t, s.Process.Signal(signal))
	_ = s.Wait() // its error says what the status says
	return s.ProcessState.ExitCode()
}

func TestServeStopsInGoodOrderAndKeepsItsState(t *testing.T) {
	asChild(t)
	state := filepath.Join(t.TempDir(), "state")
	first := serving(t, "--state-file", state)
	queue, err := first.client().CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(*queue.QueueUrl, first.url))

	// a receive that waits returns
	waited := make(chan error, 1)
	go func() {
		_, err := first.client().ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 20})
		waited <- err
	}()
	_, err = first.client().SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: aws.String("later"), DelaySeconds: 900})
	require.NoError(t, err)
	began := time.Now()
	require.Equal(t, 0, first.stop(t, syscall.SIGTERM), &first.stderr)
	require.Error(t, <-waited)
	require.Less(t, time.Since(began), 10*time.Second)

	second := serving(t, "--state-file", state)
	resp, err := http.Post(second.url+"/_clock/advance", "application/json", strings.NewReader(`{"duration":"15m"}`))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	out, err := second.client().ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(second.url + "/000000000000/q")})
	require.NoError(t, err)
	require.Len(t, out.Messages, 1)
	require.Equal(t, 0, second.stop(t, syscall.SIGINT), &second.stderr)
}

func TestServeLosesLittleWhenItIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds, which -short leaves out")
	}
	asChild(t)
	state := filepath.Join(t.TempDir(), "state")
	first := serving(t, "--state-file", state)
	_, err := first.client().CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("q")})
	require.NoError(t, err)
	kept := func() bool { // the name, in plain text
		b, err := os.ReadFile(state)
		return err == nil && bytes.Contains(b, []byte("VisibilityTimeout"))
	}
	for deadline := time.Now().Add(20 * time.Second); !kept(); time.Sleep(10 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "the queue is in the file within 20 s")
	}
	require.Equal(t, -1, first.stop(t, syscall.SIGKILL))
	second := serving(t, "--state-file", state) // the lock went with the process
	_, err = second.client().GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("q")})
	require.NoError(t, err)
}

func TestServeRefusesWhatItCannotDo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	foreign := filepath.Join(t.TempDir(), "foreign")
	require.NoError(t, os.WriteFile(foreign, []byte("something else\n"), 0o600))
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"a port in use", []string{"--listen", l.Addr().String()}, "address already in use"},
		{"an address that others can reach", []string{"--listen", "0.0.0.0:0"}, "other machines could reach that address"},
		{"all addresses", []string{"--listen", ":0"}, "add --allow-non-loopback"},
		{"a host name that others may have", []string{"--listen", "example.com:0"}, "other machines could reach that address"},
		{"an address without a port", []string{"--listen", "127.0.0.1"}, "give host:port"},
		{"a state file that is none", []string{"--listen", "127.0.0.1:0", "--state-file", foreign}, "not the state of an endpoint"},
		{"functions that others can upload", []string{"--listen", "127.0.0.1:0", "--run-functions", "--allow-non-loopback"}, "could run any program"},
		{"arguments", []string{"now"}, "unknown command"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			require.Equal(t, exitFailed, run(append([]string{"serve"}, test.args...), &stdout, &stderr))
			require.Empty(t, stdout.String())
			require.Contains(t, stderr.String(), test.want)
		})
	}
}

func TestServeListensElsewhereWhenTold(t *testing.T) {
	asChild(t)
	s := serving(t, "--allow-non-loopback", "--listen", "0.0.0.0:0") // the later flag holds
	resp, err := http.Get(s.url + "/_health")
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(b), `"status":"ok"`)
	require.Equal(t, 0, s.stop(t, syscall.SIGTERM))
}
