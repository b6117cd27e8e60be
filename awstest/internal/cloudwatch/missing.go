package cloudwatch

// How missing data is treated.
const (
	treatMissing      = "missing"
	treatIgnore       = "ignore"
	treatBreaching    = "breaching"
	treatNotBreaching = "notBreaching"
)

// spare is how many periods further back than its EvaluationPeriods an alarm looks. AWS
// states no formula: the tables of "Configuring how CloudWatch alarms treat missing data"
// have an evaluation range of 5 for 3 periods, and this is the one number there is.
const spare = 2

// verdict is what the data points of an evaluation range say.
type verdict struct {
	state  string // "" keeps the state that the alarm has
	used   []int  // the points that count, by index, oldest first
	filled int    // how many missing points were filled in
	breach int    // how many of those used breach
}

// judge decides on an alarm's state by the points of its evaluation range, oldest first.
// need (N) of them are evaluated, of which toAlarm (M) must breach. The rules are those
// of "Configuring how CloudWatch alarms treat missing data":
//
//   - With N real points or more in the range, the newest N decide.
//   - With fewer, all real points count and the rest is filled in.
//   - With none, the treatment alone decides.
//   - "Avoiding premature transitions": if all real points breach, though fewer than M,
//     then missing data that isn't to be filled makes an alarm only once the oldest of
//     them is M periods old.
func judge(points []float64, breaches func(float64) bool, need, toAlarm int, treat string) verdict {
	v := verdict{used: make([]int, 0, need)}
	oldestBreach := -1
	for i := len(points) - 1; i >= 0 && len(v.used) < need; i-- {
		if isMissing(points[i]) {
			continue
		}
		v.used = append(v.used, i)
		if breaches(points[i]) {
			v.breach++
			oldestBreach = i
		}
	}
	for i, j := 0, len(v.used)-1; i < j; i, j = i+1, j-1 {
		v.used[i], v.used[j] = v.used[j], v.used[i]
	}
	v.filled = need - len(v.used)
	fine := len(v.used) - v.breach

	alarmIf := func(yes bool) string {
		if yes {
			return stateAlarm
		}
		return stateOK
	}
	switch {
	case v.filled == 0:
		v.state = alarmIf(v.breach >= toAlarm)
	case treat == treatBreaching:
		v.state = alarmIf(v.breach+v.filled >= toAlarm)
	case treat == treatNotBreaching:
		v.state = alarmIf(v.breach >= toAlarm)
	case len(v.used) == 0:
		if treat == treatMissing {
			v.state = stateInsufficient
		}
	case v.breach >= toAlarm:
		v.state = stateAlarm
	case fine > 0:
		v.state = stateOK
	case treat == treatIgnore:
		// keeps its state
	case len(points)-oldestBreach >= toAlarm:
		v.state = stateAlarm
	default:
		// `- - - - X` with M=3: too early for ALARM, and no ground for OK. The table of
		// 2019 had this row, with INSUFFICIENT_DATA.
		v.state = stateInsufficient
	}
	return v
}
