package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// sameDeployed returns an error unless two endpoints hold the same queues, with the same
// attributes and tags, and the same alarms: only then are the layouts comparable. Alarms'
// descriptions may differ.
func sameDeployed(ctx context.Context, a, b *awstest.Server) error {
	for _, read := range []func(context.Context, *awstest.Server) (map[string]string, error){queues, alarms} {
		here, err := read(ctx, a)
		if err != nil {
			return err
		}
		there, err := read(ctx, b)
		if err != nil {
			return err
		}
		if len(here) == 0 {
			return errors.New("there is nothing deployed")
		}
		if err := same(here, there); err != nil {
			return err
		}
	}
	return nil
}

// sameDocuments returns an error unless both have the same IAM policy documents by the same
// names. Lists of one and the order of actions make no difference, as to IAM.
func sameDocuments(a, b map[string]string) error {
	var sides [2]map[string]string
	for i, documents := range []map[string]string{a, b} {
		sides[i] = map[string]string{}
		for name, document := range documents {
			var content any
			if err := json.Unmarshal([]byte(document), &content); err != nil {
				return fmt.Errorf("reading the policy of the %s: %w", name, err)
			}
			var err error
			if sides[i][name], err = text(plain(content)); err != nil {
				return err
			}
		}
	}
	return same(sides[0], sides[1])
}

// plain is a policy document, or a part of it, with single values instead of lists of one
// and with lists of names in order.
func plain(part any) any {
	switch part := part.(type) {
	case map[string]any:
		for name, value := range part {
			part[name] = plain(value)
		}
	case []any:
		if len(part) == 1 {
			return plain(part[0])
		}
		for i, value := range part {
			part[i] = plain(value)
		}
		slices.SortStableFunc(part, func(a, b any) int {
			x, _ := a.(string)
			y, _ := b.(string)
			return strings.Compare(x, y) // statements stay where they are
		})
	}
	return part
}

// same returns an error that shows the first difference, if there is one.
func same(here, there map[string]string) error {
	names := maps.Clone(here)
	maps.Copy(names, there)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if here[name] != there[name] {
			return fmt.Errorf("%s is\n%s\nand\n%s", name, orMissing(here[name]), orMissing(there[name]))
		}
	}
	return nil
}

func orMissing(text string) string {
	if text == "" {
		return "missing"
	}
	return text
}

// queues are the attributes and tags of all queues as JSON, by name.
func queues(ctx context.Context, srv *awstest.Server) (map[string]string, error) {
	client, all := sqs.NewFromConfig(srv.DirectConfig()), map[string]string{}
	pages := sqs.NewListQueuesPaginator(client, &sqs.ListQueuesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing queues: %w", err)
		}
		for _, url := range page.QueueUrls {
			attributes, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
			if err != nil {
				return nil, fmt.Errorf("reading the attributes of %s: %w", url, err)
			}
			tags, err := client.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
			if err != nil {
				return nil, fmt.Errorf("reading the tags of %s: %w", url, err)
			}
			content := map[string]any{"Tags": tags.Tags}
			for name, value := range attributes.Attributes {
				content[name] = value
				var document any // a policy, whose members may be in any order
				if json.Unmarshal([]byte(value), &document) == nil {
					content[name] = document
				}
			}
			delete(content, "CreatedTimestamp")
			delete(content, "LastModifiedTimestamp")
			if all[path.Base(url)], err = text(content); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// alarms are all metric alarms as JSON, by name.
func alarms(ctx context.Context, srv *awstest.Server) (map[string]string, error) {
	all := map[string]string{}
	pages := cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(srv.DirectConfig()), &cloudwatch.DescribeAlarmsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing alarms: %w", err)
		}
		for _, a := range page.MetricAlarms {
			a.AlarmDescription = nil
			a.AlarmConfigurationUpdatedTimestamp, a.StateUpdatedTimestamp, a.StateTransitionedTimestamp = nil, nil, nil
			a.StateReason, a.StateReasonData, a.StateValue = nil, nil, ""
			if all[*a.AlarmName], err = text(a); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func text(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("writing what is deployed as JSON: %w", err)
	}
	return string(b), nil
}
