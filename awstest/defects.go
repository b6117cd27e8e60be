package awstest

import (
	"fmt"
	"slices"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/cloudwatch"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sns"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sqs"
)

// Defect is a deliberate departure from AWS's behaviour. Planting one shows whether a
// test suite notices it.
type Defect string

// Defects returns all that can be planted.
func Defects() []Defect {
	var all []Defect
	for _, d := range sqs.Defects() {
		all = append(all, Defect(d))
	}
	for _, d := range cloudwatch.Defects() {
		all = append(all, Defect(d))
	}
	for _, d := range sns.Defects() {
		all = append(all, Defect(d))
	}
	return all
}

// Plant gives the endpoint exactly these defects from now on; none mends it. It returns
// an error if there is no such defect.
func (s *Server) Plant(defects ...Defect) error {
	var inSQS []sqs.Defect
	var inCloudWatch []cloudwatch.Defect
	var inSNS []sns.Defect
	for _, d := range defects {
		switch {
		case slices.Contains(sqs.Defects(), sqs.Defect(d)):
			inSQS = append(inSQS, sqs.Defect(d))
		case slices.Contains(cloudwatch.Defects(), cloudwatch.Defect(d)):
			inCloudWatch = append(inCloudWatch, cloudwatch.Defect(d))
		case slices.Contains(sns.Defects(), sns.Defect(d)):
			inSNS = append(inSNS, sns.Defect(d))
		default:
			return fmt.Errorf("there is no defect %q", d)
		}
	}
	s.services.cloudwatch.Plant(inCloudWatch...)
	s.services.sns.Plant(inSNS...)
	return s.services.sqs.SetDefects(inSQS...)
}
