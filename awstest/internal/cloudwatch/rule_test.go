package cloudwatch

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARuleHolds(t *testing.T) {
	states := map[string]string{"a": stateAlarm, "b": stateOK, "c": stateInsufficient, "with space": stateAlarm, `qu"ote`: stateAlarm}
	for text, want := range map[string]bool{
		"ALARM(a)":                                       true,
		"OK(a)":                                          false,
		"INSUFFICIENT_DATA(c)":                           true,
		`ALARM("with space")`:                            true,
		`ALARM("qu\"ote")`:                               true,
		"ALARM(a) AND OK(b)":                             true,
		"ALARM(a) AND ALARM(b)":                          false,
		"ALARM(b) OR ALARM(a)":                           true,
		"NOT ALARM(b)":                                   true,
		"NOT NOT ALARM(b)":                               false,
		"TRUE":                                           true,
		"FALSE":                                          false,
		"ALARM(a) OR TRUE AND FALSE":                     true,
		"(ALARM(a) OR TRUE) AND FALSE":                   false,
		"NOT (ALARM(b) OR ALARM(c)) AND TRUE":            true,
		"( ( ALARM( a ) ) )":                             true,
		"AT_LEAST(1, ALARM, (a, b, c))":                  true,
		"AT_LEAST(2, ALARM, (a, b, c))":                  false,
		"AT_LEAST(2, NOT ALARM, (a, b, c))":              true,
		"AT_LEAST(50%, ALARM, (a, b))":                   true,
		"AT_LEAST(51%, ALARM, (a, b))":                   false,
		`AT_LEAST(2, ALARM, (a, "with space")) OR FALSE`: true,
	} {
		t.Run(text, func(t *testing.T) {
			r, _, err := parseRule(text)
			require.NoError(t, err)
			require.Equal(t, want, r.holds(func(name string) string { return states[name] }))
		})
	}
}

func TestARuleListsItsAlarmsOnce(t *testing.T) {
	_, names, err := parseRule(`ALARM(a) OR OK(b) OR ALARM(a) OR AT_LEAST(1, OK, (b, "c d"))`)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c d"}, names)
}

func TestARuleThatCannotBeReadIsRefused(t *testing.T) {
	many := "ALARM(a0)"
	for i := range 101 {
		many += " OR ALARM(a" + strings.Repeat("x", i+1) + ")"
	}
	for text, want := range map[string]string{
		"()":                         "Unsupported token ')' at char 1", // as AWS words it
		"ALARM(Queue Oldest)":        "Unsupported token 'Oldest' at char 12, must be: ')'",
		"ALARM":                      "Unsupported token '<EOF>' at char 5, must be: '('",
		"ALARM(a":                    "Unsupported token '<EOF>' at char 7, must be: ')'",
		"ALARM(a) XOR ALARM(b)":      "Unsupported token 'XOR' at char 9",
		"ALARM(a) AND":               "Unsupported token '<EOF>' at char 12",
		"BROKEN(a)":                  "Unsupported token 'BROKEN' at char 0",
		"ALARM()":                    "Unsupported token ')' at char 6",
		`ALARM("a)`:                  "unterminated quote at char 6",
		"AT_LEAST(0, ALARM, (a))":    "Unsupported token '0' at char 9, must be: a number or percentage",
		"AT_LEAST(3, ALARM, (a, b))": "Unsupported token '3' at char 9, must be: at most 2",
		"AT_LEAST(1, BROKEN, (a))":   "Unsupported token 'BROKEN' at char 12",
		"AT_LEAST(1, ALARM, (a b))":  "Unsupported token 'b' at char 22, must be: ')'",
		strings.Repeat("(", 5000):    "nested deeper than 64 levels",
		many:                         "more than 100 alarms",
	} {
		name := text
		if len(name) > 40 {
			name = name[:40]
		}
		t.Run(name, func(t *testing.T) {
			_, _, err := parseRule(text)
			require.EqualError(t, err, want)
		})
	}
}
