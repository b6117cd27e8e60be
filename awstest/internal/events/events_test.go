package events_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/fxamacker/cbor/v2"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/events"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
	"github.com/sqs-dlq/sqs-dlq/internal/sdkhttp"
)

const (
	account = "111111111111"
	region  = "us-east-1"
	queue   = "arn:aws:sqs:us-east-1:111111111111:orders"
	dlq     = "arn:aws:sqs:us-east-1:111111111111:orders-dlq"
)

// sent is a message that a queue took.
type sent struct {
	queue string
	from  fabric.Principal
	at    time.Time
	fabric.QueueMessage
}

// queues takes messages, except where it has an error for the queue.
type queues struct {
	clk  *clock.Clock
	mu   sync.Mutex
	sent []sent
	fail map[string]error
}

func (q *queues) Deliver(from fabric.Principal, queueARN string, m fabric.QueueMessage) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.fail[queueARN]; err != nil {
		return err
	}
	q.sent = append(q.sent, sent{queueARN, from, q.clk.Now(), m})
	return nil
}

func (q *queues) failing(queueARN string, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fail[queueARN] = err
}

// take returns what was taken since the last call.
func (q *queues) take() []sent {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.sent
	q.sent = nil
	return all
}

func (q *queues) bodies() []string {
	var all []string
	for _, m := range q.take() {
		all = append(all, m.Body)
	}
	return all
}

// rig is a service with the SDK's client on it, on a clock that only moves when it is
// advanced.
type rig struct {
	*testing.T
	clk *clock.Clock
	svc *events.Service
	url string
	*queues
	*sdk.Client
}

func newRig(t *testing.T) *rig { return newRigAt(t, time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)) }

func newRigAt(t *testing.T, start time.Time) *rig {
	t.Helper()
	clk := clock.New(start.Add(-time.Second))
	clk.Pause()
	clk.AdvanceTo(start) // to a whole second
	t.Cleanup(clk.Close)
	q := &queues{clk: clk, fail: map[string]error{}}
	svc := events.New(clk, q)
	srv := httptest.NewServer(wire.NewRouter(clk.Now, nil, svc.API()))
	t.Cleanup(srv.Close)
	r := &rig{T: t, clk: clk, svc: svc, url: srv.URL, queues: q}
	r.Client = r.as(account, region)
	return r
}

func (r *rig) as(account, region string) *sdk.Client {
	return sdk.New(sdk.Options{
		BaseEndpoint: &r.url, Region: region, Credentials: credentials.NewStaticCredentialsProvider(account, "test", ""), Retryer: aws.NopRetryer{}, HTTPClient: sdkhttp.Client(),
	})
}

func (r *rig) ctx() context.Context { return r.Context() }

func (r *rig) rule(name, pattern string, targets ...types.Target) string {
	r.Helper()
	out, err := r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: &name, EventPattern: &pattern})
	require.NoError(r, err)
	r.target(name, targets...)
	return *out.RuleArn
}

func (r *rig) every(name, expression string, targets ...types.Target) {
	r.Helper()
	_, err := r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: &name, ScheduleExpression: &expression})
	require.NoError(r, err)
	r.target(name, targets...)
}

func (r *rig) target(rule string, targets ...types.Target) {
	r.Helper()
	if len(targets) == 0 {
		targets = []types.Target{to(queue)}
	}
	out, err := r.PutTargets(r.ctx(), &sdk.PutTargetsInput{Rule: &rule, Targets: targets})
	require.NoError(r, err)
	require.Zero(r, out.FailedEntryCount)
}

func to(arn string) types.Target { return types.Target{Id: aws.String("t"), Arn: &arn} }

// put puts an event of the source and detail, and returns its id.
func (r *rig) put(source, detail string) string {
	r.Helper()
	out, err := r.PutEvents(r.ctx(), &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: &source, DetailType: aws.String("Order"), Detail: &detail}}})
	require.NoError(r, err)
	require.Zero(r, out.FailedEntryCount, aws.ToString(out.Entries[0].ErrorMessage))
	return *out.Entries[0].EventId
}

func requireError(t require.TestingT, err error, code, message string) {
	var e smithy.APIError
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.ErrorCode(), e.ErrorMessage())
	require.Contains(t, e.ErrorMessage(), message)
}

const shop = `{"source":["shop"]}`

