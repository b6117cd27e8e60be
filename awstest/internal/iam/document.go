package iam

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/policy"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

func malformed(message string) *wire.Error {
	return &wire.Error{Code: "MalformedPolicyDocument", Message: message}
}

// checkTrust checks a trust policy. [messages recorded from UpdateAssumeRolePolicy]
func checkTrust(doc string) error {
	if !json.Valid([]byte(doc)) {
		return malformed("This policy contains invalid Json")
	}
	if err := policy.ValidateKind(doc, policy.Trust); err != nil {
		if errors.Is(err, policy.ErrResource) {
			return malformed("Has prohibited field Resource")
		}
		return malformed("Syntax errors in policy.")
	}
	parsed, err := policy.Parse(doc)
	if err != nil {
		return malformed("Syntax errors in policy.")
	}
	for _, action := range parsed.Actions() {
		name, ok := strings.CutPrefix(strings.ToLower(action), "sts:")
		if !ok || !strings.HasPrefix(name, "assumerole") && name != "tagsession" && name != "setsourceidentity" && name != "setcontext" {
			return malformed("AssumeRole policy may only specify STS AssumeRole actions.")
		}
	}
	if len(doc) > maxTrustSize {
		return limitExceeded("Cannot exceed quota for ACLSizePerRole: %d", maxTrustSize)
	}
	return nil
}

// checkIdentity checks an inline or managed policy.
func checkIdentity(doc string) error {
	if !json.Valid([]byte(doc)) {
		return malformed("This policy contains invalid Json")
	}
	if policy.ValidateKind(doc, policy.Identity) != nil {
		return malformed("Syntax errors in policy.")
	}
	return nil
}

// sizeOf is the size of a policy as it counts against quotas: white space is free.
func sizeOf(doc string) int {
	n := 0
	for _, r := range doc {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}
