package awstest_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

func requireCode(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode())
	require.Contains(t, e.ErrorMessage(), message)
}

func TestMappingsThatAWSRefuses(t *testing.T) {
	k := paused(t)
	k.queue("jobs")
	k.queue("jobs.fifo", "FifoQueue", "true")
	k.queue("short", "VisibilityTimeout", "2")
	k.srv.HandleFunction("f", func(context.Context, []byte) ([]byte, error) { return nil, nil })
	concurrency := func(n int32) func(*lambda.CreateEventSourceMappingInput) {
		return func(in *lambda.CreateEventSourceMappingInput) {
			in.ScalingConfig = &lambdatypes.ScalingConfig{MaximumConcurrency: &n}
		}
	}
	window := func(n int32) func(*lambda.CreateEventSourceMappingInput) {
		return func(in *lambda.CreateEventSourceMappingInput) { in.MaximumBatchingWindowInSeconds = &n }
	}
	source := func(name string) func(*lambda.CreateEventSourceMappingInput) {
		return func(in *lambda.CreateEventSourceMappingInput) { in.EventSourceArn = aws.String(queueARN(name)) }
	}
	both := func(fs ...func(*lambda.CreateEventSourceMappingInput)) func(*lambda.CreateEventSourceMappingInput) {
		return func(in *lambda.CreateEventSourceMappingInput) {
			for _, f := range fs {
				f(in)
			}
		}
	}
	filter := func(pattern string) func(*lambda.CreateEventSourceMappingInput) {
		return func(in *lambda.CreateEventSourceMappingInput) {
			in.FilterCriteria = &lambdatypes.FilterCriteria{Filters: []lambdatypes.Filter{{Pattern: &pattern}}}
		}
	}
	const parameter, validation = "InvalidParameterValueException", "ValidationException"
	for name, tt := range map[string]struct {
		change        func(*lambda.CreateEventSourceMappingInput)
		code, message string
	}{
		"a queue that isn't":                        {source("none"), parameter, "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist."},
		"a visibility timeout below the function's": {source("short"), parameter, "Queue visibility timeout: 2 seconds is less than Function timeout: 3 seconds"},
		"a function that isn't":                     {func(in *lambda.CreateEventSourceMappingInput) { in.FunctionName = aws.String("none") }, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:000000000000:function:none"},
		"no messages in a batch":                    {batchesOf(0), validation, "'batchSize'"},
		"too many messages in a batch":              {batchesOf(10_001), validation, "'batchSize'"},
		"large batches without a window":            {batchesOf(11), parameter, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"},
		"large batches of a FIFO queue":             {both(source("jobs.fifo"), batchesOf(11), window(1)), parameter, "FIFO"},
		"a window of a FIFO queue":                  {both(source("jobs.fifo"), window(1)), parameter, "Batching window is not supported for FIFO queues"},
		"too long a window":                         {window(301), validation, "'maximumBatchingWindowInSeconds'"},
		"a concurrency of one":                      {concurrency(1), validation, "'scalingConfig.maximumConcurrency'"},
		"too large a concurrency":                   {concurrency(1001), validation, "'scalingConfig.maximumConcurrency'"},
		"a filter that is no JSON":                  {filter(`{`), parameter, "Invalid filter pattern definition."},
		"a filter that is no pattern":               {filter(`{"body":"x"}`), parameter, "Invalid filter pattern definition."},
		"another response type": {func(in *lambda.CreateEventSourceMappingInput) {
			in.FunctionResponseTypes = []lambdatypes.FunctionResponseType{"Report"}
		}, validation, "functionResponseTypes"},
		"a starting position": {func(in *lambda.CreateEventSourceMappingInput) {
			in.StartingPosition = lambdatypes.EventSourcePositionLatest
		}, parameter, "StartingPosition is not valid for SQS event sources."},
		"retries of a stream": {func(in *lambda.CreateEventSourceMappingInput) { in.MaximumRetryAttempts = aws.Int32(1) }, parameter, "MaximumRetryAttempts"},
		"a stream": {func(in *lambda.CreateEventSourceMappingInput) {
			in.EventSourceArn = aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/s")
		}, "NotImplemented", "SQS"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN("jobs")), FunctionName: aws.String("f")}
			tt.change(in)
			_, err := lambda.NewFromConfig(once(k.srv)).CreateEventSourceMapping(k.ctx, in)
			requireCode(t, err, tt.code, tt.message)
		})
	}
	in := &lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN("jobs")), FunctionName: aws.String("f")}
	first, err := k.lambda().CreateEventSourceMapping(k.ctx, in)
	require.NoError(t, err)
	require.Equal(t, "Creating", *first.State)
	require.EqualValues(t, 10, *first.BatchSize)
	_, err = k.lambda().CreateEventSourceMapping(k.ctx, in)
	requireCode(t, err, "ResourceConflictException", `An event source mapping with SQS arn (" `+queueARN("jobs")+` ") and function (" f ") already exists. Please update or delete the existing mapping with UUID `+*first.UUID)
}

