package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// settings are what shows in no task: what Lambda, CloudWatch Logs and DynamoDB were told.
func (p *processor) settings(ctx context.Context) error {
	var errs []error
	for name, queue := range map[string]string{p.Consumer: p.QueueARN, p.DeadLetters: p.DLQARN} {
		got, err := p.c.settingsOf(ctx, name)
		if err != nil {
			return err
		}
		want := consumerSettings{
			Queue: queue, State: "Enabled", BatchSize: 10, MaximumConcurrency: map[string]int{p.Consumer: 10, p.DeadLetters: 2}[name],
			Reports: []string{"ReportBatchItemFailures"}, Timeout: 5, Memory: 128, Architectures: []string{architecture()}, Runtime: "provided.al2023", LogDays: 30,
		}
		if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
			errs = append(errs, fmt.Errorf("%s is %s, want %s", name, g, w))
		}
	}
	ttl, err := p.office.DynamoDB.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &p.KeysTable})
	if err != nil {
		return err
	}
	if d := ttl.TimeToLiveDescription; d.TimeToLiveStatus != "ENABLED" || aws.ToString(d.AttributeName) != "expires" {
		errs = append(errs, fmt.Errorf("of %s what has expired isn't dropped: %s, %s", p.KeysTable, d.TimeToLiveStatus, aws.ToString(d.AttributeName)))
	}
	for _, table := range []string{p.TasksTable, p.KeysTable} {
		out, err := p.office.DynamoDB.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &table})
		if err != nil {
			return err
		}
		if s := out.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus; s != "ENABLED" {
			errs = append(errs, fmt.Errorf("point-in-time recovery of %s is %s", table, s))
		}
	}
	return errors.Join(errs...)
}

// consumerSettings are those of a function and its mapping.
type consumerSettings struct {
	Queue, State                          string
	BatchSize, Window, MaximumConcurrency int
	Reports                               []string
	Filters                               []string
	Timeout, Memory                       int
	Architectures                         []string
	Runtime                               string
	LogDays                               int // 0 where there is no log group
}

// settingsOf are those of the function, which must have one mapping.
func (c *sdkClients) settingsOf(ctx context.Context, name string) (consumerSettings, error) {
	var s consumerSettings
	client := lambda.NewFromConfig(c.target.Config)
	mappings, err := client.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{FunctionName: &name})
	if err != nil {
		return s, err
	}
	if len(mappings.EventSourceMappings) != 1 {
		return s, fmt.Errorf("%s has %d event source mappings, want 1", name, len(mappings.EventSourceMappings))
	}
	m := mappings.EventSourceMappings[0]
	s = consumerSettings{Queue: *m.EventSourceArn, State: *m.State, BatchSize: int(*m.BatchSize), Window: int(*m.MaximumBatchingWindowInSeconds)}
	for _, r := range m.FunctionResponseTypes {
		s.Reports = append(s.Reports, string(r))
	}
	if m.ScalingConfig != nil {
		s.MaximumConcurrency = int(*m.ScalingConfig.MaximumConcurrency)
	}
	if m.FilterCriteria != nil {
		for _, f := range m.FilterCriteria.Filters {
			s.Filters = append(s.Filters, *f.Pattern)
		}
	}
	f, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		return s, err
	}
	s.Timeout, s.Memory, s.Runtime = int(*f.Timeout), int(*f.MemorySize), string(f.Runtime)
	for _, a := range f.Architectures {
		s.Architectures = append(s.Architectures, string(a))
	}
	groups, err := cloudwatchlogs.NewFromConfig(c.target.Config).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/aws/lambda/" + name)})
	if err != nil {
		return s, err
	}
	for _, g := range groups.LogGroups {
		if *g.LogGroupName == "/aws/lambda/"+name {
			s.LogDays = int(aws.ToInt32(g.RetentionInDays))
		}
	}
	return s, nil
}

