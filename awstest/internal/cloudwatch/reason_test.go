package cloudwatch

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
)

func TestNumbersAreWrittenAsJavaWritesDoubles(t *testing.T) {
	for want, f := range map[string]float64{
		"0.0": 0, "1.0": 1, "-2.5": -2.5, "0.05164275070031484": 0.05164275070031484, "3.6266666666666665": 3.6266666666666665,
		"1000000.0": 1e6, "1.0E7": 1e7, "1.23456789E8": 123456789, "0.001": 0.001, "1.0E-4": 0.0001,
	} {
		require.Equal(t, want, javaDouble(f))
	}
}

func TestReasonsAreInAWSsWords(t *testing.T) {
	at := func(minute int, v float64) point {
		return point{at: time.Date(2018, 8, 15, 21, minute, 0, 0, time.UTC), value: v}
	}
	five := []point{at(28, 0), at(29, 0), at(30, 0), at(31, 0), at(32, 0)}
	for want, in := range map[string]struct {
		n       int32
		m       *int32
		op      string
		t       float64
		treat   string
		state   string
		shown   []point
		verdict verdict
	}{
		"Threshold Crossed: 1 datapoint [1.0 (15/08/18 21:15:00)] was greater than the threshold (0.0).": {
			1, nil, "GreaterThanThreshold", 0, "", stateAlarm, []point{at(15, 1)}, verdict{used: []int{0}}},
		"Threshold Crossed: 1 datapoint [0.0 (15/08/18 21:15:00)] was not greater than or equal to the threshold (1.0) and 1 missing datapoint was treated as [Breaching].": {
			2, nil, "GreaterThanOrEqualToThreshold", 1, treatBreaching, stateOK, []point{at(15, 0)}, verdict{used: []int{0}, filled: 1}},
		"Threshold Crossed: 1 out of the last 1 datapoints [6.04 (15/08/18 21:15:00)] was less than or equal to the threshold (70.0) (minimum 1 datapoint for OK -> ALARM transition).": {
			1, aws.Int32(1), "LessThanOrEqualToThreshold", 70, "", stateAlarm, []point{at(15, 6.04)}, verdict{used: []int{0}}},
		"Threshold Crossed: 2 out of the last 3 datapoints [4.0 (15/08/18 21:17:00), 3.0 (15/08/18 21:15:00)] were not greater than the threshold (5.0) (minimum 2 datapoints for ALARM -> OK transition).": {
			3, aws.Int32(2), "GreaterThanThreshold", 5, "", stateOK, []point{at(15, 3), at(17, 4)}, verdict{used: []int{0, 1, 2}}},
		"Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching].": {
			2, nil, "LessThanThreshold", 1, treatBreaching, stateAlarm, nil, verdict{filled: 2}},
		"Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].": {
			1, aws.Int32(1), "LessThanThreshold", 1, treatNotBreaching, stateOK, nil, verdict{filled: 1}},
		"Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were treated as [Breaching].": {
			3, aws.Int32(2), "GreaterThanThreshold", 0, treatBreaching, stateAlarm, nil, verdict{used: []int{0}, filled: 2}},
		"Threshold Crossed: 5 out of the last 5 datapoints were less than the threshold (65.0). The most recent datapoints which crossed the threshold: [0.0 (15/08/18 21:32:00), 0.0 (15/08/18 21:31:00), 0.0 (15/08/18 21:30:00), 0.0 (15/08/18 21:29:00), 0.0 (15/08/18 21:28:00)] (minimum 5 datapoints for OK -> ALARM transition).": {
			5, aws.Int32(5), "LessThanThreshold", 65, "", stateAlarm, five, verdict{used: []int{0, 1, 2, 3, 4}}},
	} {
		c := alarmConfig{EvaluationPeriods: in.n, DatapointsToAlarm: in.m, ComparisonOperator: in.op, Threshold: &in.t, TreatMissingData: &in.treat}
		require.Equal(t, want, thresholdReason(&c, in.state, in.shown, in.verdict))
	}
	require.Equal(t, "Insufficient Data: 1 datapoint was unknown.", insufficientReason(1))
	require.Equal(t, "Insufficient Data: 2 datapoints were unknown.", insufficientReason(2))
}
