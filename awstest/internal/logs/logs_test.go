package logs_test

import (
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/logs"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func begin() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) }

type rig struct {
	*testing.T
	*sdk.Client
	clk     *clock.Clock
	svc     *logs.Service
	metrics *recorder
}

// recorder takes metrics.
type recorder struct{ got []metric }

type metric struct {
	namespace, name, unit string
	dimensions            [][2]string
	value                 float64
}

func (r *recorder) Put(_, _, namespace string, _ time.Time, dimensions [][2]string, v fabric.Value) {
	r.got = append(r.got, metric{namespace, v.Metric, v.Unit, dimensions, v.Sum})
}

func start(t *testing.T) *rig {
	t.Helper()
	clk := clock.New(begin())
	clk.Pause()
	t.Cleanup(clk.Close)
	metrics := &recorder{}
	return serve(t, clk, logs.New(clk, logs.Options{Metrics: metrics}), metrics)
}

func serve(t *testing.T, clk *clock.Clock, svc *logs.Service, metrics *recorder) *rig {
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, svc.API()))
	t.Cleanup(srv.Close)
	return &rig{t, sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), Retryer: aws.NopRetryer{},
	}), clk, svc, metrics}
}

// write makes a group with a stream and writes to it, a second apart.
func (r *rig) write(messages ...string) {
	r.Helper()
	_, err := r.CreateLogGroup(r.Context(), &sdk.CreateLogGroupInput{LogGroupName: aws.String("g")})
	require.NoError(r, err)
	_, err = r.CreateLogStream(r.Context(), &sdk.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	require.NoError(r, err)
	var list []types.InputLogEvent
	for i, m := range messages {
		list = append(list, types.InputLogEvent{Timestamp: aws.Int64(begin().Add(time.Duration(i) * time.Second).UnixMilli()), Message: aws.String(m)})
	}
	_, err = r.PutLogEvents(r.Context(), &sdk.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: list})
	require.NoError(r, err)
}

func requireCode(t *testing.T, err error, code string) {
	t.Helper()
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode())
}

func TestEventsAreReadPageByPageFromEitherEnd(t *testing.T) {
	r := start(t)
	r.write("a", "b", "c", "d", "e")
	for _, fromHead := range []bool{true, false} {
		in := &sdk.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), Limit: aws.Int32(2), StartFromHead: aws.Bool(fromHead)}
		var got []string
		for {
			out, err := r.GetLogEvents(t.Context(), in)
			require.NoError(t, err)
			var page []string
			for _, e := range out.Events {
				page = append(page, *e.Message)
			}
			token := out.NextForwardToken
			if fromHead {
				got = append(got, page...)
			} else {
				got = append(page, got...)
				token = out.NextBackwardToken
			}
			if in.NextToken != nil && *in.NextToken == *token {
				break // the same token again: the end
			}
			in.NextToken = token
		}
		require.Equal(t, []string{"a", "b", "c", "d", "e"}, got)
	}
}

func TestFilters(t *testing.T) {
	r := start(t)
	r.write("ERROR one", "WARN two", "ERROR three [x]", "done")
	for pattern, want := range map[string][]string{
		"": {"ERROR one", "WARN two", "ERROR three [x]", "done"}, "ERROR": {"ERROR one", "ERROR three [x]"}, "ERROR three": {"ERROR three [x]"}, "?WARN ?done": {"WARN two", "done"},
		"ERROR -three": {"ERROR one"}, `"three [x]"`: {"ERROR three [x]"}, "nothing": nil,
	} {
		out, err := r.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: aws.String("g"), FilterPattern: &pattern})
		require.NoError(t, err)
		var got []string
		for _, e := range out.Events {
			got = append(got, *e.Message)
		}
		require.Equal(t, want, got, pattern)
	}
	for _, pattern := range []string{`{ $.a = 1 }`, `[a, b]`, `%x%`, `"half`, `?`} {
		_, err := r.FilterLogEvents(t.Context(), &sdk.FilterLogEventsInput{LogGroupName: aws.String("g"), FilterPattern: &pattern})
		requireCode(t, err, "InvalidParameterException")
	}
}

func TestEventsOutliveTheirRetentionNotAtAll(t *testing.T) {
	r := start(t)
	r.write("old")
	_, err := r.PutRetentionPolicy(t.Context(), &sdk.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(3)})
	require.NoError(t, err)
	r.clk.Advance(3 * 24 * time.Hour)
	require.Len(t, r.svc.Lines("000000000000", "us-east-1", "g"), 1)
	r.clk.Advance(time.Second)
	out, err := r.GetLogEvents(t.Context(), &sdk.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	require.NoError(t, err)
	require.Empty(t, out.Events)
	_, err = r.PutRetentionPolicy(t.Context(), &sdk.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(4)})
	requireCode(t, err, "InvalidParameterException")
}