func TestAMappingNeedsTheRoleToReadTheQueue(t *testing.T) {
	k := paused(t)
	k.queue("jobs")
	k.queue("other")
	statement := func(actions, resource string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"` + resource + `"}]}`
	}
	for name, tt := range map[string]struct{ policy, managed, missing string }{
		"nothing":                {"", "", "ReceiveMessage"},
		"all that it takes":      {statement(`"sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes"`, queueARN("jobs")), "", ""},
		"no deletion":            {statement(`"sqs:ReceiveMessage","sqs:GetQueueAttributes"`, queueARN("jobs")), "", "DeleteMessage"},
		"no attributes":          {statement(`"sqs:*Message"`, "*"), "", "GetQueueAttributes"},
		"another queue":          {statement(`"sqs:*"`, queueARN("other")), "", "ReceiveMessage"},
		"the managed policy":     {"", "AWSLambdaSQSQueueExecutionRole", ""},
		"another managed policy": {"", "AWSLambdaBasicExecutionRole", "ReceiveMessage"},
		"a denial":               {`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sqs:DeleteMessage","Resource":"*"}]}`, "AWSLambdaSQSQueueExecutionRole", "DeleteMessage"},
	} {
		t.Run(name, func(t *testing.T) {
			id := strings.ReplaceAll(name, " ", "-")
			role := k.role(id, tt.policy)
			if tt.managed != "" {
				_, err := iam.NewFromConfig(k.srv.Config()).AttachRolePolicy(k.ctx, &iam.AttachRolePolicyInput{RoleName: &id, PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/" + tt.managed)})
				require.NoError(t, err)
			}
			_, err := k.lambda().CreateFunction(k.ctx, &lambda.CreateFunctionInput{
				FunctionName: &id, Role: &role, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"),
				Code: &lambdatypes.FunctionCode{ZipFile: zipOf(t, map[string][]byte{"bootstrap": nil})},
			})
			require.NoError(t, err)
			_, err = k.lambda().CreateEventSourceMapping(k.ctx, &lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN("jobs")), FunctionName: &id})
			if tt.missing == "" {
				require.NoError(t, err)
				return
			}
			requireCode(t, err, "InvalidParameterValueException", "The function execution role does not have permissions to call "+tt.missing+" on SQS")
		})
	}
}

func TestFunctionsThatAWSRefuses(t *testing.T) {
	k := start(t)
	role := k.role("r", "")
	code := zipOf(t, map[string][]byte{"bootstrap": nil})
	bomb := zipOf(t, map[string][]byte{"bootstrap": make([]byte, 1<<20)})
	for name, tt := range map[string]struct {
		change        func(*lambda.CreateFunctionInput)
		code, message string
	}{
		"a role that isn't":   {func(in *lambda.CreateFunctionInput) { in.Role = aws.String("arn:aws:iam::000000000000:role/none") }, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."},
		"what is no role":     {func(in *lambda.CreateFunctionInput) { in.Role = aws.String("admin") }, "ValidationException", "'role'"},
		"a name with a blank": {func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String("a b") }, "ValidationException", "'functionName'"},
		"too long a timeout":  {func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(901) }, "ValidationException", "'timeout'"},
		"too little memory":   {func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(127) }, "ValidationException", "'memorySize'"},
		"a variable of Lambda's own": {func(in *lambda.CreateFunctionInput) {
			in.Environment = &lambdatypes.Environment{Variables: map[string]string{"AWS_REGION": "x", "OK": "y"}}
		}, "InvalidParameterValueException", "Reserved keys used in this request: AWS_REGION"},
		"variables of more than 4 KB": {func(in *lambda.CreateFunctionInput) {
			in.Environment = &lambdatypes.Environment{Variables: map[string]string{"A1": strings.Repeat("x", 4096)}}
		}, "InvalidParameterValueException", "exceeded the 4KB limit"},
		"no code":               {func(in *lambda.CreateFunctionInput) { in.Code = &lambdatypes.FunctionCode{} }, "InvalidParameterValueException", "Please provide a source for function code."},
		"what is no zip":        {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = []byte("code") }, "InvalidParameterValueException", "Could not unzip uploaded file."},
		"an empty zip":          {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zipOf(t, nil) }, "InvalidParameterValueException", "non-empty"},
		"a path that leads out": {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zipOf(t, map[string][]byte{"../../evil": nil}) }, "InvalidParameterValueException", "leads out of it"},
		"an absolute path":      {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zipOf(t, map[string][]byte{"/etc/evil": nil}) }, "InvalidParameterValueException", "leads out of it"},
		"a path of Windows":     {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = zipOf(t, map[string][]byte{`..\evil`: nil}) }, "InvalidParameterValueException", "leads out of it"},
		"a link":                {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = linkZip(t) }, "InvalidParameterValueException", "neither a file nor a directory"},
		"a zip that unfolds":    {func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = claim(bomb, 1<<20, 300<<20) }, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"},
		"an image":              {func(in *lambda.CreateFunctionInput) { in.PackageType = lambdatypes.PackageTypeImage }, "NotImplemented", "Container images"},
		"a version":             {func(in *lambda.CreateFunctionInput) { in.Publish = true }, "NotImplemented", "Versions"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &lambda.CreateFunctionInput{FunctionName: aws.String("f"), Role: &role, Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Code: &lambdatypes.FunctionCode{ZipFile: code}}
			tt.change(in)
			_, err := lambda.NewFromConfig(once(k.srv)).CreateFunction(k.ctx, in)
			requireCode(t, err, tt.code, tt.message)
		})
	}
}

