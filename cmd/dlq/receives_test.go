package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

func TestExpectedReceives(t *testing.T) {
	fleet := []stackQueue{
		{"payments", dlqtest.Queue{URL: "https://sqs.us-east-1.amazonaws.com/111122223333/shop-payments"}},
		{"invoices", dlqtest.Queue{URL: "https://sqs.us-east-1.amazonaws.com/111122223333/shop-invoices.fifo"}},
	}
	for _, tt := range []struct {
		name  string
		flags []string
		want  []int
		err   string
	}{
		{"five without a word", nil, []int{5, 5}, ""},
		{"one number is for all", []string{"3"}, []int{3, 3}, ""},
		{"a key names one queue", []string{"payments=6"}, []int{6, 5}, ""},
		{"so does the queue's name", []string{"shop-invoices.fifo=7"}, []int{5, 7}, ""},
		{"in one flag or in several", []string{"2,payments=6", "invoices=1000"}, []int{6, 1000}, ""},
		{"zero", []string{"0"}, nil, "SQS takes 1 to 1000"},
		{"too many for one queue", []string{"payments=1001"}, nil, "SQS takes 1 to 1000"},
		{"no number", []string{"many"}, nil, `"many" is neither a number of receives nor queue=number`},
		{"no name", []string{"=3"}, nil, `"=3" is neither`},
		{"nothing", []string{""}, nil, `"" is neither`},
		{"a queue that isn't there", []string{"refunds=3"}, nil, `names a queue "refunds", which the stack's outputs don't have; they have payments, invoices`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := receives{all: 5}
			queues := append([]stackQueue(nil), fleet...)
			err := func() error {
				for _, f := range tt.flags {
					if err := r.Set(f); err != nil {
						return err
					}
				}
				return r.expect(queues)
			}()
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, []int{queues[0].MaxReceiveCount, queues[1].MaxReceiveCount})
		})
	}
}
