package dlq_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// BenchmarkClassify classifies a message by three rules, all of which are evaluated.
func BenchmarkClassify(b *testing.B) {
	rules, err := dlq.ParseRules("rules.yaml", []byte(lines(
		"rules:",
		"  - {name: test, when: 'is_json && body.tenant == \"test\"', then: discard}",
		"  - {name: often, when: redrive_count > 5, then: quarantine}",
		"  - {name: timed out, when: 'age < duration(\"24h\") && attributes[\"error\"] == \"Timeout\"', then: redrive}")))
	require.NoError(b, err)
	now := time.Now()
	m := &dlq.DeadLetter{
		Body: `{"tenant":"acme","order":{"id":7,"items":["a","b","c"],"total":12.5},"note":"somebody wants this tomorrow"}`, Sent: now,
		Attributes: map[string]types.MessageAttributeValue{"error": {DataType: aws.String("String"), StringValue: aws.String("Timeout")}},
	}
	b.ReportAllocs()
	for b.Loop() {
		d, err := rules.Classify(m, now)
		require.NoError(b, err)
		require.Equal(b, dlq.ActionRedrive, d.Action)
	}
}
