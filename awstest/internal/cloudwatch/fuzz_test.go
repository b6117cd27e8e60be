package cloudwatch

import (
	"strings"
	"testing"
)

func FuzzMetricMath(f *testing.F) {
	for _, s := range []string{"a + b", "IF(a > 2 AND b, FILL(gaps, LINEAR), 0)", "SUM(METRICS('a'))/PERIOD(a)", "[a,[b]]^-2", `MAX([a,1e3]) || "x"`, "((((", "RATE(DIFF(a))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := mathBed(text)
		if err != nil {
			return
		}
		if v.kind == seriesValue && len(v.points) != 4 {
			t.Fatalf("%q yields %d points", text, len(v.points))
		}
	})
}

func FuzzAlarmRule(f *testing.F) {
	for _, s := range []string{`ALARM(a) AND NOT (OK("b c") OR FALSE)`, "AT_LEAST(50%, NOT ALARM, (a, b))", "NOT NOT TRUE", "((((", `ALARM("\"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, names, err := parseRule(text)
		if err != nil {
			return
		}
		for _, n := range names {
			if n == "" || !strings.Contains(strings.ReplaceAll(text, `\`, ""), strings.ReplaceAll(n, `\`, "")) {
				t.Fatalf("%q mentions %q", text, n)
			}
		}
		r.holds(func(string) string { return stateAlarm })
	})
}

func FuzzDashboardBody(f *testing.F) {
	f.Add(`{"widgets":[{"type":"metric","x":1,"properties":{"metrics":[["a",{}]]}}]}`)
	f.Add(`{"start":1,"widgets":[{"type":"metric","properties":{"region":"r","period":61,"yAxis":{"left":{"min":"a"}},"annotations":{"horizontal":[[{"value":1},{}]]},"metrics":[[],[{"expression":1}]]}}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if faults, _, err := checkDashboard(body); err == nil && len(faults) > 0 && describeFaults(faults) == "" {
			t.Fatal("faults without words")
		}
	})
}
