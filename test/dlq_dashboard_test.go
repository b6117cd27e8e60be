package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// dashboardFleet is what the fixture dashboard deploys.
type dashboardFleet struct {
	queues map[string]struct {
		QueueName string `json:"queue_name"`
		QueueURL  string `json:"queue_url"`
		DLQName   string `json:"dlq_name"`
		DLQURL    string `json:"dlq_url"`
	}
	alarms map[string]map[string]*string // ARNs
}

func (s *stack) dashboardFleet(t *testing.T) *dashboardFleet {
	t.Helper()
	f := &dashboardFleet{}
	s.output(t, "queues", &f.queues)
	s.output(t, "alarm_arns", &f.alarms)
	require.NotEmpty(t, f.queues)
	require.Len(t, f.alarms, len(f.queues))
	return f
}

// TestDLQDashboard deploys both layouts for a fleet, lets messages flow and has everything
// resolved that the dashboards show.
func TestDLQDashboard(t *testing.T) {
	needsTerraform(t)
	s := deploy(t, "fixtures/dashboard", map[string]any{"prefix": uniqueName("d")})
	s.requireNoChanges(t)
	fleet := s.dashboardFleet(t)
	var dashboards map[string]struct {
		Name string `json:"dashboard_name"`
		ARN  string `json:"dashboard_arn"`
		Body string `json:"dashboard_body"`
	}
	s.output(t, "dashboards", &dashboards)
	require.Len(t, dashboards, 2)
	if s.virtual() {
		require.NoError(t, fleet.flow(s.ctx, s.target.Target, s.sqs))
	}
	for layout, d := range dashboards {
		t.Run(layout, func(t *testing.T) {
			got, err := s.cloudwatch.GetDashboard(s.ctx, &cloudwatch.GetDashboardInput{DashboardName: &d.Name})
			require.NoError(t, err)
			require.Equal(t, d.ARN, *got.DashboardArn)
			require.JSONEq(t, d.Body, *got.DashboardBody)
			require.NoError(t, fleet.checkDashboard(s.ctx, s.target.Target, d.Name))
			if s.target.Server == nil {
				return
			}
			t.Run("edited by hand", func(t *testing.T) {
				fleet.requireEditsAreNoticed(t, s, *got.DashboardBody)
			})
		})
	}
}

// requireEditsAreNoticed puts broken variants of a dashboard.
func (f *dashboardFleet) requireEditsAreNoticed(t *testing.T, s *stack, body string) {
	t.Helper()
	name := uniqueName("edited")
	t.Cleanup(func() {
		_, err := s.cloudwatch.DeleteDashboards(context.Background(), &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{name}})
		require.NoError(t, err)
	})
	_, err := s.cloudwatch.PutDashboard(t.Context(), &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: &body})
	require.NoError(t, err)
	for _, edit := range []struct{ name, old, new, refused, caughtBy string }{
		{"no region", `"region":"us-east-1",`, ``, "Should have required property 'region'", ""},
		{"a period that CloudWatch doesn't have", `"period":300`, `"period":301`, "Should be multiple of 60", ""},
		{"an alarm widget without alarms", `"alarms":["`, `"alarms":[],"was":["`, "Should NOT have less than 1 items", ""},
		{"a dimension without value", `["AWS/SQS","NumberOfMessagesSent","QueueName",`, `["AWS/SQS","NumberOfMessagesSent","QueueName","",`, "Invalid metric field type", ""},
		{"a misspelt property", `"sortBy"`, `"sortby"`, "", "not expected"},
		{"a metric that doesn't exist", `"NumberOfMessagesSent"`, `"NumberOfMessageSent"`, "", "no data"},
		{"a dimension that doesn't exist", `["AWS/SQS","NumberOfMessagesSent","QueueName"`, `["AWS/SQS","NumberOfMessagesSent","Queue"`, "", "no data"},
		{"another region", `"region":"us-east-1"`, `"region":"eu-west-1"`, "", "no data"},
		{"widgets on top of each other", `"x":18`, `"x":12`, "", "overlap"},
		{"a widget beyond the grid", `"x":18`, `"x":20`, "", "24 columns"},
		{"an alarm that doesn't exist", `"alarms":["`, `"alarms":["arn:aws:cloudwatch:us-east-1:000000000000:alarm:none","`, "", "doesn't exist"},
		{"a total of something else", `SUM(FILL(METRICS(), REPEAT))`, `SUM(METRICS(\"visible\"))`, "", "total"},
	} {
		t.Run(edit.name, func(t *testing.T) {
			broken := strings.Replace(body, edit.old, edit.new, 1)
			require.NotEqual(t, body, broken, "%s is not in the body", edit.old)
			_, err := s.cloudwatch.PutDashboard(t.Context(), &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: &broken})
			if edit.refused != "" {
				require.ErrorContains(t, err, edit.refused)
				return
			}
			require.NoError(t, err)
			require.ErrorContains(t, f.checkDashboard(t.Context(), s.target.Target, name), edit.caughtBy)
		})
	}
}