func TestAZipThatHoldsMoreThanItSaysDoesntRun(t *testing.T) {
	k := start(t, awstest.RunFunctions())
	k.deploy("f", func(in *lambda.CreateFunctionInput) {
		in.Code.ZipFile = claim(zipOf(t, map[string][]byte{"bootstrap": make([]byte, 1<<20)}), 1<<20, 5)
	})
	_, fault := k.call("f", `{}`)
	require.Equal(t, "Runtime.InvalidEntrypoint", fault)
}

func TestPermissionsMakeThePolicyOfAFunction(t *testing.T) {
	k := start(t)
	k.srv.HandleFunction("f", func(context.Context, []byte) ([]byte, error) { return nil, nil })
	in := &lambda.AddPermissionInput{
		FunctionName: aws.String("f"), StatementId: aws.String("s"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("events.amazonaws.com"),
		SourceArn: aws.String("arn:aws:events:us-east-1:000000000000:rule/r"), SourceAccount: aws.String("000000000000"),
	}
	_, err := k.lambda().GetPolicy(k.ctx, &lambda.GetPolicyInput{FunctionName: aws.String("f")})
	requireCode(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
	_, err = k.lambda().AddPermission(k.ctx, in)
	require.NoError(t, err)
	_, err = k.lambda().AddPermission(k.ctx, in)
	requireCode(t, err, "ResourceConflictException", "The statement id (s) provided already exists")
	out, err := k.lambda().GetPolicy(k.ctx, &lambda.GetPolicyInput{FunctionName: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f")})
	require.NoError(t, err)
	require.JSONEq(t, `{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Condition":{"StringEquals":{"AWS:SourceAccount":"000000000000"},"ArnLike":{"AWS:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/r"}}}]}`, *out.Policy)
	_, err = k.lambda().RemovePermission(k.ctx, &lambda.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("s")})
	require.NoError(t, err)
	_, err = k.lambda().RemovePermission(k.ctx, &lambda.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("s")})
	requireCode(t, err, "ResourceNotFoundException", "")
}

func TestAStateFileKeepsFunctionsAndMappings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	first := start(t, awstest.StateFile(path), awstest.RunFunctions())
	url, results := first.queue("jobs"), first.queue("results")
	first.deploy("f")
	_, err := first.lambda().CreateEventSourceMapping(first.ctx, &lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queueARN("jobs")), FunctionName: aws.String("f"), Enabled: aws.Bool(true), BatchSize: aws.Int32(1)})
	require.NoError(t, err)
	_, err = first.sqs.SendMessage(first.ctx, &sqs.SendMessageInput{QueueUrl: &url, DelaySeconds: 600, MessageBody: aws.String("echo later")})
	require.NoError(t, err)
	require.NoError(t, first.srv.Stop())

	// the message falls due before anything is served; the function runs from then on
	second := start(t, awstest.StateFile(path), awstest.RunFunctions(), awstest.StartAt(time.Now().Add(time.Hour)))
	out, err := second.lambda().GetFunction(second.ctx, &lambda.GetFunctionInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	require.EqualValues(t, len(functionZip(t)), out.Configuration.CodeSize)
	mappings, err := second.lambda().ListEventSourceMappings(second.ctx, &lambda.ListEventSourceMappingsInput{FunctionName: aws.String("f")})
	require.NoError(t, err)
	require.Len(t, mappings.EventSourceMappings, 1)
	now := strings.Replace(results, first.srv.URL, second.srv.URL, 1)
	_, err = second.sqs.SendMessage(second.ctx, &sqs.SendMessageInput{QueueUrl: aws.String(strings.Replace(url, first.srv.URL, second.srv.URL, 1)), MessageBody: aws.String("send " + now + " hello")})
	require.NoError(t, err)
	second.srv.Clock.Advance(time.Second)
	require.Equal(t, []string{"hello"}, second.bodies(now))
}

