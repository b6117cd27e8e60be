package awstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// control serves what is not AWS: the clock and a health check, for callers in other
// processes. Everything else goes to the API.
//
//	GET  /_health                            {"status":"ok","services":[…]}
//	GET  /_clock                             {"now":"2026-11-24T09:00:00Z"}
//	POST /_clock/advance {"duration":"90s"}  {"now":"2026-11-24T09:01:30Z"}
func (s *Server) control(api http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_health", func(w http.ResponseWriter, _ *http.Request) {
		names := []string{}
		for _, served := range s.services.served {
			names = append(names, served.Name)
		}
		answer(w, http.StatusOK, map[string]any{"status": "ok", "services": names})
	})
	mux.HandleFunc("GET /_clock", func(w http.ResponseWriter, _ *http.Request) { s.answerTime(w) })
	mux.HandleFunc("POST /_clock/advance", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Duration string }
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in)
		var d time.Duration
		if err == nil {
			d, err = time.ParseDuration(in.Duration)
		}
		if err == nil && (d < 0 || d > maxAdvance) {
			err = fmt.Errorf("duration is %v, must be between 0 and %v", d, maxAdvance)
		}
		if err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": err.Error() + `; send e.g. {"duration":"90s"}`})
			return
		}
		s.Clock.Advance(d)
		s.answerTime(w)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path) > 1 && r.URL.Path[1] == '_' {
			mux.ServeHTTP(w, r)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// maxAdvance bounds one step of the HTTP control: five years.
const maxAdvance = 5 * 365 * 24 * time.Hour

func (s *Server) answerTime(w http.ResponseWriter) {
	answer(w, http.StatusOK, map[string]string{"now": s.Clock.Now().Format(time.RFC3339Nano)})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
