package scheduler

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/cron"
)

func TestExpressionsThatAWSRefuses(t *testing.T) {
	for _, expression := range []string{
		"", "cron(0 1 * * * *)", "cron(7 20 * * NOT *)", "cron(INVALID)", "cron(0 dummy ? * MON-FRI *)", "cron(71 8 1 * ? *)", "cron()",
		"rate(10 seconds)", "rate(10 years)", "rate()", "rate(10)", "rate(10 minutess)", "rate(foo minutes)", "rate(0 minutes)", "rate(-10 minutes)",
		"rate(10 MINUTES)", "rate( 10 minutes )", " rate(10 minutes)", "at(2021-12-31T23:59:59Z)", "at(2021-12-31)", "at()", "at(2021-13-01T00:00:00)",
		"cron(0 0 ? * ? *)", "cron(0 0 * * ? 1969)", "cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * 2#6 *)",
		"cron(0 0 ? * 0 *)", "cron(5-1 0 * * ? *)", "cron(*/0 0 * * ? *)", "cron(0 0 32W * ? *)", "cron(0 0 * * ?)", "every(1 day)", "rate(1 day",
	} {
		_, err := parseExpression(expression, time.UTC)
		require.Error(t, err, expression)
	}
}

func TestOccurrences(t *testing.T) {
	const layout = "2006-01-02 15:04 MST"
	tests := map[string]struct {
		expression, zone, after string
		want                    []string
	}{
		"every quarter of an hour":                    {"cron(0/15 * * * ? *)", "UTC", "2026-11-24 09:00 UTC", []string{"2026-11-24 09:15 UTC", "2026-11-24 09:30 UTC", "2026-11-24 09:45 UTC", "2026-11-24 10:00 UTC"}},
		"a step over all":                             {"cron(*/20 9 * * ? *)", "UTC", "2026-11-24 09:20 UTC", []string{"2026-11-24 09:40 UTC", "2026-11-25 09:00 UTC"}},
		"a step in a range":                           {"cron(10-30/10 9 * * ? *)", "UTC", "2026-11-24 09:00 UTC", []string{"2026-11-24 09:10 UTC", "2026-11-24 09:20 UTC", "2026-11-24 09:30 UTC", "2026-11-25 09:10 UTC"}},
		"weekdays by name":                            {"cron(0 18 ? * MON-FRI *)", "UTC", "2026-11-27 18:00 UTC", []string{"2026-11-30 18:00 UTC", "2026-12-01 18:00 UTC"}},
		"weekdays by number: Sunday is 1":             {"cron(0 0 ? * 1 *)", "UTC", "2026-11-24 00:00 UTC", []string{"2026-11-29 00:00 UTC", "2026-12-06 00:00 UTC"}},
		"the last day of the week":                    {"cron(0 0 ? * L *)", "UTC", "2026-11-24 00:00 UTC", []string{"2026-11-28 00:00 UTC"}},
		"the last day of the month":                   {"cron(0 0 L * ? *)", "UTC", "2027-01-31 00:00 UTC", []string{"2027-02-28 00:00 UTC", "2027-03-31 00:00 UTC"}},
		"the last Friday of the month":                {"cron(0 0 ? * 6L *)", "UTC", "2026-11-24 00:00 UTC", []string{"2026-11-27 00:00 UTC", "2026-12-25 00:00 UTC"}},
		"the last Friday, by name":                    {"cron(0 0 ? * FRIL *)", "UTC", "2026-11-24 00:00 UTC", []string{"2026-11-27 00:00 UTC"}},
		"the third Tuesday":                           {"cron(0 0 ? * 3#3 *)", "UTC", "2026-11-24 00:00 UTC", []string{"2026-12-15 00:00 UTC"}},
		"the first Monday, by name":                   {"cron(0 0 ? * MON#1 *)", "UTC", "2026-11-24 00:00 UTC", []string{"2026-12-07 00:00 UTC"}},
		"the weekday nearest to the 15th, a Sunday":   {"cron(0 0 15W * ? *)", "UTC", "2026-11-01 00:00 UTC", []string{"2026-11-16 00:00 UTC"}},
		"the weekday nearest to the 14th, a Saturday": {"cron(0 0 14W * ? *)", "UTC", "2026-11-01 00:00 UTC", []string{"2026-11-13 00:00 UTC"}},
		"the weekday nearest to the 1st, a Saturday":  {"cron(0 0 1W * ? *)", "UTC", "2026-07-15 00:00 UTC", []string{"2026-08-03 00:00 UTC"}},
		"the weekday nearest to the 31st, a Sunday":   {"cron(0 0 31W * ? *)", "UTC", "2026-05-15 00:00 UTC", []string{"2026-05-29 00:00 UTC", "2026-07-31 00:00 UTC"}},
		"months by name":                              {"cron(0 0 1 JAN,JUL ? *)", "UTC", "2026-11-24 00:00 UTC", []string{"2027-01-01 00:00 UTC", "2027-07-01 00:00 UTC"}},
		"a leap day":                                  {"cron(0 0 29 2 ? *)", "UTC", "2026-11-24 00:00 UTC", []string{"2028-02-29 00:00 UTC", "2032-02-29 00:00 UTC"}},
		"a year":                                      {"cron(0 0 1 1 ? 2027)", "UTC", "2026-11-24 00:00 UTC", []string{"2027-01-01 00:00 UTC"}},
		"a year that has passed":                      {"cron(0 0 1 1 ? 2025)", "UTC", "2026-11-24 00:00 UTC", nil},
		"a day that doesn't exist":                    {"cron(0 0 31 2 ? *)", "UTC", "2026-11-24 00:00 UTC", nil},
		"a time zone":                                 {"cron(0 9 * * ? *)", "Asia/Tokyo", "2026-11-24 00:00 UTC", []string{"2026-11-25 00:00 UTC"}},
		"clocks put forward: what isn't is skipped":   {"cron(30 2 * * ? *)", "America/New_York", "2026-03-07 08:00 UTC", []string{"2026-03-09 06:30 UTC"}},
		"clocks put back: what is twice happens once": {"cron(30 1 * * ? *)", "America/New_York", "2026-10-31 12:00 UTC", []string{"2026-11-01 05:30 UTC", "2026-11-02 06:30 UTC"}},
		"noon stays noon":                             {"cron(0 12 * * ? *)", "Europe/Berlin", "2026-10-24 11:00 UTC", []string{"2026-10-25 11:00 UTC"}},
		"once":                                        {"at(2026-12-01T08:30:00)", "Europe/Berlin", "2026-11-24 00:00 UTC", []string{"2026-12-01 07:30 UTC"}},
		"once, in the past":                           {"at(2020-12-01T08:30:00)", "UTC", "2026-11-24 00:00 UTC", nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			zone, err := time.LoadLocation(tt.zone)
			require.NoError(t, err)
			p, err := parseExpression(tt.expression, zone)
			require.NoError(t, err)
			at, err := time.Parse(layout, tt.after)
			require.NoError(t, err)
			if len(tt.want) == 0 {
				_, ok := p.next(at)
				require.False(t, ok)
			}
			for _, want := range tt.want {
				next, ok := p.next(at)
				require.True(t, ok)
				require.Equal(t, want, next.UTC().Format(layout))
				at = next
			}
		})
	}
}