func TestAGroupHoldsSoMuchAndNoMore(t *testing.T) {
	r := start(t)
	for i := range 40 {
		r.svc.Write("000000000000", "us-east-1", "g", "s", begin().Add(time.Duration(i)*time.Second), []string{strings.Repeat("x", 1<<20)})
	}
	lines := r.svc.Lines("000000000000", "us-east-1", "g")
	require.Len(t, lines, 15)
}

func TestEmbeddedMetricsAreExtracted(t *testing.T) {
	r := start(t)
	r.write(
		`{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["Service"],["Service","Kind"]],"Metrics":[{"Name":"A","Unit":"Count"},{"Name":"B"}]}]},"Service":"s","Kind":"k","A":2,"B":[1,3]}`,
		`{"_aws":{"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["Missing"]],"Metrics":[{"Name":"A"}]}]},"A":2}`,
		`{"_aws":"no","A":1}`, `{"_aws":{"CloudWatchMetrics":[{"Namespace":"N","Metrics":[{"Name":"A"}]}]},"A":"text"}`, `{"_aws"`, `plain "_aws"`,
	)
	one, two := [][2]string{{"Service", "s"}}, [][2]string{{"Service", "s"}, {"Kind", "k"}}
	require.Equal(t, []metric{
		{"N", "A", "Count", one, 2}, {"N", "B", "None", one, 1}, {"N", "B", "None", one, 3},
		{"N", "A", "Count", two, 2}, {"N", "B", "None", two, 1}, {"N", "B", "None", two, 3},
	}, r.metrics.got)
}

func TestWhatIsRefused(t *testing.T) {
	r := start(t)
	r.write("a")
	_, err := r.CreateLogGroup(t.Context(), &sdk.CreateLogGroupInput{LogGroupName: aws.String("g")})
	requireCode(t, err, "ResourceAlreadyExistsException")
	_, err = r.CreateLogGroup(t.Context(), &sdk.CreateLogGroupInput{LogGroupName: aws.String("a b")})
	requireCode(t, err, "InvalidParameterException")
	_, err = r.DeleteLogGroup(t.Context(), &sdk.DeleteLogGroupInput{LogGroupName: aws.String("none")})
	requireCode(t, err, "ResourceNotFoundException")
	put := func(stream string, at ...time.Duration) (*sdk.PutLogEventsOutput, error) {
		var list []types.InputLogEvent
		for _, d := range at {
			list = append(list, types.InputLogEvent{Timestamp: aws.Int64(begin().Add(d).UnixMilli()), Message: aws.String("m")})
		}
		return r.PutLogEvents(t.Context(), &sdk.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: &stream, LogEvents: list})
	}
	_, err = put("none", 0)
	requireCode(t, err, "ResourceNotFoundException")
	_, err = put("s", time.Second, 0)
	requireCode(t, err, "InvalidParameterException")
	out, err := put("s", 0, 3*time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 1, *out.RejectedLogEventsInfo.TooNewLogEventStartIndex)
	out, err = put("s", -15*24*time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 1, *out.RejectedLogEventsInfo.TooOldLogEventEndIndex)
	require.Len(t, r.svc.Lines("000000000000", "us-east-1", "g"), 2)
}

func TestASnapshotHoldsGroupsAndEvents(t *testing.T) {
	r := start(t)
	r.write("a", "b")
	var saved any
	require.NoError(t, r.svc.Snapshot()(func(v any) error { saved = v; return nil }))
	other := logs.New(r.clk, logs.Options{})
	require.NoError(t, other.Restore(func(to any) error {
		reflect.ValueOf(to).Elem().Set(reflect.ValueOf(saved))
		return nil
	}))
	require.Equal(t, []string{"a", "b"}, other.Lines("000000000000", "us-east-1", "g"))
	again := serve(t, r.clk, other, nil)
	before, err := r.DescribeLogGroups(t.Context(), &sdk.DescribeLogGroupsInput{})
	require.NoError(t, err)
	after, err := again.DescribeLogGroups(t.Context(), &sdk.DescribeLogGroupsInput{})
	require.NoError(t, err)
	require.Equal(t, before.LogGroups, after.LogGroups)
}
