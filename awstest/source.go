package awstest

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/fabric"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/sqs"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// queueSource is SQS as event source mappings read it: injected faults meet their calls,
// too, and the log has those that did something.
type queueSource struct {
	*sqs.Service
	server *Server
}

// ReceiveFor implements fabric.QueueSource.
func (q queueSource) ReceiveFor(from fabric.Principal, queueARN string, most int) (messages []fabric.SourceMessage, err error) {
	err = q.call(from, queueARN, "ReceiveMessage", func() (bool, error) {
		messages, err = q.Service.ReceiveFor(from, queueARN, most)
		return len(messages) > 0, err // a long poll would go on
	})
	if err != nil {
		return nil, err
	}
	return messages, nil
}

// DeleteFor implements fabric.QueueSource. It deletes ten messages a call.
func (q queueSource) DeleteFor(from fabric.Principal, queueARN string, receiptHandles []string) error {
	var all []error
	for handles := range slices.Chunk(receiptHandles, 10) {
		all = append(all, q.call(from, queueARN, "DeleteMessageBatch", func() (bool, error) {
			return true, q.Service.DeleteFor(from, queueARN, handles)
		}))
	}
	return errors.Join(all...)
}

// call carries out a call, or lets the fault happen that meets it. carryOut reports whether
// there was anything to do.
func (q queueSource) call(from fabric.Principal, queueARN, operation string, carryOut func() (bool, error)) error {
	c := &wire.Call{Service: "sqs", Operation: operation, Resource: queueARN, Account: from.SourceAccount, Time: q.server.Clock.Now()}
	f, met := q.server.faults.pick(c)
	did := true
	var err error
	switch {
	case !met || f.Kind == Latency: // time stands still for it
		did, err = carryOut()
	case f.Kind == DropResponse || f.Kind == TruncateResponse:
		_, _ = carryOut()
		err = dropped()
	case f.Kind == DropRequest:
		err = dropped()
	default:
		err = f.Kind.error("sqs")
	}
	if !did && err == nil {
		return nil
	}
	entry := Call{Time: c.Time, Service: c.Service, Operation: operation, Account: c.Account, Region: regionOf(queueARN), Resource: queueARN, Status: http.StatusOK}
	if met {
		entry.Fault = f.String()
	}
	var e *wire.Error
	switch {
	case errors.As(err, &e):
		entry.Error, entry.Status = e.Code, max(e.Status, http.StatusBadRequest)
	case err != nil:
		entry.Status = 0
	}
	q.server.calls.add(entry)
	q.server.changed(operation)
	return err
}

// dropped is what becomes of a call whose connection is cut.
func dropped() error { return errors.New("the connection was dropped") }

func regionOf(arn string) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[3]
	}
	return ""
}
