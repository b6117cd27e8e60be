package cloudwatch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

// putDashboard returns the warnings.
func (r *rig) putDashboard(name, body string) ([]types.DashboardValidationMessage, error) {
	out, err := r.sdk.PutDashboard(r.t.Context(), &cw.PutDashboardInput{DashboardName: &name, DashboardBody: &body})
	if err != nil {
		return nil, err
	}
	return out.DashboardValidationMessages, nil
}

// everything uses each kind of property that is checked.
const everything = `{"start":"-PT6H","end":"-PT1H","periodOverride":"inherit","variables":[],"widgets":[
	{"type":"metric","x":0,"y":0,"width":12,"height":6,"properties":{"region":"us-east-1","title":"t","period":60,"stat":"p99.9","view":"timeSeries","stacked":true,
		"liveData":false,"sparkline":true,"setPeriodToTimeRange":true,"singleValueFullPrecision":false,"legend":{"position":"hidden"},"timezone":"+0130",
		"yAxis":{"left":{"min":0,"max":10.5,"label":"Messages","showUnits":false},"right":{"min":0}},
		"annotations":{"horizontal":[{"value":5,"label":"l","color":"#d62728","fill":"above","visible":true,"yAxis":"right"},[{"value":1},{"value":2,"label":"band"}]],
			"vertical":[{"value":"2026-11-24T09:00:00.000Z","fill":"before"}]},
		"metrics":[["AWS/SQS","NumberOfMessagesSent","QueueName","q",{"id":"m1","stat":"Sum","period":1,"color":"#00ff00","label":"l","visible":false,"yAxis":"right","region":"eu-west-1","accountId":"111122223333"}],
			["...","r"],[".","NumberOfMessagesDeleted",".","."],[{"expression":"SUM(METRICS())","id":"e1","label":"sum"}],["app","m"]]}},
	{"type":"text","properties":{"markdown":"hi","background":"transparent"}},
	{"type":"alarm","properties":{"title":"t","alarms":["arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"],"sortBy":"stateUpdatedTimestamp","states":["ALARM","INSUFFICIENT_DATA","OK"]}},
	{"type":"metric","properties":{"annotations":{"alarms":["arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"]},"stat":"tm99"}},
	{"type":"log","properties":{"region":"us-east-1","query":"SOURCE 'g' | fields @message"}},
	{"type":"custom","properties":{"endpoint":"arn"}},
	{"type":"explorer","properties":{"metrics":[]}}]}`

func TestDashboardsAreGlobalAndKeptAsTheyWerePut(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	for name, body := range map[string]string{"fleet": everything, "empty": `{"widgets":[]}`} {
		warnings, err := r.putDashboard(name, body)
		require.NoError(t, err)
		require.Empty(t, warnings)
	}
	got, err := r.client("eu-west-1").GetDashboard(ctx, &cw.GetDashboardInput{DashboardName: aws.String("fleet")})
	require.NoError(t, err, "dashboards are global")
	require.Equal(t, everything, *got.DashboardBody)
	require.Equal(t, "arn:aws:cloudwatch::000000000000:dashboard/fleet", *got.DashboardArn)
	listed, err := r.sdk.ListDashboards(ctx, &cw.ListDashboardsInput{DashboardNamePrefix: aws.String("f")})
	require.NoError(t, err)
	require.Len(t, listed.DashboardEntries, 1)
	require.Equal(t, int64(len(everything)), *listed.DashboardEntries[0].Size)
	_, err = r.sdk.DeleteDashboards(ctx, &cw.DeleteDashboardsInput{DashboardNames: []string{"fleet", "none"}})
	require.Equal(t, "ResourceNotFound", code(err))
	_, err = r.sdk.DeleteDashboards(ctx, &cw.DeleteDashboardsInput{DashboardNames: []string{"fleet"}})
	require.NoError(t, err)
	_, err = r.sdk.GetDashboard(ctx, &cw.GetDashboardInput{DashboardName: aws.String("fleet")})
	require.Equal(t, "ResourceNotFound", code(err))
	_, err = r.putDashboard("not a name", `{"widgets":[]}`)
	require.ErrorContains(t, err, "contains invalid characters")
}

