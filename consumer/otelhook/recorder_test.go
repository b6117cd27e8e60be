package otelhook_test

import (
	"context"
	"encoding/binary"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// recorder is a tracer provider that keeps its spans.
type recorder struct {
	embedded.TracerProvider
	mu    sync.Mutex
	spans []*span // in the order in which they began
}

func (r *recorder) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{recorder: r} }

type tracer struct {
	embedded.Tracer
	recorder *recorder
}

func (t tracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	t.recorder.mu.Lock()
	defer t.recorder.mu.Unlock()
	parent := trace.SpanContextFromContext(ctx)
	config := trace.SpanContextConfig{TraceID: parent.TraceID(), TraceFlags: parent.TraceFlags()}
	n := uint64(len(t.recorder.spans) + 1)
	if !parent.IsValid() {
		binary.BigEndian.PutUint64(config.TraceID[:], n)
		config.TraceFlags = trace.FlagsSampled
	}
	binary.BigEndian.PutUint64(config.SpanID[:], n)
	start := trace.NewSpanStartConfig(opts...)
	s := &span{recorder: t.recorder, name: name, kind: start.SpanKind(), parent: parent, context: trace.NewSpanContext(config), attributes: map[string]any{}}
	s.SetAttributes(start.Attributes()...)
	t.recorder.spans = append(t.recorder.spans, s)
	return trace.ContextWithSpan(ctx, s), s
}

type span struct {
	embedded.Span
	recorder        *recorder
	name            string
	kind            trace.SpanKind
	parent, context trace.SpanContext
	attributes      map[string]any
	errors          []string
	status          codes.Code
	description     string
	ends            int
}

func (s *span) End(...trace.SpanEndOption)            { s.ends++ }
func (s *span) AddEvent(string, ...trace.EventOption) {}
func (s *span) AddLink(trace.Link)                    {}
func (s *span) IsRecording() bool                     { return true }
func (s *span) RecordError(err error, _ ...trace.EventOption) {
	s.errors = append(s.errors, err.Error())
}
func (s *span) SpanContext() trace.SpanContext { return s.context }
func (s *span) SetStatus(code codes.Code, description string) {
	s.status, s.description = code, description
}
func (s *span) SetName(name string)                  { s.name = name }
func (s *span) TracerProvider() trace.TracerProvider { return s.recorder }
func (s *span) SetAttributes(attributes ...attribute.KeyValue) {
	for _, a := range attributes {
		s.attributes[string(a.Key)] = a.Value.AsInterface()
	}
}
