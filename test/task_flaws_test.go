package test

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/sqs-dlq/sqs-dlq/examples/task-processor/tasks"
)

// flawed is the client that the functions get: with the flaw, if it is one of the writes.
func (r *crashRig) flawed(db *dynamodb.Client) tasks.DynamoDB { return flawedDB{db, r.flaw} }

type flawedDB struct {
	*dynamodb.Client
	flaw flaw
}

// UpdateItem lacks its condition, or doesn't record a permanent failure.
func (d flawedDB) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	switch {
	case d.flaw == noConditions, d.flaw == forgetfulKeys && strings.Contains(*in.UpdateExpression, "ADD attempts"):
		in.ConditionExpression = nil
		in.ExpressionAttributeValues, in.ExpressionAttributeNames = used(*in.UpdateExpression, in.ExpressionAttributeValues, in.ExpressionAttributeNames)
	case d.flaw == permanentIsDropped && in.ExpressionAttributeValues[":failed"] != nil && strings.Contains(*in.UpdateExpression, ":failed"):
		return &dynamodb.UpdateItemOutput{}, nil
	}
	return d.Client.UpdateItem(ctx, in, opts...)
}

// TransactWriteItems lacks the condition of the effect, and the key isn't done.
func (d flawedDB) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, opts ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if d.flaw == forgetfulKeys {
		u := in.TransactItems[0].Update
		u.ConditionExpression = nil
		u.ExpressionAttributeValues, u.ExpressionAttributeNames = used(*u.UpdateExpression, u.ExpressionAttributeValues, u.ExpressionAttributeNames)
		in.TransactItems = in.TransactItems[:1]
	}
	return d.Client.TransactWriteItems(ctx, in, opts...)
}

// PutItem forgets what is done.
func (d flawedDB) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if state, ok := in.Item["state"].(*types.AttributeValueMemberS); ok && d.flaw == forgetfulKeys && state.Value == "done" {
		return &dynamodb.PutItemOutput{}, nil
	}
	return d.Client.PutItem(ctx, in, opts...)
}

// used are the values and names that an expression has; DynamoDB refuses others.
func used(expression string, values map[string]types.AttributeValue, names map[string]string) (map[string]types.AttributeValue, map[string]string) {
	has := func(name string) bool {
		for _, after := range strings.Split(expression, name)[1:] {
			if after == "" || strings.ContainsRune(" ,)", rune(after[0])) {
				return true
			}
		}
		return false
	}
	values, names = maps.Clone(values), maps.Clone(names)
	maps.DeleteFunc(values, func(name string, _ types.AttributeValue) bool { return !has(name) })
	maps.DeleteFunc(names, func(name, _ string) bool { return !has(name) })
	return values, names
}

func containsAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}
