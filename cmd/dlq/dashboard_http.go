package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed dashboard.css dashboard.js dashboard.svg dashboard.html.tmpl
var dashboardFiles embed.FS

// contentPolicy lets the page load its own style and script, and ask its own server. No
// script or style within the page counts, nothing comes from elsewhere, and no other page
// can frame it.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard refuses what isn't reading, and callers that use a name that isn't ours: a web page
// anywhere can let its own host name point to this machine (DNS rebinding), and would read
// the page by it.
func guard(next http.Handler, anyAddress bool, hosts []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		switch {
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "the dashboard only shows: use GET or HEAD", http.StatusMethodNotAllowed)
		case !isOurs(r.Host, anyAddress, hosts):
			http.Error(w, "the dashboard isn't called by this name: use localhost or an address, or allow the name with --host", http.StatusMisdirectedRequest)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isOurs says whether a Host header is one that a page elsewhere can't have: localhost, an
// address, or a name that was allowed.
func isOurs(header string, anyAddress bool, hosts []string) bool {
	host := header
	if h, _, err := net.SplitHostPort(header); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if ip := net.ParseIP(host); ip != nil {
		return anyAddress || ip.IsLoopback()
	}
	return host == "localhost" || slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// pages serves the page, its parts and the JSON.
func pages(w *watcher) http.Handler {
	page := template.Must(template.New("").Funcs(pageFuncs()).ParseFS(dashboardFiles, "dashboard.html.tmpl"))
	show := func(name string) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			s := w.snapshot()
			if name == "facts" && r.URL.Query().Get("version") == strconv.Itoa(s.version) && (s.status == nil || s.status.Stale == nil) {
				rw.WriteHeader(http.StatusNoContent) // the page has this
				return
			}
			var b bytes.Buffer
			if err := page.ExecuteTemplate(&b, name, newView(s, w.interval)); err != nil {
				http.Error(rw, "the page can't be made: "+err.Error(), http.StatusInternalServerError)
				return
			}
			write(rw, "text/html; charset=utf-8", b.Bytes())
		}
	}
	file := func(name, kind string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			b, err := dashboardFiles.ReadFile(name)
			if err != nil {
				http.Error(rw, err.Error(), http.StatusInternalServerError)
				return
			}
			write(rw, kind, b)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", show("page"))
	mux.HandleFunc("/facts", show("facts"))
	mux.HandleFunc("/dashboard.css", file("dashboard.css", "text/css; charset=utf-8"))
	mux.HandleFunc("/dashboard.js", file("dashboard.js", "text/javascript; charset=utf-8"))
	mux.HandleFunc("/dashboard.svg", file("dashboard.svg", "image/svg+xml"))
	mux.HandleFunc("/api/dlq-status", func(rw http.ResponseWriter, _ *http.Request) { serveStatus(rw, w.snapshot()) })
	return mux
}

func write(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body) // whoever asked may be gone
}

// serveStatus answers with the status as JSON, or with 503 while there is none.
func serveStatus(w http.ResponseWriter, s snapshot) {
	if s.status == nil {
		text := "the queues have not been read yet"
		if s.err != nil {
			text = s.err.Error()
		}
		b, err := json.Marshal(map[string]string{"error": text})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write(append(b, '\n')) // whoever asked may be gone
		return
	}
	var b bytes.Buffer
	if err := writeJSON(&b, s.status, "  "); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Age", strconv.Itoa(int(s.age/time.Second)))
	write(w, "application/json", b.Bytes())
}
