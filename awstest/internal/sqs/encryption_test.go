package sqs

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// keyring is a KMS that refuses with an error and remembers what it was asked.
type keyring struct {
	err   error
	asked []fabric.KeyUse
}

func (k *keyring) Use(u fabric.KeyUse) error {
	k.asked = append(k.asked, u)
	return k.err
}

func TestAServiceMustBeLetToUseTheKeyOfAnEncryptedQueue(t *testing.T) {
	topic := fabric.Principal{Service: "sns.amazonaws.com", SourceARN: "arn:aws:sns:us-east-1:000000000000:t", SourceAccount: testAccount}
	for code, want := range map[string]string{
		"AccessDeniedException":    "KMS.AccessDeniedException KmsAccessDenied",
		"DisabledException":        "KMS.DisabledException KmsDisabled",
		"KMSInvalidStateException": "KMS.InvalidStateException KmsInvalidState",
		"NotFoundException":        "KMS.NotFoundException KmsNotFound",
		"InvalidArnException":      "KMS.NotFoundException KmsNotFound",
	} {
		t.Run(code, func(t *testing.T) {
			keys := &keyring{err: &wire.Error{Code: code, Message: "no"}}
			h := newHarness(t, Options{Keys: keys})
			q := h.queue("q", "KmsMasterKeyId", "alias/mine")
			err := h.svc.Deliver(topic, arnOf("q"), fabric.QueueMessage{Body: "x"})
			var e *wire.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, want, e.Code+" "+e.Type)
			require.Regexp(t, `^no \(Service: AWSKMS; Status Code: 400; Error Code: `+code+`; Request ID: [0-9a-f-]{36}; Proxy: null\)$`, e.Message)
			require.Equal(t, []fabric.KeyUse{{
				From: topic, Account: testAccount, Region: "us-east-1", Key: "alias/mine",
				Context: map[string]string{"aws:sqs:arn": arnOf("q")}, Actions: []string{"kms:GenerateDataKey", "kms:Decrypt"},
			}}, keys.asked)
			keys.err = nil
			require.Empty(t, h.receive(q, 1))
			require.NoError(t, h.svc.Deliver(topic, arnOf("q"), fabric.QueueMessage{Body: "x"}))
			require.Len(t, h.receive(q, 1), 1)
		})
	}
}

func TestAnAccountsCallsFailWithAKeyThatIsOff(t *testing.T) {
	keys := &keyring{}
	h := newHarness(t, Options{Keys: keys})
	q := h.queue("q", "KmsMasterKeyId", "alias/mine")
	h.send(q, "before")
	keys.err = &wire.Error{Code: "DisabledException", Message: "arn is disabled."}
	keys.asked = nil
	_, err := h.sqs.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: &q, MessageBody: aws.String("x")})
	var disabled *types.KmsDisabled
	require.ErrorAs(t, err, &disabled)
	require.Contains(t, *disabled.Message, "arn is disabled.")
	_, err = h.sqs.SendMessageBatch(t.Context(), &sdk.SendMessageBatchInput{QueueUrl: &q, Entries: []types.SendMessageBatchRequestEntry{{Id: aws.String("1"), MessageBody: aws.String("x")}}})
	require.ErrorAs(t, err, &disabled)
	_, err = h.sqs.ReceiveMessage(t.Context(), &sdk.ReceiveMessageInput{QueueUrl: &q})
	require.ErrorAs(t, err, &disabled)
	require.Equal(t, fabric.Principal{SourceAccount: testAccount}, keys.asked[0].From)
	require.Equal(t, []string{"kms:Decrypt"}, keys.asked[2].Actions)

	keys.err = nil
	require.Equal(t, []string{"before"}, bodies(h.receive(q, 10)))
}

func TestAnAccountMayNameAKeyThatDoesNotExistHere(t *testing.T) {
	h := newHarness(t, Options{Keys: &keyring{err: &wire.Error{Code: "NotFoundException"}}})
	q := h.queue("q", "KmsMasterKeyId", "alias/elsewhere")
	h.send(q, "x")
	require.Len(t, h.receive(q, 1), 1)
}

func TestNoKeyIsAskedFor(t *testing.T) {
	keys := &keyring{err: &wire.Error{Code: "AccessDeniedException"}}
	h := newHarness(t, Options{Keys: keys})
	t.Run("by a queue that SQS encrypts with its own", func(t *testing.T) {
		q := h.queue("plain")
		h.send(q, "x")
		require.NoError(t, h.svc.Deliver(fabric.Principal{Service: "sns.amazonaws.com"}, arnOf("plain"), fabric.QueueMessage{Body: "y"}))
		require.Len(t, h.receive(q, 10), 2)
	})
	t.Run("by a redrive, which is SQS's own", func(t *testing.T) {
		dlq := h.queue("dlq", "KmsMasterKeyId", "alias/mine")
		q := h.queue("q", "VisibilityTimeout", "0", "RedrivePolicy", `{"deadLetterTargetArn":"`+arnOf("dlq")+`","maxReceiveCount":1}`)
		h.send(q, "poison")
		require.Len(t, h.receive(q, 1), 1)
		require.Empty(t, h.receive(q, 1))
		require.Equal(t, "1", h.attributes(dlq, "ApproximateNumberOfMessages")["ApproximateNumberOfMessages"])
	})
	require.Empty(t, keys.asked)
}
