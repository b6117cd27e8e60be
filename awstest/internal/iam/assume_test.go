package iam_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/iam"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// TestARoleCanBeTiedToWhatItIsAssumedFor is the confused deputy's condition.
func TestARoleCanBeTiedToWhatItIsAssumedFor(t *testing.T) {
	clk := clock.New(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC))
	t.Cleanup(clk.Close)
	svc := iam.New(clk)
	create := func(name, trust string) string {
		_, err := svc.API().Invoke(t.Context(), &wire.Call{Operation: "CreateRole", Account: "123456789012"}, []byte(`{"RoleName":"`+name+`","AssumeRolePolicyDocument":"`+strings.ReplaceAll(trust, `"`, `\"`)+`"}`))
		require.NoError(t, err)
		return "arn:aws:iam::123456789012:role/" + name
	}
	const statement = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"scheduler.amazonaws.com"},"Action":"sts:AssumeRole"`
	open := create("open", statement+`}]}`)
	tied := create("tied", statement+`,"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012","aws:SourceArn":"arn:aws:scheduler:us-east-1:123456789012:schedule-group/g"}}}]}`)
	for name, tt := range map[string]struct {
		role    string
		by      fabric.Principal
		allowed bool
	}{
		"any group":               {open, fabric.Principal{Service: "scheduler.amazonaws.com"}, true},
		"another service":         {open, fabric.Principal{Service: "lambda.amazonaws.com"}, false},
		"the group":               {tied, fabric.Principal{Service: "scheduler.amazonaws.com", SourceARN: "arn:aws:scheduler:us-east-1:123456789012:schedule-group/g", SourceAccount: "123456789012"}, true},
		"another group":           {tied, fabric.Principal{Service: "scheduler.amazonaws.com", SourceARN: "arn:aws:scheduler:us-east-1:123456789012:schedule-group/h", SourceAccount: "123456789012"}, false},
		"another account's":       {tied, fabric.Principal{Service: "scheduler.amazonaws.com", SourceARN: "arn:aws:scheduler:us-east-1:123456789012:schedule-group/g", SourceAccount: "444455556666"}, false},
		"a role that isn't there": {tied + "-none", fabric.Principal{Service: "scheduler.amazonaws.com"}, false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.allowed, svc.Assumable(tt.role, tt.by)) })
	}
}
