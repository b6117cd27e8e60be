package dlqtest

import (
	"fmt"
	"strings"
	"time"
)

// clockTime is an instant as reports give it, in UTC.
func clockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

// arnName is the name at the end of an ARN.
func arnName(arn string) string { return arn[strings.LastIndex(arn, ":")+1:] }
