package dynamodb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// The bounds of batches and transactions. [API reference]
const (
	maxBatchWrite = 25
	maxBatchGet   = 100
	maxTransact   = 100
	tokenLife     = 10 * time.Minute
)

type keysInput struct {
	legacy
	Keys                     []item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
	ConsistentRead           bool
}

type batchGetInput struct{ RequestItems map[string]keysInput }

type batchGetOutput struct {
	Responses       map[string][]item
	UnprocessedKeys map[string]struct{}
}

func (s *Service) batchGetItem(_ context.Context, c *wire.Call, in *batchGetInput) (*batchGetOutput, error) {
	total := 0
	for _, keys := range in.RequestItems {
		total += len(keys.Keys)
	}
	if total == 0 {
		return nil, invalid("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	if total > maxBatchGet {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	out := &batchGetOutput{Responses: map[string][]item{}, UnprocessedKeys: map[string]struct{}{}}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, keys := range in.RequestItems {
		if err := keys.check(); err != nil {
			return nil, err
		}
		t, err := s.find(c, name)
		if err != nil {
			return nil, err
		}
		out.Responses[name] = []item{}
		seen := map[string]bool{}
		for _, key := range keys.Keys {
			found, _, err := t.get(key, keys.ProjectionExpression, keys.ExpressionAttributeNames)
			if err != nil {
				return nil, err
			}
			if id := t.keyOf(key); seen[id] {
				return nil, invalid("Provided list of item keys contains duplicates")
			} else {
				seen[id] = true
			}
			if found != nil {
				out.Responses[name] = append(out.Responses[name], found)
			}
		}
	}
	return out, nil
}

type writeRequest struct {
	PutRequest    *struct{ Item item }
	DeleteRequest *struct{ Key item }
}

type batchWriteInput struct{ RequestItems map[string][]writeRequest }

type batchWriteOutput struct{ UnprocessedItems map[string][]struct{} }

func (s *Service) batchWriteItem(_ context.Context, c *wire.Call, in *batchWriteInput) (*batchWriteOutput, error) {
	total := 0
	for _, requests := range in.RequestItems {
		total += len(requests)
	}
	if total == 0 {
		return nil, invalid("1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	if total > maxBatchWrite {
		return nil, invalid("Too many items requested for the BatchWriteItem call")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var writes []*write
	seen := map[*table]map[string]bool{}
	for name, requests := range in.RequestItems {
		t, err := s.find(c, name)
		if err != nil {
			return nil, err
		}
		if seen[t] == nil {
			seen[t] = map[string]bool{}
		}
		for _, r := range requests {
			none := &names{}
			var w *write
			switch {
			case (r.PutRequest == nil) == (r.DeleteRequest == nil):
				return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
			case r.PutRequest != nil:
				w, err = t.preparePut(&conditional{}, r.PutRequest.Item, none)
			default:
				w, err = t.prepareDelete(&conditional{}, r.DeleteRequest.Key, none)
			}
			if err != nil {
				return nil, err
			}
			if seen[t][w.key] {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			seen[t][w.key] = true
			writes = append(writes, w)
		}
	}
	if err := s.checkAll(writes); err != nil {
		return nil, err
	}
	for _, w := range writes {
		if _, err := s.run(w); err != nil {
			return nil, err
		}
	}
	return &batchWriteOutput{UnprocessedItems: map[string][]struct{}{}}, nil
}

// checkAll checks, before any is carried out, that all writes can be.
func (s *Service) checkAll(writes []*write) error {
	total := 0
	for _, w := range writes {
		if w.keep {
			continue
		}
		now, err := w.becomes()
		if err != nil {
			return err
		}
		if now == nil {
			continue
		}
		if err := w.table.checkIndexes(now); err != nil {
			return err
		}
		size := now.size()
		if size > maxItem {
			return invalid("Item size has exceeded the maximum allowed size")
		}
		total += size
	}
	if s.bytes+total > maxStored {
		return &wire.Error{Code: "LimitExceededException", Message: "This endpoint holds no more items."}
	}
	return nil
}

type transactGet struct {
	Get *struct {
		TableName                string
		Key                      item
		ProjectionExpression     *string
		ExpressionAttributeNames map[string]string
	}
}

type transactGetInput struct{ TransactItems []transactGet }

type itemResponse struct {
	Item item `json:",omitempty"`
}

type transactGetOutput struct{ Responses []itemResponse }

func (s *Service) transactGetItems(_ context.Context, c *wire.Call, in *transactGetInput) (*transactGetOutput, error) {
	if n := len(in.TransactItems); n == 0 || n > maxTransact {
		return nil, invalid("Member must have length less than or equal to %d, Member must have length greater than or equal to 1", maxTransact)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &transactGetOutput{}
	for _, e := range in.TransactItems {
		if e.Get == nil {
			return nil, invalid("Get must not be null")
		}
		t, err := s.find(c, e.Get.TableName)
		if err != nil {
			return nil, err
		}
		found, _, err := t.get(e.Get.Key, e.Get.ProjectionExpression, e.Get.ExpressionAttributeNames)
		if err != nil {
			return nil, err
		}
		out.Responses = append(out.Responses, itemResponse{found})
	}
	return out, nil
}

type transactWrite struct {
	Put *struct {
		conditional
		Item item
	}
	Update *struct {
		conditional
		Key              item
		UpdateExpression *string
	}
	Delete *struct {
		conditional
		Key item
	}
	ConditionCheck *struct {
		conditional
		Key item
	}
}

type transactWriteInput struct {
	TransactItems      []transactWrite
	ClientRequestToken string
}

type tokenKey struct{ account, region, token string }

// request is a transaction that was carried out.
type request struct {
	text []byte
	at   time.Time
}

type reason struct {
	Code    string
	Message string `json:",omitempty"`
	Item    item   `json:",omitempty"`
}

func (s *Service) transactWriteItems(_ context.Context, c *wire.Call, in *transactWriteInput) (*wire.Empty, error) {
	if n := len(in.TransactItems); n == 0 || n > maxTransact {
		return nil, invalid("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d, Member must have length greater than or equal to 1", maxTransact)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	done, err := s.repeated(c, in)
	if done || err != nil {
		return &wire.Empty{}, err
	}
	var writes []*write
	seen := map[*table]map[string]bool{}
	for i := range in.TransactItems {
		w, err := s.prepareAction(c, &in.TransactItems[i])
		if err != nil {
			return nil, err
		}
		if seen[w.table] == nil {
			seen[w.table] = map[string]bool{}
		}
		if seen[w.table][w.key] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[w.table][w.key] = true
		writes = append(writes, w)
	}
	if err := s.cancelled(writes); err != nil {
		return nil, err
	}
	for _, w := range writes {
		if _, err := s.run(w); err != nil {
			return nil, err
		}
	}
	if in.ClientRequestToken != "" {
		text, err := json.Marshal(in.TransactItems)
		if err != nil {
			return nil, err
		}
		s.tokens[tokenKey{c.Account, c.Region, in.ClientRequestToken}] = &request{text, s.clk.Now()}
	}
	return &wire.Empty{}, nil
}

// repeated reports whether the transaction was carried out before.
func (s *Service) repeated(c *wire.Call, in *transactWriteInput) (bool, error) {
	now := s.clk.Now()
	maps.DeleteFunc(s.tokens, func(_ tokenKey, r *request) bool { return now.Sub(r.at) >= tokenLife })
	before := s.tokens[tokenKey{c.Account, c.Region, in.ClientRequestToken}]
	if in.ClientRequestToken == "" || before == nil {
		return false, nil
	}
	text, err := json.Marshal(in.TransactItems)
	if err != nil {
		return false, err
	}
	if !bytes.Equal(text, before.text) {
		return false, &wire.Error{Code: "IdempotentParameterMismatchException", Message: "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical"}
	}
	return true, nil
}

// prepareAction prepares one action of a transaction.
func (s *Service) prepareAction(c *wire.Call, a *transactWrite) (*write, error) {
	given := 0
	var in *conditional
	for _, x := range []struct {
		set bool
		in  func() *conditional
	}{
		{a.Put != nil, func() *conditional { return &a.Put.conditional }},
		{a.Update != nil, func() *conditional { return &a.Update.conditional }},
		{a.Delete != nil, func() *conditional { return &a.Delete.conditional }},
		{a.ConditionCheck != nil, func() *conditional { return &a.ConditionCheck.conditional }},
	} {
		if x.set {
			given++
			in = x.in()
		}
	}
	if given != 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	t, err := s.find(c, in.TableName)
	if err != nil {
		return nil, err
	}
	n, err := newNames(in.ExpressionAttributeNames, in.ExpressionAttributeValues)
	if err != nil {
		return nil, err
	}
	switch {
	case a.Put != nil:
		return t.preparePut(in, a.Put.Item, n)
	case a.Update != nil:
		w, _, err := t.prepareUpdate(in, a.Update.Key, a.Update.UpdateExpression, nil, n)
		return w, err
	case a.Delete != nil:
		return t.prepareDelete(in, a.Delete.Key, n)
	}
	if in.ConditionExpression == nil {
		return nil, invalid("The ConditionExpression of a ConditionCheck must not be null")
	}
	w, err := t.prepare(in, a.ConditionCheck.Key, true, n)
	if err != nil {
		return nil, err
	}
	w.keep = true
	return w, n.unused()
}

// cancelled is the error of a transaction of which an action can't be carried out.
func (s *Service) cancelled(writes []*write) error {
	reasons := make([]reason, len(writes))
	codes := make([]string, len(writes))
	failed := false
	for i, w := range writes {
		reasons[i].Code = "None"
		if e := w.check(); e != nil {
			reasons[i] = reason{Code: "ConditionalCheckFailed", Message: conditionFailed}
			if w.again {
				reasons[i].Item = w.old
			}
		} else if err := s.checkAll([]*write{w}); err != nil {
			var e *wire.Error
			if !errors.As(err, &e) {
				return err
			}
			reasons[i] = reason{Code: "ValidationError", Message: e.Message}
		}
		codes[i] = reasons[i].Code
		failed = failed || codes[i] != "None"
	}
	if !failed {
		return s.checkAll(slices.Clone(writes))
	}
	e := &wire.Error{Code: "TransactionCanceledException", Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"}
	body, err := wire.EncodeJSON(map[string]any{
		"__type": "com.amazonaws.dynamodb.v20120810#" + e.Code, "Message": e.Message, "CancellationReasons": reasons,
	})
	if err != nil {
		return err
	}
	e.Body = body
	return e
}
