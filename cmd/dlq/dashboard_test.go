package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
	"github.com/sqs-dlq/sqs-dlq/dlq"
)

// hostileTag is what anybody who may tag a queue can put into the page.
const hostileTag = `"><img src=x onerror=document.title='owned'>`

// shown is a dashboard that is running.
type shown struct {
	*testing.T
	url  string
	stop func()
}

// show runs dlq dashboard.
func show(t *testing.T, o dashboardOptions) *shown {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	o.listen = "127.0.0.1:0"
	go func() { ended <- dashboard(ctx, o, w) }()
	line, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err)
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "dashboard at ")
	require.True(t, ok, line)
	s := &shown{T: t, url: url}
	stopped := false
	s.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-ended, "an interrupt ends it well")
		}
	}
	t.Cleanup(s.stop)
	return s
}

// get gets a page once it has one.
func (s *shown) get(path string) string {
	s.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get(s.url + path)
		require.NoError(s, err)
		b, err := io.ReadAll(resp.Body)
		require.NoError(s, err)
		require.NoError(s, resp.Body.Close())
		if resp.StatusCode == http.StatusOK {
			return string(b)
		}
		require.Equal(s, http.StatusServiceUnavailable, resp.StatusCode)
		require.True(s, time.Now().Before(deadline), string(b))
	}
}

func (s *shown) status() (out dlq.Status) {
	s.Helper()
	require.NoError(s, json.Unmarshal([]byte(s.get("api/dlq-status")), &out))
	return out
}

// hours is what AWS looks like on a bad day: a DLQ with messages, one of a hostile tag,
// one that is missing, and one that is being redriven.
func hours(t *testing.T) *night {
	n := newNight(t)
	_, dead := n.pair("orders")
	n.send(dead, "a", "")
	_, payments := n.pair("payments")
	_, err := n.sqs.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: &payments, Tags: map[string]string{"team": hostileTag}})
	require.NoError(t, err)
	_, missing := n.pair("invoices-with-a-name-that-is-as-long-as-a-name-of-a-queue-can-be-which-is-80")
	_, err = n.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &missing})
	require.NoError(t, err)
	source, _ := n.pair("shipments")
	for range 5 {
		n.send(source, "a", "")
	}
	require.Equal(t, 5, n.receivable(source))
	n.srv.Clock.Pause()
	n.srv.Clock.Advance(time.Minute)
	require.Equal(t, 0, n.receivable(source))
	n.srv.Clock.Advance(7 * time.Minute)
	_, err = n.sqs.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{
		SourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:shipments-dlq"), MaxNumberOfMessagesPerSecond: aws.Int32(1),
	})
	require.NoError(t, err)
	n.srv.Clock.Advance(1500 * time.Millisecond)
	return n
}

func TestTheDashboardShowsTheStatus(t *testing.T) {
	hours(t)
	s := show(t, dashboardOptions{interval: time.Hour})
	got := s.status()
	require.Equal(t, dlq.Degraded, got.Health)
	require.Equal(t, 4, got.Summary.DLQs)
	require.Nil(t, got.Stale)
	_, stdout, _ := dlqRun("status", "-o", "json")
	var want dlq.Status
	require.NoError(t, json.Unmarshal([]byte(stdout), &want))
	got.Time = want.Time
	require.Equal(t, want, got, "the JSON is that of dlq status")

	page := s.get("")
	require.Contains(t, page, `<p class="health degraded"><span class="badge">degraded</span> 3 of 4 DLQs need attention`)
	require.Contains(t, page, "2 of 5", "the redrive that is running")
	require.Contains(t, page, "it does not exist, though invoices-with")
	require.Less(t, strings.Index(page, ">orders-dlq<"), strings.Index(page, ">payments-dlq<"), "what needs attention comes first")
	require.Contains(t, page, `aria-label="1 messages now, 1 to 1 in the last 0s"`)
}

