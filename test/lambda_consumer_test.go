package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// TestLambdaConsumer proves the module's variants on queues that are deployed together, and
// beside them task processors with defects, in the module or in the example. The provider
// makes functions from zips one after the other, 5 s each, so that defects that don't get in
// each other's way share a copy.
func TestLambdaConsumer(t *testing.T) {
	needsTerraform(t)
	groups := processorDefects()
	root := t.TempDir()
	functions := functionInputs(t)["functions_dir"].(string)
	config := theProvider + writeConsumers(t, root, functions)
	for i, group := range groups {
		config += writeProcessor(t, root, defectName(i), functions, group)
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "main.tf"), []byte(config), 0o600))
	s := prepareOn(t, functionsTarget(t), root, nil)
	s.apply(t)
	s.requireNoChanges(t)

	var consumers map[string]deployedConsumer
	s.output(t, "consumers", &consumers)
	c := clientsOf(s.target.Target)
	for name, check := range map[string]func(context.Context, *awstest.Server, *sdkClients, deployedConsumer) error{
		"fifo": checkFIFOConsumer, "windowed": checkWindowedConsumer, "filtered": checkFilteredConsumer,
		"disabled": checkDisabledConsumer, "existing": checkExistingConsumer, "handed": checkHandedConsumer,
	} {
		t.Run(name, func(t *testing.T) {
			defer c.pause()()
			require.NoError(t, check(t.Context(), s.target.Server, c, consumers[name]))
		})
	}
	for i, group := range groups {
		var outputs json.RawMessage
		s.output(t, defectName(i), &outputs)
		err := newProcessor(t, s, outputs).check(t.Context())
		for _, d := range group {
			t.Run(d.name, func(t *testing.T) { require.ErrorContains(t, err, d.caughtBy, "the defect survived") })
		}
	}
}

// writeConsumers copies the fixture and returns the call of it.
func writeConsumers(t *testing.T, root, functions string) string {
	t.Helper()
	copyTerraform(t, "fixtures/lambda-consumer", filepath.Join(root, "test", "fixtures", "lambda-consumer"), nil, nil)
	for _, module := range []string{"queue-with-dlq", "lambda-consumer"} {
		copyTerraform(t, filepath.Join("..", "modules", module), filepath.Join(root, "modules", module), nil, nil)
	}
	return fmt.Sprintf(`
module "consumers" {
  source = "./test/fixtures/lambda-consumer"
  prefix = "c"
  zip    = %q
}

output "consumers" {
  value = module.consumers.consumers
}
`, filepath.Join(functions, architecture(), "dead-letters.zip"))
}

// writeProcessor copies the example and its modules, with the defects in them, and returns
// the call of it.
func writeProcessor(t *testing.T, root, name, functions string, defects []moduleDefect) string {
	t.Helper()
	edited := map[string]int{}
	for _, module := range []string{"queue-with-dlq", "dlq-alarms", "lambda-consumer"} {
		copyTerraform(t, filepath.Join("..", "modules", module), filepath.Join(root, name, "modules", module), defects, edited)
	}
	copyTerraform(t, "../examples/task-processor", filepath.Join(root, name, "examples", "task-processor"), defects, edited)
	for _, d := range defects {
		require.Equal(t, 1, edited[d.name], "%q is in %d files of %s: adapt the defect %q", d.old, edited[d.name], d.module, d.name)
	}
	return fmt.Sprintf(`
module %[1]q {
  source        = "./%[1]s/examples/task-processor"
  name          = %[1]q
  functions_dir = %[2]q
  architecture  = %[3]q
}

output %[1]q {
  value = module.%[1]s
}
`, name, functions, architecture())
}

// theProvider is one for all: each of its own would be a process of its own.
const theProvider = "provider \"aws\" {\n  region = \"us-east-1\"\n}\n"