func TestOfTwoInstantsWithOneLocalTimeTheFirstCounts(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	for at, want := range map[string]string{
		"2026-11-01T06:30:00Z": "2026-11-01T05:30:00Z", // 01:30, an hour after 01:30
		"2026-11-01T05:30:00Z": "2026-11-01T05:30:00Z",
		"2026-11-01T07:30:00Z": "2026-11-01T07:30:00Z", // 02:30, which is once
		"2026-03-08T07:30:00Z": "2026-03-08T07:30:00Z", // 03:30, after the gap
	} {
		parsed, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		require.Equal(t, want, cron.First(parsed.In(zone)).UTC().Format(time.RFC3339))
	}
}

func TestARateCountsFromItsStart(t *testing.T) {
	p, err := parseExpression("rate(5 hours)", time.UTC)
	require.NoError(t, err)
	day := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	p.anchor = day
	next, _ := p.next(day.Add(-time.Nanosecond))
	require.Equal(t, day, next, "at once")
	next, _ = p.next(day)
	require.Equal(t, day.Add(5*time.Hour), next)
	p.start = day.Add(-time.Hour)
	next, _ = p.next(day)
	require.Equal(t, day.Add(4*time.Hour), next, "a start date in the past sets the beat")
	p.start, p.end = day.Add(24*time.Hour), day.Add(30*time.Hour)
	next, _ = p.next(day)
	require.Equal(t, p.start, next)
	next, ok := p.next(next)
	require.True(t, ok)
	_, ok = p.next(next)
	require.False(t, ok, "beyond the end date")
}

func FuzzExpression(f *testing.F) {
	f.Add("cron(0/15 8-18 ? JAN-DEC 2#1,FRIL,L 2026-2030)", int64(1_795_000_000), "Europe/Berlin")
	f.Add("cron(59 23 29,L,15W 2 ? */4)", int64(0), "America/New_York")
	f.Add("rate(999999999 days)", int64(1), "UTC")
	f.Add("at(2026-03-29T02:30:00)", int64(1), "Europe/Berlin")
	f.Fuzz(func(t *testing.T, expression string, unix int64, name string) {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return
		}
		p, err := parseExpression(expression, zone)
		if err != nil {
			return
		}
		at := time.Unix(unix%5_000_000_000, 0)
		p.anchor = at
		for range 3 {
			next, ok := p.next(at)
			if !ok {
				return
			}
			require.True(t, next.After(at))
			at = next
		}
	})
}
