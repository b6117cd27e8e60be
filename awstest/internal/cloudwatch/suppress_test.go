package cloudwatch

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/stretchr/testify/require"
)

// suppressed puts the composite alarm "main", which follows "child" and is suppressed by
// "sup": of a time unit of a minute the wait period is 2 and the extension period 3, as in
// the user guide's examples. All three are OK.
func suppressed(t *testing.T) *rig {
	r := newRig(t)
	r.silent("child")
	r.silent("sup")
	r.set("child", types.StateValueOk)
	r.set("sup", types.StateValueOk)
	require.NoError(t, r.suppress("main", alarmPrefix+"sup"))
	r.minute()
	r.clk.Advance(time.Hour)
	require.Equal(t, types.StateValueOk, r.composite("main").StateValue)
	require.Len(t, r.topics.got, 1, "the first state's actions, after a wait period")
	r.topics.got = nil
	return r
}

func (r *rig) suppress(name, suppressor string) error {
	_, err := r.sdk.PutCompositeAlarm(r.t.Context(), &cw.PutCompositeAlarmInput{
		AlarmName: &name, AlarmRule: aws.String("ALARM(child)"), AlarmActions: []string{testTopic}, OKActions: []string{testTopic},
		ActionsSuppressor: &suppressor, ActionsSuppressorWaitPeriod: aws.Int32(120), ActionsSuppressorExtensionPeriod: aws.Int32(180),
	})
	return err
}

// TestASuppressorHoldsBackActions plays the user guide's examples. A step is at a minute;
// "main" says by what its actions are suppressed after it.
func TestASuppressorHoldsBackActions(t *testing.T) {
	const (
		main = iota // look only
		child
		sup
	)
	type step struct {
		minute int
		which  int
		state  types.StateValue
		by     types.ActionsSuppressedBy
		sent   int // notifications so far
	}
	const ok, alarm = types.StateValueOk, types.StateValueAlarm
	const free, wait, extension, held = types.ActionsSuppressedBy(""), types.ActionsSuppressedByWaitPeriod, types.ActionsSuppressedByExtensionPeriod, types.ActionsSuppressedByAlarm
	for name, steps := range map[string][]step{
		"1: actions are taken after the wait period":           {{2, child, alarm, wait, 0}, {3, main, "", wait, 0}, {4, main, "", free, 1}, {60, main, "", free, 1}},
		"2: the suppressor's ALARM discards the wait period":   {{2, child, alarm, wait, 0}, {3, sup, alarm, held, 0}, {60, main, "", held, 0}},
		"3: a transition begins a new wait period":             {{2, child, alarm, wait, 0}, {3, child, ok, wait, 0}, {4, main, "", wait, 0}, {5, main, "", free, 1}},
		"4: the suppressor is in ALARM before":                 {{1, sup, alarm, held, 0}, {2, child, alarm, held, 0}, {60, main, "", held, 0}},
		"5: actions are taken after the extension period":      {{2, child, alarm, wait, 0}, {3, sup, alarm, held, 0}, {6, sup, ok, extension, 0}, {8, main, "", extension, 0}, {9, main, "", free, 1}},
		"6: a transition discards the extension period":        {{2, child, alarm, wait, 0}, {3, sup, alarm, held, 0}, {6, sup, ok, extension, 0}, {7, child, ok, wait, 0}, {8, main, "", wait, 0}, {9, main, "", free, 1}, {60, main, "", free, 1}},
		"a suppressor that comes back ends the extension":      {{1, sup, alarm, held, 0}, {2, child, alarm, held, 0}, {3, sup, ok, extension, 0}, {4, sup, alarm, held, 0}, {60, main, "", held, 0}},
		"without a transition there is nothing to make up for": {{1, sup, alarm, held, 0}, {3, sup, ok, extension, 0}, {6, main, "", free, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			r := suppressed(t)
			start := r.clk.Now()
			for _, s := range steps {
				r.clk.AdvanceTo(start.Add(time.Duration(s.minute) * time.Minute))
				if s.which != main {
					r.set([]string{child: "child", sup: "sup"}[s.which], s.state)
				}
				c := r.composite("main")
				require.Equal(t, s.by, c.ActionsSuppressedBy, "at %d", s.minute)
				if s.by == free {
					require.Nil(t, c.ActionsSuppressedReason)
				} else {
					require.Equal(t, "Actions suppressed by "+string(s.by), *c.ActionsSuppressedReason)
				}
				require.Len(t, r.topics.got, s.sent, "at %d", s.minute)
			}
		})
	}
}

func TestASuppressedAlarmNotifiesOfTheStateItIsIn(t *testing.T) {
	r := suppressed(t)
	r.set("child", types.StateValueAlarm)
	require.Equal(t, types.StateValueAlarm, r.composite("main").StateValue, "actions are suppressed, not states")
	r.clk.Advance(2 * time.Minute)
	require.Equal(t, []string{`ALARM: "main" in US East (N. Virginia)`}, r.topics.subjects())
}

func TestAnotherSuppressorDiscardsThePeriodThatIsActive(t *testing.T) {
	r := suppressed(t)
	r.silent("other")
	r.set("child", types.StateValueAlarm)
	require.NoError(t, r.suppress("main", "other"))
	c := r.composite("main")
	require.Equal(t, "other", *c.ActionsSuppressor)
	require.Equal(t, int32(120), *c.ActionsSuppressorWaitPeriod)
	require.Equal(t, int32(180), *c.ActionsSuppressorExtensionPeriod)
	require.Empty(t, c.ActionsSuppressedBy)
	r.clk.Advance(time.Hour)
	require.Empty(t, r.topics.got)
	r.set("sup", types.StateValueAlarm)
	require.Empty(t, r.composite("main").ActionsSuppressedBy, "it has no say any more")
	r.set("other", types.StateValueAlarm)
	require.Equal(t, types.ActionsSuppressedByAlarm, r.composite("main").ActionsSuppressedBy)
}

func TestASuppressorMustExistAndHavePeriods(t *testing.T) {
	r := newRig(t)
	r.silent("child")
	require.ErrorContains(t, r.suppress("main", "nobody"), "the actions suppressor alarm [nobody] does not exist")
	for name, edit := range map[string]func(*cw.PutCompositeAlarmInput){
		"no wait period":             func(in *cw.PutCompositeAlarmInput) { in.ActionsSuppressorWaitPeriod = nil },
		"no extension period":        func(in *cw.PutCompositeAlarmInput) { in.ActionsSuppressorExtensionPeriod = nil },
		"a negative period":          func(in *cw.PutCompositeAlarmInput) { in.ActionsSuppressorWaitPeriod = aws.Int32(-1) },
		"periods without suppressor": func(in *cw.PutCompositeAlarmInput) { in.ActionsSuppressor = nil },
	} {
		t.Run(name, func(t *testing.T) {
			in := &cw.PutCompositeAlarmInput{
				AlarmName: aws.String("main"), AlarmRule: aws.String("TRUE"), ActionsSuppressor: aws.String("child"),
				ActionsSuppressorWaitPeriod: aws.Int32(60), ActionsSuppressorExtensionPeriod: aws.Int32(60),
			}
			edit(in)
			_, err := r.sdk.PutCompositeAlarm(t.Context(), in)
			require.Equal(t, "ValidationError", code(err))
		})
	}
}
