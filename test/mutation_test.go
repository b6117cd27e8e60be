package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

// The suite is tested, too: a defect planted in a module or in the endpoint must make it
// fail, and for the right reason. One that survives is a failing test.

// checkEverything runs all checks on a pair that was deployed to the embedded endpoint.
func checkEverything(ctx context.Context, s *sdkClients, p pair, maxReceiveCount int) error {
	return errors.Join(
		checkProof(ctx, s.target, p, maxReceiveCount, true),
		checkSilence(ctx, s.target, s.cloudwatch, p.AlarmName),
		checkOnlySourceAllowed(ctx, s.sqs, p),
		checkRetention(ctx, s.target, s.sqs, p, maxReceiveCount, 4*day, 14*day),
	)
}

// moduleDefect is an edit of a module's source.
type moduleDefect struct {
	name, module, old, new string
	caughtBy               string // part of what the checks then say
}

func moduleDefects() []moduleDefect {
	const queues, alarms = "queue-with-dlq", "dlq-alarms"
	return []moduleDefect{
		{"one receive more", queues, `maxReceiveCount     = local.max_receive_count`, `maxReceiveCount     = local.max_receive_count + 1`, "exact: VIOLATED"},
		{"one receive less", queues, `maxReceiveCount     = local.max_receive_count`, `maxReceiveCount     = local.max_receive_count - 1`, "exact: VIOLATED"},
		{"redriven to another queue", queues, "deadLetterTargetArn = local.dlq.arn", "deadLetterTargetArn = aws_sqs_queue.decoy.arn", "dead-lettered: VIOLATED"},
		{"no redrive policy", queues, `redrive_policy = jsonencode({
    deadLetterTargetArn = local.dlq.arn
    maxReceiveCount     = local.max_receive_count
  })`, "", "exact: VIOLATED"},
		{"no redrive-allow policy", queues, "redrive_allow_policy = local.redrive_allow_policy", "", "could make it its DLQ"},
		{"a short retention of the DLQ", queues, "message_retention_seconds = var.dlq_message_retention_seconds", "message_retention_seconds = var.message_retention_seconds", "retention of the DLQ"},
		{"a short retention of the source", queues, "message_retention_seconds  = var.message_retention_seconds", "message_retention_seconds  = 86400", "retention of the source queue"},
		{"another visibility timeout", queues, "visibility_timeout_seconds = local.visibility_timeout_seconds", "visibility_timeout_seconds = 31", "VisibilityTimeout"},
		{"queues that aren't encrypted", queues, "var.kms_key_id == null ? true : null", "var.kms_key_id == null ? false : null", "SqsManagedSseEnabled"},
		{"plain HTTP allowed on the source", queues, "policy = local.source_policy", "", "Policy of"},
		{"plain HTTP allowed on the DLQ", queues, "policy               = local.dlq_policy", "", "Policy of"},

		{"an alarm on the source queue", alarms, `dimensions  = { QueueName = local.not_empty[each.key].name }`, `dimensions  = { QueueName = trimsuffix(local.not_empty[each.key].name, "-dlq") }`, "alarmed: VIOLATED"},
		{"an alarm that wants two messages", alarms, "threshold           = 0", "threshold           = 1", "alarmed: VIOLATED"},
		{"an alarm that is always on", alarms, `"GreaterThanThreshold"`, `"GreaterThanOrEqualToThreshold"`, "alarmed: VIOLATED"},
		{"an alarm that counts samples", alarms, `stat        = "Maximum"`, `stat        = "SampleCount"`, "alarmed: VIOLATED"},
		{"a slow alarm", alarms, "period      = 60", "period      = 3600", "alarmed: VIOLATED"},
		{"an alarm of many periods", alarms, "evaluation_periods  = 1\n  datapoints_to_alarm = 1", "evaluation_periods  = 15\n  datapoints_to_alarm = 15", "alarmed: VIOLATED"},
		{"an alarm on visible messages only", alarms, `"ApproximateNumberOfMessagesNotVisible"`, `"ApproximateNumberOfMessagesDelayed"`, "alarmed: VIOLATED"},
		{"an alarm that takes silence for a fault", alarms, "treat_missing_data  = local.not_empty[each.key].treat_missing_data", `treat_missing_data  = "breaching"`, "after a silent night"},
		{"an alarm that knows nothing in silence", alarms, "treat_missing_data  = local.not_empty[each.key].treat_missing_data", `treat_missing_data  = "missing"`, "after a silent night"},
		{"an alarm that tells nobody", alarms, "alarm_actions             = local.not_empty[each.key].alarm_actions", "alarm_actions             = []", "alarmed: VIOLATED"},
		{"an alarm that doesn't tell its end", alarms, "ok_actions                = local.not_empty[each.key].ok_actions", "ok_actions                = []", "alarmed: VIOLATED"},
	}
}

