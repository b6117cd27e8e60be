package sweep

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Delete deletes the resources, kind by kind, and returns those that are gone. Why others
// aren't is told in the error.
func (s *Sweeper) Delete(ctx context.Context, resources []Resource) ([]Resource, error) {
	var deleted []Resource
	var errs []error
	for _, kind := range kinds() {
		var of []Resource
		for _, r := range resources {
			if r.Kind == kind {
				of = append(of, r)
			}
		}
		done := make([]bool, len(of))
		errs = append(errs, each(ctx, len(of), func(i int) error {
			if err := s.deleteOne(ctx, of[i]); err != nil && !gone(err) {
				return fmt.Errorf("deleting %s %s: %w", kind, of[i].Name, err)
			}
			done[i] = true
			s.say("deleted %s %s", kind, of[i].Name)
			return nil
		})...)
		for i, r := range of {
			if done[i] {
				deleted = append(deleted, r)
			}
		}
		if ctx.Err() != nil {
			break
		}
	}
	return deleted, errors.Join(errs...)
}

func (s *Sweeper) deleteOne(ctx context.Context, r Resource) (err error) {
	switch r.Kind {
	case CompositeAlarm, Alarm:
		_, err = s.cloudwatch.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{r.Name}})
	case Subscription:
		_, err = s.sns.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &r.ARN})
	case Topic:
		_, err = s.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: &r.ARN})
	default:
		_, err = s.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &r.URL})
	}
	return err
}