func TestTheDashboardInABrowser(t *testing.T) {
	path := browserPath(t)
	n := hours(t)
	s := show(t, dashboardOptions{interval: time.Second})
	tagged := show(t, dashboardOptions{interval: time.Hour, selection: selectionFlags{tags: []string{"team=" + hostileTag}}})
	require.Equal(t, hostileTag, tagged.status().DLQs[0].Tags["team"])
	require.NotContains(t, tagged.get(""), "<img", "what others wrote is text")
	require.Contains(t, tagged.get(""), "&lt;img src=x")
	if path == "" {
		t.Log("no Chromium on PATH: what the server sends was checked, and not what a browser makes of it")
		return
	}
	b := newBrowser(t, path)

	b.open(tagged.url, 1280, 800, "light")
	b.until(`document.querySelector(".tag") != null`)
	require.Equal(t, "team="+hostileTag, b.eval(`document.querySelector(".tag").textContent`))
	require.Equal(t, "DLQ status", b.eval("document.title"))

	for _, screen := range []struct {
		name          string
		width, height int
		scheme        string
		ground        string
	}{
		{"light", 1280, 800, "light", "rgb(255, 255, 255)"},
		{"dark", 1280, 800, "dark", "rgb(15, 19, 24)"},
		{"phone", 320, 800, "light", "rgb(255, 255, 255)"},
		{"dark phone", 320, 800, "dark", "rgb(15, 19, 24)"},
	} {
		b.open(s.url, screen.width, screen.height, screen.scheme)
		b.until(`document.querySelectorAll("tbody tr").length == 4 && document.title == "(3) DLQ status"`)
		b.screenshot(screen.name)
		require.Equal(t, screen.ground, b.eval("getComputedStyle(document.body).backgroundColor"), screen.name)
		require.LessOrEqual(t, b.eval("document.documentElement.scrollWidth"), float64(screen.width), "%s: nothing is cut off", screen.name)
		require.Empty(t, b.eval(faint), "%s: text that is hard to read", screen.name)
	}

	// by keyboard
	b.open(s.url, 1280, 800, "light")
	b.key("Tab", "")
	require.Equal(t, "Skip to the queues", b.eval("document.activeElement.textContent"))
	b.key("/", "/")
	require.Equal(t, "filter", b.eval("document.activeElement.id"))
	for _, c := range "SHIP" {
		b.key(string(c), string(c))
	}
	require.Equal(t, "shipments-dlq", b.eval(`[...document.querySelectorAll("tbody tr:not([hidden]) th > .name")].map(e => e.textContent).join()`))

	// it follows, and the filter stays
	_, err := n.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(n.srv.URL + "/000000000000/payments-dlq"), MessageBody: aws.String("a")})
	require.NoError(t, err)
	b.until(`document.title == "(4) DLQ status"`)
	require.Equal(t, float64(1), b.eval(`document.querySelectorAll("tbody tr:not([hidden])").length`))
	require.Equal(t, "filter", b.eval("document.activeElement.id"))
	b.key("Escape", "")
	require.Equal(t, float64(4), b.eval(`document.querySelectorAll("tbody tr:not([hidden])").length`))

	// AWS fails, then the dashboard ends
	n.srv.Inject(awstest.Fault{Kind: awstest.InternalError, Service: "sqs"})
	b.until(`(document.querySelector(".stale")?.textContent ?? "").includes("The last attempt failed")`)
	b.screenshot("stale")
	require.Equal(t, float64(4), b.eval(`document.querySelectorAll("tbody tr").length`), "the last facts stay")
	require.Equal(t, true, b.eval(`document.getElementById("lost").hidden`))
	require.Empty(t, b.errors, "nothing broke the page's own policy")
	s.stop()
	b.until(`!document.getElementById("lost").hidden`)
}

// faint is a script for the texts of a page whose contrast is below 4.5 (WCAG 2.2, AA).
const faint = `(() => {
	const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
	const rgb = text => text.match(/[\d.]+/g).map(Number);
	const ground = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
	const out = [];
	for (const e of document.querySelectorAll("body *")) {
		if (![...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim()) || !e.checkVisibility()) continue;
		const a = luminance(rgb(getComputedStyle(e).color)), b = luminance(ground(e));
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5) out.push(e.textContent.trim().slice(0, 40) + " " + contrast.toFixed(1));
	}
	return out;
})()`

