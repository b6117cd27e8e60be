package cloudwatch

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// query sends a request of the Query protocol, as clients before 2026 do.
func (r *rig) query(zip bool, params ...string) (int, string) {
	r.t.Helper()
	form := url.Values{"Version": {"2010-08-01"}, "Action": {params[0]}}
	for i := 1; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	var body bytes.Buffer
	if zip {
		z := gzip.NewWriter(&body)
		_, err := z.Write([]byte(form.Encode()))
		require.NoError(r.t, err)
		require.NoError(r.t, z.Close())
	} else {
		body.WriteString(form.Encode())
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url, &body)
	require.NoError(r.t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20261124/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=00")
	if zip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	return r.send(req)
}

func (r *rig) send(req *http.Request) (int, string) {
	resp, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(b)
}

func TestTheQueryProtocolServesWhatTerraformNeeds(t *testing.T) {
	r := newRig(t)
	status, body := r.query(false, "PutMetricAlarm",
		"AlarmName", "held", "ActionsEnabled", "true", "EvaluationPeriods", "1", "DatapointsToAlarm", "1", "Threshold", "0",
		"ComparisonOperator", "GreaterThanThreshold", "TreatMissingData", "notBreaching", "AlarmActions.member.1", testTopic, "OKActions.member.1", testTopic,
		"Metrics.member.1.Id", "held", "Metrics.member.1.Expression", "visible + inflight", "Metrics.member.1.Label", "Messages held", "Metrics.member.1.ReturnData", "true",
		"Metrics.member.2.Id", "visible", "Metrics.member.2.ReturnData", "false",
		"Metrics.member.2.MetricStat.Metric.Namespace", "AWS/SQS", "Metrics.member.2.MetricStat.Metric.MetricName", visible,
		"Metrics.member.2.MetricStat.Metric.Dimensions.member.1.Name", "QueueName", "Metrics.member.2.MetricStat.Metric.Dimensions.member.1.Value", "dlq",
		"Metrics.member.2.MetricStat.Period", "60", "Metrics.member.2.MetricStat.Stat", "Maximum",
		"Metrics.member.3.Id", "inflight", "Metrics.member.3.ReturnData", "false",
		"Metrics.member.3.MetricStat.Metric.Namespace", "AWS/SQS", "Metrics.member.3.MetricStat.Metric.MetricName", notVisible,
		"Metrics.member.3.MetricStat.Metric.Dimensions.member.1.Name", "QueueName", "Metrics.member.3.MetricStat.Metric.Dimensions.member.1.Value", "dlq",
		"Metrics.member.3.MetricStat.Period", "60", "Metrics.member.3.MetricStat.Stat", "Maximum",
		"Tags.member.1.Key", "team", "Tags.member.1.Value", "a<b",
	)
	require.Equal(t, 200, status, body)
	r.minute(gauge(visible, 0), gauge(notVisible, 1))

	status, body = r.query(false, "DescribeAlarms", "AlarmNames.member.1", "held", "AlarmTypes.member.1", "MetricAlarm")
	require.Equal(t, 200, status)
	var out struct {
		XMLName xml.Name `xml:"http://monitoring.amazonaws.com/doc/2010-08-01/ DescribeAlarmsResponse"`
		Alarms  []struct {
			AlarmArn, StateValue, StateReason string
			ActionsEnabled                    bool
			AlarmActions                      []string `xml:"AlarmActions>member"`
			Threshold                         *float64
			Metrics                           []struct {
				ID         string `xml:"Id"`
				Expression string
				ReturnData bool
				Dimension  []struct{ Name, Value string } `xml:"MetricStat>Metric>Dimensions>member"`
				Stat       string                         `xml:"MetricStat>Stat"`
			} `xml:"Metrics>member"`
			Dimensions *struct{}
			Period     *int
		} `xml:"DescribeAlarmsResult>MetricAlarms>member"`
	}
	require.NoError(t, xml.Unmarshal([]byte(body), &out), body)
	require.Len(t, out.Alarms, 1)
	a := out.Alarms[0]
	require.Equal(t, alarmPrefix+"held", a.AlarmArn)
	require.Equal(t, stateAlarm, a.StateValue)
	require.True(t, a.ActionsEnabled)
	require.Equal(t, []string{testTopic}, a.AlarmActions)
	require.Equal(t, 0.0, *a.Threshold, "zero is a threshold")
	require.Nil(t, a.Period)
	require.Len(t, a.Metrics, 3)
	require.Equal(t, "visible + inflight", a.Metrics[0].Expression)
	require.Equal(t, "QueueName", a.Metrics[2].Dimension[0].Name)
	require.False(t, a.Metrics[2].ReturnData)
	require.Contains(t, body, "<ReturnData>false</ReturnData>")

	status, body = r.query(false, "ListTagsForResource", "ResourceARN", a.AlarmArn)
	require.Equal(t, 200, status)
	require.Contains(t, body, "<ListTagsForResourceResult><Tags><member><Key>team</Key><Value>a&lt;b</Value></member></Tags></ListTagsForResourceResult>")
	status, body = r.query(false, "UntagResource", "ResourceARN", a.AlarmArn, "TagKeys.member.1", "team")
	require.Equal(t, 200, status)
	require.Contains(t, body, "<UntagResourceResult/>", "clients look for the element, though it is empty")
	status, body = r.query(false, "TagResource", "ResourceARN", a.AlarmArn, "Tags.member.1.Key", "k", "Tags.member.1.Value", "")
	require.Equal(t, 200, status)
	require.Contains(t, body, "<TagResourceResult/>")
	status, body = r.query(false, "DeleteDashboards")
	require.Equal(t, 200, status)
	require.Contains(t, body, "<DeleteDashboardsResult/>")
	status, body = r.query(false, "DeleteAlarms", "AlarmNames.member.1", "held")
	require.Equal(t, 200, status, body)
	_, body = r.query(false, "DescribeAlarms", "AlarmNames.member.1", "held")
	require.Contains(t, body, "<MetricAlarms></MetricAlarms>")
}

func TestQueryErrorsAreXML(t *testing.T) {
	r := newRig(t)
	status, body := r.query(false, "SetAlarmState", "AlarmName", "x", "StateValue", "INVALID", "StateReason", "y")
	require.Equal(t, 400, status)
	require.Contains(t, body, "<Type>Sender</Type><Code>ValidationError</Code><Message>1 validation error detected: ")
	status, body = r.query(false, "SetAlarmState", "AlarmName", "x", "StateValue", "OK", "StateReason", "y")
	require.Equal(t, 404, status)
	require.Contains(t, body, "<Code>ResourceNotFound</Code>")
	status, body = r.query(false, "PutAnomalyDetector")
	require.Equal(t, 501, status)
	require.Contains(t, body, "PutAnomalyDetector")
}

func TestPutMetricDataMayBeZipped(t *testing.T) {
	r := newRig(t)
	status, body := r.query(true, "PutMetricData", "Namespace", "app", "MetricData.member.1.MetricName", "m", "MetricData.member.1.Value", "7",
		"MetricData.member.1.Dimensions.member.1.Name", "d", "MetricData.member.1.Dimensions.member.1.Value", "v", "MetricData.member.1.Timestamp", "2026-11-24T09:00:30Z")
	require.Equal(t, 200, status, body)
	status, body = r.query(false, "GetMetricStatistics", "Namespace", "app", "MetricName", "m", "Dimensions.member.1.Name", "d", "Dimensions.member.1.Value", "v",
		"StartTime", "2026-11-24T09:00:00Z", "EndTime", "2026-11-24T09:05:00Z", "Period", "60", "Statistics.member.1", "Sum")
	require.Equal(t, 200, status)
	require.Contains(t, body, "<Datapoints><member><Timestamp>2026-11-24T09:00:00.000Z</Timestamp><Sum>7</Sum><Unit>None</Unit></member></Datapoints>")
}

func TestTheJSONProtocolIsServed(t *testing.T) {
	r := newRig(t)
	call := func(op, in string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url, strings.NewReader(in))
		require.NoError(t, err)
		req.Header.Set("X-Amz-Target", "GraniteServiceVersion20100801."+op)
		req.Header.Set("Content-Type", "application/x-amz-json-1.0")
		return r.send(req)
	}
	status, body := call("PutMetricData", `{"Namespace":"app","MetricData":[{"MetricName":"m","Value":2,"Timestamp":1795510800}]}`)
	require.Equal(t, 200, status, body)
	status, body = call("ListMetrics", `{"Namespace":"app"}`)
	require.Equal(t, 200, status)
	require.JSONEq(t, `{"Metrics":[{"Namespace":"app","MetricName":"m","Dimensions":[]}]}`, body)
	status, body = call("SetAlarmState", `{"AlarmName":"x","StateValue":"NO","StateReason":""}`)
	require.Equal(t, 400, status)
	require.Contains(t, body, `"__type":"com.amazonaws.cloudwatch#ValidationException"`)
}