// roles holds what the functions' roles permit, action by action, to what the functions and
// Lambda need.
func (p *processor) roles(ctx context.Context) error {
	const account = "us-east-1:000000000000:"
	tasks, keys := "arn:aws:dynamodb:"+account+"table/"+p.TasksTable, "arn:aws:dynamodb:"+account+"table/"+p.KeysTable
	logs := func(name string) string { return "arn:aws:logs:" + account + "log-group:/aws/lambda/" + name + ":*" }
	queue := []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
	writes := []string{"logs:CreateLogStream", "logs:PutLogEvents"}
	var errs []error
	for name, want := range map[string]map[string][]string{
		p.Consumer:    {p.QueueARN: queue, tasks: {"dynamodb:UpdateItem"}, keys: {"dynamodb:DeleteItem", "dynamodb:PutItem"}, logs(p.Consumer): writes},
		p.DeadLetters: {p.DLQARN: queue, tasks: {"dynamodb:UpdateItem"}, logs(p.DeadLetters): writes},
	} {
		got, err := p.c.permissionsOf(ctx, name)
		if err != nil {
			errs = append(errs, err)
		}
		for resource, actions := range want {
			for _, action := range actions {
				if !slices.Contains(got[resource], action) {
					errs = append(errs, fmt.Errorf("the role %s doesn't permit %s on %s", name, action, resource))
				}
			}
		}
		for resource, actions := range got {
			for _, action := range actions {
				if !slices.Contains(want[resource], action) {
					errs = append(errs, fmt.Errorf("the role %s needn't permit %s on %s", name, action, resource))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// needs wants the functions to call, in what a day brings, all that their roles permit of
// the tables and nothing else.
func (p *processor) needs(ctx context.Context) error {
	for id, fail := range map[string]string{"r-good": "", "r-flaky": "times:1", "r-hopeless": "permanent", "r-poison": "always"} {
		if err := p.office.Submit(ctx, id, "work", fail); err != nil {
			return err
		}
	}
	p.srv.ResetCalls() // from here on nobody but the functions calls
	if err := p.c.target.Clock.Sleep(ctx, 30*time.Minute); err != nil {
		return err
	}
	called := map[string][]string{}
	for _, c := range p.srv.Calls() {
		for _, on := range tableActions(c.Operation, c.Input()) {
			if c.Service == "dynamodb" && !slices.Contains(called[on[0]], on[1]) {
				called[on[0]] = append(called[on[0]], on[1])
			}
		}
	}
	for _, actions := range called {
		slices.Sort(actions)
	}
	want := map[string][]string{p.TasksTable: {"UpdateItem"}, p.KeysTable: {"DeleteItem", "PutItem"}}
	if g, w := fmt.Sprint(called), fmt.Sprint(want); g != w {
		return fmt.Errorf("the functions called %s, want %s", g, w)
	}
	return nil
}

// tableActions are the tables and the actions, as IAM counts them, of a call: of a
// transaction those of its parts.
func tableActions(operation string, input []byte) (on [][2]string) {
	type target struct{ TableName string }
	var in struct {
		target
		TransactItems []map[string]target
	}
	if json.Unmarshal(input, &in) != nil {
		return nil
	}
	if in.TableName != "" {
		on = append(on, [2]string{in.TableName, operation})
	}
	for _, item := range in.TransactItems {
		for action, t := range item {
			if t.TableName != "" {
				on = append(on, [2]string{t.TableName, action + "Item"})
			}
		}
	}
	return on
}

// permissionsOf are the actions that the role's policies permit, by resource. Its trust
// policy must be Lambda's alone.
func (c *sdkClients) permissionsOf(ctx context.Context, role string) (map[string][]string, error) {
	client := iam.NewFromConfig(c.target.Config)
	r, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: &role})
	if err != nil {
		return nil, err
	}
	trust, err := url.QueryUnescape(*r.Role.AssumeRolePolicyDocument)
	if err != nil {
		return nil, err
	}
	var untrusted error
	if want := `{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Sid":"Functions"}],"Version":"2012-10-17"}`; trust != want && strings.Contains(trust, "Sid") {
		untrusted = fmt.Errorf("the role %s trusts %s", role, trust)
	}
	attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &role})
	if err != nil {
		return nil, err
	}
	if len(attached.AttachedPolicies) > 0 {
		return nil, fmt.Errorf("the role %s has managed policies", role)
	}
	names, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil {
		return nil, err
	}
	permitted := map[string][]string{}
	for _, name := range names.PolicyNames {
		out, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
		if err != nil {
			return nil, err
		}
		text, err := url.QueryUnescape(*out.PolicyDocument)
		if err != nil {
			return nil, err
		}
		if err := addPermissions(permitted, text); err != nil {
			return nil, fmt.Errorf("policy %s of %s: %w", name, role, err)
		}
	}
	for _, actions := range permitted {
		slices.Sort(actions)
	}
	return permitted, untrusted
}

// addPermissions reads what a document permits: each statement must be an Allow without
// conditions.
func addPermissions(permitted map[string][]string, document string) error {
	var d struct {
		Statement []struct {
			Effect           string
			Action, Resource any
			Condition        any
		}
	}
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		return err
	}
	list := func(v any) (out []string) {
		many, ok := v.([]any)
		if !ok {
			many = []any{v}
		}
		for _, one := range many {
			out = append(out, fmt.Sprint(one))
		}
		return out
	}
	for _, s := range d.Statement {
		if s.Effect != "Allow" || s.Condition != nil {
			return fmt.Errorf("an unexpected statement: %+v", s)
		}
		for _, resource := range list(s.Resource) {
			permitted[resource] = append(permitted[resource], list(s.Action)...)
		}
	}
	return nil
}