// copyTerraform copies the Terraform files of a directory, without its provider and with the
// defects that are of that directory. It counts in how many files each is.
func copyTerraform(t *testing.T, from, to string, defects []moduleDefect, edited map[string]int) {
	t.Helper()
	require.NoError(t, os.MkdirAll(to, 0o700))
	files, err := filepath.Glob(filepath.Join(from, "*.tf"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		text := ownProvider.ReplaceAllString(string(b), "")
		for _, d := range defects {
			if d.module == filepath.Base(from) && strings.Contains(text, d.old) {
				require.Equal(t, 1, strings.Count(text, d.old), "%q stands more than once in %s", d.old, file)
				text = strings.Replace(text, d.old, d.new, 1)
				edited[d.name]++
			}
		}
		require.NoError(t, os.WriteFile(filepath.Join(to, filepath.Base(file)), []byte(text), 0o600))
	}
}

var ownProvider = regexp.MustCompile(`(?ms)^provider "aws" \{.*?^\}\n`)

// deployedConsumer is a consumer of the fixture.
type deployedConsumer struct {
	QueueURL     string `json:"queue_url"`
	QueueARN     string `json:"queue_arn"`
	DLQURL       string `json:"dlq_url"`
	KMSKeyARN    string `json:"kms_key_arn"`
	FunctionName string `json:"function_name"`
	FunctionARN  string `json:"function_arn"`
	GivenName    string `json:"given_name"`
	RoleName     string `json:"role_name"`
	LogGroup     string `json:"log_group"`
	Mapping      string `json:"mapping"`
	MappingARN   string `json:"mapping_arn"`
	Policy       string `json:"policy"`
}

// standIn is a function's code for a test: it notes what it gets, and fails as it is told.
type standIn struct {
	mu      sync.Mutex
	batches [][]string
	counts  map[string][]int
	fails   map[string]int // how often, by body
}

// standFor has a consumer that was made with package consumer stand in for the function's code.
func standFor(srv *awstest.Server, c *sdkClients, name string, fails map[string]int) *standIn {
	s := &standIn{counts: map[string][]int{}, fails: fails}
	work := consumer.Lambda(func(_ context.Context, m consumer.Message) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.counts[m.Body] = append(s.counts[m.Body], m.ReceiveCount)
		if s.fails[m.Body] > 0 {
			s.fails[m.Body]--
			return errors.New("not now")
		}
		return nil
	}, consumer.Time(srv.Clock), consumer.Logger(slog.New(slog.DiscardHandler)))
	srv.HandleFunction(name, func(ctx context.Context, payload []byte) ([]byte, error) {
		var event events.SQSEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		var batch []string
		for _, r := range event.Records {
			batch = append(batch, r.Body)
		}
		s.mu.Lock()
		s.batches = append(s.batches, batch)
		s.mu.Unlock()
		answer, err := work(ctx, event)
		if err != nil {
			return nil, err
		}
		return json.Marshal(answer)
	})
	return s
}

// sendBodies sends messages, one after the other; to a FIFO queue in the group that the
// body begins with.
func (c *sdkClients) sendBodies(ctx context.Context, queueURL string, bodies ...string) error {
	for _, body := range bodies {
		in := &sqs.SendMessageInput{QueueUrl: &queueURL, MessageBody: &body}
		if strings.HasSuffix(queueURL, ".fifo") {
			in.MessageGroupId = aws.String(body[:1])
		}
		if _, err := c.sqs.SendMessage(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

func same[T any](what string, got, want T) error {
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		return fmt.Errorf("%s: %s, want %s", what, g, w)
	}
	return nil
}

// checkFIFOConsumer has one group fail twice while another goes on, under a key, and a
// message that fails for ever be dead-lettered, with its group going on after it. With
// larger batches its successors would use up their receives together with it.
func checkFIFOConsumer(ctx context.Context, srv *awstest.Server, c *sdkClients, d deployedConsumer) error {
	f := standFor(srv, c, d.FunctionName, map[string]int{"a1": 2, "c1": 99})
	if err := c.sendBodies(ctx, d.QueueURL, "a1", "b1", "c1", "a2", "b2", "c2"); err != nil {
		return err
	}
	if err := c.target.Clock.Sleep(ctx, 10*time.Minute); err != nil {
		return err
	}
	settings, err := c.settingsOf(ctx, d.FunctionName)
	if err != nil {
		return err
	}
	permitted, err := c.permissionsOf(ctx, d.RoleName)
	if err != nil {
		return err
	}
	reserved, err := lambda.NewFromConfig(c.target.Config).GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &d.FunctionName})
	if err != nil {
		return err
	}
	return errors.Join(
		same("receive counts", f.counts, map[string][]int{"a1": {1, 2, 3}, "a2": {1}, "b1": {1}, "b2": {1}, "c1": {1, 2, 3}, "c2": {1}}),
		c.expectNothingIn(ctx, d.QueueURL), c.expectDepth(ctx, d.DLQURL, 1),
		same("settings", settings, consumerSettings{
			Queue: d.QueueARN, State: "Enabled", BatchSize: 1, MaximumConcurrency: 4, Reports: []string{"ReportBatchItemFailures"},
			Timeout: 10, Memory: 128, Architectures: []string{"x86_64"}, Runtime: "provided.al2023", LogDays: 30,
		}),
		same("reserved", *reserved.ReservedConcurrentExecutions, 4),
		same("permissions", permitted, map[string][]string{
			d.QueueARN:  {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
			d.KMSKeyARN: {"kms:Decrypt"},
			"arn:aws:logs:us-east-1:000000000000:log-group:" + d.LogGroup + ":*": {"logs:CreateLogStream", "logs:PutLogEvents"},
		}),
		same("names", []string{d.GivenName, d.RoleName, d.LogGroup, d.FunctionARN}, []string{"c-fifo", "c-fifo", "/aws/lambda/c-fifo", "arn:aws:lambda:us-east-1:000000000000:function:c-fifo"}),
		same("the mapping's ARN", d.MappingARN, "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:"+d.Mapping),
	)
}

// checkWindowedConsumer wants messages to be gathered for five seconds, and one that fails
// to come back alone.
func checkWindowedConsumer(ctx context.Context, srv *awstest.Server, c *sdkClients, d deployedConsumer) error {
	f := standFor(srv, c, d.FunctionName, map[string]int{"m7": 1})
	var bodies []string
	for i := range 25 {
		bodies = append(bodies, fmt.Sprintf("m%d", i))
	}
	if err := errors.Join(c.sendBodies(ctx, d.QueueURL, bodies...), c.target.Clock.Sleep(ctx, 4*time.Second)); err != nil {
		return err
	}
	early := len(f.batches)
	if err := c.target.Clock.Sleep(ctx, 2*time.Minute); err != nil {
		return err
	}
	settings, err := c.settingsOf(ctx, d.FunctionName)
	if err != nil {
		return err
	}
	if len(f.batches) != 2 {
		return fmt.Errorf("%d batches, want 2: %v", len(f.batches), f.batches)
	}
	return errors.Join(
		same("batches within the window", early, 0), same("the first batch", len(f.batches[0]), 25), same("the second batch", f.batches[1], []string{"m7"}),
		same("what failed", f.counts["m7"], []int{1, 2}), c.expectNothingIn(ctx, d.QueueURL),
		same("settings", settings, consumerSettings{
			Queue: d.QueueARN, State: "Enabled", BatchSize: 100, Window: 5, Reports: []string{"ReportBatchItemFailures"},
			Timeout: 5, Memory: 128, Architectures: []string{"x86_64"}, Runtime: "provided.al2023", LogDays: 30,
		}),
	)
}

// checkFilteredConsumer wants only what a pattern matches to be worked on; the rest is gone.
func checkFilteredConsumer(ctx context.Context, srv *awstest.Server, c *sdkClients, d deployedConsumer) error {
	f := standFor(srv, c, d.FunctionName, nil)
	err := errors.Join(
		c.sendBodies(ctx, d.QueueURL, `{"kind":"order"}`, `{"kind":"note"}`, `{"kind":"refund","total":2000}`, `{"total":10}`, `no JSON`),
		c.target.Clock.Sleep(ctx, time.Minute),
	)
	got := slices.Concat(f.batches...)
	slices.Sort(got)
	return errors.Join(err, same("what it got", got, []string{`{"kind":"order"}`, `{"kind":"refund","total":2000}`}), c.expectNothingIn(ctx, d.QueueURL))
}

// checkDisabledConsumer wants the queue to be left alone, until somebody switches it on.
func checkDisabledConsumer(ctx context.Context, srv *awstest.Server, c *sdkClients, d deployedConsumer) error {
	f := standFor(srv, c, d.FunctionName, nil)
	if err := errors.Join(c.sendBodies(ctx, d.QueueURL, "wait"), c.target.Clock.Sleep(ctx, time.Hour), c.expectDepth(ctx, d.QueueURL, 1), same("batches", len(f.batches), 0)); err != nil {
		return err
	}
	_, err := lambda.NewFromConfig(c.target.Config).UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &d.Mapping, Enabled: aws.Bool(true)})
	return errors.Join(err, c.target.Clock.Sleep(ctx, time.Minute), same("batches", f.batches, [][]string{{"wait"}}), c.expectNothingIn(ctx, d.QueueURL))
}

