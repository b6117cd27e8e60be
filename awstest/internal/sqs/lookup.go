package sqs

import (
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// queueOf finds the queue that a call is about. Its URL may have any host, or be a bare
// name; a call that states none but is sent to a queue's URL means that queue.
func (s *Service) queueOf(c *wire.Call, url string) (*queue, error) {
	if url == "" && c.HTTP != nil && len(c.HTTP.URL.Path) > 1 {
		url = c.HTTP.URL.Path
	}
	if url == "" {
		return nil, missingParameter("QueueUrl")
	}
	account, name := splitURL(url)
	if account == "" {
		account = c.Account
	}
	q := s.find(queueKey{account, c.Region, name})
	if q == nil {
		return nil, queueDoesNotExist()
	}
	q.touch(c)
	return q, nil
}

// touch takes note of a call, for the activity rule of metrics.
func (q *queue) touch(c *wire.Call) {
	at := c.Time
	if at.IsZero() { // it came from another service
		at = q.svc.clk.Now()
	}
	q.called.Store(at.UnixNano())
}

// splitURL takes account and name from the last two elements of a queue URL's path.
func splitURL(url string) (account, name string) {
	url = strings.TrimSuffix(url, "/")
	i := strings.LastIndexByte(url, '/')
	if i < 0 {
		return "", url
	}
	name, url = url[i+1:], url[:i]
	account = url[strings.LastIndexByte(url, '/')+1:]
	if strings.HasSuffix(url, "//"+account) {
		account = "" // that was the host
	}
	return account, name
}

func (s *Service) find(key queueKey) *queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[key]
}

func (s *Service) findARN(arn string) *queue {
	key, ok := parseARN(arn)
	if !ok {
		return nil
	}
	return s.find(key)
}

func queueURL(c *wire.Call, key queueKey) string {
	return c.BaseURL + "/" + key.account + "/" + key.name
}

// inRegion are the queues of an account in a region, by name.
func (s *Service) inRegion(account, region string) []*queue {
	var found []*queue
	for _, q := range *s.all.Load() {
		if q.key.account == account && q.key.region == region {
			found = append(found, q)
		}
	}
	slices.SortFunc(found, func(a, b *queue) int { return strings.Compare(a.key.name, b.key.name) })
	return found
}