func TestAnEventIsDeliveredAsItsRule(t *testing.T) {
	r := newRig(t)
	rule := r.rule("orders", shop)
	require.Equal(t, "arn:aws:events:us-east-1:111111111111:rule/orders", rule)
	out, err := r.PutEvents(r.ctx(), &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		Source: aws.String("shop"), DetailType: aws.String("Order <placed>"), Resources: []string{"arn:x"}, TraceHeader: aws.String("Root=1-2"),
		Detail: aws.String(`{ "z": 12345678901234567890, "a": "ü <&>" }`), Time: aws.Time(time.Date(2020, 1, 2, 3, 4, 5, 678e6, time.UTC)),
	}, {Source: aws.String("else"), DetailType: aws.String("x"), Detail: aws.String(`{}`)}}})
	require.NoError(t, err)
	got := r.take()
	require.Len(t, got, 1)
	require.Equal(t, queue, got[0].queue)
	require.Equal(t, fabric.Principal{Service: "events.amazonaws.com", SourceARN: rule, SourceAccount: account}, got[0].from)
	require.Equal(t, `{"version":"0","id":"`+*out.Entries[0].EventId+`","detail-type":"Order <placed>","source":"shop","account":"111111111111",`+
		`"time":"2020-01-02T03:04:05Z","region":"us-east-1","resources":["arn:x"],"detail":{"z":12345678901234567890,"a":"ü <&>"}}`, got[0].Body)
	require.Equal(t, "Root=1-2", got[0].TraceHeader)
	require.Empty(t, got[0].GroupID)
	id := r.put("shop", `{}`)
	require.Equal(t, []string{`{"version":"0","id":"` + id + `","detail-type":"Order","source":"shop","account":"111111111111","time":"2026-11-24T09:00:00Z","region":"us-east-1","resources":[],"detail":{}}`}, r.bodies())
}

func TestEntriesThatAreRefused(t *testing.T) {
	r := newRig(t)
	r.rule("all", `{"account":["111111111111"]}`)
	entry := func(source, kind, detail, bus string) types.PutEventsRequestEntry {
		e := types.PutEventsRequestEntry{}
		for text, member := range map[*string]**string{&source: &e.Source, &kind: &e.DetailType, &detail: &e.Detail, &bus: &e.EventBusName} {
			if *text != "" {
				*member = text
			}
		}
		return e
	}
	out, err := r.PutEvents(r.ctx(), &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		entry("", "t", "{}", ""), entry("s", "", "{}", ""), entry("s", "t", "", ""), entry("s", "t", "{", ""), entry("s", "t", "[]", ""), entry("s", "t", `"x"`, ""),
		entry("aws.s3", "t", "{}", ""), entry("s", "t", "{}", "arn:aws:events:us-east-1:222222222222:event-bus/default"), entry("s", "t", "{}", "none"), entry("s", "t", "{}", "default"),
	}})
	require.NoError(t, err)
	require.EqualValues(t, 8, out.FailedEntryCount)
	for i, want := range []string{
		"InvalidArgument: Parameter Source is not valid. Reason: Source is a required argument.",
		"InvalidArgument: Parameter DetailType is not valid. Reason: DetailType is a required argument.",
		"InvalidArgument: Parameter Detail is not valid. Reason: Detail is a required argument.",
		"MalformedDetail: Detail is malformed.", "MalformedDetail: Detail is malformed.", "MalformedDetail: Detail is malformed.",
		"NotAuthorizedForSourceException: Not authorized for the source.",
		"AccessDeniedException: No resource-based policy of account 222222222222 allows the events:PutEvents action",
	} {
		require.Equal(t, want, *out.Entries[i].ErrorCode+": "+*out.Entries[i].ErrorMessage)
		require.Nil(t, out.Entries[i].EventId)
	}
	require.NotEmpty(t, *out.Entries[8].EventId, "for a bus that doesn't exist it is accepted, and lost")
	require.Len(t, r.take(), 1)

	many := make([]types.PutEventsRequestEntry, 11)
	for i := range many {
		many[i] = entry("s", "t", "{}", "")
	}
	_, err = r.PutEvents(r.ctx(), &sdk.PutEventsInput{Entries: many})
	requireError(t, err, "ValidationException", "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10")
	_, err = r.PutEvents(r.ctx(), &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{entry("s", "t", `{"a":"`+strings.Repeat("x", 256<<10)+`"}`, "")}})
	requireError(t, err, "ValidationException", "Total size of the entries in the request is over the limit.")
}

