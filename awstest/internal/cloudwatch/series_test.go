package cloudwatch

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func one(v float64) sample { return sample{v, v, v, 1} }

func TestTwoWeeksOfAQueueThatNobodyTouchesTakeOneRun(t *testing.T) {
	var s series
	for i := range int64(20_160) {
		s.put(i, one(float64(60*i)))
	}
	require.Len(t, s.runs, 1)
	require.Equal(t, one(60*20_159), s.window(20_159, 20_160))
	require.Equal(t, sample{60 * (0 + 1 + 2 + 3), 0, 180, 4}, s.window(0, 4))
}

func TestASeriesHoldsWhatAMapOfSamplesWould(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s series
		model := map[int64]sample{}
		next := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			i := next
			switch rapid.IntRange(0, 5).Draw(t, "where") {
			case 0: // somewhere in the past, or ahead
				i = rapid.Int64Range(0, next+3).Draw(t, "interval")
			case 1:
				i = next + rapid.Int64Range(1, 3).Draw(t, "gap")
			}
			a := sample{count: float64(rapid.IntRange(1, 2).Draw(t, "count"))}
			a.min = float64(rapid.IntRange(-2, 3).Draw(t, "min"))
			a.max = a.min + float64(rapid.IntRange(0, 2).Draw(t, "spread"))
			a.sum = a.min + a.max
			s.put(i, a)
			model[i] = model[i].merge(a)
			next = max(next, i+1)
		}
		from := rapid.Int64Range(-1, next).Draw(t, "from")
		to := from + rapid.Int64Range(1, 12).Draw(t, "length")
		want := sample{}
		for i := from; i < to; i++ {
			want = want.merge(model[i])
		}
		got := s.window(from, to)
		if got != want {
			t.Fatalf("window %d..%d is %v, want %v; runs %v", from, to, got, want, s.runs)
		}
		for k := 1; k < len(s.runs); k++ {
			if s.runs[k].start < s.runs[k-1].end() {
				t.Fatalf("runs overlap: %v", s.runs)
			}
		}
	})
}

func TestPruningDropsWholeRunsOnly(t *testing.T) {
	var s series
	for _, i := range []int64{1, 2, 3, 10, 11} {
		s.put(i, one(1))
	}
	s.remember(3, one(1), []weighted{{2, 1}})
	s.prune(4)
	require.Equal(t, sample{}, s.window(0, 9))
	require.Equal(t, sample{2, 1, 1, 2}, s.window(9, 12))
	require.Empty(t, s.values)
}