// alarmDefects are edits of dlq-alarms that only the checks of its other alarms notice.
func alarmDefects() []moduleDefect {
	const alarms = "dlq-alarms"
	return []moduleDefect{
		{"time in the source forgotten", alarms, `try(dlq.dlq_message_retention_seconds - dlq.message_retention_seconds, null)`, `dlq.dlq_message_retention_seconds`, "about to expire: 5h2m0s after the move: alarm"},
		{"age of the source's messages", alarms, "metric_name = \"ApproximateAgeOfOldestMessage\"\n  dimensions  = { QueueName = local.about_to_expire[each.key].name }", "metric_name = \"ApproximateAgeOfOldestMessage\"\n  dimensions  = { QueueName = trimsuffix(local.about_to_expire[each.key].name, \"-dlq\") }", "about to expire: 5h2m0s after the move: alarm"},
		{"expiry warned of too early", alarms, `floor(coalesce(`, `floor(0.1 * coalesce(`, "about to expire: 4h58m0s after the move: alarm"},
		{"alarms on ages that outlast their messages", alarms, "threshold           = local.about_to_expire[each.key].age_seconds\n  evaluation_periods  = 1\n  datapoints_to_alarm = 1\n  treat_missing_data  = \"notBreaching\"", "threshold           = local.about_to_expire[each.key].age_seconds\n  evaluation_periods  = 1\n  datapoints_to_alarm = 1\n  treat_missing_data  = \"ignore\"", "about to expire: after the DLQ was emptied: alarm"},
		{"depth instead of growth", alarms, `"DIFF(FILL(visible, 0) + FILL(in_flight, 0))"`, `"FILL(visible, 0) + FILL(in_flight, 0)"`, "filling fast: a message a minute: it must not fire"},
		{"growth that doesn't know where it began", alarms, `"DIFF(FILL(visible, 0) + FILL(in_flight, 0))"`, `"DIFF(visible + in_flight)"`, "filling fast: many messages after a silent night: it must fire"},
		{"growth in either direction", alarms, `"DIFF(FILL(visible, 0) + FILL(in_flight, 0))"`, `"ABS(DIFF(FILL(visible, 0) + FILL(in_flight, 0)))"`, "filling fast: the DLQ is emptied: it must not fire"},
		{"growth of visible messages only", alarms, `expression  = local.filling_fast[each.key].count_in_flight ?`, `expression  = false ?`, "filling fast: somebody looks at them all: it must not fire"},
		{"maxima that don't add up", alarms, `stat        = "Average"`, `stat        = "Maximum"`, "filling fast: somebody looks at them all: it must not fire"},
		{"messages sent, not dead-lettered", alarms, `for id, metric in local.depth_metrics : id => metric if`, `for id, metric in local.depth_metrics : id => "NumberOfMessagesSent" if`, "filling fast: many messages at once: it must fire"},
		{"one message less is many", alarms, `threshold           = local.filling_fast[each.key].messages`, `threshold           = local.filling_fast[each.key].messages - 1`, "filling fast: one message less than many: it must not fire"},
		{"one message more is many", alarms, `threshold           = local.filling_fast[each.key].messages`, `threshold           = local.filling_fast[each.key].messages + 1`, "filling fast: many messages at once: it must fire"},
		{"longer periods", alarms, `seconds  = coalesce(`, `seconds  = 2 * coalesce(`, "filling fast: a message a minute: it must not fire"},
		{"the age of dead letters", alarms, `dimensions  = { QueueName = local.source_stuck[each.key].source_name }`, `dimensions  = { QueueName = local.source_stuck[each.key].name }`, "source stuck: nobody has received a message for 1h2m0s: alarm"},
		{"an impatient alarm on the source", alarms, `try(min(3600,`, `try(min(60,`, "of a queue that is consumed"},
		{"a patient alarm on the source", alarms, `try(min(3600,`, `try(min(7200,`, "source stuck: nobody has received a message for 1h2m0s: alarm"},
	}
}

