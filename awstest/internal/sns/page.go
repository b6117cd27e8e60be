package sns

import "github.com/sqs-dlq/sqs-dlq/awstest/internal/page"

// pageSize is how many topics or subscriptions a list operation returns at once.
// [ListTopics API reference]
const pageSize = 100

// paginate returns those of the ARNs that follow the token, in order.
func paginate(arns []string, token string) (some []string, next string, err error) {
	if arns, next, err = page.After(arns, token, pageSize); err != nil {
		return nil, "", invalid("NextToken")
	}
	return arns, next, nil
}
