package awstest_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// program is the path of testdata/function, built once for all tests into a directory that
// TestMain removes.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programDir, "function")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", path, "./testdata/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

var programDir string

// zipOf makes a zip of files by name; those with a # before their name can't be executed.
func zipOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for name, content := range files {
		h := &zip.FileHeader{Name: strings.TrimPrefix(name, "#"), Method: zip.Store}
		h.SetMode(0o755)
		if strings.HasPrefix(name, "#") {
			h.SetMode(0o644)
		}
		f, err := w.CreateHeader(h)
		require.NoError(t, err)
		_, err = f.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return buf.Bytes()
}

// wholeZip holds all of testdata/function.
func wholeZip(t *testing.T) []byte {
	t.Helper()
	path, err := program()
	require.NoError(t, err)
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return zipOf(t, map[string][]byte{"bootstrap": content})
}

// functionZip holds a script that becomes testdata/function: under the race detector a zip
// of megabytes takes seconds to upload.
func functionZip(t *testing.T) []byte {
	t.Helper()
	path, err := program()
	require.NoError(t, err)
	return zipOf(t, map[string][]byte{"bootstrap": fmt.Appendf(nil, "#!/bin/sh\nexec '%s'\n", path)})
}

// role creates a role that Lambda may assume, with one policy.
func (k *kit) role(name, policy string) string {
	k.Helper()
	client := iam.NewFromConfig(k.srv.Config())
	out, err := client.CreateRole(k.ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	require.NoError(k, err)
	if policy != "" {
		_, err = client.PutRolePolicy(k.ctx, &iam.PutRolePolicyInput{RoleName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy})
		require.NoError(k, err)
	}
	return *out.Role.Arn
}

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// deploy creates a function of testdata/function.
func (k *kit) deploy(name string, change ...func(*lambda.CreateFunctionInput)) {
	k.Helper()
	in := &lambda.CreateFunctionInput{
		FunctionName: &name, Role: aws.String(k.role(name, allowAll)), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
		Code: &lambdatypes.FunctionCode{ZipFile: functionZip(k.T)},
	}
	for _, f := range change {
		f(in)
	}
	_, err := k.lambda().CreateFunction(k.ctx, in)
	require.NoError(k, err)
}

// call invokes a function. fault is the type of its error, empty if it has none.
func (k *kit) call(name, payload string) (answer, fault string) {
	k.Helper()
	out, err := k.lambda().Invoke(k.ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload), LogType: lambdatypes.LogTypeTail})
	require.NoError(k, err)
	require.EqualValues(k, http.StatusOK, out.StatusCode)
	if out.FunctionError != nil {
		require.Equal(k, "Unhandled", *out.FunctionError)
		var e struct{ ErrorType, ErrorMessage string }
		require.NoError(k, json.Unmarshal(out.Payload, &e), "%s", out.Payload)
		return e.ErrorMessage, e.ErrorType
	}
	return string(out.Payload), ""
}

func TestAFunctionRunsFromItsZip(t *testing.T) {
	k := start(t, awstest.RunFunctions())
	k.deploy("f", func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = wholeZip(t) })
	for _, tt := range []struct{ name, payload, answer, fault string }{
		{"an answer", `{"do":"echo","arg":"hello"}`, `"hello"`, ""},
		{"one process answers again and again", `{"do":"calls"}`, `2`, ""},
		{"an error", `{"do":"fail","arg":"not today"}`, "not today", "errorString"},
		{"after an error the process goes on", `{"do":"calls"}`, `4`, ""},
		{"too large an answer", `{"do":"big"}`, "Response payload size exceeded maximum allowed payload size (6291556 bytes).", "Function.ResponseSizeTooLarge"},
		{"a panic", `{"do":"panic","arg":"oh"}`, "oh", "string"},
		{"after a panic there is a new process", `{"do":"calls"}`, `1`, ""},
		{"an exit", `{"do":"exit"}`, "Runtime exited with error: exit status 4", "Runtime.ExitError"},
		{"after an exit, too", `{"do":"calls"}`, `1`, ""},
		{"too long a time", `{"do":"sleep"}`, "Task timed out after 3.00 seconds", "Sandbox.Timedout"},
		{"and after that", `{"do":"calls"}`, `1`, ""},
	} {
		answer, fault := k.call("f", tt.payload)
		require.Contains(t, answer, tt.answer, tt.name)
		require.Equal(t, tt.fault, fault, tt.name)
	}
	lines := strings.Join(k.srv.FunctionOutput("f"), "\n")
	require.Contains(t, lines, "START RequestId: ")
	require.Contains(t, lines, "asked to echo hello")
	require.Contains(t, lines, "Memory Size: 128 MB")
}