// dashboardDefects are edits of the module that Terraform and CloudWatch accept.
func dashboardDefects() []struct{ name, layout, file, old, new, caughtBy string } {
	return []struct{ name, layout, file, old, new, caughtBy string }{
		{"a total of a metric that doesn't exist", "detailed", "overview.tf", `"ApproximateNumberOfMessagesVisible", "QueueName", name`, `"ApproximateNumberOfVisibleMessages", "QueueName", name`, "no data"},
		{"a total of visible messages only", "detailed", "overview.tf", `METRICS()`, `METRICS('visible')`, "total"},
		{"a total of the source queues", "detailed", "overview.tf", "[for queue in var.queues : queue.dlq_name]", "[for queue in var.queues : queue.queue_name]", "total"},
		{"the alarm not-empty left out", "detailed", "overview.tf", "arn if arn != null]", `arn if arn != null && !endswith(coalesce(arn, "-"), "-not-empty")]`, "is not shown"},
		{"a total that shows 0 while SQS publishes", "compact", "overview.tf", `REPEAT)`, `0)`, "total"},
		{"the first alarm widget over the total", "detailed", "overview.tf", "x      = i == 0 ? 6 : 12", "x      = i == 0 ? 5 : 12", "overlap"},
		{"graphs over the overview", "compact", "overview.tf", "queues_y        = local.header_height + local.overview_height", "queues_y        = local.header_height", "overlap"},
		{"rows of pairs over each other", "detailed", "detailed.tf", "x      = 18\n        y      = local.queues_y + 7 * i + 1", "x      = 18\n        y      = local.queues_y + 6 * i + 1", "overlap"},
		{"a graph beyond the grid", "compact", "compact.tf", `{ x = 18, y = 6,`, `{ x = 24 - 5, y = 6,`, "24 columns"},
		{"the source queue in the DLQ's graph", "detailed", "detailed.tf", `"ApproximateNumberOfMessagesVisible", "QueueName", var.queues[key].dlq_name`, `"ApproximateNumberOfMessagesVisible", "QueueName", var.queues[key].queue_name`, "no graph shows ApproximateNumberOfMessagesVisible of"},
		{"source queues for DLQs", "compact", "compact.tf", `graph.of == "dlq"`, `graph.of == "DLQ"`, "no graph shows"},
		{"a misspelt metric", "compact", "compact.tf", `"NumberOfMessagesDeleted"`, `"NumberOfMessageDeleted"`, "no data"},
		{"the wrong statistic", "detailed", "detailed.tf", `stat    = "Sum"`, `stat    = "Average"`, "NumberOfMessagesSent"},
		{"another region", "compact", "main.tf", "{ region = local.region, period = var.period }", `{ region = "eu-west-1", period = var.period }`, "no data"},
	}
}