func TestPatternsAreOfTheWholeEvent(t *testing.T) {
	r := newRig(t)
	for pattern, want := range map[string]bool{
		`{"source":["shop"],"detail-type":["Order"],"detail":{"total":[{"numeric":[">",100]}]}}`: true,
		`{"source":[{"prefix":"sh"}],"detail":{"state":[{"anything-but":["cancelled"]}]}}`:       true,
		`{"source":[{"suffix":"op"}],"region":[{"equals-ignore-case":"US-EAST-1"}]}`:             true,
		`{"detail":{"$or":[{"total":[1]},{"state":[{"wildcard":"pl*d"}]}]}}`:                     true,
		`{"detail":{"coupon":[{"exists":false}]}}`:                                               true,
		`{"detail":{"coupon":[{"exists":true}]}}`:                                                false,
		`{"resources":["arn:x"]}`:            false,
		`{"detail":{"items":{"sku":["b"]}}}`: true,
	} {
		r.rule("r", pattern)
		r.put("shop", `{"total":150,"state":"placed","items":[{"sku":"a"},{"sku":"b"}]}`)
		require.Equal(t, want, len(r.take()) == 1, pattern)
	}
	for pattern, want := range map[string]string{
		`{"source":"shop"}`:                   `Event pattern is not valid. Reason: "source" must be an object or an array`,
		`{"source":[]}`:                       "Event pattern is not valid. Reason: Empty arrays are not allowed",
		`{"source":[{"like":"x"}]}`:           "Event pattern is not valid. Reason: Unrecognized match type like",
		`{`:                                   "Event pattern is not valid. Reason: ",
		`[]`:                                  "Event pattern is not valid. Reason: ",
		`null`:                                "Event pattern is not valid. Reason: ",
		strings.Repeat(`{"a":`, 1000) + `[1]`: "Member must have length less than or equal to 4096",
	} {
		_, err := r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: aws.String("r"), EventPattern: &pattern})
		code := "InvalidEventPatternException"
		if strings.HasPrefix(want, "Member") {
			code = "ValidationException"
		}
		requireError(t, err, code, want)
	}
	event := `{"id":"1","account":"1","source":"shop","time":"2026-11-24T09:00:00Z","region":"r","resources":[],"detail-type":"t","detail":{}}`
	for pattern, want := range map[string]bool{shop: true, `{"source":["x"]}`: false} {
		out, err := r.TestEventPattern(r.ctx(), &sdk.TestEventPatternInput{Event: &event, EventPattern: &pattern})
		require.NoError(t, err)
		require.Equal(t, want, out.Result)
	}
	_, err := r.TestEventPattern(r.ctx(), &sdk.TestEventPatternInput{Event: aws.String(`{"source":"shop"}`), EventPattern: aws.String(shop)})
	requireError(t, err, "ValidationException", "Parameter Event is not valid.")
}

func TestInputs(t *testing.T) {
	const detail = `{"state":"RUN\"NING","n":7,"o":{"k":["a",{"b":1}]},"list":[{"x":1},{"x":2},{}]}`
	transform := func(template string, paths ...string) types.Target {
		m := map[string]string{}
		for i := 0; i < len(paths); i += 2 {
			m[paths[i]] = paths[i+1]
		}
		return types.Target{InputTransformer: &types.InputTransformer{InputTemplate: &template, InputPathsMap: m}}
	}
	for _, test := range []struct {
		name   string
		target types.Target
		want   string // %s is the event's id
	}{
		{"a constant", types.Target{Input: aws.String(`{"a": [1]}`)}, `{"a": [1]}`},
		{"a part, word for word", types.Target{InputPath: aws.String("$.detail.o")}, `{"k":["a",{"b":1}]}`},
		{"a part that is a string", types.Target{InputPath: aws.String("$.detail-type")}, `"Order"`},
		{"an element", types.Target{InputPath: aws.String("$.detail.o.k[1].b")}, `1`},
		{"of all elements", types.Target{InputPath: aws.String("$.detail.list[*].x")}, `[1,2]`},
		{"a string", transform(`"n is <n>, <state> since <time>"`, "n", "$.detail.n", "state", "$.source", "time", "$.time"), `"n is 7, shop since 2026-11-24T09:00:00Z"`},
		{"a string of something that isn't there", transform(`"<n>."`, "n", "$.detail.none"), `"."`},
		{"a string of an object", transform(`"<o>"`, "o", "$.detail.o"), `"{k:[a,{b:1}]}"`},
		{"JSON, minified", transform("{\n  \"n\" : <n>, \"s\": [<s>, \"in <s>\"]\n}\n", "n", "$.detail.n", "s", "$.source"), `{"n":7,"s":["shop","in shop"]}`},
		{"JSON of something that isn't there", transform(`{"n":<n>}`, "n", "$.detail.none"), `{"n":""}`},
		{"JSON of an object", transform(`{"o":<o>}`, "o", "$.detail.o"), `{"o":{"k":["a",{"b":1}]}}`},
		{"JSON with quotes that are meant", transform(`{"s":"\"<s>\""}`, "s", "$.source"), `{"s":"\"shop\""}`},
		{"JSON of a string that needs escaping", transform(`{"s":<s>}`, "s", "$.detail.state"), `{"s":"RUN\"NING"}`},
		{"the rule", transform(`{"a":<aws.events.rule-arn>,"n":"<aws.events.rule-name>","t":<aws.events.event.ingestion-time>}`), `{"a":"arn:aws:events:us-east-1:111111111111:rule/r","n":"r","t":"2026-11-24T09:00:00Z"}`},
		{"the event without its detail", transform(`{"e":<aws.events.event>}`), `{"e":{"version":"0","id":"%s","detail-type":"Order","source":"shop","account":"111111111111","time":"2026-11-24T09:00:00Z","region":"us-east-1","resources":[]}}`},
		{"the event", transform(`{"e":<aws.events.event.json>}`), `{"e":{"version":"0","id":"%s","detail-type":"Order","source":"shop","account":"111111111111","time":"2026-11-24T09:00:00Z","region":"us-east-1","resources":[],"detail":` + detail + `}}`},
		{"lines", transform("\"a <s>\"\n\"b\"", "s", "$.source"), "\"a shop\"\n\"b\""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			test.target.Id, test.target.Arn = aws.String("t"), aws.String(queue)
			r.rule("r", shop, test.target)
			id := r.put("shop", detail)
			require.Equal(t, []string{strings.ReplaceAll(test.want, "%s", id)}, r.bodies())
		})
	}
	for name, target := range map[string]types.Target{
		"nothing at the path":     {InputPath: aws.String("$.detail.none")},
		"a template that is none": transform(`{"s":"<s>"}`, "s", "$.detail.state"),
	} {
		t.Run(name+" goes to the dead-letter queue", func(t *testing.T) {
			r := newRig(t)
			target.Id, target.Arn, target.DeadLetterConfig = aws.String("t"), aws.String(queue), &types.DeadLetterConfig{Arn: aws.String(dlq)}
			r.rule("r", shop, target)
			r.put("shop", detail)
			got := r.take()
			require.Len(t, got, 1)
			require.Equal(t, dlq, got[0].queue)
			require.Equal(t, "INVALID_JSON", got[0].Attributes["ERROR_CODE"].StringValue)
		})
	}
}