func TestModuleDefectsAreNoticed(t *testing.T) {
	needsTerraform(t)
	defects := moduleDefects()
	s := deployDefects(t, defects, notificationsFixture(t), func(w *strings.Builder, name string) { writePair(w, name, "", "") })
	clients := clientsOf(s.target.Target)

	t.Run("none", func(t *testing.T) {
		p := s.pair(t, "sound")
		require.NoError(t, checkEverything(t.Context(), clients, p, 2))
		require.NoError(t, checkModuleAttributes(t.Context(), s.sqs, p))
	})
	for i, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			p := s.pair(t, defectName(i))
			err := errors.Join(checkEverything(t.Context(), clients, p, 2), checkModuleAttributes(t.Context(), s.sqs, p))
			require.ErrorContains(t, err, d.caughtBy, "the defect survived")
		})
	}
}

// TestAlarmDefectsAreNoticed has an endpoint of its own, and queues with short retentions:
// each of many alarms is evaluated in each minute that goes by.
func TestAlarmDefectsAreNoticed(t *testing.T) {
	needsTerraform(t)
	defects := alarmDefects()
	const retention = "message_retention_seconds = 8 * 3600\n  dlq_message_retention_seconds = 18 * 3600"
	const alarms = "filling_fast = { enabled = true }\n  source_stuck = { enabled = true }"
	s := deployDefects(t, defects, notificationsFixture(t), func(w *strings.Builder, name string) { writePair(w, name, retention, alarms) })
	clients := clientsOf(s.target.Target)
	t.Run("none", func(t *testing.T) {
		require.NoError(t, checkOtherAlarms(t.Context(), clients, s.watched(t, "sound")))
	})
	for i, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			err := checkOtherAlarms(t.Context(), clients, s.watched(t, defectName(i)))
			require.ErrorContains(t, err, d.caughtBy, "the defect survived")
		})
	}
}

// checkOtherAlarms runs the checks of the alarms other than not empty.
func checkOtherAlarms(ctx context.Context, c *sdkClients, w watched) error {
	return errors.Join(
		checkQuiet(ctx, c, w),
		checkAboutToExpire(ctx, c, w, 2, 8*time.Hour, 5*time.Hour, 5*time.Hour),
		c.drain(ctx, w.DLQURL, 2*time.Minute),
		checkFillingFast(ctx, c, w, 2, 10, 5*time.Minute),
		checkSourceStuck(ctx, c, w, time.Hour),
	)
}

func (s *stack) watched(t *testing.T, output string) watched {
	t.Helper()
	var w watched
	s.output(t, output, &w)
	return w
}

func (s *stack) pair(t *testing.T, output string) pair {
	t.Helper()
	var p pair
	s.output(t, output, &p)
	return p
}

// notificationsFixture is where the alarms of the deployments tell.
func notificationsFixture(t *testing.T) string {
	t.Helper()
	fixture, err := os.ReadFile("fixtures/notifications/main.tf")
	require.NoError(t, err)
	return string(fixture)
}

