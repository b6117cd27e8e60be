package awstest

import (
	"encoding/json"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

// needs are the permissions that a schedule's role needs for a call: those of SQS, and to
// publish to a topic. Other operations are taken to be allowed.
func (s *services) needs(_, region, service, operation string, input []byte) []fabric.Permission {
	switch service {
	case "sqs":
		return s.sqs.Needs(region, operation, input)
	case "sns":
		var in struct{ TopicArn string }
		if operation == "Publish" && json.Unmarshal(input, &in) == nil {
			return []fabric.Permission{{Action: "sns:Publish", Resource: in.TopicArn}}
		}
	}
	return nil
}

// countSchedule publishes a count of a schedule group. [EventBridge Scheduler user guide,
// "Monitoring with Amazon CloudWatch"]
func (s *services) countSchedule(account, region, group, metric string, at time.Time) {
	s.cloudwatch.Put(account, region, "AWS/Scheduler", at, [][2]string{{"ScheduleGroup", group}}, fabric.Value{
		Metric: metric, Unit: "Count", Sum: 1, Min: 1, Max: 1, Count: 1,
	})
}
