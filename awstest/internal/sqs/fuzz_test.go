package sqs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzRedrivePolicy(f *testing.F) {
	f.Add(redriveTo("dlq", 3))
	f.Add(`{"deadLetterTargetArn":null,"maxReceiveCount":1e3}`)
	f.Add(strings.Repeat("[", 100))
	f.Fuzz(func(t *testing.T, doc string) {
		r, err := parseRedrive(doc)
		if err != nil || r == nil {
			require.Nil(t, r)
			return
		}
		require.True(t, r.maxReceiveCount >= 1 && r.maxReceiveCount <= 1000)
		require.NotEmpty(t, r.target.name)
	})
}

func FuzzRedriveAllowPolicy(f *testing.F) {
	f.Add(`{"redrivePermission":"byQueue","sourceQueueArns":["` + arnOf("q") + `"]}`)
	f.Add(`{"redrivePermission":"denyAll"}`)
	f.Fuzz(func(t *testing.T, doc string) {
		a, err := parseAllow(doc)
		if err != nil || a == nil {
			require.Nil(t, a)
			return
		}
		require.LessOrEqual(t, len(a.sources), 10)
		require.Equal(t, a.permission == allowAll, a.permits("arn:aws:sqs:r:a:never-listed-"+strings.Repeat("x", len(doc))))
	})
}

func FuzzReceiptHandle(f *testing.F) {
	l := newLocal(f, Options{})
	l.create(f, "q")
	q := l.svc.find(queueKey{testAccount, "us-east-1", "q"})
	real := l.svc.handle(q, &message{id: newUUID(), nonce: 1})
	f.Add(real)
	f.Add(strings.Repeat("A", handleChars))
	f.Fuzz(func(t *testing.T, handle string) {
		id, nonce, err := q.readHandle(handle)
		if err == nil {
			require.Equal(t, handle, l.svc.handle(q, &message{id: id, nonce: nonce}))
		}
	})
}

func FuzzQueueURL(f *testing.F) {
	f.Add("http://localhost:4566/000000000000/q")
	f.Add("q")
	f.Add("//")
	f.Fuzz(func(t *testing.T, url string) {
		account, name := splitURL(url)
		require.NotContains(t, account+name, "/")
	})
}

func FuzzMessageAttribute(f *testing.F) {
	f.Add("name", "String", "value", []byte(nil))
	f.Add("n", "Binary.x", "", []byte{0, 1})
	f.Fuzz(func(t *testing.T, name, dataType, text string, binary []byte) {
		a := AttributeValue{DataType: dataType, StringValue: &text, BinaryValue: binary}
		if checkAttribute(name, a) == nil {
			require.Len(t, attributesMD5(map[string]AttributeValue{name: a}), 32)
		}
	})
}
