package dlqtest_test

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
	for _, name := range []string{"standard", "fifo-order", "lost", "interrupted", "hundreds"} {
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
		plot := page[strings.Index(page, `<div class="plot">`):strings.Index(page, `<ul class="legend"`)]
		require.Equal(t, n, strings.Count(plot, what), what)
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
