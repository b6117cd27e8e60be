package cloudwatch

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClientsAndTheClockTogether(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	var wg sync.WaitGroup
	for c := range 16 {
		wg.Go(func() {
			name := fmt.Sprintf("alarm-%d", c)
			for i := range 10 {
				_, err := r.sdk.PutMetricAlarm(ctx, visibleAlarm(name))
				assert.NoError(t, err)
				_, err = r.sdk.SetAlarmState(ctx, &cw.SetAlarmStateInput{AlarmName: &name, StateValue: types.StateValueAlarm, StateReason: aws.String("x")})
				assert.NoError(t, err)
				_, err = r.sdk.PutMetricData(ctx, &cw.PutMetricDataInput{Namespace: aws.String("app"), MetricData: []types.MetricDatum{{MetricName: &name, Value: aws.Float64(float64(i))}}})
				assert.NoError(t, err)
				_, err = r.sdk.DescribeAlarms(ctx, &cw.DescribeAlarmsInput{})
				assert.NoError(t, err)
				_, err = r.sdk.ListMetrics(ctx, &cw.ListMetricsInput{})
				assert.NoError(t, err)
				if i%3 == 2 {
					_, err = r.sdk.DeleteAlarms(ctx, &cw.DeleteAlarmsInput{AlarmNames: []string{name}})
					assert.NoError(t, err)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 200 {
			r.minute(gauge(visible, float64(i%3)))
		}
	})
	wg.Wait()
	r.minute(gauge(visible, 1))
	for _, a := range r.svc.alarms {
		require.Equal(t, stateAlarm, a.state)
	}
	// an alarm's notifications tell one story: each begins where the one before ended
	require.NotEmpty(t, r.topics.got)
	for i := 1; i < len(r.topics.got); i++ {
		require.False(t, r.topics.got[i].at.Before(r.topics.got[i-1].at.Add(-time.Nanosecond)))
	}
}
