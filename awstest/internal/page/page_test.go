package page_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/page"
)

func TestPagesFollowEachOther(t *testing.T) {
	first, next, err := page.After([]string{"c", "a", "d", "b"}, "", 2)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, first)

	second, end, err := page.After([]string{"d", "c", "bb", "a"}, next, 5) // b is gone, and bb has come
	require.NoError(t, err)
	require.Equal(t, []string{"bb", "c", "d"}, second)
	require.Empty(t, end)

	third, end, err := page.After([]string{"b", "c"}, next, 1) // as many as fit are no reason for another page
	require.NoError(t, err)
	require.Equal(t, []string{"c"}, third)
	require.Empty(t, end)

	_, _, err = page.After([]string{"a"}, "not base64!", 2)
	require.Error(t, err)
}