// defectName is what the deployment with the i-th defect is called; that without one is
// called sound.
func defectName(i int) string { return fmt.Sprintf("defect-%d", i) }

// deployDefects deploys, all at once, what write writes of sound modules and of modules with
// each of the defects, with the common part of the configuration.
func deployDefects(t *testing.T, defects []moduleDefect, common string, write func(w *strings.Builder, name string)) *stack {
	t.Helper()
	root := t.TempDir()
	var config strings.Builder
	config.WriteString(common)
	copyModules(t, root, "sound", moduleDefect{})
	write(&config, "sound")
	for i, d := range defects {
		copyModules(t, root, defectName(i), d)
		write(&config, defectName(i))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "main.tf"), []byte(config.String()), 0o600))
	s := prepare(t, root, nil)
	require.NotNil(t, s.target.Server, "defects are planted on the embedded endpoint only")
	s.apply(t)
	return s
}

// copyModules copies the modules to a directory of that name, with the defect in them.
func copyModules(t *testing.T, root, name string, d moduleDefect) {
	t.Helper()
	edited := false
	for _, module := range []string{"queue-with-dlq", "dlq-alarms", "dlq-redrive"} {
		dir := filepath.Join(root, name, module)
		require.NoError(t, os.MkdirAll(dir, 0o700))
		files, err := filepath.Glob(filepath.Join("..", "modules", module, "*.tf"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			text := string(b)
			if d.module == module && strings.Contains(text, d.old) {
				require.Equal(t, 1, strings.Count(text, d.old), "%q stands more than once in %s", d.old, file)
				text, edited = strings.Replace(text, d.old, d.new, 1), true
				if strings.Contains(d.new, "decoy") {
					text += "\nresource \"aws_sqs_queue\" \"decoy\" {\n  name = \"${local.name}-decoy\"\n}\n"
				}
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), []byte(text), 0o600))
		}
	}
	require.Equal(t, d.module != "", edited, "%q is not in module %s any more: adapt the defect %q", d.old, d.module, d.name)
}

// writePair writes a queue pair with its alarms, from the modules in the directory, with
// more inputs for either module.
func writePair(w *strings.Builder, name, queueInputs, alarmInputs string) {
	fmt.Fprintf(w, `
module "%[1]s" {
  source            = "./%[1]s/queue-with-dlq"
  name              = "%[1]s"
  max_receive_count = 2
  %[2]s
}

module "%[1]s-alarms" {
  source        = "./%[1]s/dlq-alarms"
  dlqs          = { it = module.%[1]s }
  alarm_actions = [aws_sns_topic.alarms.arn]
  %[3]s
}

output "%[1]s" {
  value = {
    queue_url            = module.%[1]s.queue_url
    queue_arn            = module.%[1]s.queue_arn
    dlq_url              = module.%[1]s.dlq_url
    dlq_arn              = module.%[1]s.dlq_arn
    not_empty_alarm_name = module.%[1]s-alarms.alarm_names["it"].not_empty
    alarms                 = module.%[1]s-alarms.alarm_names["it"]
    notification_queue_url = aws_sqs_queue.ops.url
  }
}
`, name, queueInputs, alarmInputs)
}

