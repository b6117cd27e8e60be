package awstest_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// The table of operations in README.md is made here. AWSTEST_UPDATE_README=1 writes it.
func TestTheREADMEListsWhatIsServed(t *testing.T) {
	served := awstest.Start(t).Served()
	var table strings.Builder
	table.WriteString("| Service | Served | Operations |\n|---|---|---|\n")
	for _, s := range []struct {
		title, name string
		client      any
	}{
		{"SQS", "sqs", &sqs.Client{}}, {"CloudWatch", "monitoring", &cloudwatch.Client{}}, {"SNS", "sns", &sns.Client{}},
		{"EventBridge Scheduler", "scheduler", &scheduler.Client{}}, {"IAM", "iam", &iam.Client{}}, {"STS", "sts", &sts.Client{}},
		{"S3", "s3", &s3.Client{}}, {"KMS", "kms", &kms.Client{}}, {"EventBridge", "events", &eventbridge.Client{}},
		{"Lambda", "lambda", &lambda.Client{}}, {"DynamoDB", "dynamodb", &dynamodb.Client{}}, {"CloudWatch Logs", "logs", &cloudwatchlogs.Client{}},
	} {
		all := operationsOf(s.client)
		have := served[s.name]
		delete(served, s.name)
		for _, name := range have {
			require.Contains(t, all, name, "%s has no such operation", s.title)
		}
		missing := slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(have, name) })
		share := fmt.Sprintf("%d of %d", len(have), len(all))
		if len(missing) == 0 {
			share = fmt.Sprintf("all %d", len(all))
		}
		fmt.Fprintf(&table, "| %s | %s | %s", s.title, share, strings.Join(have, ", "))
		switch {
		case len(missing) > 40:
			fmt.Fprintf(&table, ". *Not:* %d others", len(missing))
		case len(missing) > 0:
			fmt.Fprintf(&table, ". *Not:* %s", strings.Join(missing, ", "))
		}
		table.WriteString(" |\n")
	}
	require.Empty(t, served, "services that the table leaves out")

	const begin, end = "<!-- operations -->\n", "<!-- /operations -->"
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(readme), begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	want := before + begin + table.String() + end + after
	if os.Getenv("AWSTEST_UPDATE_README") != "" {
		require.NoError(t, os.WriteFile("README.md", []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(readme), "run this test with AWSTEST_UPDATE_README=1")
}

// operationsOf are the operations that an SDK client has: its methods that take a context
// and an input.
func operationsOf(client any) []string {
	var names []string
	typ := reflect.TypeOf(client)
	for m := range typ.Methods() {
		if m.Type.NumIn() >= 3 && m.Type.NumOut() == 2 {
			names = append(names, m.Name)
		}
	}
	slices.Sort(names)
	return names
}
