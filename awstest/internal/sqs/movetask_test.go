package sqs

import (
	"encoding/base64"
	"strconv"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"
)

// kill dead-letters n messages by way of a source queue whose maxReceiveCount is 1.
func (h *harness) kill(source string, n int) {
	h.Helper()
	for i := range n {
		h.send(source, source[len(source)-2:]+"-"+strconv.Itoa(i))
	}
	for range 2 * n {
		h.receiveFor(source, 1, 0)
	}
	require.Equal(h, [3]int{0, 0, 0}, h.counts(source))
}

func (h *harness) move(source string, destination *string, rate *int32) (string, error) {
	out, err := h.sqs.StartMessageMoveTask(h.ctx(), &awssqs.StartMessageMoveTaskInput{
		SourceArn: ptr(arnOf(source)), DestinationArn: destination, MaxNumberOfMessagesPerSecond: rate,
	})
	if err != nil {
		return "", err
	}
	return *out.TaskHandle, nil
}

func (h *harness) tasks(source string, n int32) []types.ListMessageMoveTasksResultEntry {
	h.Helper()
	out, err := h.sqs.ListMessageMoveTasks(h.ctx(), &awssqs.ListMessageMoveTasksInput{SourceArn: ptr(arnOf(source)), MaxResults: &n})
	require.NoError(h, err)
	return out.Results
}