func TestTargetsThatAreRefused(t *testing.T) {
	r := newRig(t)
	r.rule("r", shop)
	for _, test := range []struct {
		name    string
		change  func(*types.Target)
		code    string
		message string
	}{
		{"of another service", func(t *types.Target) { t.Arn = aws.String("arn:aws:lambda:us-east-1:111111111111:function:f") }, "NotImplemented", "Targets of the service lambda"},
		{"without an ARN", func(t *types.Target) { t.Arn = aws.String("orders") }, "ValidationException", "Provided Arn is not in correct format."},
		{"with half an ARN", func(t *types.Target) { t.Arn = aws.String("arn:aws:sqs") }, "ValidationException", "Provided Arn is not in correct format."},
		{"a FIFO queue without a group", func(t *types.Target) { t.Arn = aws.String(queue + ".fifo") }, "ValidationException", "Parameter(s) SqsParameters must be specified for target: t."},
		{"a FIFO dead-letter queue", func(t *types.Target) { t.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlq + ".fifo")} }, "ValidationException", "must be a standard queue"},
		{"two inputs", func(t *types.Target) { t.Input, t.InputPath = aws.String("{}"), aws.String("$") }, "ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target t."},
		{"an input that is no JSON", func(t *types.Target) { t.Input = aws.String("x") }, "ValidationException", "target t"},
		{"a path that is none", func(t *types.Target) { t.InputPath = aws.String("detail") }, "ValidationException", "InputPath for target t is invalid."},
		{"a path in quotes", func(t *types.Target) { t.InputPath = aws.String("$.detail['a']") }, "ValidationException", "InputPath for target t is invalid."},
		{"a placeholder that is none", func(t *types.Target) {
			t.InputTransformer = &types.InputTransformer{InputTemplate: aws.String(`"<x>"`)}
		}, "ValidationException", "InputTemplate for target t contains invalid placeholder x."},
		{"a variable of AWS's", func(t *types.Target) {
			t.InputTransformer = &types.InputTransformer{InputTemplate: aws.String(`"x"`), InputPathsMap: map[string]string{"aws-x": "$"}}
		}, "ValidationException", "InputPathsMap key"},
		{"too many retries", func(t *types.Target) { t.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(186)} }, "ValidationException", "maximumRetryAttempts"},
		{"too young an event", func(t *types.Target) { t.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(59)} }, "ValidationException", "maximumEventAgeInSeconds"},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := to(queue)
			test.change(&target)
			_, err := r.PutTargets(r.ctx(), &sdk.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{target}})
			requireError(t, err, test.code, test.message)
		})
	}
	for i := range 4 {
		target := to(queue)
		target.Id = aws.String(fmt.Sprint(i))
		r.target("r", target)
	}
	target := to(queue)
	target.Id = aws.String("sixth")
	_, err := r.PutTargets(r.ctx(), &sdk.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{target}})
	requireError(t, err, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	_, err = r.PutTargets(r.ctx(), &sdk.PutTargetsInput{Rule: aws.String("none"), Targets: []types.Target{target}})
	requireError(t, err, "ResourceNotFoundException", "Rule none does not exist on EventBus default.")
}