func TestTheDashboardRefusesWhatItIsNotFor(t *testing.T) {
	n := newNight(t)
	n.pair("orders")
	s := show(t, dashboardOptions{interval: time.Hour, hosts: []string{"wall.example.com"}})
	s.get("api/dlq-status")
	for _, tt := range []struct {
		name, method, path, host string
		want                     int
	}{
		{"reading", "GET", "", "", 200},
		{"a look at the headers", "HEAD", "", "", 200},
		{"by localhost", "GET", "", "localhost:8080", 200},
		{"by an address", "GET", "", "[::1]:8080", 200},
		{"by a name that was allowed", "GET", "api/dlq-status", "wall.example.com", 200},
		{"by a name of somebody else's (DNS rebinding)", "GET", "api/dlq-status", "evil.example.com", 421},
		{"by a name that looks like an address", "GET", "", "127.0.0.1.evil.example.com:80", 421},
		{"by another machine's address", "GET", "", "192.0.2.1", 421},
		{"by no name", "GET", "", " ", 400},
		{"writing", "POST", "api/dlq-status", "", 405},
		{"deleting", "DELETE", "", "", 405},
		{"asking what may be done from elsewhere", "OPTIONS", "", "", 405},
		{"another path", "GET", "etc/passwd", "", 404},
		{"a path upwards", "GET", "..%2fmain.go", "", 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, s.url+tt.path, nil)
			require.NoError(t, err)
			if tt.host != "" {
				r.Host = strings.TrimSpace(tt.host)
				if r.Host == "" {
					r.Host = "!"
				}
			}
			resp, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			defer resp.Body.Close()
			if tt.want == 400 {
				require.Contains(t, []int{400, 421}, resp.StatusCode)
				return
			}
			require.Equal(t, tt.want, resp.StatusCode)
			require.Equal(t, "no-store", resp.Header.Get("Cache-Control"))
			require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
			require.Equal(t, "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", resp.Header.Get("Content-Security-Policy"))
			require.Empty(t, resp.Header.Get("Access-Control-Allow-Origin"))
		})
	}
	require.True(t, isOurs("192.0.2.1:8080", true, nil), "an address that was allowed to be listened on")
	require.False(t, isOurs("evil.example.com", true, nil))
}

func TestTheDashboardIsForThisMachineUnlessTold(t *testing.T) {
	newNight(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--listen", "0.0.0.0:0"}, "other machines could reach that address"},
		{[]string{"--listen", ":0"}, "add --allow-non-loopback"},
		{[]string{"--listen", "127.0.0.1"}, "give host:port"},
		{[]string{"--interval", "1ms"}, "give 1s or more"},
		{[]string{"--tag", "x"}, "give key=value"},
	} {
		status, stdout, stderr := dlqRun(append([]string{"dashboard"}, tt.args...)...)
		require.Equal(t, 2, status)
		require.Empty(t, stdout)
		require.Contains(t, stderr, tt.want)
	}
}

func TestHowManyBrowsersLookDoesNotMatterToAWS(t *testing.T) {
	n := newNight(t)
	n.pair("orders")
	s := show(t, dashboardOptions{interval: time.Hour})
	s.status()
	before := len(n.srv.Calls())
	for range 20 {
		s.get("")
		s.get("api/dlq-status")
	}
	require.Len(t, n.srv.Calls(), before)
	require.Equal(t, 1, n.srv.Count("sqs", "ListQueues"))
}

// reader is a watcher's view of AWS that a test decides.
type reader struct {
	status *dlq.Status
	err    error
}

func (r *reader) read(context.Context) (*dlq.Status, error) { return r.status, r.err }

func ofDepth(n int64) *dlq.Status {
	return &dlq.Status{Schema: 1, Health: dlq.Degraded, DLQs: []dlq.DLQ{{Queue: dlq.Queue{Name: "d", ARN: "arn:d"}, State: dlq.Found, Messages: &dlq.Messages{Visible: n}, Health: dlq.NeedsAttention}}}
}

