package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// browser is a Chromium without a window, driven by its DevTools protocol over two pipes
// (--remote-debugging-pipe): messages are JSON, a zero byte after each.
type browser struct {
	*testing.T
	to      io.Writer
	from    *bufio.Reader
	session string
	calls   int
	errors  []string // what the pages complained of, violations of the policy among it
}

// browserPath is the Chromium on PATH, "" if there is none. Tests check then what the
// server sends, and leave out what only a browser can tell. Where DLQ_REQUIRE_BROWSER is
// set there must be one.
func browserPath(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require.Empty(t, os.Getenv("DLQ_REQUIRE_BROWSER"), "DLQ_REQUIRE_BROWSER is set, but there is no Chromium on PATH")
	return ""
}

func newBrowser(t *testing.T, path string) *browser {
	t.Helper()
	fromUs, to, err := os.Pipe()
	require.NoError(t, err)
	from, toUs, err := os.Pipe()
	require.NoError(t, err)
	c := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	c.ExtraFiles = []*os.File{fromUs, toUs} // descriptors 3 and 4
	require.NoError(t, c.Start())
	require.NoError(t, fromUs.Close())
	require.NoError(t, toUs.Close())
	b := &browser{T: t, to: to, from: bufio.NewReader(from)}
	t.Cleanup(func() {
		_ = to.Close() // by which it ends
		done := time.AfterFunc(10*time.Second, func() { _ = c.Process.Kill() })
		defer done.Stop()
		_ = c.Wait() // how it ends doesn't matter
	})
	target := b.call("Target.createTarget", map[string]any{"url": "about:blank"})
	attached := b.call("Target.attachToTarget", map[string]any{"targetId": target["targetId"], "flatten": true})
	b.session = attached["sessionId"].(string)
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil)
	}
	return b
}

// call calls a method of the protocol, and notes the complaints that come meanwhile.
func (b *browser) call(method string, params any) map[string]any {
	b.Helper()
	b.calls++
	message := map[string]any{"id": b.calls, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	out, err := json.Marshal(message)
	require.NoError(b, err)
	_, err = b.to.Write(append(out, 0))
	require.NoError(b, err)
	for {
		text, err := b.from.ReadBytes(0)
		require.NoError(b, err)
		var in struct {
			ID     int
			Method string
			Params struct {
				Entry            struct{ Level, Text, URL string }
				ExceptionDetails map[string]any
			}
			Result map[string]any
			Error  map[string]any
		}
		require.NoError(b, json.Unmarshal(text[:len(text)-1], &in))
		switch {
		case in.ID == b.calls:
			require.Nil(b, in.Error, method)
			return in.Result
		case in.Method == "Log.entryAdded" && in.Params.Entry.Level == "error":
			b.errors = append(b.errors, in.Params.Entry.Text+" "+in.Params.Entry.URL)
		case in.Method == "Runtime.exceptionThrown":
			b.errors = append(b.errors, fmt.Sprint(in.Params.ExceptionDetails))
		}
	}
}

// eval returns the value of an expression.
func (b *browser) eval(expression string) any {
	b.Helper()
	out := b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true})
	require.NotContains(b, out, "exceptionDetails", expression)
	return out["result"].(map[string]any)["value"]
}

// until waits until an expression is true.
func (b *browser) until(expression string) {
	b.Helper()
	for deadline := time.Now().Add(30 * time.Second); b.eval(expression) != true; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			require.Fail(b, "the page isn't as it should be", "%s; it is %s", expression, b.eval("document.body?.innerText ?? 'empty'")) // a page that is loading has no body
		}
	}
}

// open opens a page on a screen of that size, light or dark.
func (b *browser) open(url string, width, height int, scheme string) {
	b.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}})
	b.call("Page.navigate", map[string]any{"url": url})
	b.until(`document.readyState == "complete" && location.href == ` + fmt.Sprintf("%q", url))
}

// key presses a key that types a character, or one that has a name only.
func (b *browser) key(key, text string) {
	b.Helper()
	code := map[string]int{"Tab": 9, "Escape": 27, "Enter": 13}[key]
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": key, "text": text, "windowsVirtualKeyCode": code})
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "windowsVirtualKeyCode": code})
}

// screenshot saves what is to be seen, if DLQ_SCREENSHOTS names a directory for that.
func (b *browser) screenshot(name string) {
	b.Helper()
	dir := os.Getenv("DLQ_SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	out, err := json.Marshal(b.call("Page.captureScreenshot", nil)["data"])
	require.NoError(b, err)
	require.NoError(b, json.Unmarshal(out, &png)) // it is base64
	require.NoError(b, os.WriteFile(dir+"/"+name+".png", png, 0o600))
}
