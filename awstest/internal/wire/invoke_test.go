package wire_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func TestInvoke(t *testing.T) {
	svc := toy(&seen{})
	invoke := func(op, input string) (any, error) {
		return svc.Invoke(context.Background(), &wire.Call{Operation: op}, []byte(input))
	}
	out, err := invoke("Echo", `{"Text":"t","text":"no"}`)
	require.NoError(t, err)
	require.Equal(t, "t", out.(*everything).Text)

	for _, c := range []struct{ name, op, input, want string }{
		{"an unknown operation", "Fly", `{}`, "NotImplemented: The operation toy:Fly is not served here."},
		{"an input that can't be read", "Echo", `{"Text":1}`, "MalformedInput: NUMBER_VALUE can not be converted to a String"},
		{"an operation that fails", "Fail", `{}`, `AWS.Toy.NonExistentToy: no <toy> & "such"`},
		{"an operation that panics", "Fail", `{"How":"panic"}`, "Fail panicked: of the operation"},
	} {
		_, err := invoke(c.op, c.input)
		require.ErrorContains(t, err, c.want, c.name)
	}
	input := []byte(`{"text":"no"}`)
	_, err = svc.Invoke(context.Background(), &wire.Call{Operation: "Echo"}, input)
	require.NoError(t, err)
	require.Equal(t, `{"text":"no"}`, string(input), "the input is the caller's")
}

func TestResource(t *testing.T) {
	type named struct {
		Name      *string
		AlarmName string
		TopicArn  *string
		QueueUrl  string
	}
	last := &seen{}
	svc := toy(last)
	svc.Operations["Named"] = wire.Op(func(_ context.Context, c *wire.Call, _ *named) (*wire.Empty, error) {
		last.Call = *c
		return &wire.Empty{}, nil
	})
	r := newRigOf(t, last, svc)
	for input, want := range map[string]string{
		`{}`:                               "",
		`{"Name":"n"}`:                     "n",
		`{"Name":"n","AlarmName":"a"}`:     "a",
		`{"AlarmName":"a","TopicArn":"t"}`: "t",
		`{"TopicArn":"t","QueueUrl":"q"}`:  "q",
		`{"TopicArn":null,"QueueUrl":""}`:  "",
	} {
		require.Equal(t, 200, r.json(t, "Named", input).StatusCode)
		require.Equal(t, want, last.Resource, input)
	}
}
