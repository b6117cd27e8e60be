package sqs

import (
	"encoding/json"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Needs returns the permissions that a role needs for an operation with this JSON input.
// To start a move task it needs those to take messages out of the source and to send them
// to where they go; and for a queue under a KMS key, those to use the key. Of a key that
// a queue calls by an alias IAM knows only the key, which isn't looked up here. [SQS
// developer guide, "Configuring a dead-letter queue redrive" and "Key management"]
func (s *Service) Needs(region, operation string, input []byte) []fabric.Permission {
	var in struct{ QueueUrl, SourceArn, DestinationArn string }
	if json.Unmarshal(input, &in) != nil {
		return nil // the operation says what is wrong with it
	}
	if operation != "StartMessageMoveTask" {
		parts := strings.Split(in.QueueUrl, "/")
		if len(parts) < 2 {
			return nil
		}
		arn := queueKey{region: region, account: parts[len(parts)-2], name: parts[len(parts)-1]}.arn()
		needs := []fabric.Permission{{Action: "sqs:" + strings.TrimSuffix(operation, "Batch"), Resource: arn}}
		switch operation {
		case "SendMessage", "SendMessageBatch":
			needs = s.needKey(needs, arn, sending())
		case "ReceiveMessage":
			needs = s.needKey(needs, arn, receiving())
		}
		return needs
	}
	var needs []fabric.Permission
	for _, action := range []string{"sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} {
		needs = append(needs, fabric.Permission{Action: action, Resource: in.SourceArn})
	}
	needs = s.needKey(needs, in.SourceArn, receiving())
	for _, arn := range s.receivers(in.SourceArn, in.DestinationArn) {
		needs = append(needs, fabric.Permission{Action: "sqs:SendMessage", Resource: arn})
		needs = s.needKey(needs, arn, sending())
	}
	return needs
}

// receivers are the queues that the messages of a dead-letter queue go to.
func (s *Service) receivers(source, destination string) []string {
	if destination != "" {
		return []string{destination}
	}
	var arns []string
	for _, q := range *s.all.Load() {
		if p := q.settings.Load().redrive; p != nil && p.targetARN == source {
			arns = append(arns, q.arn)
		}
	}
	return arns
}

// needKey adds what is done with the key of a queue, if it has one.
func (s *Service) needKey(needs []fabric.Permission, queueARN string, actions []string) []fabric.Permission {
	q := s.findARN(queueARN)
	if q == nil {
		return needs
	}
	key := q.settings.Load().kmsKey
	switch {
	case key == "" || strings.Contains(key, "alias/"):
		return needs
	case !strings.HasPrefix(key, "arn:"):
		key = "arn:" + wire.Partition(q.key.region) + ":kms:" + q.key.region + ":" + q.key.account + ":key/" + key
	}
	for _, action := range actions {
		needs = append(needs, fabric.Permission{Action: action, Resource: key})
	}
	return needs
}
