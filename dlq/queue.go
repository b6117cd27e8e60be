package dlq

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Queue says which queue.
type Queue struct {
	Name string `json:"name"`
	ARN  string `json:"arn"`
	URL  string `json:"url"` // empty for a queue that was not found
}

// FIFO says whether it is a FIFO queue, whose names alone end in ".fifo".
func (q Queue) FIFO() bool { return strings.HasSuffix(q.Name, ".fifo") }

// queueFromARN returns the queue of an ARN, without its URL.
func queueFromARN(s string) (Queue, error) {
	a, err := arn.Parse(s)
	if err != nil || a.Service != "sqs" || a.Resource == "" {
		return Queue{}, fmt.Errorf("%q is not the ARN of a queue, such as arn:aws:sqs:eu-west-1:111122223333:orders-dlq", s)
	}
	return Queue{Name: a.Resource, ARN: s}, nil
}

// Find finds the queue that ref names: by its URL, its ARN or its name in the client's
// account and region. A queue that doesn't exist is an error of type
// *types.QueueDoesNotExist. It needs sqs:GetQueueAttributes, and sqs:GetQueueUrl for an
// ARN or a name.
func Find(ctx context.Context, client Finder, ref string) (Queue, error) {
	q, _, err := find(ctx, client, ref)
	return q, err
}

// find finds a queue and returns its attributes as well.
func find(ctx context.Context, client Finder, ref string) (Queue, map[string]string, error) {
	var q Queue
	switch {
	case strings.HasPrefix(ref, "https://"), strings.HasPrefix(ref, "http://"):
		q = Queue{Name: nameOf(ref), URL: ref}
	case strings.HasPrefix(ref, "arn:"):
		named, err := queueFromARN(ref)
		if err != nil {
			return Queue{}, nil, err
		}
		if q, err = locate(ctx, client, named); err != nil {
			return Queue{}, nil, fmt.Errorf("finding queue %s: %w", ref, err)
		}
	case ref == "":
		return Queue{}, nil, errors.New("which queue? name it by its URL, its ARN or its name")
	default:
		out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &ref})
		if err != nil {
			return Queue{}, nil, fmt.Errorf("finding queue %s: %w", ref, err)
		}
		q = Queue{Name: ref, URL: aws.ToString(out.QueueUrl)}
	}
	attributes, err := attributesOf(ctx, client, q.URL)
	if err != nil {
		return Queue{}, nil, fmt.Errorf("reading queue %s: %w", ref, err)
	}
	q.ARN = attributes["QueueArn"]
	return q, attributes, nil
}

// locate returns the queue with the URL that belongs to its ARN.
func locate(ctx context.Context, client Finder, q Queue) (Queue, error) {
	a, err := arn.Parse(q.ARN)
	if err != nil {
		return Queue{}, err
	}
	out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &a.Resource, QueueOwnerAWSAccountId: &a.AccountID})
	if err != nil {
		return Queue{}, err
	}
	q.URL = aws.ToString(out.QueueUrl)
	return q, nil
}

// attributesOf reads all attributes. To ask for those of FIFO queues by name is an error
// on standard queues, hence all.
func attributesOf(ctx context.Context, client Finder, url string) (map[string]string, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

// nameOf returns the name in a queue's URL, which is its last part.
func nameOf(queueURL string) string {
	u, err := url.Parse(queueURL)
	if err != nil {
		return queueURL
	}
	return u.Path[strings.LastIndex(u.Path, "/")+1:]
}