// TestBrokenDashboardsAreRefusedAsAWSDoes has what was seen from AWS, with where it was
// told.
func TestBrokenDashboardsAreRefusedAsAWSDoes(t *testing.T) {
	r := newRig(t)
	metric := func(rows string) string {
		return `{"widgets":[{"type":"metric","properties":{"region":"us-east-1","metrics":` + rows + `}}]}`
	}
	for _, tt := range []struct {
		name, body, want string
	}{
		{"no alarms", // aws-solutions-library-samples/guidance-for-automating-network-monitoring-and-alerting-on-aws#7
			`{"widgets":[{"type":"alarm","properties":{"alarms":[]}}]}`,
			"The dashboard body is invalid, there are 1 validation errors:\n[\n  {\n    \"dataPath\": \"/widgets/0/properties/alarms\",\n    \"message\": \"Should NOT have less than 1 items\"\n  }\n]"},
		{"neither metrics nor annotations", // aws-samples/aws-eda-slurm-cluster#116
			`{"widgets":[{"type":"metric","properties":{}}]}`,
			"The dashboard body is invalid, there are 3 validation errors:\n[\n  {\n    \"dataPath\": \"/widgets/0/properties\",\n    \"message\": \"Should have required property 'metrics'\"\n  },\n  {\n    \"dataPath\": \"/widgets/0/properties\",\n    \"message\": \"The metric widget should have specified a region and a data source or an alarm annotation\"\n  },\n  {\n    \"dataPath\": \"/widgets/0/properties\",\n    \"message\": \"Should have required property 'annotations'\"\n  }\n]"},
		{"rows that are no arrays", // pulumi/pulumi#13059
			metric(`["AWS/EC2"]`),
			"The dashboard body is invalid, there are 2 validation errors:\n[\n  {\n    \"dataPath\": \"/widgets/0/properties/metrics/0\",\n    \"message\": \"Should be array\"\n  },\n  {\n    \"dataPath\": \"/widgets/0/properties/metrics/0\",\n    \"message\": \"Field \\\"metrics\\\" has to be an array of array of strings, with an optional metricRenderer object as last element\"\n  }\n]"},
		{"a color by its name", // aws/aws-cdk#5026
			metric(`[["ECSLogs","Errors",{"color":"red"}]]`),
			"The dashboard body is invalid, there are 1 validation errors:\n[\n  {\n    \"dataPath\": \"/widgets/0/properties/metrics/0\",\n    \"message\": \"Should NOT have more than 2 items\"\n  }\n]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := r.putDashboard("bad", tt.body)
			require.Equal(t, "InvalidParameterInput", code(err))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestBrokenDashboardsAreRefused(t *testing.T) {
	r := newRig(t)
	for bad, want := range map[string]string{
		`nonsense`:                 "must be a valid JSON object",
		`[]`:                       "must be a valid JSON object",
		`null`:                     "must be a valid JSON object",
		`{}`:                       "Should have required property 'widgets'",
		`{"widgets":1}`:            "Should be array",
		`{"widgets":[1]}`:          "Should be object",
		`{"widgets":[],"start":1}`: "Should be string",
		`{"widgets":[],"periodOverride":"never"}`:                                                         "Should be equal to one of the allowed values",
		`{"widgets":[{"properties":{}}]}`:                                                                 "Should have required property 'type'",
		`{"widgets":[{"type":"text"}]}`:                                                                   "Should have required property 'properties'",
		`{"widgets":[{"type":"pie","properties":{}}]}`:                                                    "Should be equal to one of the allowed values",
		`{"widgets":[{"type":"text","properties":1}]}`:                                                    "Should be object",
		`{"widgets":[{"type":"text","properties":{}}]}`:                                                   "Should have required property 'markdown'",
		`{"widgets":[{"type":"text","properties":{"markdown":1}}]}`:                                       "Should be string",
		`{"widgets":[{"type":"text","x":24,"properties":{"markdown":""}}]}`:                               "Should be <= 23",
		`{"widgets":[{"type":"text","y":-1,"properties":{"markdown":""}}]}`:                               "Should be >= 0",
		`{"widgets":[{"type":"text","width":0.5,"properties":{"markdown":""}}]}`:                          "Should be integer",
		`{"widgets":[{"type":"text","width":25,"properties":{"markdown":""}}]}`:                           "Should be <= 24",
		`{"widgets":[{"type":"text","height":1001,"properties":{"markdown":""}}]}`:                        "Should be <= 1000",
		`{"widgets":[{"type":"alarm","properties":{"alarms":["a"],"sortBy":"name"}}]}`:                    "Should be equal to one of the allowed values",
		`{"widgets":[{"type":"alarm","properties":{"alarms":["a"],"states":["BAD"]}}]}`:                   "/widgets/0/properties/states/0",
		`{"widgets":[{"type":"alarm","properties":{"alarms":[null]}}]}`:                                   "/widgets/0/properties/alarms/0",
		`{"widgets":[{"type":"log","properties":{"query":"q"}}]}`:                                         "Should have required property 'region'",
		`{"widgets":[{"type":"custom","properties":{}}]}`:                                                 "Should have required property 'endpoint'",
		`{"widgets":[{"type":"metric","properties":{"metrics":[["AWS/SQS","NumberOfMessages"]]}}]}`:       "Should have required property 'region'",
		`{"widgets":[{"type":"alarm","properties":{"alarms":[` + strings.Repeat(`"a",`, 100) + `"a"]}}]}`: "Should NOT have more than 100 items",
		`{"widgets":[` + strings.Repeat(`1,`, 500) + `1]}`:                                                "Should NOT have more than 500 items",
	} {
		t.Run(bad[:min(len(bad), 120)], func(t *testing.T) {
			_, err := r.putDashboard("bad", bad)
			require.Equal(t, "InvalidParameterInput", code(err))
			require.ErrorContains(t, err, want)
		})
	}
}

func TestBrokenMetricWidgetsAreRefused(t *testing.T) {
	r := newRig(t)
	for properties, want := range map[string]string{
		`"period":90`:                                                    `"/widgets/0/properties/period",\n    "message": "Should be multiple of 60"`,
		`"period":"60"`:                                                  "Should be integer",
		`"stat":"Median"`:                                                "/widgets/0/properties/stat",
		`"view":"graph"`:                                                 "/widgets/0/properties/view",
		`"stacked":"no"`:                                                 "Should be boolean",
		`"legend":{"position":"top"}`:                                    "/widgets/0/properties/legend/position",
		`"yAxis":{"left":{"min":"0"}}`:                                   "Should be number",
		`"yAxis":{"right":[]}`:                                           "/widgets/0/properties/yAxis/right",
		`"annotations":{"horizontal":[{"label":"l"}]}`:                   "Should have required property 'value'",
		`"annotations":{"horizontal":[{"value":"l"}]}`:                   "/widgets/0/properties/annotations/horizontal/0/value",
		`"annotations":{"horizontal":[[{"value":1}]]}`:                   "Should NOT have less than 2 items",
		`"annotations":{"vertical":[{"value":1}]}`:                       "/widgets/0/properties/annotations/vertical/0/value",
		`"annotations":{"alarms":[]}`:                                    "/widgets/0/properties/annotations/alarms",
		`"annotations":{"horizontal":[{"value":1,"color":"red"}]}`:       "Should match pattern",
		`"metrics":[[]]`:                                                 "Should NOT have less than 1 items",
		`"metrics":[["a","m",1]]`:                                        `/widgets/0/properties/metrics/0/2",\n    "message": "Invalid metric field type, only \"String\" type is allowed"`,
		`"metrics":[["a","m","d",""]]`:                                   "/widgets/0/properties/metrics/0/3",
		`"metrics":[["a","m","d",null]]`:                                 "/widgets/0/properties/metrics/0/3",
		`"metrics":[["a","m",{"stat":"Sum"},{"label":"l"}]]`:             "/widgets/0/properties/metrics/0/2",
		`"metrics":[["a","m",{"dimensions":{"d":"v"}}]]`:                 "Should NOT have more than 2 items",
		`"metrics":[["a","m","d","v",{"stat":"Median"}]]`:                "Should NOT have more than 4 items",
		`"metrics":[["a","m",{"id":"M1"}]]`:                              "Should NOT have more than 2 items",
		`"metrics":[["a","m",{"period":61}]]`:                            "Should NOT have more than 2 items",
		`"metrics":[["a","m",{"expression":"m1"}]]`:                      "Should NOT have more than 2 items",
		`"metrics":[[{"expression":1}]]`:                                 "Should NOT have more than 0 items",
		`"metrics":[[{"label":"l"}]]`:                                    "Should have required property 'expression'",
		`"metrics":[` + strings.Repeat(`["a","m"],`, 500) + `["a","m"]]`: "Should NOT have more than 500 items",
	} {
		t.Run(properties[:min(len(properties), 80)], func(t *testing.T) {
			if !strings.HasPrefix(properties, `"metrics"`) {
				properties += `,"metrics":[["a","m"]]`
			}
			_, err := r.putDashboard("bad", `{"widgets":[{"type":"metric","properties":{"region":"us-east-1",`+properties+`}}]}`)
			require.Equal(t, "InvalidParameterInput", code(err))
			require.ErrorContains(t, err, strings.ReplaceAll(want, `\n`, "\n"))
		})
	}
}

// TestOddDashboardsArePutWithWarnings expects the words that AWS was seen to use for a
// widget (awslabs/aws-healthomics-tools).
func TestOddDashboardsArePutWithWarnings(t *testing.T) {
	r := newRig(t)
	unexpected := func(name string) string {
		return fmt.Sprintf("The %q property is not expected to be part of a widget definition, will be ignored", name)
	}
	rows := slices.Repeat([][]string{{"a", "m"}}, 500)
	full, err := json.Marshal(map[string]any{"type": "metric", "properties": map[string]any{"region": "us-east-1", "metrics": rows}})
	require.NoError(t, err)
	for _, tt := range []struct {
		name, body, path, want string
	}{
		{"an unknown property of a widget", `{"widgets":[{"type":"text","z":1,"properties":{"markdown":""}}]}`, "/widgets/0", unexpected("z")},
		{"an unknown property of a metric widget", `{"widgets":[{"type":"metric","properties":{"region":"r","perod":60,"metrics":[["a","m"]]}}]}`, "/widgets/0/properties", unexpected("perod")},
		{"more metrics than can be shown", `{"widgets":[` + strings.Repeat(string(full)+",", 5) + `{"type":"metric","properties":{"region":"r","metrics":[["a","m"]]}}]}`, "/widgets", "The dashboard has 2501 metrics, more than 2500: not all will be shown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			warnings, err := r.putDashboard("odd", tt.body)
			require.NoError(t, err)
			require.Len(t, warnings, 1)
			require.Equal(t, tt.path, *warnings[0].DataPath)
			require.Equal(t, tt.want, *warnings[0].Message)
			got, err := r.sdk.GetDashboard(t.Context(), &cw.GetDashboardInput{DashboardName: aws.String("odd")})
			require.NoError(t, err)
			require.Equal(t, tt.body, *got.DashboardBody)
		})
	}
}
