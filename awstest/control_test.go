package awstest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sqs-dlq/sqs-dlq/awstest"
)

// ask makes a request of the control; headers are pairs of names and values.
func ask(t *testing.T, srv *awstest.Server, method, path, body string, headers ...string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	for name, value := range pairs(headers) {
		if name == "Host" {
			r.Host = value
		} else {
			r.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "application/json", resp.Header.Get("Content-Type"))
	var answer map[string]any
	require.NoError(t, json.Unmarshal(b, &answer), "%s", b)
	return resp.StatusCode, answer
}

func TestTheControlTellsTimeAndHealth(t *testing.T) {
	srv := awstest.Start(t, awstest.StartAt(time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)))
	srv.Clock.Pause()
	now := srv.Clock.Now().Format(time.RFC3339Nano)
	status, answer := ask(t, srv, "GET", "/_clock", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{"now": now}, answer)
	status, answer = ask(t, srv, "GET", "/_health", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{
		"status": "ok", "now": now, "services": []any{"dynamodb", "events", "iam", "kms", "lambda", "logs", "monitoring", "s3", "scheduler", "sns", "sqs", "sts"},
	}, answer)
	require.Empty(t, srv.Calls(), "none of that is a call of AWS's")
}

func TestTheControlAdvancesTheClock(t *testing.T) {
	srv := awstest.Start(t)
	srv.Clock.Pause()
	for _, test := range []struct {
		name, body string
		want       time.Duration
		text       string // of the refusal
	}{
		{"by a duration", `{"duration":"1h30m"}`, 90 * time.Minute, ""},
		{"by seconds", `{"seconds":900}`, 15 * time.Minute, ""},
		{"by a part of a second", `{"seconds":0.25}`, 250 * time.Millisecond, ""},
		{"by nothing", `{"seconds":0}`, 0, ""},
		{"not back", `{"duration":"-1s"}`, 0, "must be between"},
		{"not back by seconds", `{"seconds":-1}`, 0, "must be between"},
		{"not for ever", `{"duration":"999999h"}`, 0, "must be between"},
		{"not for ever by seconds", `{"seconds":1e300}`, 0, "must be between"},
		{"not by words", `{"duration":"a while"}`, 0, "invalid duration"},
		{"not by both", `{"duration":"1s","seconds":1}`, 0, "either duration or seconds"},
		{"not by neither", `{}`, 0, "either duration or seconds"},
		{"not by something else", `{"minutes":1}`, 0, "unknown field"},
		{"not by anything but JSON", `duration=1s`, 0, "not what is expected"},
		{"not without a body", ``, 0, "not what is expected"},
		{"not by a book", `{"duration":"` + strings.Repeat("1", 1<<20) + `s"}`, 0, "too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := srv.Clock.Now()
			status, answer := ask(t, srv, "POST", "/_clock/advance", test.body)
			require.Equal(t, test.want, srv.Clock.Now().Sub(before))
			if test.text == "" {
				require.Equal(t, http.StatusOK, status)
				require.Equal(t, srv.Clock.Now().Format(time.RFC3339Nano), answer["now"])
				return
			}
			require.Equal(t, http.StatusBadRequest, status)
			require.Contains(t, answer["error"], test.text)
			require.Contains(t, answer["error"], `{"duration":"90s"}`)
		})
	}
}

func TestWhoMayUseTheControl(t *testing.T) {
	srv := awstest.Start(t)
	srv.Clock.Pause()
	const plain, asJSON = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
	for _, test := range []struct {
		name   string
		header []string
		want   int
	}{
		{"curl", []string{"Content-Type", plain}, 200},
		{"a client that says localhost", []string{"Host", "localhost:4566"}, 200},
		{"a client that says an address", []string{"Host", "[::1]:4566"}, 200},
		{"another container", []string{"Host", "endpoint:4566"}, 200},
		{"a container on the host", []string{"Host", "host.docker.internal:4566"}, 200},
		{"a page of this machine that sends JSON", []string{"Origin", "http://localhost:3000", "Content-Type", asJSON}, 200},
		{"a page of this machine by address", []string{"Origin", "http://127.0.0.1:3000", "Content-Type", asJSON}, 200},
		{"a page of this machine that sends a form", []string{"Origin", "http://localhost:3000", "Content-Type", plain}, 403},
		{"a page of this machine that says nothing", []string{"Origin", "http://localhost:3000"}, 403},
		{"a page of another site", []string{"Origin", "https://example.com", "Content-Type", asJSON}, 403},
		{"a page of another site by address", []string{"Origin", "http://192.0.2.1", "Content-Type", asJSON}, 403},
		{"a page of no site", []string{"Origin", "null", "Content-Type", asJSON}, 403},
		{"a page of a site that looks like this machine", []string{"Origin", "http://localhost.example.com", "Content-Type", asJSON}, 403},
		{"a page whose own name leads here", []string{"Host", "rebound.example.com:4566", "Content-Type", asJSON}, 403},
		{"a page whose own name leads here, in its own origin", []string{"Host", "rebound.example.com", "Origin", "http://rebound.example.com", "Content-Type", asJSON}, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := srv.Clock.Now()
			status, answer := ask(t, srv, "POST", "/_clock/advance", `{"seconds":1}`, test.header...)
			require.Equal(t, test.want, status)
			if test.want == http.StatusOK {
				require.Equal(t, time.Second, srv.Clock.Now().Sub(before))
			} else {
				require.NotEmpty(t, answer["error"])
				require.Equal(t, before, srv.Clock.Now())
			}
		})
	}
}

func TestTheAPITakesAnyHostName(t *testing.T) {
	k := start(t)
	k.queue("q")
	r, err := http.NewRequestWithContext(t.Context(), "GET", k.srv.URL+"/?Action=ListQueues&Version=2012-11-05", nil)
	require.NoError(t, err)
	r.Host = "sqs.us-east-1.amazonaws.com"
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(b), "<QueueUrl>http://sqs.us-east-1.amazonaws.com/000000000000/q</QueueUrl>")
}

func TestWhatTheControlDoesNotHave(t *testing.T) {
	srv := awstest.Start(t)
	for _, test := range []struct {
		method, path, text string
		want               int
	}{
		{"GET", "/_clock/advance", "takes POST", http.StatusMethodNotAllowed},
		{"POST", "/_health", "takes GET", http.StatusMethodNotAllowed},
		{"DELETE", "/_clock", "takes GET", http.StatusMethodNotAllowed},
		{"GET", "/_aws/sqs/messages", "there is no /_aws/sqs/messages", http.StatusNotFound},
		{"GET", "/_", "there is no /_", http.StatusNotFound},
	} {
		status, answer := ask(t, srv, test.method, test.path, "")
		require.Equal(t, test.want, status)
		require.Contains(t, answer["error"], test.text)
	}
}
