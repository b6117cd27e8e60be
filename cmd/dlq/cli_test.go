package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// withoutAWS keeps a test from the AWS configuration of whoever runs it.
func withoutAWS(t *testing.T) {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}

// night is an endpoint with queues, to which the environment points.
type night struct {
	*testing.T
	srv *awstest.Server
	sqs *sqs.Client
}

// newNight begins some seconds after a full minute, at which metrics are published.
func newNight(t *testing.T) *night {
	t.Helper()
	withoutAWS(t)
	srv := awstest.Start(t, awstest.StartAt(time.Date(2026, 11, 24, 3, 0, 5, 0, time.UTC)))
	t.Setenv("AWS_ENDPOINT_URL", srv.URL)
	return &night{t, srv, sqs.NewFromConfig(srv.Config())}
}

// pair creates a source queue, name, and its DLQ, name-dlq, that keeps messages for 14 days.
func (n *night) pair(name string) (source, dead string) {
	n.Helper()
	out, err := n.sqs.CreateQueue(n.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name + "-dlq"), Attributes: map[string]string{"MessageRetentionPeriod": "1209600"}})
	require.NoError(n, err)
	dead = *out.QueueUrl
	out, err = n.sqs.CreateQueue(n.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:%s-dlq","maxReceiveCount":1}`, name),
	}})
	require.NoError(n, err)
	return *out.QueueUrl, dead
}

// send sends a message, with an error attribute if there is an error.
func (n *night) send(queue, body, failure string) {
	n.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body}
	if failure != "" {
		in.MessageAttributes = map[string]types.MessageAttributeValue{"ErrorMessage": {DataType: aws.String("String"), StringValue: &failure}}
	}
	_, err := n.sqs.SendMessage(n.Context(), in)
	require.NoError(n, err)
}

// receivable is how many messages can be received at once.
func (n *night) receivable(queue string) int {
	n.Helper()
	out, err := n.sqs.ReceiveMessage(n.Context(), &sqs.ReceiveMessageInput{QueueUrl: &queue, MaxNumberOfMessages: 10})
	require.NoError(n, err)
	return len(out.Messages)
}

// dlqRun runs the command.
func dlqRun(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	status = run(args, &out, &errs)
	return status, out.String(), errs.String()
}

// denying puts a proxy before the endpoint that denies an operation, as AWS does.
func (n *night) denying(operation string) {
	n.Helper()
	api, err := url.Parse(n.srv.URL)
	require.NoError(n, err)
	forward := httputil.NewSingleHostReverseProxy(api)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "AmazonSQS."+operation {
			forward.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"User: arn:aws:iam::111122223333:user/night is not authorized to perform: sqs:%s"}`, strings.ToLower(operation))
	}))
	n.Cleanup(proxy.Close)
	n.Setenv("AWS_ENDPOINT_URL", proxy.URL)
}

func TestAnAccountThatCannotBeUsedSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"no region", nil, nil, "no AWS region is configured: use --region, or set AWS_REGION"},
		{"no credentials", map[string]string{"AWS_REGION": "eu-west-1"}, nil, "there are no AWS credentials: use --profile, set AWS_PROFILE, or log in with aws sso login"},
		{"no such profile", nil, []string{"--profile", "nobody"}, `there is no AWS profile "nobody"`},
		{"nobody there", map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}, nil, "AWS can't be reached; check the network"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withoutAWS(t)
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			for _, command := range [][]string{{"status"}, {"inspect", "q"}} {
				status, stdout, stderr := dlqRun(append(command, tt.args...)...)
				require.Equal(t, 2, status)
				require.Empty(t, stdout)
				require.Contains(t, stderr, tt.want)
			}
		})
	}
}

func TestADeniedActionIsNamed(t *testing.T) {
	n := newNight(t)
	n.pair("orders")
	n.denying("ListQueues")
	status, stdout, stderr := dlqRun("status")
	require.Equal(t, 2, status)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "to do: allow sqs:ListQueues to the identity in use")
	n.denying("ChangeMessageVisibilityBatch")
	status, _, stderr = dlqRun("inspect", "orders-dlq")
	require.Equal(t, 0, status, "there is nothing to give back: %s", stderr)
}

func TestAnEndpointOfThisMachineNeedsNoCredentialsAndHasItsOwnTime(t *testing.T) {
	n := newNight(t)
	_, dead := n.pair("orders")
	n.send(dead, "a", "")
	n.srv.Clock.Advance(5 * 24 * time.Hour)
	_, stdout, _ := dlqRun("status")
	require.Regexp(t, `the oldest came (5d|4d 23h) ago`, stdout)
}

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	for _, command := range []string{"prove", "check", "serve", "sweep", "status", "inspect", "dashboard"} {
		status, stdout, stderr := dlqRun(command, "--help")
		require.Equal(t, 0, status)
		require.Empty(t, stderr)
		require.Contains(t, stdout, "Examples:\n  ")
		require.Contains(t, stdout, "dlq "+command)
	}
}

// The guide's commands are those that there are, with flags that there are.
func TestTheGuidesCommandsAreUnderstood(t *testing.T) {
	guide, err := os.ReadFile("../../docs/operating-dlqs.md")
	require.NoError(t, err)
	end := regexp.MustCompile(`\s+(\||>|#|2>).*$`)
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(guide), -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
			args := strings.Fields(end.ReplaceAllString(strings.TrimSpace(line), ""))
			if len(args) < 2 || args[0] != "dlq" {
				continue
			}
			commands++
			status, _, stderr := dlqRun(append(args[1:], "--help")...)
			require.Equal(t, 0, status, "%s%s", line, stderr)
		}
	}
	require.Greater(t, commands, 10)
}

