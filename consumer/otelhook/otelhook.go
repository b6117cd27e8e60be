// Package otelhook traces the work of package consumer with OpenTelemetry, and carries
// the trace over the message:
//
//	// the producer
//	in.MessageAttributes = otelhook.Inject(ctx, propagation.TraceContext{}, in.MessageAttributes)
//
//	// the consumer
//	consumer.Lambda(handle, consumer.Hooks(otelhook.New(tracerProvider, propagation.TraceContext{})))
//
// The consumer's span is a child of the producer's: by what the propagator finds in the
// message attributes, or else by the AWS X-Ray trace header that SQS carries as
// AWSTraceHeader, which AWS services and instrumented SDKs send.
package otelhook

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/sqs-dlq/sqs-dlq/consumer"
)

// New returns a hook that makes a span "process <queue>" of each message. Attributes are
// those of OpenTelemetry's semantic conventions for messaging, and "sqs.receive_count" and
// "sqs.outcome".
//
// Source: https://opentelemetry.io/docs/specs/semconv/messaging/sqs/
func New(provider trace.TracerProvider, propagator propagation.TextMapPropagator) consumer.Hook {
	tracer := provider.Tracer("github.com/sqs-dlq/sqs-dlq/consumer/otelhook")
	return func(ctx context.Context, m consumer.Message) (context.Context, func(consumer.Result)) {
		parent := propagator.Extract(ctx, received(m.Attributes))
		if trace.SpanContextFromContext(parent).Equal(trace.SpanContextFromContext(ctx)) {
			if sc := parseTraceHeader(m.TraceHeader()); sc.IsValid() {
				parent = trace.ContextWithRemoteSpanContext(ctx, sc)
			}
		}
		ctx, span := tracer.Start(parent, "process "+m.Queue, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			attribute.String("messaging.system", "aws_sqs"),
			attribute.String("messaging.operation.type", "process"),
			attribute.String("messaging.operation.name", "process"),
			attribute.String("messaging.destination.name", m.Queue),
			attribute.String("messaging.message.id", m.ID),
			attribute.Int("sqs.receive_count", m.ReceiveCount),
		))
		return ctx, func(r consumer.Result) {
			span.SetAttributes(attribute.String("sqs.outcome", r.Outcome.String()))
			if r.Err != nil {
				span.RecordError(r.Err)
			}
			if r.Outcome == consumer.Retried || r.Outcome == consumer.Quarantined {
				span.SetStatus(codes.Error, r.Err.Error())
			}
			span.End()
		}
	}
}

// Inject adds the context's trace to the attributes of a message that is to be sent, and
// returns them; attributes may be nil. SQS takes ten attributes a message: where there is
// no room for the propagator's, they are left out and the trace ends there.
func Inject(ctx context.Context, propagator propagation.TextMapPropagator, attributes map[string]types.MessageAttributeValue) map[string]types.MessageAttributeValue {
	carried := propagation.MapCarrier{}
	propagator.Inject(ctx, carried)
	if attributes == nil {
		attributes = map[string]types.MessageAttributeValue{}
	}
	for name, value := range carried {
		_, there := attributes[name]
		if value != "" && (there || len(attributes) < 10) { // SQS refuses empty values
			attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
	}
	return attributes
}

// received lets propagators read message attributes.
type received map[string]consumer.Attribute

func (r received) Get(key string) string { return r[key].String }
func (r received) Set(string, string)    {} // what was received isn't changed
func (r received) Keys() []string {
	keys := make([]string, 0, len(r))
	for k := range r {
		keys = append(keys, k)
	}
	return keys
}

// parseTraceHeader reads "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1".
// The root without version and dashes is the trace id. It returns an invalid span context
// if the header is no such thing.
//
// Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func parseTraceHeader(header string) trace.SpanContext {
	config := trace.SpanContextConfig{Remote: true}
	for _, field := range strings.Split(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Root":
			part := strings.Split(value, "-")
			if len(part) != 3 || part[0] != "1" || len(part[1]) != 8 {
				return trace.SpanContext{}
			}
			id, err := trace.TraceIDFromHex(part[1] + part[2])
			if err != nil {
				return trace.SpanContext{}
			}
			config.TraceID = id
		case "Parent":
			id, err := trace.SpanIDFromHex(value)
			if err != nil {
				return trace.SpanContext{}
			}
			config.SpanID = id
		case "Sampled":
			if value == "1" {
				config.TraceFlags = trace.FlagsSampled
			}
		}
	}
	return trace.NewSpanContext(config)
}