func TestAFIFOQueueGetsTheGroup(t *testing.T) {
	r := newRig(t)
	target := to(queue + ".fifo")
	target.SqsParameters = &types.SqsParameters{MessageGroupId: aws.String("g")}
	r.rule("r", shop, target)
	r.put("shop", `{}`)
	got := r.take()
	require.Equal(t, "g", got[0].GroupID)
	require.Empty(t, got[0].DeduplicationID)
}

func TestATargetsRoleDelivers(t *testing.T) {
	r := newRig(t)
	target := to(queue)
	target.RoleArn = aws.String("arn:aws:iam::111111111111:role/events")
	r.rule("r", shop, target)
	r.put("shop", `{}`)
	require.Equal(t, fabric.Principal{SourceARN: *target.RoleArn, SourceAccount: account}, r.take()[0].from)
}

func TestWhatIsRefusedGoesToTheDeadLetterQueueAtOnce(t *testing.T) {
	for _, test := range []struct{ code, want string }{
		{"AccessDenied", "NO_PERMISSIONS"}, {"KMS.AccessDeniedException", "NO_PERMISSIONS"}, {"AWS.SimpleQueueService.NonExistentQueue", "NO_RESOURCE"},
		{"InvalidParameterValue", "INVALID_PARAMETER"}, {"KMS.DisabledException", "ERROR_FROM_TARGET"},
	} {
		t.Run(test.code, func(t *testing.T) {
			r := newRig(t)
			target := to(queue)
			target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(dlq)}
			target.RoleArn = aws.String("arn:aws:iam::111111111111:role/events")
			target.InputPath = aws.String("$.detail")
			rule := r.rule("r", shop, target)
			r.failing(queue, &wire.Error{Code: test.code, Message: "because"})
			id := r.put("shop", `{"a":1}`)
			got := r.take()
			require.Len(t, got, 1)
			require.Equal(t, dlq, got[0].queue)
			require.Equal(t, fabric.Principal{Service: "events.amazonaws.com", SourceARN: rule, SourceAccount: account}, got[0].from)
			require.Contains(t, got[0].Body, id)
			require.Contains(t, got[0].Body, `"detail":{"a":1}`)
			attributes := map[string]string{}
			for name, a := range got[0].Attributes {
				require.Equal(t, "String", a.DataType)
				attributes[name] = a.StringValue
			}
			require.Equal(t, map[string]string{"RULE_ARN": rule, "TARGET_ARN": queue, "ERROR_CODE": test.want, "ERROR_MESSAGE": "because", "RETRY_ATTEMPTS": "0"}, attributes)
			r.failing(queue, nil)
			r.clk.Advance(25 * time.Hour)
			require.Empty(t, r.take(), "it isn't tried again")
		})
	}
}

func TestFaultsOfTheTargetAreTriedAgain(t *testing.T) {
	fault := &wire.Error{Code: "ServiceUnavailable", Message: "later", Receiver: true}
	start := func(t *testing.T, policy *types.RetryPolicy) *rig {
		r := newRig(t)
		target := to(queue)
		target.DeadLetterConfig, target.RetryPolicy = &types.DeadLetterConfig{Arn: aws.String(dlq)}, policy
		r.rule("r", shop, target)
		r.failing(queue, fault)
		r.put("shop", `{}`)
		require.Empty(t, r.take())
		return r
	}
	t.Run("until they are over", func(t *testing.T) {
		r := start(t, nil)
		r.clk.Advance(10 * time.Minute)
		require.Empty(t, r.take())
		r.failing(queue, nil)
		r.clk.Advance(time.Hour)
		got := r.take()
		require.Len(t, got, 1)
		require.Equal(t, queue, got[0].queue)
	})
	t.Run("so many times", func(t *testing.T) {
		r := start(t, &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2)})
		r.clk.Advance(2 * time.Second)
		require.Empty(t, r.take())
		r.clk.Advance(time.Second)
		got := r.take()
		require.Len(t, got, 1)
		require.Equal(t, dlq, got[0].queue)
		require.Equal(t, "MaximumRetryAttempts", got[0].Attributes["EXHAUSTED_RETRY_CONDITION"].StringValue)
		require.Equal(t, "2", got[0].Attributes["RETRY_ATTEMPTS"].StringValue)
		require.Equal(t, "ERROR_FROM_TARGET", got[0].Attributes["ERROR_CODE"].StringValue)
	})
	t.Run("no longer than they may", func(t *testing.T) {
		r := start(t, &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(60)})
		r.clk.Advance(time.Minute)
		got := r.take()
		require.Len(t, got, 1)
		require.Equal(t, "MaximumEventAgeInSeconds", got[0].Attributes["EXHAUSTED_RETRY_CONDITION"].StringValue)
	})
	t.Run("185 times by default", func(t *testing.T) {
		r := start(t, nil)
		r.clk.Advance(24 * time.Hour)
		got := r.take()
		require.Len(t, got, 1)
		require.Equal(t, dlq, got[0].queue)
	})
	t.Run("not at all, and without a dead-letter queue they are lost", func(t *testing.T) {
		r := newRig(t)
		target := to(queue)
		target.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(0)}
		r.rule("r", shop, target)
		r.failing(queue, fault)
		r.put("shop", `{}`)
		r.failing(queue, nil)
		r.clk.Advance(24 * time.Hour)
		require.Empty(t, r.take())
	})
}

