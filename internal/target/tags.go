package target

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// The tags of everything that Terraform creates for a proof outside this process, so that
// what a killed run left is found. Their keys are names of environment variables as well.
const (
	TagRun     = "dlq_proof"         // the run, other for each
	TagStarted = "dlq_proof_started" // when the run began by the wall clock, as in TimeLayout
)

// TimeLayout is RFC 3339's time in UTC without the characters that tags of some services
// don't take.
const TimeLayout = "20060102T150405Z"

// tag makes the AWS provider put the run's tags on all that it creates. It reads them,
// since 5.62, from variables that begin with TF_AWS_DEFAULT_TAGS_; tags of the same key
// in the configuration come first.
func (t *Target) tag() {
	t.Run = strconv.FormatUint(rand.Uint64()>>16, 36)
	t.Env["TF_AWS_DEFAULT_TAGS_"+TagRun] = t.Run
	t.Env["TF_AWS_DEFAULT_TAGS_"+TagStarted] = time.Now().UTC().Format(TimeLayout)
}
