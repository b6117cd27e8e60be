package fabric

// Permission is what the caller of an operation must be allowed.
type Permission struct {
	// Action is what is done, e.g. "sqs:SendMessage", Resource the ARN of what it is done to.
	Action, Resource string
}