// caughtBy says, for each defect of the endpoint, what then complains of it.
func caughtBy() map[awstest.Defect]string {
	return map[awstest.Defect]string{
		"dead-letter-early":                           "exact: VIOLATED",
		"dead-letter-late":                            "exact: VIOLATED",
		"count-reset":                                 "dead-lettered: VIOLATED",
		"lost-on-move":                                "conserved: VIOLATED",
		"body-swapped":                                "intact: VIOLATED",
		"attribute-dropped":                           "intact: VIOLATED",
		"source-arn-missing":                          "dead-lettered: VIOLATED",
		"message-id-changed":                          "intact: VIOLATED",
		"short-retention":                             "retention of the DLQ",
		"resurrected":                                 "conserved: VIOLATED",
		"duplicated-on-move":                          "dead-lettered: VIOLATED",
		"allow-policy-ignored":                        "could make it its DLQ",
		"order-broken":                                "intact: VIOLATED",
		"not-deleted":                                 "conserved: VIOLATED",
		"dlq-metrics-missing":                         "alarmed: VIOLATED",
		"stale-metrics":                               "alarmed: VIOLATED",
		"moved-to-wrong-queue":                        "dead-lettered: VIOLATED",
		"give-back-ignored":                           "exact: VIOLATED",
		"extension-ignored":                           "exact: VIOLATED",
		"visible-early":                               "exact: VIOLATED",
		"visible-late":                                "exact: VIOLATED",
		"delay-ignored":                               "exact: VIOLATED",
		"extension-other":                             "exact: VIOLATED",
		"timeout-ignored":                             "exact: VIOLATED",
		"groups-held-up":                              "exact: VIOLATED",
		"sent-anew":                                   "intact: VIOLATED",
		"first-receive-anew":                          "intact: VIOLATED",
		"sender-dropped":                              "intact: VIOLATED",
		"late-delete-reaches":                         "conserved: VIOLATED",
		"redrive-loses":                               "redriven: VIOLATED",
		"redrive-doubles":                             "redriven: VIOLATED",
		"redrive-keeps-count":                         "redriven: VIOLATED",
		"redrive-keeps-age":                           "redriven: VIOLATED",
		"redrive-reverses":                            "redriven: VIOLATED",
		"alarms look at data that is an hour old":     "alarmed: VIOLATED",
		"alarms never return to OK":                   "alarmed: VIOLATED",
		"notifications are dropped":                   "alarmed: VIOLATED",
		"notifications are sent twice":                "alarmed: VIOLATED",
		"missing data is treated the wrong way round": "after a silent night",
		"thresholds are compared inclusively":         "alarmed: VIOLATED",
		"messages to subscriptions are dropped":       "alarmed: VIOLATED",
	}
}

func TestEndpointDefectsAreNoticed(t *testing.T) {
	t.Parallel()
	// a standard queue promises no order, and has no groups that could hold each other up
	ofFIFO := []awstest.Defect{"order-broken", "groups-held-up", "redrive-reverses"}
	for _, fifo := range []bool{false, true} {
		kind := map[bool]string{false: "standard", true: "FIFO"}[fifo]
		t.Run(kind+"/none", func(t *testing.T) {
			t.Parallel()
			require.NoError(t, checkWithDefect(t, fifo))
		})
		for _, d := range awstest.Defects() {
			only := slices.Contains(ofFIFO, d)
			if only && !fifo || fifo && !only && testing.Short() {
				continue
			}
			t.Run(kind+"/"+string(d), func(t *testing.T) {
				t.Parallel()
				want, ok := caughtBy()[d]
				require.True(t, ok, "nobody has said what notices the defect")
				require.ErrorContains(t, checkWithDefect(t, fifo, d), want, "the defect survived")
			})
		}
	}
}

// checkWithDefect makes a pair on an endpoint with these defects and checks it.
func checkWithDefect(t *testing.T, fifo bool, defects ...awstest.Defect) error {
	srv := awstest.Start(t, awstest.StartAt(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)))
	c := clientsOf(dlqtest.Target{Config: srv.DirectConfig(), Clock: srv.Clock, Ground: dlqtest.Embedded})
	p := c.createPair(t, "orders", fifo, 3)
	require.NoError(t, srv.Plant(defects...))
	if slices.Contains(defects, "delay-ignored") {
		_, err := c.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &p.QueueURL, Attributes: map[string]string{"DelaySeconds": "10"}})
		require.NoError(t, err)
		return checkProof(t.Context(), c.target, p, 3, true)
	}
	return checkEverything(t.Context(), c, p, 3)
}
