package dlqtest_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlqtest"
)

var (
	svgElement = regexp.MustCompile(`(?s)<svg.*?</svg>`)
	idOf       = regexp.MustCompile(` id="([^"]*)"`)
	linkTo     = regexp.MustCompile(` href="([^"]*)"`)
	address    = regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+`)
)

func htmlOf(t *testing.T, reports ...dlqtest.Report) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, dlqtest.WriteHTML(&out, reports...))
	return out.String()
}

func TestEveryPageIsSound(t *testing.T) {
	reports := handmade(t)
	proven := []string{"standard", "fifo-order", "lost", "interrupted", "hundreds"}
	if testing.Short() {
		proven = proven[:4] // hundreds of messages take seconds
	}
	for _, name := range proven {
		reports[name] = samples()[name].prove(t)
	}
	pages := map[string]string{"none": htmlOf(t), "two": htmlOf(t, reports["good"], reports["hostile"])}
	for name, r := range reports {
		pages[name] = htmlOf(t, r)
	}
	for name, page := range pages {
		t.Run(name, func(t *testing.T) {
			for _, drawing := range svgElement.FindAllString(page, -1) {
				dec := xml.NewDecoder(strings.NewReader(drawing))
				for {
					_, err := dec.Token()
					if err == io.EOF {
						break
					}
					require.NoError(t, err, "a drawing is not well-formed")
				}
			}
			ids := map[string]bool{}
			for _, m := range idOf.FindAllStringSubmatch(page, -1) {
				require.False(t, ids[m[1]], "there are two elements with id %s", m[1])
				ids[m[1]] = true
			}
			for _, m := range linkTo.FindAllStringSubmatch(page, -1) {
				if target, ok := strings.CutPrefix(m[1], "#"); ok {
					require.True(t, ids[target], "a link leads nowhere: %s", m[1])
				} else {
					require.Equal(t, "data:,", m[1], "a link leads out of the page")
				}
			}
			// the page's own script is the only one, and nothing is fetched
			require.Equal(t, 1, strings.Count(page, "<script"))
			require.NotContains(t, page, "<img")
			for _, found := range address.FindAllString(page, -1) {
				require.Equal(t, "http://www.w3.org", found, "an address in the page")
			}
			for _, bad := range []string{"NaN", "Inf", "%!", "ZgotmplZ"} {
				require.NotContains(t, page, bad)
			}
		})
	}
}

func TestAMessageIsDrawnThroughAllItsStations(t *testing.T) {
	page := htmlOf(t, sample{maxReceiveCount: 2, visibility: 30, alarm: true, options: []dlqtest.Option{dlqtest.WithPlan([]dlqtest.Message{
		{Fault: dlqtest.Crash()}, {Fault: dlqtest.Nack()}, {Fault: dlqtest.Healthy()},
	})}}.prove(t))
	for what, n := range map[string]int{
		`class="lane`:              5, // and two of the control
		`class="mark sent"`:        5,
		`class="mark receive"`:     2 + 2 + 1 + 2,
		`class="mark nack"`:        2 + 2, // and what the inspection gave back
		`class="mark move"`:        2,
		`class="mark dlqreceive"`:  2,
		`class="mark redrive"`:     2 + 1, // and the task
		`class="mark receive retu`: 2,
		`class="mark delete"`:      3 + 2,
		`class="mark lostmark"`:    0,
		`class="mark notice"`:      3,
		`class="mark band firing"`: 1,
		`class="mark failed"`:      0,
	} {
		require.Equal(t, n, strings.Count(plotOf(page), what), what)
	}
}

// plotOf is the timeline's drawing.
func plotOf(page string) string {
	return page[strings.Index(page, `<div class="plot">`):strings.Index(page, `<ul class="legend"`)]
}