func TestDashboardDefectsAreNoticed(t *testing.T) {
	needsTerraform(t)
	root := t.TempDir()
	fixture, err := os.ReadFile("fixtures/dashboard/main.tf")
	require.NoError(t, err)
	config := strings.ReplaceAll(string(fixture), "../../../modules/", "./modules/")
	for _, module := range []string{"queue-with-dlq", "dlq-alarms", "dlq-dashboard"} {
		require.NoError(t, os.CopyFS(filepath.Join(root, "modules", module), os.DirFS(filepath.Join("..", "modules", module))))
	}
	for i, d := range dashboardDefects() {
		dir := filepath.Join(root, "modules", fmt.Sprintf("defect-%d", i))
		require.NoError(t, os.CopyFS(dir, os.DirFS("../modules/dlq-dashboard")))
		b, err := os.ReadFile(filepath.Join(dir, d.file))
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(b), d.old), "%q must stand once in %s: adapt the defect %q", d.old, d.file, d.name)
		require.NoError(t, os.WriteFile(filepath.Join(dir, d.file), []byte(strings.Replace(string(b), d.old, d.new, 1)), 0o600))
		config += fmt.Sprintf(`
module "defect-%[1]d" {
  source         = "./modules/defect-%[1]d"
  dashboard_name = "defect-%[1]d"
  queues         = module.queues
  alarm_arns     = module.alarms.alarm_arns
  layout         = %[2]q
}
`, i, d.layout)
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "main.tf"), []byte(config), 0o600))
	s := prepare(t, root, map[string]any{"prefix": "sound"})
	require.NotNil(t, s.target.Server, "defects are planted on the embedded endpoint only")
	s.apply(t)
	fleet := s.dashboardFleet(t)
	require.NoError(t, fleet.flow(t.Context(), s.target.Target, s.sqs))
	t.Run("none", func(t *testing.T) {
		require.NoError(t, fleet.checkDashboard(t.Context(), s.target.Target, "sound-detailed"))
		require.NoError(t, fleet.checkDashboard(t.Context(), s.target.Target, "sound-compact"))
	})
	for i, d := range dashboardDefects() {
		t.Run(d.name, func(t *testing.T) {
			err := fleet.checkDashboard(t.Context(), s.target.Target, fmt.Sprintf("defect-%d", i))
			require.ErrorContains(t, err, d.caughtBy, "the defect survived")
		})
	}
}

// flow makes each queue busy: of four messages one is dead-lettered, one deleted and two
// wait. Somebody looks at the one in the last DLQ. Then half an hour goes by.
func (f *dashboardFleet) flow(ctx context.Context, t dlqtest.Target, client *sqs.Client) error {
	var last string
	for _, key := range slices.Sorted(maps.Keys(f.queues)) {
		url := f.queues[key].QueueURL
		if err := sendPlain(ctx, client, url); err != nil {
			return err
		}
		if err := deadLetter(ctx, client, url, 2); err != nil {
			return err
		}
		if err := sendPlain(ctx, client, url); err != nil {
			return err
		}
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url}, dlqtest.ShortPoll)
		if err != nil {
			return err
		}
		if len(out.Messages) != 1 {
			return fmt.Errorf("received %d messages from %s, want 1", len(out.Messages), key)
		}
		if _, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: out.Messages[0].ReceiptHandle}); err != nil {
			return err
		}
		for range 2 {
			if err := sendPlain(ctx, client, url); err != nil {
				return err
			}
		}
		last = f.queues[key].DLQURL
	}
	out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &last, VisibilityTimeout: 12 * 3600}, dlqtest.ShortPoll)
	if err != nil {
		return err
	}
	if len(out.Messages) != 1 {
		return fmt.Errorf("received %d messages from %s, want 1", len(out.Messages), last)
	}
	return t.Clock.Sleep(ctx, 30*time.Minute)
}

// dashboardBody is the part of "Dashboard body structure and syntax" that is checked.
type dashboardBody struct {
	Widgets []dashboardWidget `json:"widgets"`
}

