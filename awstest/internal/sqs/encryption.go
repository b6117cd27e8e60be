package sqs

import (
	"errors"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// sending and receiving are what who does so does with the queue's KMS key. [SQS developer
// guide, "Key management", "Configure KMS permissions"]
func sending() []string   { return []string{"kms:GenerateDataKey", "kms:Decrypt"} }
func receiving() []string { return []string{"kms:Decrypt"} }

// useKey asks KMS whether the principal may use the key of an encrypted queue. SQS calls
// KMS on the principal's behalf, each time: unlike AWS it keeps no data keys, for which a
// change would have to wait (KmsDataKeyReusePeriodSeconds). Redrives are SQS's own, and
// don't ask. An account's calls may name a key that doesn't exist here.
func (s *Service) useKey(q *queue, set *settings, from fabric.Principal, actions []string) error {
	if set.kmsKey == "" || s.keys == nil {
		return nil
	}
	err := s.keys.Use(fabric.KeyUse{
		From: from, Account: q.key.account, Region: q.key.region, Key: set.kmsKey,
		Context: map[string]string{"aws:sqs:arn": q.arn}, Actions: actions,
	})
	var refusal *wire.Error
	if !errors.As(err, &refusal) {
		return err
	}
	e := keyError(refusal)
	if from.Service == "" && e.Type == "KmsNotFound" {
		return nil
	}
	return e
}

// keyError is an error of KMS's as SQS reports it. [SQS API reference, errors of
// SendMessage]
func keyError(e *wire.Error) *wire.Error {
	code, shape := "KMS."+e.Code, map[string]string{
		"AccessDeniedException":    "KmsAccessDenied",
		"DisabledException":        "KmsDisabled",
		"KMSInvalidStateException": "KmsInvalidState",
		"NotFoundException":        "KmsNotFound",
	}[e.Code]
	switch {
	case e.Code == "KMSInvalidStateException":
		code = "KMS.InvalidStateException"
	case shape == "": // an ARN of something else
		code, shape = "KMS.NotFoundException", "KmsNotFound"
	}
	return &wire.Error{
		Code: code, Type: shape,
		Message: e.Message + " (Service: AWSKMS; Status Code: 400; Error Code: " + e.Code + "; Request ID: " + newUUID().String() + "; Proxy: null)",
	}
}