// checkExistingConsumer wants the caller's function to work, with the policy in its role.
func checkExistingConsumer(ctx context.Context, srv *awstest.Server, c *sdkClients, d deployedConsumer) error {
	f := standFor(srv, c, d.FunctionName, map[string]int{"again": 1})
	if err := errors.Join(c.sendBodies(ctx, d.QueueURL, "again"), c.target.Clock.Sleep(ctx, time.Minute)); err != nil {
		return err
	}
	permitted, err := c.permissionsOf(ctx, d.RoleName)
	if err != nil {
		return err
	}
	policies, err := iam.NewFromConfig(c.target.Config).ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &d.RoleName})
	if err != nil {
		return err
	}
	want := map[string][]string{d.QueueARN: {"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}}
	handedOut := map[string][]string{}
	return errors.Join(
		same("receive counts", f.counts, map[string][]int{"again": {1, 2}}), c.expectNothingIn(ctx, d.QueueURL),
		same("policies", policies.PolicyNames, []string{"consume-c-existing"}), same("permissions", permitted, want),
		addPermissions(handedOut, d.Policy), same("the policy handed out", handedOut, want),
		same("names", []string{d.GivenName, d.RoleName, d.LogGroup}, []string{"arn:aws:lambda:us-east-1:000000000000:function:c-existing", "c-existing", ""}),
	)
}

// checkHandedConsumer wants the caller's function to work with the policy that was handed
// out, which doesn't let it back off.
func checkHandedConsumer(ctx context.Context, srv *awstest.Server, c *sdkClients, d deployedConsumer) error {
	f := standFor(srv, c, d.FunctionName, nil)
	permitted, err := c.permissionsOf(ctx, d.FunctionName)
	if err != nil {
		return err
	}
	return errors.Join(
		c.sendBodies(ctx, d.QueueURL, "one"), c.target.Clock.Sleep(ctx, time.Minute),
		same("receive counts", f.counts, map[string][]int{"one": {1}}), c.expectNothingIn(ctx, d.QueueURL),
		same("permissions", permitted, map[string][]string{d.QueueARN: {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}}),
		same("the role", d.RoleName, ""),
	)
}