func (h *harness) cancel(handle string) (int64, error) {
	out, err := h.sqs.CancelMessageMoveTask(h.ctx(), &awssqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
	if err != nil {
		return 0, err
	}
	return out.ApproximateNumberOfMessagesMoved, nil
}

func TestMoveTasks(t *testing.T) {
	for _, tt := range []struct {
		name string
		play func(h *harness, dlq, q1, q2, other string)
	}{
		{"move to a destination, as new messages", func(h *harness, dlq, q1, q2, other string) {
			h.kill(q1, 1)
			before := h.receive(dlq, 1)[0]
			h.clk.Advance(time.Minute)
			_, err := h.move("dlq", ptr(arnOf("other")), nil)
			require.NoError(h, err)
			require.Equal(h, []types.ListMessageMoveTasksResultEntry{{
				Status: ptr("COMPLETED"), SourceArn: ptr(arnOf("dlq")), DestinationArn: ptr(arnOf("other")),
				ApproximateNumberOfMessagesMoved: 1, ApproximateNumberOfMessagesToMove: ptr(int64(1)), StartedTimestamp: h.clk.Now().UnixMilli(),
			}}, h.tasks("dlq", 1))
			require.Equal(h, [3]int{0, 0, 0}, h.counts(dlq))
			m := h.receive(other, 10)[0]
			require.Equal(h, "q1-0", *m.Body)
			require.NotEqual(h, *before.MessageId, *m.MessageId)
			now := strconv.FormatInt(h.clk.Now().UnixMilli(), 10)
			require.Equal(h, map[string]string{
				"ApproximateReceiveCount": "1", "ApproximateFirstReceiveTimestamp": now, "SentTimestamp": now, "SenderId": testAccount,
			}, m.Attributes)
		}},
		{"move each message to its own source by default", func(h *harness, dlq, q1, q2, other string) {
			h.kill(q1, 2)
			h.kill(q2, 2)
			_, err := h.move("dlq", nil, nil)
			require.NoError(h, err)
			require.Equal(h, []string{"q1-0", "q1-1"}, bodies(h.receive(q1, 10)))
			require.Equal(h, []string{"q2-0", "q2-1"}, bodies(h.receive(q2, 10)))
			task := h.tasks("dlq", 1)[0]
			require.Nil(h, task.DestinationArn)
			require.Nil(h, task.TaskHandle)
			require.Equal(h, int64(4), task.ApproximateNumberOfMessagesMoved)
		}},
		{"keep to their rate, message by message, the first when the caller has the answer", func(h *harness, dlq, q1, q2, other string) {
			h.kill(q1, 4)
			handle, err := h.move("dlq", ptr(arnOf("other")), ptr(int32(2)))
			require.NoError(h, err)
			require.Zero(h, h.tasks("dlq", 1)[0].ApproximateNumberOfMessagesMoved)
			require.Equal(h, [3]int{0, 0, 0}, h.counts(other))
			h.clk.Advance(headStart)
			for moved := 1; moved < 4; moved++ {
				task := h.tasks("dlq", 1)[0]
				require.Equal(h, "RUNNING", *task.Status)
				require.Equal(h, handle, *task.TaskHandle)
				require.Equal(h, int32(2), *task.MaxNumberOfMessagesPerSecond)
				require.Equal(h, int64(moved), task.ApproximateNumberOfMessagesMoved)
				require.Equal(h, int64(4), *task.ApproximateNumberOfMessagesToMove)
				require.Equal(h, [3]int{moved, 0, 0}, h.counts(other))
				h.clk.Advance(500*time.Millisecond - 1)
				require.Equal(h, [3]int{moved, 0, 0}, h.counts(other))
				h.clk.Advance(1)
			}
			require.Equal(h, "COMPLETED", *h.tasks("dlq", 1)[0].Status)
			require.Equal(h, []string{"q1-0", "q1-1", "q1-2", "q1-3"}, bodies(h.receive(other, 10)))
		}},
		{"can be cancelled, which reverts nothing", func(h *harness, dlq, q1, q2, other string) {
			h.kill(q1, 10)
			handle, err := h.move("dlq", ptr(arnOf("other")), ptr(int32(1)))
			require.NoError(h, err)
			h.clk.Advance(headStart + time.Second)
			moved, err := h.cancel(handle)
			require.NoError(h, err)
			require.Equal(h, int64(2), moved)
			h.clk.Advance(time.Minute)
			task := h.tasks("dlq", 1)[0]
			require.Equal(h, "CANCELLED", *task.Status)
			require.Nil(h, task.TaskHandle)
			require.Equal(h, [3]int{8, 0, 0}, h.counts(dlq))
			require.Equal(h, [3]int{2, 0, 0}, h.counts(other))
			_, err = h.cancel(handle)
			requireError(h, err, 404, "ResourceNotFoundException", "Task does not exist.")
		}},
		{"fail when their destination goes, and leave the rest", func(h *harness, dlq, q1, q2, other string) {
			h.kill(q1, 3)
			_, err := h.move("dlq", ptr(arnOf("other")), ptr(int32(1)))
			require.NoError(h, err)
			h.clk.Advance(headStart)
			_, err = h.sqs.DeleteQueue(h.ctx(), &awssqs.DeleteQueueInput{QueueUrl: &other})
			require.NoError(h, err)
			h.clk.Advance(time.Second)
			task := h.tasks("dlq", 1)[0]
			require.Equal(h, "FAILED", *task.Status)
			require.Equal(h, "AWS.SimpleQueueService.NonExistentQueue", *task.FailureReason)
			require.Equal(h, [3]int{2, 0, 0}, h.counts(dlq))
		}},
		{"run one at a time", func(h *harness, dlq, q1, q2, other string) {
			h.kill(q1, 3)
			_, err := h.move("dlq", ptr(arnOf("other")), ptr(int32(1)))
			require.NoError(h, err)
			_, err = h.move("dlq", ptr(arnOf("other")), nil)
			requireError(h, err, 400, "InvalidParameterValue", "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
			h.clk.Advance(headStart + 2*time.Second)
			_, err = h.move("dlq", nil, nil)
			require.NoError(h, err)
			tasks := h.tasks("dlq", 10)
			require.Len(h, tasks, 2)
			require.Nil(h, tasks[0].DestinationArn, "newest first")
			require.Len(h, h.tasks("dlq", 1), 1)
		}},
		{"fail on a message that was sent to the DLQ, if it has to go to its source", func(h *harness, dlq, q1, q2, other string) {
			h.send(dlq, "direct")
			_, err := h.move("dlq", nil, nil)
			require.NoError(h, err)
			task := h.tasks("dlq", 1)[0]
			require.Equal(h, "FAILED", *task.Status)
			require.Equal(h, "CouldNotDetermineMessageSource", *task.FailureReason)
			require.Equal(h, [3]int{1, 0, 0}, h.counts(dlq))
		}},
		{"are refused with the reason", func(h *harness, dlq, q1, q2, other string) {
			_, err := h.move("other", ptr(arnOf("q1")), nil)
			requireError(h, err, 400, "InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
			_, err = h.move("missing", nil, nil)
			requireError(h, err, 404, "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")
			_, err = h.move("dlq", ptr(arnOf("missing")), nil)
			requireError(h, err, 404, "ResourceNotFoundException", "The resource that you specified for the DestinationArn parameter doesn't exist.")
			for _, rate := range []int32{0, 501} {
				_, err = h.move("dlq", nil, &rate)
				requireError(h, err, 400, "InvalidParameterValue", "Value "+strconv.Itoa(int(rate))+" for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and 500, if provided.")
			}
			h.fifo("x.fifo")
			_, err = h.move("dlq", ptr(arnOf("x.fifo")), nil)
			requireError(h, err, 400, "InvalidParameterValue", "Source and destination queues must be of the same type.")

			_, err = h.cancel("foobared")
			requireError(h, err, 400, "InvalidParameterValue", "Value for parameter TaskHandle is invalid.")
			handle := func(arn string) string {
				return base64.StdEncoding.EncodeToString([]byte(`{"taskId":"10f57157-fc38-4da9-a113-4de7e12d05dd","sourceArn":"` + arn + `"}`))
			}
			_, err = h.cancel(handle(arnOf("missing")))
			requireError(h, err, 404, "ResourceNotFoundException", "The resource that you specified for the SourceArn parameter doesn't exist.")
			_, err = h.cancel(handle(arnOf("dlq")))
			requireError(h, err, 404, "ResourceNotFoundException", "Task does not exist.")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(t, Options{})
			dlq := h.queue("dlq")
			q1, q2 := h.queue("q1", "RedrivePolicy", redriveTo("dlq", 1)), h.queue("q2", "RedrivePolicy", redriveTo("dlq", 1))
			tt.play(h, dlq, q1, q2, h.queue("other"))
		})
	}
}

func TestAFIFOMoveTaskKeepsTheOrder(t *testing.T) {
	h := newHarness(t, Options{})
	dlq := h.fifo("dlq.fifo")
	q := h.fifo("q.fifo", "RedrivePolicy", redriveTo("dlq.fifo", 1), "VisibilityTimeout", "0")
	for i := range 3 {
		h.sendTo(q, "g", strconv.Itoa(i))
	}
	require.Len(t, h.receive(q, 10), 3)
	require.Empty(t, h.receive(q, 10))
	require.Equal(t, [3]int{3, 0, 0}, h.counts(dlq))
	_, err := h.move("dlq.fifo", nil, nil)
	require.NoError(t, err)
	got := h.receive(q, 10)
	require.Equal(t, []string{"0", "1", "2"}, bodies(got))
	require.Equal(t, "g", got[0].Attributes["MessageGroupId"])
	require.Equal(t, "1", got[0].Attributes["ApproximateReceiveCount"])
}