func TestSchedules(t *testing.T) {
	r := newRig(t)
	times := func() []string {
		var all []string
		for _, m := range r.take() {
			all = append(all, m.at.UTC().Format("15:04:05"))
		}
		return all
	}
	r.clk.Advance(30 * time.Second)
	r.every("rate", "rate(5 minutes)")
	r.clk.Advance(15 * time.Minute)
	require.Equal(t, []string{"09:05:30", "09:10:30", "09:15:30"}, times())
	r.clk.Advance(2 * time.Minute)
	r.every("rate", "rate(5 minutes)")
	r.clk.Advance(3 * time.Minute)
	require.Equal(t, []string{"09:20:30"}, times(), "it keeps its beat")
	_, err := r.DisableRule(r.ctx(), &sdk.DisableRuleInput{Name: aws.String("rate")})
	require.NoError(t, err)
	r.clk.Advance(time.Hour)
	require.Empty(t, times())
	_, err = r.EnableRule(r.ctx(), &sdk.EnableRuleInput{Name: aws.String("rate")})
	require.NoError(t, err)
	r.clk.Advance(5 * time.Minute)
	require.Equal(t, []string{"10:25:30"}, times(), "it counts from when it was enabled")
	r.every("rate", "cron(30 10 * * ? *)")
	r.clk.Advance(time.Hour)
	require.Equal(t, []string{"10:30:00"}, times())
	r.every("rate", "cron(0 12 * * ? *)")
	r.clk.Advance(time.Hour)
	got := r.take()
	require.Len(t, got, 1)
	var event map[string]any
	require.NoError(t, json.Unmarshal([]byte(got[0].Body), &event))
	delete(event, "id")
	require.Equal(t, map[string]any{
		"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "account": account, "time": "2026-11-24T12:00:00Z", "region": region,
		"resources": []any{"arn:aws:events:us-east-1:111111111111:rule/rate"}, "detail": map[string]any{},
	}, event)
	for _, expression := range []string{"rate(1 minutes)", "rate(5 minute)", "rate(0 minutes)", "rate(5 seconds)", "at(2026-12-01T00:00:00)", "cron(* * * * *)", "rate(999999999 days)", "cron()", "x"} {
		_, err := r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: aws.String("bad"), ScheduleExpression: &expression})
		requireError(t, err, "ValidationException", "Parameter ScheduleExpression is not valid.")
	}
}