func TestWhatAFunctionIsGiven(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	var got events.SQSMessage
	k.consume("jobs", func(_ context.Context, e events.SQSEvent) (string, error) {
		got = e.Records[0]
		return "", nil
	})
	_, err := k.sqs.SendMessage(k.ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("<hello>"), MessageAttributes: attributesOf("kind", "order")})
	require.NoError(t, err)
	k.srv.Clock.Advance(time.Second)
	require.Equal(t, "<hello>", got.Body)
	require.Equal(t, "aws:sqs", got.EventSource)
	require.Equal(t, queueARN("jobs"), got.EventSourceARN)
	require.Equal(t, "us-east-1", got.AWSRegion)
	require.Equal(t, "order", *got.MessageAttributes["kind"].StringValue)
	require.Equal(t, "String", got.MessageAttributes["kind"].DataType)
	require.NotEmpty(t, got.Md5OfMessageAttributes)
	require.Equal(t, "1", got.Attributes["ApproximateReceiveCount"])
	require.NotEmpty(t, got.Attributes["SentTimestamp"])
	require.NotEmpty(t, got.ReceiptHandle)
}

func TestHTTPStatusesAreThoseOfLambda(t *testing.T) {
	k := paused(t)
	k.queue("jobs")
	k.srv.HandleFunction("f", func(context.Context, []byte) ([]byte, error) { return nil, nil })
	for _, tt := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/2015-03-31/event-source-mappings/", `{"EventSourceArn":"` + queueARN("jobs") + `","FunctionName":"f"}`, http.StatusAccepted},
		{"GET", "/2015-03-31/functions/f", "", http.StatusOK},
		{"GET", "/2015-03-31/functions/000000000000:function:f/configuration", "", http.StatusOK},
		{"GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af", "", http.StatusOK},
		{"GET", "/2015-03-31/functions/f?Qualifier=3", "", http.StatusNotFound},
		{"GET", "/2015-03-31/functions/..%2f..%2fetc", "", http.StatusBadRequest},
		{"POST", "/2015-03-31/functions/f/aliases", "{}", http.StatusNotFound},
		{"DELETE", "/2015-03-31/functions/f", "", http.StatusNoContent},
		{"DELETE", "/2015-03-31/functions/f", "", http.StatusNotFound},
	} {
		r, err := http.NewRequest(tt.method, k.srv.URL+tt.path, strings.NewReader(tt.body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0")
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, tt.want, resp.StatusCode, "%s %s", tt.method, tt.path)
	}
}

func TestFaultsMeetTheCallsOfMappings(t *testing.T) {
	for name, tt := range map[string]struct {
		fault awstest.Fault
		want  []string // receive counts that the function sees
	}{
		"messages that are received and lost come back":    {awstest.Fault{Kind: awstest.DropResponse, Operation: "ReceiveMessage", Times: 1}, []string{"2"}},
		"a refused receive is made again":                  {awstest.Fault{Kind: awstest.Throttle, Operation: "ReceiveMessage", Times: 1}, []string{"1"}},
		"messages that can't be deleted come back":         {awstest.Fault{Kind: awstest.Unavailable, Operation: "DeleteMessageBatch", Times: 2}, []string{"1", "2", "3"}},
		"what is deleted is, whether that is known or not": {awstest.Fault{Kind: awstest.DropResponse, Operation: "DeleteMessageBatch", Times: 1}, []string{"1"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := paused(t)
			url := k.queue("jobs")
			c, _ := k.consume("jobs", nil)
			k.srv.Clock.Advance(time.Second)
			tt.fault.Queue = "jobs"
			k.srv.Inject(tt.fault)
			k.sendAll(url, "a")
			k.srv.Clock.Advance(5 * time.Minute)
			require.Equal(t, tt.want, c.counts["a"])
			k.requireEmpty(url)
			require.NotZero(t, k.srv.Count("sqs", tt.fault.Operation))
		})
	}
}

func TestARefusedReceiveIsMadeAgainAfterASecond(t *testing.T) {
	k := paused(t)
	url := k.queue("jobs")
	c, _ := k.consume("jobs", nil)
	k.srv.Clock.Advance(time.Second)
	k.srv.Inject(awstest.Fault{Kind: awstest.Throttle, Operation: "ReceiveMessage", Times: 3})
	k.sendAll(url, "a")
	k.srv.Clock.Advance(8 * time.Second) // 1 + 2 + 4
	require.Len(t, c.batches, 1)
}