func TestShellsCompleteFlagsAndQueues(t *testing.T) {
	n := newNight(t)
	n.pair("orders")
	n.pair("payments")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"status", "--output", ""}, "table\njson\n:4\n"},
		{[]string{"status", "--queue", "ord"}, "orders\norders-dlq\n:4\n"},
		{[]string{"inspect", "pay"}, "payments\npayments-dlq\n:4\n"},
		{[]string{"inspect", "payments-dlq", ""}, ":4\n"},
		{[]string{"inspect", "--group-by", ""}, "source\nerror\nshape\nage\n:4\n"},
		{[]string{"sweep", "--target", ""}, "endpoint\naws\n:4\n"},
	} {
		status, stdout, _ := dlqRun(append([]string{"__complete"}, tt.args...)...)
		require.Equal(t, 0, status)
		require.Equal(t, tt.want, stdout, tt.args)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		status, stdout, _ := dlqRun("completion", shell)
		require.Equal(t, 0, status)
		require.Contains(t, stdout, "dlq")
	}
}

func TestTextOfOthersIsMadeHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"plain, 日本 é":            "plain, 日本 é",
		"\x1b[2Jgone":            `\x1b[2Jgone`,
		"bell\a del\x7f nul\x00": `bell\x07 del\x7f nul\x00`,
		"a\r\nb\tc":              `a\r\nb\tc`,
		"eight bits \u009b31m":   `eight bits \x9b31m`,
		"turned \u202egnp.exe":   `turned \u202egnp.exe`,
		"nothing \u200b to see":  `nothing \u200b to see`,
		"broken \xff\xfe":        `broken \xff\xfe`,
		"private \U000f0000":     `private \U000f0000`,
	} {
		require.Equal(t, want, clean(text))
	}
	require.Equal(t, "a\n\\x1bb", cleanLines("a\n\x1bb"))
	require.Equal(t, `{"a":"é \u009b \u202e \udb80\udc00"}`, string(escapeJSON([]byte("{\"a\":\"é \u009b \u202e \U000f0000\"}"))))
}

func TestATablesColumnsStandBelowEachOther(t *testing.T) {
	table := &table{right: map[int]bool{1: true}}
	red := style{colors: true}.bad
	table.row(plain("NAME"), plain("N"), plain("LAST"))
	table.row(painted(red, "é"), number(10), plain(""))
	table.row(plain("a\x1bb"), number(7), plain("x"))
	var b bytes.Buffer
	require.NoError(t, table.write(&b))
	require.Equal(t, "NAME     N  LAST\n\x1b[1;31mé\x1b[0m       10\na\\x1bb   7  x\n", b.String())
}
