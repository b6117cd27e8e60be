package otelhook_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/sqs-dlq/sqs-dlq/consumer"
	"github.com/sqs-dlq/sqs-dlq/consumer/otelhook"
)

const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

func consume(t *testing.T, ctx context.Context, provider trace.TracerProvider, attributes map[string]types.MessageAttributeValue, traceHeader string, h consumer.Handler, opts ...consumer.Option) {
	t.Helper()
	record := events.SQSMessage{
		MessageId: "m", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:orders",
		Attributes: map[string]string{"ApproximateReceiveCount": "2"}, MessageAttributes: map[string]events.SQSMessageAttribute{},
	}
	if traceHeader != "" {
		record.Attributes["AWSTraceHeader"] = traceHeader
	}
	for name, a := range attributes {
		record.MessageAttributes[name] = events.SQSMessageAttribute{DataType: *a.DataType, StringValue: a.StringValue}
	}
	_, err := consumer.Lambda(h, append(opts, consumer.Hooks(otelhook.New(provider, propagation.TraceContext{})))...)(ctx, events.SQSEvent{Records: []events.SQSMessage{record}})
	require.NoError(t, err)
}

func TestTheTraceGoesOnOverTheMessage(t *testing.T) {
	provider := &recorder{}
	ctx, producer := provider.Tracer("test").Start(t.Context(), "send orders")
	attributes := otelhook.Inject(ctx, propagation.TraceContext{}, nil)
	producer.End()

	var inHandler trace.SpanContext
	consume(t, t.Context(), provider, attributes, header, func(ctx context.Context, _ consumer.Message) error {
		inHandler = trace.SpanContextFromContext(ctx)
		return nil
	})
	require.Len(t, provider.spans, 2)
	span := provider.spans[1]
	require.Equal(t, producer.SpanContext().TraceID(), span.context.TraceID())
	require.Equal(t, producer.SpanContext().SpanID(), span.parent.SpanID(), "the attributes count before the header")
	require.True(t, span.parent.IsRemote())
	require.Equal(t, span.context.SpanID(), inHandler.SpanID())
	require.Equal(t, "process orders", span.name)
	require.Equal(t, trace.SpanKindConsumer, span.kind)
	require.Equal(t, codes.Unset, span.status)
	require.Equal(t, 1, span.ends)
	require.Equal(t, map[string]any{
		"messaging.system": "aws_sqs", "messaging.operation.type": "process", "messaging.operation.name": "process",
		"messaging.destination.name": "orders", "messaging.message.id": "m", "sqs.receive_count": int64(2), "sqs.outcome": "succeeded",
	}, span.attributes)
}

func TestWithoutAttributesTheXRayHeaderCounts(t *testing.T) {
	for _, c := range []struct {
		name, header, traceID, parent string
		sampled                       bool
	}{
		{"whole", header, "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8", true},
		{"not sampled", "Root=1-5759e988-bd862e3fe1be46a994272793; Parent=53995c3f42cd8ad8; Sampled=0", "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			provider := &recorder{}
			consume(t, t.Context(), provider, nil, c.header, func(context.Context, consumer.Message) error { return nil })
			parent := provider.spans[0].parent
			require.Equal(t, []string{c.traceID, c.parent}, []string{parent.TraceID().String(), parent.SpanID().String()})
			require.Equal(t, []bool{c.sampled, true}, []bool{parent.IsSampled(), parent.IsRemote()})
		})
	}
}

// Rubbish, or nothing: the span is a child of the invocation's.
func TestAMessageWithoutATraceStaysInThatOfTheCaller(t *testing.T) {
	for _, h := range []string{"", "rubbish", "Root=1-5759e988-bd862e3fe1be46a994272793", "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", "Root=1-5759e98-bd862e3fe1be46a9942727931;Parent=53995c3f42cd8ad8", "Root=1-5759e988-xx862e3fe1be46a994272793;Parent=53995c3f42cd8ad8", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=zz"} {
		provider := &recorder{}
		ctx, invocation := provider.Tracer("test").Start(t.Context(), "invocation")
		consume(t, ctx, provider, nil, h, func(context.Context, consumer.Message) error { return nil })
		require.Equal(t, invocation.SpanContext().SpanID(), provider.spans[1].parent.SpanID(), h)
	}
}

func TestFailuresAreErrorsOfTheSpan(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		opts    []consumer.Option
		outcome string
	}{
		{"retried", errors.New("down"), nil, "retried"},
		{"permanent", consumer.Permanent(errors.New("down")), []consumer.Option{consumer.Quarantine(consumer.SinkFunc(func(context.Context, consumer.Failure) error { return nil }))}, "quarantined"},
	} {
		t.Run(c.name, func(t *testing.T) {
			provider := &recorder{}
			consume(t, t.Context(), provider, nil, "", func(context.Context, consumer.Message) error { return c.err }, c.opts...)
			span := provider.spans[0]
			require.Equal(t, []any{codes.Error, "down"}, []any{span.status, span.description})
			require.Equal(t, []string{"down"}, span.errors)
			require.Equal(t, c.outcome, span.attributes["sqs.outcome"])
			require.Equal(t, 1, span.ends)
		})
	}
}

func TestInjectKeepsToTheTenAttributesOfAMessage(t *testing.T) {
	provider := &recorder{}
	ctx, _ := provider.Tracer("test").Start(t.Context(), "send")
	attributes := map[string]types.MessageAttributeValue{}
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		attributes[name] = types.MessageAttributeValue{DataType: new("String"), StringValue: new("x")}
	}
	require.Len(t, otelhook.Inject(ctx, propagation.TraceContext{}, attributes), 10)
	before := *attributes["traceparent"].StringValue
	ctx, _ = provider.Tracer("test").Start(t.Context(), "send again")
	otelhook.Inject(ctx, propagation.TraceContext{}, attributes)
	require.NotEqual(t, before, *attributes["traceparent"].StringValue, "replaced")
	delete(attributes, "traceparent")
	attributes["j"] = attributes["a"]
	require.NotContains(t, otelhook.Inject(ctx, propagation.TraceContext{}, attributes), "traceparent")
	require.Empty(t, otelhook.Inject(t.Context(), propagation.TraceContext{}, nil))
}