func TestSlowLateAndSecondConsumersAreDrawn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fifo  bool
		fault dlqtest.Fault
		marks map[string]int
		says  []string
	}{
		{"a heartbeat", false, dlqtest.SlowHeartbeat(), map[string]int{"mark extend": 2, "mark deadline": 2, "longer": 2, "mark stale": 0, "mark again": 0, "bracket": 0},
			[]string{"heartbeat: hidden in orders for another 45 s, +27 s", "would have become visible again here, +30 s"}},
		{"an overrun", false, dlqtest.Stale(), map[string]int{"mark stale": 2, "mark again": 0, "bracket": 2, "mark extend": 0},
			[]string{"acknowledged too late, by the consumer of receive 1, whose visibility timeout had lapsed: that removes nothing"}},
		{"an overrun on a FIFO queue", true, dlqtest.Stale(), map[string]int{"mark stale": 2, "mark again": 0, "bracket": 2, "mark failed": 0},
			[]string{"acknowledged too late, by the consumer of receive 1, whose visibility timeout had lapsed: refused, so that it stays ("}},
		{"a duplicate", false, dlqtest.Duplicate(), map[string]int{"mark delete": 3, "mark again": 1, "mark stale": 0, "bracket": 1}, // with the healthy and the redriven one
			[]string{"acknowledged a second time, by the consumer of receive 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plan := []dlqtest.Message{{Fault: tt.fault, Group: "a"}, {Fault: dlqtest.Crash(), Group: "b"}, {Fault: dlqtest.Healthy(), Group: "c"}}
			page := htmlOf(t, sample{fifo: tt.fifo, maxReceiveCount: 2, visibility: 30, options: []dlqtest.Option{dlqtest.WithPlan(plan)}}.prove(t))
			require.True(t, strings.Contains(page, `<p class="verdict">PROVEN</p>`))
			for class, n := range tt.marks {
				require.Equal(t, n, strings.Count(plotOf(page), `class="`+class+`"`), class)
			}
			for _, text := range tt.says {
				require.True(t, strings.Contains(page, text), text)
			}
			require.False(t, strings.Contains(page, "a duplicate delivery"))
		})
	}
}

func TestAReceiveOfAHiddenMessageIsMarked(t *testing.T) {
	page := htmlOf(t, sample{maxReceiveCount: 3, visibility: 30, defects: []awstest.Defect{"visible-early"}, options: []dlqtest.Option{dlqtest.WithPlan([]dlqtest.Message{
		{Fault: dlqtest.Crash()}, {Fault: dlqtest.Healthy()},
	})}}.prove(t))
	require.Equal(t, 1, strings.Count(plotOf(page), `class="mark receive early"`))
	for _, text := range []string{
		`<p class="verdict">NOT PROVEN</p>`,
		"received from orders with receive count 2, +30 s; though it was hidden for another 0.5 s",
		"received while it was hidden: a duplicate delivery</li>",
	} {
		require.True(t, strings.Contains(page, text), text)
	}
}

func TestALostMessageIsMarkedAsLost(t *testing.T) {
	page := htmlOf(t, sample{maxReceiveCount: 2, visibility: 30, options: []dlqtest.Option{dlqtest.WithPlan([]dlqtest.Message{
		{Fault: dlqtest.Crash()}, {Fault: dlqtest.Healthy()},
	})}, defects: samples()["lost"].defects}.prove(t))
	require.Equal(t, 1, strings.Count(page, `class="mark lostmark"`))
	require.Contains(t, page, `<p class="verdict">NOT PROVEN</p>`)
	require.Contains(t, page, `<details class="message blamed">`)
}

func TestHundredsOfMessagesAreCapped(t *testing.T) {
	r := sample{maxReceiveCount: 2, visibility: 30, defects: samples()["early"].defects, options: []dlqtest.Option{dlqtest.WithPlan(many(100))}}.prove(t)
	page := htmlOf(t, r)
	require.Equal(t, 200, strings.Count(page, `<details class="message`))
	require.Contains(t, page, "Of 500 messages, those complained of have a lane each")
	require.Regexp(t, `That would be too many: \d+ messages more were left out`, page)
	require.Less(t, strings.Index(page, `<details class="message blamed">`), strings.Index(page, `<details class="message">`), "those complained of come first")
	require.Contains(t, page, "200 × healthy")
}
