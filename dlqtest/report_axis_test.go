package dlqtest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var began = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func marksAt(row string, after ...time.Duration) []*mark {
	var marks []*mark
	for i, d := range after {
		marks = append(marks, &mark{at: began.Add(d), seq: i, row: row})
	}
	return marks
}

func TestWhatHappensAtOnceIsDrawnSideBySideInOrder(t *testing.T) {
	a, b := marksAt("a", 0, 0, 0), marksAt("b", 0, time.Minute)
	axis := newAxis(append(a, b...))
	require.Less(t, a[0].x, a[1].x)
	require.Less(t, a[1].x, a[2].x)
	require.Equal(t, a[0].x, b[0].x, "rows don't push each other aside")
	require.Less(t, a[2].x, b[1].x)
	require.Len(t, axis.moments, 2)
	require.Less(t, b[1].x, axis.width)
}

func TestAMarkThatStandsApartPartsWhatIsAtOnce(t *testing.T) {
	a := marksAt("a", 0, 0)
	apart := &mark{at: began, seq: 1, row: "queue", apart: true}
	a[1].seq = 2
	newAxis(append(a, apart))
	require.Less(t, a[0].x, apart.x)
	require.Less(t, apart.x, a[1].x)
}

func TestLongWaitsAreDrawnLongerButNotInProportion(t *testing.T) {
	m := marksAt("a", 0, 30*time.Second, 30*time.Second+12*time.Hour)
	newAxis(m)
	short, long := m[1].x-m[0].x, m[2].x-m[1].x
	require.Greater(t, long, short)
	require.Less(t, long, 3*short)
}

func TestMoreOfTheSameIsLeftOut(t *testing.T) {
	var m []*mark
	for i := range 1000 {
		m = append(m, &mark{at: began.Add(time.Duration(i) * 12 * time.Hour), seq: i, row: "a", dull: i > 0 && i < 999})
	}
	axis := newAxis(m)
	require.Len(t, axis.breaks, 1)
	require.Less(t, axis.width, 1600.0)
	hidden := 0
	for i, mark := range m {
		if mark.hidden {
			hidden++
		}
		if i > 0 {
			require.LessOrEqual(t, m[i-1].x, mark.x, fmt.Sprint(i))
		}
	}
	require.Equal(t, 998-2*keptSlots, hidden)
	require.Equal(t, hidden, axis.breaks[0].moments)
	require.Equal(t, time.Duration(hidden)*12*time.Hour, axis.breaks[0].length)
}

func TestInstantsBetweenMomentsAreInProportion(t *testing.T) {
	m := marksAt("a", 0, time.Minute)
	axis := newAxis(m)
	require.Equal(t, m[0].x, axis.at(began))
	require.InDelta(t, (m[0].x+m[1].x)/2, axis.at(began.Add(30*time.Second)), 0.01)
	require.Less(t, axis.at(began.Add(-time.Hour)), m[0].x)
	require.Greater(t, axis.at(began.Add(time.Hour)), m[1].x)
	require.NotZero(t, newAxis(nil).at(began))
}

func TestSpansAreWrittenInTheirTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 1500 * time.Millisecond: "1.5 s", 59*time.Second + 990*time.Millisecond: "1 min", 31 * time.Second: "31 s",
		2*time.Minute + 5*time.Second: "2 min 5 s", 12 * time.Hour: "12 h", 51*time.Hour + 30*time.Minute: "2 d 3 h",
	} {
		require.Equal(t, want, span(d))
	}
}
