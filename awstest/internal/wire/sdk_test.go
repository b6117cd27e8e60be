package wire_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

type describeAlarmsOutput struct {
	MetricAlarms    []metricAlarm `json:"MetricAlarms"`
	CompositeAlarms []metricAlarm `json:"CompositeAlarms"`
	NextToken       *string       `json:"NextToken"`
}

type metricAlarm struct {
	AlarmName      string     `json:"AlarmName"`
	Threshold      *float64   `json:"Threshold,omitempty"`
	ActionsEnabled *bool      `json:"ActionsEnabled"`
	AlarmActions   []string   `json:"AlarmActions"`
	StateUpdated   *wire.Time `json:"StateUpdatedTimestamp,omitempty"`
}

// The AWS SDK's own client, which speaks CBOR to CloudWatch, understands outputs,
// empty ones and errors.
func TestTheSDKUnderstandsCBOR(t *testing.T) {
	last := &seen{}
	refusal := &wire.Error{}
	r := newRigOf(t, last, &wire.Service{
		Name: "monitoring", CBORName: "GraniteServiceVersion20100801", Shapes: "com.amazonaws.cloudwatch",
		XMLNamespace: "http://monitoring.amazonaws.com/doc/2010-08-01/", Version: "2010-08-01",
		Operations: map[string]wire.Operation{
			"DescribeAlarms": wire.Op(func(context.Context, *wire.Call, *wire.Empty) (*describeAlarmsOutput, error) {
				at := wire.At(now)
				return &describeAlarmsOutput{MetricAlarms: []metricAlarm{{AlarmName: "a", Threshold: aws.Float64(0), StateUpdated: &at}}}, nil
			}),
			"PutMetricData": wire.Op(func(_ context.Context, c *wire.Call, _ *wire.Empty) (*wire.Empty, error) {
				last.Call = *c
				return &wire.Empty{}, nil
			}),
			"SetAlarmState": wire.Op(func(context.Context, *wire.Call, *wire.Empty) (*wire.Empty, error) { return nil, refusal }),
		},
	})
	client := cloudwatch.New(cloudwatch.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(r.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("123456789012", "test", ""),
	})
	ctx := t.Context()

	got, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
	require.NoError(t, err)
	require.Len(t, got.MetricAlarms, 1)
	alarm := got.MetricAlarms[0]
	require.Equal(t, "a", *alarm.AlarmName)
	require.Zero(t, *alarm.Threshold)
	require.Nil(t, alarm.ActionsEnabled)
	require.Empty(t, alarm.AlarmActions)
	require.WithinDuration(t, now, *alarm.StateUpdatedTimestamp, time.Millisecond)
	require.Empty(t, got.CompositeAlarms)
	require.Nil(t, got.NextToken)

	// it comes gzipped, since it is long enough
	var data []types.MetricDatum
	for range 500 {
		data = append(data, types.MetricDatum{MetricName: aws.String("m"), Value: aws.Float64(1), Timestamp: aws.Time(now)})
	}
	_, err = client.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("n"), MetricData: data})
	require.NoError(t, err)
	require.Equal(t, "gzip", last.HTTP.Header.Get("Content-Encoding"))
	require.Equal(t, []string{"123456789012", "eu-west-1"}, []string{last.Account, last.Region})

	state := &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("a"), StateReason: aws.String("r"), StateValue: types.StateValueOk}
	*refusal = wire.Error{Code: "ResourceNotFound", Message: "no alarm", Status: 404}
	_, err = client.SetAlarmState(ctx, state)
	var notFound *types.ResourceNotFound
	require.ErrorAs(t, err, &notFound)
	require.Equal(t, "no alarm", notFound.ErrorMessage())

	var api smithy.APIError
	for _, c := range []struct {
		name  string
		err   wire.Error
		code  string
		fault smithy.ErrorFault
	}{
		{"of its own", wire.Error{Code: "ValidationError", Type: "ValidationException", Message: "m"}, "ValidationError", smithy.FaultUnknown},
		{"of the service", wire.Error{Code: "InternalFailure", Message: "m", Receiver: true}, "InternalFailure", smithy.FaultServer},
	} {
		*refusal = c.err
		_, err = client.SetAlarmState(ctx, state)
		require.True(t, errors.As(err, &api), c.name)
		require.Equal(t, c.code, api.ErrorCode(), c.name)
		require.Equal(t, "m", api.ErrorMessage(), c.name)
	}

	_, err = client.ListMetrics(ctx, &cloudwatch.ListMetricsInput{})
	require.ErrorAs(t, err, &api)
	require.Equal(t, "NotImplemented", api.ErrorCode())
	require.Equal(t, "The operation monitoring:ListMetrics is not served here.", api.ErrorMessage())
}