func TestAFunctionKnowsWhereItRunsAndNothingOfThisProcess(t *testing.T) {
	t.Setenv("AWSTEST_SECRET", "secret")
	k := start(t, awstest.RunFunctions(), awstest.StartAt(time.Now().Add(-365*24*time.Hour)))
	k.deploy("f", func(in *lambda.CreateFunctionInput) {
		in.Timeout, in.MemorySize = aws.Int32(20), aws.Int32(256)
		in.Environment = &lambdatypes.Environment{Variables: map[string]string{"GREETING": "hi"}}
	})
	answer, fault := k.call("f", `{"do":"context"}`)
	require.Empty(t, fault)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(answer), &got))
	require.InDelta(t, 20, got["left"], 5)
	delete(got, "left")
	require.Equal(t, map[string]any{
		"arn": "arn:aws:lambda:us-east-1:000000000000:function:f", "memory": "256", "handler": "bootstrap", "region": "us-east-1", "greeting": "hi", "secret": "",
	}, got)
}

func TestAProcessConsumesAQueueWhileTheClockAdvances(t *testing.T) {
	k := paused(t, awstest.RunFunctions())
	url, results := k.queue("jobs"), k.queue("results")
	k.deploy("f")
	_, err := k.lambda().CreateEventSourceMapping(k.ctx, &lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN("jobs")), FunctionName: aws.String("f"), BatchSize: aws.Int32(1)})
	require.NoError(t, err)
	for _, body := range []string{"send " + results + " one", "send " + results + " two", "metric"} {
		k.send(url, body)
	}
	k.srv.Clock.Advance(time.Minute)
	require.ElementsMatch(t, []string{"one", "two"}, k.bodies(results))
	k.requireEmpty(url)
	for _, tt := range []struct {
		namespace, metric string
		dimension         cwtypes.Dimension
		want              float64
	}{
		{"AWS/Lambda", "Invocations", cwtypes.Dimension{Name: aws.String("FunctionName"), Value: aws.String("f")}, 3},
		{"AWS/Lambda", "Errors", cwtypes.Dimension{Name: aws.String("FunctionName"), Value: aws.String("f")}, 0},
		{"Shop", "Orders", cwtypes.Dimension{Name: aws.String("Service"), Value: aws.String("checkout")}, 3},
	} {
		out, err := k.cw.GetMetricStatistics(k.ctx, &cloudwatch.GetMetricStatisticsInput{
			Namespace: &tt.namespace, MetricName: &tt.metric, Dimensions: []cwtypes.Dimension{tt.dimension}, Statistics: []cwtypes.Statistic{cwtypes.StatisticSum},
			StartTime: aws.Time(k.srv.Clock.Now().Add(-time.Hour)), EndTime: aws.Time(k.srv.Clock.Now().Add(time.Hour)), Period: aws.Int32(7200),
		})
		require.NoError(t, err)
		sum := 0.0
		for _, p := range out.Datapoints {
			sum += *p.Sum
		}
		require.Equal(t, tt.want, sum, tt.metric)
	}
}

func TestWhatCannotBeginIsAnError(t *testing.T) {
	k := start(t, awstest.RunFunctions())
	k.deploy("exits", func(in *lambda.CreateFunctionInput) {
		in.Environment = &lambdatypes.Environment{Variables: map[string]string{"INIT": "exit"}}
	})
	k.deploy("empty", func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zipOf(t, map[string][]byte{"readme": nil}) })
	k.deploy("data", func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zipOf(t, map[string][]byte{"#bootstrap": nil}) })
	for name, want := range map[string][2]string{
		"exits": {"Runtime exited with error: exit status 3", "Runtime.ExitError"},
		"empty": {"Couldn't find valid bootstrap(s)", "Runtime.InvalidEntrypoint"},
		"data":  {"permission denied", "Runtime.InvalidEntrypoint"},
	} {
		answer, fault := k.call(name, `{}`)
		require.Contains(t, answer, want[0])
		require.Equal(t, want[1], fault)
	}
}

func TestCodeThatIsUpdatedRunsFromThenOn(t *testing.T) {
	k := start(t, awstest.RunFunctions())
	k.deploy("f", func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zipOf(t, map[string][]byte{"readme": nil}) })
	_, fault := k.call("f", `{"do":"echo"}`)
	require.Equal(t, "Runtime.InvalidEntrypoint", fault)
	_, err := k.lambda().UpdateFunctionCode(k.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: functionZip(t)})
	require.NoError(t, err)
	answer, _ := k.call("f", `{"do":"context"}`)
	require.Contains(t, answer, `"greeting":""`)
	_, err = k.lambda().UpdateFunctionConfiguration(k.ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("f"), Environment: &lambdatypes.Environment{Variables: map[string]string{"GREETING": "hello"}},
	})
	require.NoError(t, err)
	answer, _ = k.call("f", `{"do":"context"}`)
	require.Contains(t, answer, `"greeting":"hello"`)
}

func TestFunctionsDontRunUnlessTheyMay(t *testing.T) {
	k := start(t)
	k.deploy("f")
	_, err := k.lambda().Invoke(k.ctx, &lambda.InvokeInput{FunctionName: aws.String("f")})
	require.ErrorContains(t, err, "awstest.RunFunctions()")
}

