package awstest

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// control serves what is not AWS: the clock and a health check, for callers in other
// processes. Everything else goes to the API.
//
//	GET  /_health                            {"status":"ok","services":[…],"now":…}
//	GET  /_clock                             {"now":"2026-11-24T09:00:00Z"}
//	POST /_clock/advance {"duration":"90s"}  {"now":"2026-11-24T09:01:30Z"}
//	POST /_clock/advance {"seconds":90}      {"now":"2026-11-24T09:01:30Z"}
func (s *Server) control(api http.Handler) http.Handler {
	paths := map[string]struct {
		method string
		serve  func(w http.ResponseWriter, r *http.Request)
	}{
		"/_health":        {http.MethodGet, s.health},
		"/_clock":         {http.MethodGet, func(w http.ResponseWriter, _ *http.Request) { s.answerTime(w) }},
		"/_clock/advance": {http.MethodPost, s.advance},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path) < 2 || r.URL.Path[1] != '_' {
			api.ServeHTTP(w, r)
			return
		}
		p, ok := paths[r.URL.Path]
		if refusal := refuse(r); refusal != "" {
			answerError(w, http.StatusForbidden, refusal)
		} else if !ok {
			answerError(w, http.StatusNotFound, "there is no "+r.URL.Path+"; there are /_health, /_clock and /_clock/advance")
		} else if r.Method != p.method && (r.Method != http.MethodHead || p.method != http.MethodGet) {
			w.Header().Set("Allow", p.method)
			answerError(w, http.StatusMethodNotAllowed, r.URL.Path+" takes "+p.method+", not "+r.Method)
		} else {
			p.serve(w, r)
		}
	})
}

// refuse says why a request must not reach the control, empty if it may: web pages that a
// browser on this machine shows could otherwise move the clock.
func refuse(r *http.Request) string {
	// a page whose own name resolves to this machine passes for its own origin
	if host := hostOf(r.Host); !isLocalName(host) {
		return fmt.Sprintf("the host name %q is not taken here; use an IP address or localhost", host)
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return "" // no browser, or one that shows the answer to nobody
	}
	u, err := url.Parse(origin)
	if err != nil || !isLoopback(u.Hostname()) {
		return fmt.Sprintf("web pages of %q may not use the control", origin)
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method == http.MethodPost && kind != "application/json" {
		return "web pages must send application/json"
	}
	return ""
}

// hostOf is a Host header without the port.
func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

// isLocalName reports whether nobody can make the name resolve to this machine who
// doesn't run it or its network: an address, localhost, a name without a dot, as
// containers have, or one under the private top-level domain.
func isLocalName(host string) bool {
	host = strings.ToLower(host)
	return net.ParseIP(host) != nil || host != "" && !strings.Contains(host, ".") ||
		strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".internal")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	names := []string{}
	for _, served := range s.services.served {
		names = append(names, served.Name)
	}
	slices.Sort(names)
	answer(w, http.StatusOK, map[string]any{"status": "ok", "services": names, "now": s.now()})
}

func (s *Server) advance(w http.ResponseWriter, r *http.Request) {
	d, err := readAdvance(http.MaxBytesReader(w, r.Body, 1<<10))
	if err != nil {
		answerError(w, http.StatusBadRequest, err.Error()+`; send e.g. {"duration":"90s"} or {"seconds":90}`)
		return
	}
	s.Clock.Advance(d)
	s.changes.Add(1)
	s.answerTime(w)
}

// maxAdvance bounds one step of the HTTP control: five years.
const maxAdvance = 5 * 365 * 24 * time.Hour

func readAdvance(body io.Reader) (time.Duration, error) {
	var in struct {
		Duration *string
		Seconds  *float64
	}
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return 0, fmt.Errorf("the body is not what is expected: %w", err)
	}
	var d time.Duration
	switch {
	case (in.Duration == nil) == (in.Seconds == nil):
		return 0, fmt.Errorf("the body needs either duration or seconds")
	case in.Duration != nil:
		var err error
		if d, err = time.ParseDuration(*in.Duration); err != nil {
			return 0, err
		}
	case *in.Seconds > maxAdvance.Seconds() || *in.Seconds < 0:
		return 0, fmt.Errorf("seconds is %v, must be between 0 and %v", *in.Seconds, maxAdvance.Seconds())
	default:
		d = time.Duration(*in.Seconds * float64(time.Second))
	}
	if d < 0 || d > maxAdvance {
		return 0, fmt.Errorf("duration is %v, must be between 0 and %v", d, maxAdvance)
	}
	return d, nil
}

func (s *Server) now() string { return s.Clock.Now().Format(time.RFC3339Nano) }

func (s *Server) answerTime(w http.ResponseWriter) {
	answer(w, http.StatusOK, map[string]string{"now": s.now()})
}

func answerError(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"error": text})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
