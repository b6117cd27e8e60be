package sns

import (
	"fmt"
	"maps"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Snapshot takes down all that the service holds. It is to be called by an event of the
// clock, so that nothing else happens by the passing of time. write puts it down, in
// records, and may take its time: what it writes doesn't change any more.
func (s *Service) Snapshot() (write func(put func(any) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	head := savedService{Sequence: s.sequence, Topics: len(s.topics)}
	topics := make([]savedTopic, 0, len(s.topics))
	for _, t := range s.topics {
		topics = append(topics, t.saved())
	}
	return func(put func(any) error) error {
		if err := put(head); err != nil {
			return err
		}
		for i := range topics {
			if err := put(&topics[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

// Restore fills a new service with what a Snapshot has written. Subscriptions that are
// pending have another 48 hours to be confirmed. get reads the next record.
func (s *Service) Restore(get func(any) error) error {
	var head savedService
	if err := get(&head); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sequence = head.Sequence
	for range head.Topics {
		var saved savedTopic
		if err := get(&saved); err != nil {
			return err
		}
		if err := s.restoreTopic(&saved); err != nil {
			return fmt.Errorf("topic %s: %w", saved.Name, err)
		}
	}
	return nil
}

type savedService struct {
	Sequence uint64
	Topics   int // so many follow
}

type savedTopic struct {
	Name, Account, Region string
	FIFO                  bool
	Attributes, Tags      map[string]string
	Deleted               int
	Subscriptions         []savedSubscription
	Recent                []savedReceipt // oldest first
}

type savedReceipt struct {
	Key                 string
	At                  time.Time
	MessageID, Sequence string
}

type savedSubscription struct {
	ARN, Protocol, Endpoint, Owner, Principal, Token string
	Pending, Authenticated                           bool
	Attributes                                       map[string]string
	DeadLetter                                       string
}

func (t *topic) saved() savedTopic {
	out := savedTopic{
		Name: t.name, Account: t.account, Region: t.region, FIFO: t.fifo,
		Attributes: maps.Clone(t.attributes), Tags: maps.Clone(t.tags), Deleted: t.deleted,
	}
	for _, sub := range t.subscriptions {
		out.Subscriptions = append(out.Subscriptions, savedSubscription{
			ARN: sub.arn, Protocol: sub.protocol, Endpoint: sub.endpoint, Owner: sub.owner, Principal: sub.principal, Token: sub.token,
			Pending: sub.pending, Authenticated: sub.authenticated, Attributes: maps.Clone(sub.attributes), DeadLetter: sub.deadLetter,
		})
	}
	for _, key := range t.order {
		if r, ok := t.recent[key]; ok {
			out.Recent = append(out.Recent, savedReceipt{key, r.at, r.messageID, r.sequence})
		}
	}
	return out
}

func (s *Service) restoreTopic(saved *savedTopic) error {
	t := &topic{
		arn:  "arn:" + wire.Partition(saved.Region) + ":sns:" + saved.Region + ":" + saved.Account + ":" + saved.Name,
		name: saved.Name, account: saved.Account, region: saved.Region, fifo: saved.FIFO,
		attributes: filled(saved.Attributes), tags: filled(saved.Tags), deleted: saved.Deleted, recent: map[string]receipt{},
	}
	for _, r := range saved.Recent {
		t.recent[r.Key] = receipt{at: r.At, messageID: r.MessageID, sequence: r.Sequence}
		t.order = append(t.order, r.Key)
	}
	s.topics[t.arn] = t
	for _, old := range saved.Subscriptions {
		sub := &subscription{
			arn: old.ARN, topic: t, protocol: old.Protocol, endpoint: old.Endpoint, owner: old.Owner, principal: old.Principal,
			pending: old.Pending, authenticated: old.Authenticated, token: old.Token,
			attributes: filled(old.Attributes), deadLetter: old.DeadLetter,
		}
		f, err := parseFilter(sub.attributes["FilterPolicy"], sub.scope() == "MessageBody")
		if err != nil {
			return fmt.Errorf("subscription %s: %w", old.ARN, err)
		}
		sub.filter = f
		t.subscriptions = append(t.subscriptions, sub)
		s.subscriptions[sub.arn] = sub
		if sub.pending {
			s.expire(sub)
		}
	}
	return nil
}

// filled is m, empty rather than nil.
func filled(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}
