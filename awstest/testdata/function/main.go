// Command function is a Lambda function for tests: it does what its payload says.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

type order struct {
	Do, Arg string
	Records []struct{ Body string }
}

func main() {
	if os.Getenv("INIT") == "exit" {
		fmt.Println("no way to begin")
		os.Exit(3)
	}
	calls := 0
	lambda.Start(func(ctx context.Context, in order) (any, error) {
		calls++
		fmt.Println("asked to", in.Do, in.Arg)
		do, arg := in.Do, in.Arg
		if len(in.Records) > 0 {
			do, arg, _ = strings.Cut(in.Records[0].Body, " ")
		}
		switch do {
		case "echo":
			return arg, nil
		case "fail":
			return nil, errors.New(arg)
		case "panic":
			panic(arg)
		case "exit":
			os.Exit(4)
		case "sleep":
			time.Sleep(time.Minute)
		case "big":
			return strings.Repeat("x", 7<<20), nil
		case "calls":
			return calls, nil
		case "context":
			lc, _ := lambdacontext.FromContext(ctx)
			deadline, _ := ctx.Deadline()
			return map[string]any{"arn": lc.InvokedFunctionArn, "left": time.Until(deadline).Seconds(), "memory": os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
				"handler": os.Getenv("_HANDLER"), "region": os.Getenv("AWS_REGION"), "greeting": os.Getenv("GREETING"), "secret": os.Getenv("AWSTEST_SECRET")}, nil
		case "send":
			url, body, _ := strings.Cut(arg, " ")
			cfg, err := config.LoadDefaultConfig(ctx)
			if err != nil {
				return nil, err
			}
			_, err = sqs.NewFromConfig(cfg).SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
			return nil, err
		case "metric":
			line, err := json.Marshal(map[string]any{
				"_aws": map[string]any{"Timestamp": time.Now().UnixMilli(), "CloudWatchMetrics": []any{map[string]any{
					"Namespace": "Shop", "Dimensions": [][]string{{"Service"}}, "Metrics": []any{map[string]string{"Name": "Orders", "Unit": "Count"}},
				}}},
				"Service": "checkout", "Orders": 3,
			})
			fmt.Println(string(line))
			return nil, err
		}
		return nil, fmt.Errorf("what is %q", do)
	})
}
