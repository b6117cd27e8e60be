package cloudwatch

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Each defect changes what is seen of one and the same course of events.
func TestEachDefectShows(t *testing.T) {
	course := func(t *testing.T, defects ...Defect) (states string, notified int) {
		r := newRig(t)
		r.svc.Plant(defects...)
		in := visibleAlarm("a")
		treat := treatNotBreaching
		in.TreatMissingData = &treat
		r.put(in)
		for _, m := range []string{"0", "1", "1", "0", "-", "-", "-", "-"} {
			r.series(m)
			states += r.state("a")[:1]
		}
		return states, len(r.topics.got)
	}
	for d, want := range map[Defect]struct {
		states   string
		notified int
	}{
		"":                 {"OAAOOOOO", 3},
		StaleData:          {"OOOOOOOO", 1},
		StuckAlarm:         {"OAAAAAAA", 2},
		DropNotification:   {"OAAOOOOO", 0},
		RepeatNotification: {"OAAOOOOO", 6},
		WrongMissingData:   {"OAAOOOAA", 4},
		WrongComparison:    {"AAAAAAOO", 2},
	} {
		t.Run("with "+string(d), func(t *testing.T) {
			var states string
			var notified int
			if d == "" {
				states, notified = course(t)
			} else {
				states, notified = course(t, d)
			}
			require.Equal(t, want.states, states)
			require.Equal(t, want.notified, notified)
		})
	}
	require.Len(t, Defects(), 6)
}

func TestPlantingNothingHealsTheService(t *testing.T) {
	r := newRig(t)
	r.svc.Plant(Defects()...)
	r.svc.Plant()
	r.put(visibleAlarm("a"))
	r.series("10")
	require.Equal(t, stateOK, r.state("a"))
	require.Len(t, r.topics.got, 2)
}