func TestRules(t *testing.T) {
	r := newRig(t)
	_, err := r.PutRule(r.ctx(), &sdk.PutRuleInput{
		Name: aws.String("r"), Description: aws.String("d"), EventPattern: aws.String(shop), State: types.RuleStateDisabled,
		Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}},
	})
	require.NoError(t, err)
	r.target("r")
	r.put("shop", `{}`)
	require.Empty(t, r.take(), "it is disabled")
	d, err := r.DescribeRule(r.ctx(), &sdk.DescribeRuleInput{Name: aws.String("r")})
	require.NoError(t, err)
	require.Equal(t, []string{"arn:aws:events:us-east-1:111111111111:rule/r", account, "default", shop, "d", "DISABLED"}, []string{*d.Arn, *d.CreatedBy, *d.EventBusName, *d.EventPattern, *d.Description, string(d.State)})
	_, err = r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["b"]}`), Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}})
	require.NoError(t, err)
	d, err = r.DescribeRule(r.ctx(), &sdk.DescribeRuleInput{Name: aws.String("r")})
	require.NoError(t, err)
	require.Nil(t, d.Description, "what isn't given is gone")
	require.Equal(t, types.RuleStateEnabled, d.State)
	tags, err := r.ListTagsForResource(r.ctx(), &sdk.ListTagsForResourceInput{ResourceARN: d.Arn})
	require.NoError(t, err)
	require.Equal(t, []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}, tags.Tags, "tags stay")
	targets, err := r.ListTargetsByRule(r.ctx(), &sdk.ListTargetsByRuleInput{Rule: aws.String("r")})
	require.NoError(t, err)
	require.Equal(t, []types.Target{to(queue)}, targets.Targets, "targets, too")
	names, err := r.ListRuleNamesByTarget(r.ctx(), &sdk.ListRuleNamesByTargetInput{TargetArn: aws.String(queue)})
	require.NoError(t, err)
	require.Equal(t, []string{"r"}, names.RuleNames)

	_, err = r.DeleteRule(r.ctx(), &sdk.DeleteRuleInput{Name: aws.String("r")})
	requireError(t, err, "ValidationException", "Rule can't be deleted since it has targets.")
	_, err = r.RemoveTargets(r.ctx(), &sdk.RemoveTargetsInput{Rule: aws.String("r"), Ids: []string{"t", "none"}})
	require.NoError(t, err)
	_, err = r.DeleteRule(r.ctx(), &sdk.DeleteRuleInput{Name: aws.String("r")})
	require.NoError(t, err)
	_, err = r.DeleteRule(r.ctx(), &sdk.DeleteRuleInput{Name: aws.String("r")})
	require.NoError(t, err, "it is gone already")
	_, err = r.DescribeRule(r.ctx(), &sdk.DescribeRuleInput{Name: aws.String("r")})
	requireError(t, err, "ResourceNotFoundException", "Rule r does not exist on EventBus default.")

	_, err = r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: aws.String("r")})
	requireError(t, err, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
	_, err = r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: aws.String("a b"), EventPattern: aws.String(shop)})
	requireError(t, err, "ValidationException", "at 'name'")
	_, err = r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(shop), State: "ON"})
	requireError(t, err, "ValidationException", "at 'state'")
}

func TestBuses(t *testing.T) {
	r := newRig(t)
	made, err := r.CreateEventBus(r.ctx(), &sdk.CreateEventBusInput{Name: aws.String("shop"), Description: aws.String("d"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:events:us-east-1:111111111111:event-bus/shop", *made.EventBusArn)
	_, err = r.CreateEventBus(r.ctx(), &sdk.CreateEventBusInput{Name: aws.String("shop")})
	requireError(t, err, "ResourceAlreadyExistsException", "Event bus shop already exists.")
	_, err = r.CreateEventBus(r.ctx(), &sdk.CreateEventBusInput{Name: aws.String("a/b")})
	requireError(t, err, "ValidationException", "'/'")
	rule, err := r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: aws.String("r"), EventBusName: aws.String("shop"), EventPattern: aws.String(shop)})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:events:us-east-1:111111111111:rule/shop/r", *rule.RuleArn)
	_, err = r.PutTargets(r.ctx(), &sdk.PutTargetsInput{Rule: aws.String("r"), EventBusName: made.EventBusArn, Targets: []types.Target{to(queue)}})
	require.NoError(t, err)
	r.put("shop", `{}`)
	require.Empty(t, r.take(), "the default bus is another")
	for _, name := range []string{"shop", *made.EventBusArn} {
		_, err = r.PutEvents(r.ctx(), &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{{EventBusName: &name, Source: aws.String("shop"), DetailType: aws.String("t"), Detail: aws.String("{}")}}})
		require.NoError(t, err)
		got := r.take()
		require.Len(t, got, 1)
		require.Equal(t, *rule.RuleArn, got[0].from.SourceARN)
	}
	_, err = r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: aws.String("s"), EventBusName: aws.String("shop"), ScheduleExpression: aws.String("rate(1 minute)")})
	requireError(t, err, "ValidationException", "ScheduleExpression is supported only on the default event bus.")
	_, err = r.UpdateEventBus(r.ctx(), &sdk.UpdateEventBusInput{Name: aws.String("shop"), Description: aws.String("e")})
	require.NoError(t, err)
	b, err := r.DescribeEventBus(r.ctx(), &sdk.DescribeEventBusInput{Name: aws.String("shop")})
	require.NoError(t, err)
	require.Equal(t, "e", *b.Description)
	for _, arn := range []string{*made.EventBusArn, *rule.RuleArn} {
		_, err = r.TagResource(r.ctx(), &sdk.TagResourceInput{ResourceARN: &arn, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}})
		require.NoError(t, err)
		_, err = r.UntagResource(r.ctx(), &sdk.UntagResourceInput{ResourceARN: &arn, TagKeys: []string{"a"}})
		require.NoError(t, err)
		tags, err := r.ListTagsForResource(r.ctx(), &sdk.ListTagsForResourceInput{ResourceARN: &arn})
		require.NoError(t, err)
		require.Equal(t, []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}, tags.Tags)
	}
	_, err = r.ListTagsForResource(r.ctx(), &sdk.ListTagsForResourceInput{ResourceARN: aws.String("arn:aws:events:us-east-1:111111111111:rule/none")})
	requireError(t, err, "ResourceNotFoundException", "Rule none does not exist on EventBus default.")
	_, err = r.DeleteEventBus(r.ctx(), &sdk.DeleteEventBusInput{Name: aws.String("shop")})
	requireError(t, err, "ValidationException", "rules")
	_, err = r.DeleteEventBus(r.ctx(), &sdk.DeleteEventBusInput{Name: aws.String("default")})
	requireError(t, err, "ValidationException", "Cannot delete event bus default.")
	_, err = r.DescribeEventBus(r.ctx(), &sdk.DescribeEventBusInput{Name: aws.String("none")})
	requireError(t, err, "ResourceNotFoundException", "Event bus none does not exist.")
	list, err := r.ListEventBuses(r.ctx(), &sdk.ListEventBusesInput{})
	require.NoError(t, err)
	require.Len(t, list.EventBuses, 2)
	elsewhere, err := r.as(account, "eu-west-1").ListEventBuses(r.ctx(), &sdk.ListEventBusesInput{})
	require.NoError(t, err)
	require.Len(t, elsewhere.EventBuses, 1, "of another region")
}

func TestListsComeInPages(t *testing.T) {
	r := newRig(t)
	for i := range 5 {
		r.rule(fmt.Sprintf("r%d", i), shop)
	}
	var names []string
	in := &sdk.ListRulesInput{Limit: aws.Int32(2), NamePrefix: aws.String("r")}
	for {
		out, err := r.ListRules(r.ctx(), in)
		require.NoError(t, err)
		for _, rule := range out.Rules {
			names = append(names, *rule.Name)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	require.Equal(t, []string{"r0", "r1", "r2", "r3", "r4"}, names)
	_, err := r.ListRules(r.ctx(), &sdk.ListRulesInput{NextToken: aws.String("*")})
	requireError(t, err, "ValidationException", "Token")
}

func TestASnapshotHoldsEverything(t *testing.T) {
	r := newRig(t)
	_, err := r.CreateEventBus(r.ctx(), &sdk.CreateEventBusInput{Name: aws.String("shop"), Description: aws.String("d")})
	require.NoError(t, err)
	r.every("tick", "rate(10 minutes)")
	target := to(queue)
	target.InputTransformer = &types.InputTransformer{InputTemplate: aws.String(`"<s>"`), InputPathsMap: map[string]string{"s": "$.source"}}
	r.rule("r", shop, target)
	r.failing(queue, &wire.Error{Code: "ServiceUnavailable", Receiver: true})
	r.put("shop", `{}`)
	r.clk.Advance(9 * time.Minute)

	var saved []byte
	require.NoError(t, r.svc.Snapshot()(func(v any) error { saved, err = cbor.Marshal(v); return err }))
	since := r.clk.Now()
	again := newRigAt(t, since.Add(2*time.Minute))
	require.NoError(t, again.svc.Restore(func(v any) error { return cbor.Unmarshal(saved, v) }, since))
	again.clk.Advance(0)
	bodies := func() []string {
		all := again.bodies()
		slices.Sort(all)
		return all
	}
	got := bodies()
	require.Len(t, got, 1, "the occurrence that was missed")
	require.Contains(t, got[0], `"time":"2026-11-24T09:10:00Z"`)
	again.clk.Advance(9 * time.Minute)
	got = bodies()
	require.Len(t, got, 2, "the next one, and what was waiting")
	require.Equal(t, `"shop"`, got[0])
	require.Contains(t, got[1], `"time":"2026-11-24T09:20:00Z"`)
	again.put("shop", `{}`)
	require.Equal(t, []string{`"shop"`}, bodies())
	b, err := again.DescribeEventBus(r.ctx(), &sdk.DescribeEventBusInput{Name: aws.String("shop")})
	require.NoError(t, err)
	require.Equal(t, "d", *b.Description)
}

func TestConcurrentUse(t *testing.T) {
	r := newRig(t)
	r.every("tick", "rate(1 minute)")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			name := fmt.Sprint("r", i%4)
			for range 20 {
				_, _ = r.PutRule(r.ctx(), &sdk.PutRuleInput{Name: &name, EventPattern: aws.String(shop)})
				_, _ = r.PutTargets(r.ctx(), &sdk.PutTargetsInput{Rule: &name, Targets: []types.Target{to(queue)}})
				_, _ = r.PutEvents(r.ctx(), &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: aws.String("shop"), DetailType: aws.String("t"), Detail: aws.String("{}")}}})
				_, _ = r.ListTargetsByRule(r.ctx(), &sdk.ListTargetsByRuleInput{Rule: &name})
				_ = r.svc.Snapshot()
				_, _ = r.RemoveTargets(r.ctx(), &sdk.RemoveTargetsInput{Rule: &name, Ids: []string{"t"}})
			}
		})
	}
	for range 20 {
		r.clk.Advance(time.Minute)
	}
	group.Wait()
	require.GreaterOrEqual(t, len(r.take()), 20)
}