func TestAFailedReadingLeavesTheLastFactsAndSaysSo(t *testing.T) {
	aws := &reader{err: errors.New("no answer <b>\x1b[2J")}
	w := newWatcher(aws.read, time.Hour)
	api := httptest.NewServer(pages(w))
	defer api.Close()
	get := func(path string) (int, string) {
		resp, err := http.Get(api.URL + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(b)
	}
	status, body := get("/api/dlq-status")
	require.Equal(t, 503, status)
	require.JSONEq(t, `{"error":"the queues have not been read yet"}`, body)
	_, body = get("/")
	require.Contains(t, body, "Reading the queues")

	w.once(t.Context())
	status, body = get("/api/dlq-status")
	require.Equal(t, 503, status)
	require.Contains(t, body, "no answer")
	_, body = get("/")
	require.Contains(t, body, `The queues can't be read.</strong> It is tried again. no answer &lt;b&gt;\x1b[2J`)

	aws.status, aws.err = ofDepth(3), nil
	w.once(t.Context())
	status, body = get("/api/dlq-status")
	require.Equal(t, 200, status)
	require.NotContains(t, body, "stale")
	status, _ = get("/facts?version=2")
	require.Equal(t, 204, status, "the page has these")
	status, body = get("/facts?version=1")
	require.Equal(t, 200, status)
	require.Contains(t, body, `data-version="2"`)

	aws.status, aws.err = nil, errors.New("gone")
	w.once(t.Context())
	w.at = w.at.Add(-90 * time.Second)
	status, body = get("/api/dlq-status")
	require.Equal(t, 200, status)
	var s dlq.Status
	require.NoError(t, json.Unmarshal([]byte(body), &s))
	require.Equal(t, &dlq.Stale{AgeSeconds: 90, Error: "gone"}, s.Stale)
	require.Equal(t, int64(3), s.DLQs[0].Messages.Visible)
	_, body = get("/")
	require.Contains(t, body, "This is not up to date:</strong> it is 1m 30s old. The last attempt failed: gone")

	aws.status, aws.err = ofDepth(0), nil
	w.once(t.Context())
	require.Nil(t, w.snapshot().status.Stale)
	aws.status = &dlq.Status{Problems: []dlq.Problem{{What: dlq.UnknownQueues, Transient: true, Queues: 1, Text: "d: InternalError"}}} // AWS failed half-way
	w.once(t.Context())
	require.Equal(t, "whether 1 queue may hold dead letters: d: InternalError", w.snapshot().status.Stale.Error)
	require.Len(t, w.snapshot().status.DLQs, 1, "what is unknown for a moment doesn't go")
	aws.status = ofDepth(0)
	aws.status.Problems = []dlq.Problem{{What: dlq.UnknownAges, Transient: true, Text: "d"}, {What: dlq.UnknownQueues, Action: "sqs:GetQueueAttributes", Text: "e"}}
	w.once(t.Context())
	require.Nil(t, w.snapshot().status.Stale, "what is denied, or no queue, is told as it is")
	w.at = w.at.Add(-3 * time.Hour) // a reading that takes too long
	require.Equal(t, &dlq.Stale{AgeSeconds: 10800}, w.snapshot().status.Stale)
}

func TestDepthsAreKeptForAWhileAndForTheDLQsThatThereAre(t *testing.T) {
	aws := &reader{}
	w := newWatcher(aws.read, time.Second)
	for i := range 300 {
		aws.status = ofDepth(int64(i))
		w.once(t.Context())
	}
	kept := w.snapshot().depths["arn:d"]
	require.Len(t, kept, 240)
	require.Equal(t, int64(60), kept[0].messages)
	require.Equal(t, int64(299), kept[239].messages)
	aws.status = &dlq.Status{}
	w.once(t.Context())
	require.Empty(t, w.snapshot().depths)
}

func TestADepthIsDrawn(t *testing.T) {
	at := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	points, words := depthLine(nil)
	require.Equal(t, "", points)
	require.Equal(t, "no depth known", words)
	points, words = depthLine([]depth{{at, 0}, {at.Add(time.Minute), 10}, {at.Add(2 * time.Minute), 5}})
	require.Equal(t, "0.0,23.0 60.0,1.0 120.0,12.0", points)
	require.Equal(t, "5 messages now, 0 to 10 in the last 2m", words)
	points, _ = depthLine([]depth{{at, 4}})
	require.Equal(t, "0.0,1.0 120,1.0", points)
	var many []depth
	for i := range 240 {
		many = append(many, depth{at.Add(time.Duration(i) * time.Minute), 0})
	}
	many[101].messages = 7 // for a moment
	points, _ = depthLine(many)
	require.Len(t, strings.Fields(points), 60)
	require.Contains(t, points, ",1.0", "a peak is seen")
}

func TestHostileNamesStayText(t *testing.T) {
	hostile := `<script>alert(1)</script>" onload="x` + "\u202e"
	aws := &reader{status: &dlq.Status{
		Account: hostile, Health: dlq.Degraded, Problems: []dlq.Problem{{What: dlq.UnknownAges, Text: hostile}},
		DLQs: []dlq.DLQ{{
			Queue: dlq.Queue{Name: hostile, ARN: hostile}, State: dlq.Found, Health: dlq.NeedsAttention, Tags: map[string]string{hostile: hostile},
			Sources: []dlq.Source{{Queue: dlq.Queue{Name: hostile}}}, Reasons: []dlq.Reason{{Code: "x", Text: hostile}}, Warnings: []dlq.Reason{{Code: "x", Text: hostile}},
			MoveTask: &dlq.MoveTask{Status: "RUNNING", Destination: hostile},
		}},
	}}
	w := newWatcher(aws.read, time.Hour)
	w.once(t.Context())
	answer := httptest.NewRecorder()
	pages(w).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	page := answer.Body.String()
	require.Equal(t, 1, strings.Count(page, "<script"), "the page's own")
	require.NotContains(t, page, `" onload`)
	require.NotContains(t, page, "\u202e")
	require.GreaterOrEqual(t, strings.Count(page, "&lt;script&gt;alert(1)"), 8, fmt.Sprint(page))
}
