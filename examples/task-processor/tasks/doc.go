// Package tasks is the example's code: what its two Lambda functions do, and how tasks are
// submitted and redriven. The programs in cmd only read the environment and start it, so
// that tests run the same code.
//
// A task is an item of a DynamoDB table; its message says no more than which task:
//
//	{"task_id": "t-1"}
//
// From PENDING it goes to PROCESSING at each attempt and ends in one of
//
//	DONE    its effect has happened, once
//	FAILED  an attempt said that no retry can mend it
//	DEAD    all attempts were used up; the dead-letter queue had its message
//
// DONE and FAILED are final. A DEAD task becomes PENDING again when somebody redrives it.
package tasks