type dashboardWidget struct {
	Type       string `json:"type"`
	X          int    `json:"x"`
	Y          int    `json:"y"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Properties struct {
		Title   string              `json:"title"`
		Region  string              `json:"region"`
		Period  int32               `json:"period"`
		Stat    string              `json:"stat"`
		Metrics [][]json.RawMessage `json:"metrics"`
		Alarms  []string            `json:"alarms"`
	} `json:"properties"`
}

// checkDashboard holds a dashboard to AWS's rules and has all of it resolved.
func (f *dashboardFleet) checkDashboard(ctx context.Context, t dlqtest.Target, name string) error {
	client := cloudwatch.NewFromConfig(t.Config)
	got, err := client.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: &name})
	if err != nil {
		return err
	}
	// put once more: Terraform doesn't tell what CloudWatch warns of
	put, err := client.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: got.DashboardBody})
	if err != nil {
		return err
	}
	var wrong []error
	for _, m := range put.DashboardValidationMessages {
		wrong = append(wrong, fmt.Errorf("CloudWatch warns of %s: %s", aws.ToString(m.DataPath), aws.ToString(m.Message)))
	}
	var body dashboardBody
	if err := json.Unmarshal([]byte(*got.DashboardBody), &body); err != nil {
		return err
	}
	wrong = append(wrong, checkGrid(body.Widgets), f.checkAlarmWidgets(ctx, client, body.Widgets))
	if t.Clock != nil {
		wrong = append(wrong, f.checkGraphs(ctx, t, body.Widgets))
	}
	return errors.Join(wrong...)
}

// checkGrid wants the widgets within the grid's columns, side by side.
func checkGrid(widgets []dashboardWidget) error {
	taken := map[[2]int]int{}
	for i, w := range widgets {
		if w.X < 0 || w.X+w.Width > 24 || w.Width < 1 || w.Height < 1 {
			return fmt.Errorf("widget %d is not within the 24 columns", i)
		}
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					return fmt.Errorf("widgets %d and %d overlap", other, i)
				}
				taken[[2]int{x, y}] = i
			}
		}
	}
	return nil
}

// checkAlarmWidgets wants the fleet's alarms to be shown, and what is shown to exist.
func (f *dashboardFleet) checkAlarmWidgets(ctx context.Context, client *cloudwatch.Client, widgets []dashboardWidget) error {
	var shown []string
	for _, w := range widgets {
		shown = append(shown, w.Properties.Alarms...)
	}
	for _, alarms := range f.alarms {
		for kind, arn := range alarms {
			if arn != nil && !slices.Contains(shown, *arn) {
				return fmt.Errorf("alarm %s (%s) is not shown", *arn, kind)
			}
		}
	}
	for _, arn := range shown {
		_, name, _ := strings.Cut(arn, ":alarm:")
		out, err := client.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
		if err != nil {
			return err
		}
		if len(out.MetricAlarms) != 1 || *out.MetricAlarms[0].AlarmArn != arn {
			return fmt.Errorf("alarm %s, which is shown, doesn't exist", arn)
		}
	}
	return nil
}

// checkGraphs asks CloudWatch for all that the graphs show, and compares it with what flow
// has done.
func (f *dashboardFleet) checkGraphs(ctx context.Context, t dlqtest.Target, widgets []dashboardWidget) error {
	shown := map[string]float64{} // by metric and queue
	var totals []float64
	for i, w := range widgets {
		if w.Type != "metric" {
			continue
		}
		lines, err := w.resolve(ctx, t)
		if err != nil {
			return fmt.Errorf("widget %d, %q: %w", i, w.Properties.Title, err)
		}
		for _, l := range lines {
			switch {
			case l.expression:
				totals = append(totals, l.value)
			case l.visible:
				shown[l.metric+" of "+l.queue] = l.value
			}
		}
	}
	if want := []float64{float64(len(f.queues))}; !slices.Equal(totals, want) {
		return fmt.Errorf("the total is %v, with a message in each DLQ; want %v", totals, want)
	}
	var wrong []error
	for _, q := range f.queues {
		for metric, least := range map[string]float64{
			"ApproximateNumberOfMessagesVisible of " + q.DLQName:      0,
			"ApproximateAgeOfOldestMessage of " + q.DLQName:           1500,
			"ApproximateNumberOfMessagesVisible of " + q.QueueName:    2,
			"ApproximateNumberOfMessagesNotVisible of " + q.QueueName: 0,
			"ApproximateAgeOfOldestMessage of " + q.QueueName:         1500,
			"NumberOfMessagesSent of " + q.QueueName:                  4,
			"NumberOfMessagesReceived of " + q.QueueName:              3,
			"NumberOfMessagesDeleted of " + q.QueueName:               1,
		} {
			if value, ok := shown[metric]; !ok {
				wrong = append(wrong, fmt.Errorf("no graph shows %s", metric))
			} else if value < least {
				wrong = append(wrong, fmt.Errorf("%s is %v, want at least %v", metric, value, least))
			}
		}
	}
	return errors.Join(wrong...)
}

// dashboardLine is a row of a metric widget with what CloudWatch has for it: the newest
// value, and of a Sum all values together.
type dashboardLine struct {
	metric, queue       string
	expression, visible bool
	value               float64
}

// resolve asks for the data of the last hour. It is an error if there is none for a row.
func (w *dashboardWidget) resolve(ctx context.Context, t dlqtest.Target) ([]dashboardLine, error) {
	p := w.Properties
	client := cloudwatch.NewFromConfig(t.Config, func(o *cloudwatch.Options) { o.Region = p.Region })
	var queries []cwtypes.MetricDataQuery
	lines := map[string]*dashboardLine{}
	var above []string
	for i, row := range p.Metrics {
		drawn := struct {
			ID, Expression, Stat string
			Period               int32
			Visible              *bool
		}{ID: fmt.Sprintf("row%d", i), Stat: p.Stat, Period: p.Period}
		names, err := readRow(row, above, &drawn)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		line := &dashboardLine{expression: drawn.Expression != "", visible: drawn.Visible == nil || *drawn.Visible}
		query := cwtypes.MetricDataQuery{Id: &drawn.ID}
		if line.expression {
			query.Expression = &drawn.Expression
		} else {
			if len(names) != 4 || names[2] == "" {
				return nil, fmt.Errorf("row %d is %q, want a metric with one dimension", i, names)
			}
			above, line.metric, line.queue = names, names[1], names[3]
			query.MetricStat = &cwtypes.MetricStat{
				Stat: &drawn.Stat, Period: &drawn.Period,
				Metric: &cwtypes.Metric{Namespace: &names[0], MetricName: &names[1], Dimensions: []cwtypes.Dimension{{Name: &names[2], Value: &names[3]}}},
			}
		}
		queries, lines[drawn.ID] = append(queries, query), line
	}
	now := t.Clock.Now()
	out, err := client.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
		MetricDataQueries: queries, StartTime: aws.Time(now.Add(-time.Hour)), EndTime: &now, ScanBy: cwtypes.ScanByTimestampDescending,
	})
	if err != nil {
		return nil, err
	}
	for _, r := range out.MetricDataResults {
		l := lines[*r.Id]
		if len(r.Values) == 0 {
			return nil, fmt.Errorf("CloudWatch has no data for %s of %s", l.metric, l.queue)
		}
		l.value = r.Values[0]
		if p.Stat == "Sum" {
			for _, v := range r.Values[1:] {
				l.value += v
			}
		}
	}
	resolved := make([]dashboardLine, 0, len(lines))
	for _, l := range lines {
		resolved = append(resolved, *l)
	}
	if len(out.MetricDataResults) != len(queries) {
		return nil, fmt.Errorf("CloudWatch returned %d series for %d rows", len(out.MetricDataResults), len(queries))
	}
	return resolved, nil
}

// readRow reads a row: the strings, with "." for the one above and "..." for all of those
// but the last, and the object at the end.
func readRow(row []json.RawMessage, above []string, drawn any) ([]string, error) {
	var names []string
	for i, cell := range row {
		var s string
		if json.Unmarshal(cell, &s) != nil {
			if i != len(row)-1 {
				return nil, fmt.Errorf("%s stands before the end", cell)
			}
			return names, json.Unmarshal(cell, drawn)
		}
		switch {
		case s == "..." && i == 0 && len(above) > 0:
			names = append(names, above[:len(above)-(len(row)-1-objects(row))]...)
		case s == "." && i < len(above):
			names = append(names, above[i])
		case s == "..." || s == ".":
			return nil, fmt.Errorf("there is nothing that %q could repeat", s)
		default:
			names = append(names, s)
		}
	}
	return names, nil
}

// objects is 1 if the row ends with an object, else 0.
func objects(row []json.RawMessage) int {
	if strings.HasPrefix(string(row[len(row)-1]), "{") {
		return 1
	}
	return 0
}
