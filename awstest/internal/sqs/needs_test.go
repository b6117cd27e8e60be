package sqs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
)

func TestNeedsAreThoseOfTheQueuesAndTheirKeys(t *testing.T) {
	h := newHarness(t, Options{})
	const key = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	h.queue("orders-dlq", "KmsMasterKeyId", key)
	h.queue("orders", "RedrivePolicy", `{"deadLetterTargetArn":"`+arnOf("orders-dlq")+`","maxReceiveCount":"3"}`, "KmsMasterKeyId", "1234abcd-12ab-34cd-56ef-1234567890ab")
	h.queue("returns", "RedrivePolicy", `{"deadLetterTargetArn":"`+arnOf("orders-dlq")+`","maxReceiveCount":"3"}`)
	h.queue("aliased", "KmsMasterKeyId", "alias/orders")
	all := func(resource string, actions ...string) []fabric.Permission {
		var out []fabric.Permission
		for _, action := range actions {
			out = append(out, fabric.Permission{Action: action, Resource: resource})
		}
		return out
	}
	join := func(lists ...[]fabric.Permission) []fabric.Permission {
		var out []fabric.Permission
		for _, list := range lists {
			out = append(out, list...)
		}
		return out
	}
	take := join(
		all(arnOf("orders-dlq"), "sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
		all(key, "kms:Decrypt"),
	)
	for name, tt := range map[string]struct {
		operation, input string
		want             []fabric.Permission
	}{
		"a redrive to the sources": {"StartMessageMoveTask", `{"SourceArn":"` + arnOf("orders-dlq") + `"}`, join(
			take, all(arnOf("orders"), "sqs:SendMessage"), all(key, "kms:GenerateDataKey", "kms:Decrypt"), all(arnOf("returns"), "sqs:SendMessage"),
		)},
		"a redrive to another queue": {"StartMessageMoveTask", `{"SourceArn":"` + arnOf("orders-dlq") + `","DestinationArn":"` + arnOf("returns") + `"}`, join(
			take, all(arnOf("returns"), "sqs:SendMessage"),
		)},
		"a send":                   {"SendMessage", `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/returns"}`, all(arnOf("returns"), "sqs:SendMessage")},
		"a batch under a key":      {"SendMessageBatch", `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/orders"}`, join(all(arnOf("orders"), "sqs:SendMessage"), all(key, "kms:GenerateDataKey", "kms:Decrypt"))},
		"a receive under a key":    {"ReceiveMessage", `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/orders"}`, join(all(arnOf("orders"), "sqs:ReceiveMessage"), all(key, "kms:Decrypt"))},
		"a purge":                  {"PurgeQueue", `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/orders"}`, all(arnOf("orders"), "sqs:PurgeQueue")},
		"a send under an alias":    {"SendMessage", `{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/000000000000/aliased"}`, all(arnOf("aliased"), "sqs:SendMessage")},
		"an operation on no queue": {"ListQueues", `{}`, nil},
		"no JSON":                  {"SendMessage", `{`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.ElementsMatch(t, tt.want, h.svc.Needs("us-east-1", tt.operation, []byte(tt.input)))
		})
	}
}
