package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// work is a job on its way through a process.
type work struct {
	job  *job
	done chan outcome // receives once
}

// runtimeAPI is the Runtime API of one process: it asks for invocations, and answers each.
// [Lambda developer guide, "Using the Lambda runtime API for custom runtimes"]
type runtimeAPI struct {
	mux    *http.ServeMux
	arn    string
	next   chan *work
	broken chan outcome // an error of the process's initialization

	mu      sync.Mutex
	current *work
}

func newRuntimeAPI(arn string) *runtimeAPI {
	a := &runtimeAPI{mux: http.NewServeMux(), arn: arn, next: make(chan *work), broken: make(chan outcome, 1)}
	a.mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.serveNext)
	a.mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.serveResponse)
	a.mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.serveError)
	a.mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.serveInitError)
	return a
}

// ServeHTTP implements http.Handler.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *runtimeAPI) serveNext(w http.ResponseWriter, r *http.Request) {
	var next *work
	select {
	case next = <-a.next:
	case <-r.Context().Done():
		return
	}
	a.mu.Lock()
	a.current = next
	a.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", next.job.id)
	// by the wall clock, which is the one that the process has
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(next.job.timeout()).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", a.arn)
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-"+strconv.FormatInt(time.Now().Unix(), 16)+"-"+strings.ReplaceAll(next.job.id, "-", "")[:24]+";Sampled=0")
	_, _ = w.Write(next.job.payload)
}

// finish ends the invocation of an id. It reports whether that is under way.
func (a *runtimeAPI) finish(id string, out outcome) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == nil || a.current.job.id != id {
		return false
	}
	a.current.done <- out
	a.current = nil
	return true
}

func (a *runtimeAPI) serveResponse(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse+1))
	if err != nil {
		a.refuse(w, http.StatusBadRequest, "InvalidResponse", err.Error())
		return
	}
	out := outcome{payload: body}
	status, kind := http.StatusAccepted, ""
	switch {
	case len(body) > maxResponse:
		out, status, kind = (*job)(nil).tooLarge(), http.StatusRequestEntityTooLarge, "RequestEntityTooLarge"
	case r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "": // of a response that was streamed
		out = failure(r.Trailer.Get("Lambda-Runtime-Function-Error-Type"), "the response was cut off")
	}
	switch {
	case !a.finish(id, out):
		a.refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
	case kind != "":
		a.refuse(w, status, kind, "Exceeded maximum allowed payload size ("+strconv.Itoa(maxResponse)+" bytes).")
	default:
		a.accept(w)
	}
}

// errorOf reads the error that a process reports. It is kept as it is, if it is an object.
func errorOf(r *http.Request) outcome {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxResponse))
	var object map[string]any
	if err != nil || json.Unmarshal(body, &object) != nil {
		kind := r.Header.Get("Lambda-Runtime-Function-Error-Type")
		if kind == "" {
			kind = "Runtime.Unknown"
		}
		return failure(kind, "%.1000s", body)
	}
	return outcome{payload: body, failed: "Unhandled"}
}

func (a *runtimeAPI) serveError(w http.ResponseWriter, r *http.Request) {
	if !a.finish(r.PathValue("id"), errorOf(r)) {
		a.refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	a.accept(w)
}

func (a *runtimeAPI) serveInitError(w http.ResponseWriter, r *http.Request) {
	select {
	case a.broken <- errorOf(r):
	default: // it was told before
	}
	a.accept(w)
}

func (a *runtimeAPI) accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
}

func (a *runtimeAPI) refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message})
}
