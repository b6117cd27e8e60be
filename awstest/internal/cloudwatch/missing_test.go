package cloudwatch

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const retained = "retained"

// The tables of "Configuring how CloudWatch alarms treat missing data", with an
// evaluation range of 5 and 3 evaluation periods; 0 is fine, X breaches, - is missing.
// Rows marked 2019 are of the page as it was then; today's page has others in their
// place, which contradict none of them.
func TestMissingDataIsTreatedByTheDocumentedTable(t *testing.T) {
	const ok, al, insufficient = stateOK, stateAlarm, stateInsufficient
	for _, row := range []struct {
		points  string
		toAlarm int
		filled  int
		want    [4]string // missing, ignore, breaching, notBreaching
	}{
		{"0 - X - X", 3, 0, [4]string{ok, ok, ok, ok}},
		{"0 - - - -", 3, 2, [4]string{ok, ok, ok, ok}},
		{"- - - - -", 3, 3, [4]string{insufficient, retained, al, ok}},
		{"0 X X - X", 3, 0, [4]string{al, al, al, al}},
		{"- - X - -", 3, 2, [4]string{al, retained, al, ok}},
		{"- - - - X", 3, 2, [4]string{insufficient, retained, al, ok}}, // 2019
		{"X - - - -", 3, 2, [4]string{al, retained, al, ok}},           // 2019
		{"- - - X -", 3, 2, [4]string{insufficient, retained, al, ok}}, // the text on premature transitions
		{"- - - - 0", 3, 2, [4]string{ok, ok, ok, ok}},
		{"0 - X - X", 2, 0, [4]string{al, al, al, al}},
		{"0 0 X 0 X", 2, 0, [4]string{al, al, al, al}},
		{"0 - X - -", 2, 1, [4]string{ok, ok, al, ok}},
		{"- - - - 0", 2, 2, [4]string{ok, ok, al, ok}},
		{"- - - X -", 2, 2, [4]string{al, retained, al, ok}},
		{"- - - - X", 2, 2, [4]string{insufficient, retained, al, ok}}, // 2019
		{"- - - X X", 2, 1, [4]string{al, al, al, al}},
		{"- - - - X", 1, 2, [4]string{al, al, al, al}},
	} {
		for i, treat := range []string{treatMissing, treatIgnore, treatBreaching, treatNotBreaching} {
			t.Run(row.points+" with "+string(rune('0'+row.toAlarm))+" to alarm and missing data as "+treat, func(t *testing.T) {
				var points []float64
				for _, p := range strings.Fields(row.points) {
					points = append(points, map[string]float64{"0": 0, "X": 1, "-": missing}[p])
				}
				v := judge(points, func(f float64) bool { return f > 0 }, 3, row.toAlarm, treat)
				got := v.state
				if got == "" {
					got = retained
				}
				require.Equal(t, row.want[i], got)
				require.Equal(t, row.filled, v.filled)
			})
		}
	}
}

func TestOnlyTheNewestRealPointsAreUsed(t *testing.T) {
	v := judge([]float64{1, 2, missing, 3, 4}, func(f float64) bool { return f > 2 }, 3, 2, treatMissing)
	require.Equal(t, []int{1, 3, 4}, v.used)
	require.Equal(t, 2, v.breach)
}