func TestWebPagesCannotRunFunctions(t *testing.T) {
	k := start(t, awstest.RunFunctions())
	for name, header := range map[string]http.Header{
		"a foreign page":        {"Origin": {"https://example.com"}},
		"a page without origin": {"Origin": {"null"}},
	} {
		t.Run(name, func(t *testing.T) {
			// what a form can send: no header of its own, the signature in the query string
			r, err := http.NewRequest(http.MethodPost, k.srv.URL+"/2015-03-31/functions?X-Amz-Credential=a/20261124/us-east-1/lambda/aws4_request", strings.NewReader(`{"FunctionName":"evil"}`))
			require.NoError(t, err)
			r.Header = header
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer resp.Body.Close()
			require.Equal(t, http.StatusForbidden, resp.StatusCode)
		})
	}
	r, err := http.NewRequest(http.MethodPost, k.srv.URL+"/2015-03-31/functions?X-Amz-Credential=a/20261124/us-east-1/lambda/aws4_request", strings.NewReader(`{"FunctionName":"evil"}`))
	require.NoError(t, err)
	r.Host = "rebound.example.com"
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusForbidden, resp.StatusCode, "a name that resolves to this machine")
}

func TestNothingIsLeftOfFunctionsWhenTheEndpointCloses(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	srv, err := awstest.New(awstest.RunFunctions())
	require.NoError(t, err)
	k := on(t, srv)
	k.deploy("f", func(in *lambda.CreateFunctionInput) { in.Timeout, in.Code.ZipFile = aws.Int32(60), wholeZip(t) })
	_, fault := k.call("f", `{"do":"echo"}`)
	require.Empty(t, fault)
	asleep := make(chan struct{})
	go func() {
		defer close(asleep)
		_, _ = k.lambda().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"do":"sleep"}`)})
	}()
	require.Eventually(t, func() bool { return len(processesUnder(t, temporary)) == 1 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, srv.Stop())
	<-asleep
	require.Empty(t, processesUnder(t, temporary))
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	for _, e := range left {
		require.NotContains(t, e.Name(), "functions-")
	}
}

// processesUnder are the processes whose program lies under a directory.
func processesUnder(t *testing.T, dir string) []string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	var found []string
	for _, link := range links {
		if exe, err := os.Readlink(link); err == nil && strings.HasPrefix(exe, dir) {
			found = append(found, link)
		}
	}
	return found
}

func TestAnAsynchronousInvocationIsTriedThreeTimesAndThenDeadLettered(t *testing.T) {
	k := paused(t)
	dlq := k.queue("failed")
	tries := []time.Duration{}
	began := k.srv.Clock.Now()
	k.deploy("f", func(in *lambda.CreateFunctionInput) {
		in.DeadLetterConfig = &lambdatypes.DeadLetterConfig{TargetArn: aws.String(queueARN("failed"))}
	})
	k.srv.HandleFunction("f", func(ctx context.Context, _ []byte) ([]byte, error) {
		tries = append(tries, k.srv.Clock.Now().Sub(began))
		return nil, errors.New("failed")
	})
	out, err := k.lambda().Invoke(k.ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: lambdatypes.InvocationTypeEvent, Payload: []byte(`{"n":1}`)})
	require.NoError(t, err)
	require.EqualValues(t, http.StatusAccepted, out.StatusCode)
	k.srv.Clock.Advance(10 * time.Minute)
	require.Equal(t, []time.Duration{0, time.Minute, 3 * time.Minute}, tries)
	messages := k.receive(dlq)
	require.Len(t, messages, 1)
	require.JSONEq(t, `{"n":1}`, *messages[0].Body)
	require.Equal(t, "200", *messages[0].MessageAttributes["ErrorCode"].StringValue)
	require.Equal(t, "failed", *messages[0].MessageAttributes["ErrorMessage"].StringValue)
	require.NotEmpty(t, *messages[0].MessageAttributes["RequestID"].StringValue)
}

func TestReservedConcurrencyOfNoneThrottlesAll(t *testing.T) {
	k := paused(t)
	k.srv.HandleFunction("f", func(context.Context, []byte) ([]byte, error) { return nil, nil })
	_, err := k.lambda().PutFunctionConcurrency(k.ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(0)})
	require.NoError(t, err)
	_, err = lambda.NewFromConfig(once(k.srv)).Invoke(k.ctx, &lambda.InvokeInput{FunctionName: aws.String("f")})
	var throttled *lambdatypes.TooManyRequestsException
	require.ErrorAs(t, err, &throttled)
	require.Equal(t, lambdatypes.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded, throttled.Reason)
	dry, err := k.lambda().Invoke(k.ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: lambdatypes.InvocationTypeDryRun})
	require.NoError(t, err)
	require.EqualValues(t, http.StatusNoContent, dry.StatusCode)
	_, err = k.lambda().Invoke(k.ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{`)})
	require.ErrorContains(t, err, "Could not parse request body into json")
}

func TestTheTailOfTheLogComesWithTheAnswer(t *testing.T) {
	k := start(t, awstest.RunFunctions())
	k.deploy("f")
	out, err := k.lambda().Invoke(k.ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`{"do":"echo","arg":"x"}`), LogType: lambdatypes.LogTypeTail})
	require.NoError(t, err)
	text, err := base64.StdEncoding.DecodeString(*out.LogResult)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	require.Len(t, lines, 4)
	require.Equal(t, "asked to echo x", lines[1])
}
