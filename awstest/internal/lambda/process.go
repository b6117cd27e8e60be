package lambda

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

const (
	// maxProcesses is how many processes of functions there are at a time. Invocations
	// beyond wait.
	maxProcesses = 32
	// maxLine and maxOutput bound what is kept of what a function prints, in bytes.
	maxLine   = 256 << 10
	maxOutput = 1 << 20
)

// processes are the execution environments of all functions.
type processes struct {
	room chan struct{} // as many as there may be processes

	mu     sync.Mutex
	idle   map[*function][]*environment // the one used last comes last
	live   map[*environment]bool
	closed bool
	ended  sync.WaitGroup
}

func (ps *processes) init() {
	ps.room = make(chan struct{}, maxProcesses)
	ps.idle = map[*function][]*environment{}
	ps.live = map[*environment]bool{}
}

// close ends all processes, and waits until they are gone.
func (ps *processes) close() {
	ps.mu.Lock()
	ps.closed = true
	for e := range ps.live {
		e.kill()
	}
	ps.idle = map[*function][]*environment{}
	ps.mu.Unlock()
	ps.ended.Wait()
}

// retire ends what is idle of a function that was changed or deleted; what is at work ends
// when it is done.
func (ps *processes) retire(f *function) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for _, e := range ps.idle[f] {
		e.kill()
	}
	delete(ps.idle, f)
}

// take returns an idle environment of the job's function as it is, nil if there is none.
func (ps *processes) take(j *job, revision string) *environment {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for list := ps.idle[j.f]; len(list) > 0; {
		e := list[len(list)-1]
		list = list[:len(list)-1]
		ps.idle[j.f] = list
		if e.revision == revision && !e.gone() {
			return e
		}
		e.kill()
	}
	return nil
}

// put makes an environment idle.
func (ps *processes) put(f *function, e *environment) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.closed || e.gone() {
		e.kill()
		return
	}
	ps.idle[f] = append(ps.idle[f], e)
}

// evict ends an idle environment, if there is one, so that there is room for another.
func (ps *processes) evict() {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	for f, list := range ps.idle {
		if len(list) > 0 {
			list[0].kill()
			ps.idle[f] = list[1:]
			return
		}
	}
}

// run runs a job in a process.
func (ps *processes) run(ctx context.Context, s *Service, j *job) outcome {
	revision := j.revision()
	for e := ps.take(j, revision); e != nil; e = ps.take(j, revision) {
		// one that ends before it asks for the job is as good as none
		if out, end := ps.runIn(ctx, e, j); end != untaken {
			return out
		}
	}
	select {
	case ps.room <- struct{}{}:
	default:
		ps.evict()
		select {
		case ps.room <- struct{}{}:
		case <-ctx.Done():
			return failure("Runtime.ExitError", "RequestId: %s Error: %v", j.id, context.Cause(ctx))
		}
	}
	e, err := ps.start(s, j, revision)
	if err != nil {
		<-ps.room
		return failure("Runtime.InvalidEntrypoint", "RequestId: %s Error: %v", j.id, err)
	}
	out, _ := ps.runIn(ctx, e, j)
	return out
}

// runIn runs a job in an environment, which is idle or gone afterwards.
func (ps *processes) runIn(ctx context.Context, e *environment, j *job) (outcome, ending) {
	out, end := e.invoke(ctx, j)
	if end == answered {
		ps.put(j.f, e)
	} else {
		e.kill()
	}
	return out, end
}

// ending is how it ended for the environment.
type ending int

const (
	answered ending = iota // it can go on
	broken                 // it can't
	untaken                // it ended before it asked for the job
)

// revision names what a process is made from.
func (j *job) revision() string { return fmt.Sprintf("%s %+v", j.code.sha256, j.spec) }

// environment is a process that a function runs in, with its own Runtime API.
type environment struct {
	revision string
	cmd      *exec.Cmd
	server   *http.Server
	api      *runtimeAPI
	output   *output
	exited   chan struct{} // closed when the process is gone
	status   string        // how it ended; set then
	killing  sync.Once
}

func (e *environment) gone() bool {
	select {
	case <-e.exited:
		return true
	default:
		return false
	}
}

// kill ends the process, and all that it has started.
func (e *environment) kill() {
	e.killing.Do(func() {
		killGroup(e.cmd.Process)
		_ = e.server.Close()
	})
}

// taskDir returns the directory with the job's code, unpacked once for all processes.
func (s *Service) taskDir(j *job) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "functions-")
		if err != nil {
			return "", fmt.Errorf("making a directory for code: %w", err)
		}
		s.dir = dir
	}
	if dir := j.f.unpacked[j.code.sha256]; dir != "" {
		return dir, nil
	}
	dir, err := j.code.unpack(s.dir)
	if err != nil {
		return "", err
	}
	if j.f.unpacked == nil {
		j.f.unpacked = map[string]string{}
	}
	j.f.unpacked[j.code.sha256] = dir
	return dir, nil
}

// clean removes code that the function doesn't have any more, unless it is at work: its
// processes may still need it.
func (s *Service) clean(f *function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.running > 0 {
		return
	}
	for digest, dir := range f.unpacked {
		if digest != f.code.sha256 || s.functions[f.key] != f {
			_ = os.RemoveAll(dir) // Close tries again
			delete(f.unpacked, digest)
		}
	}
}

// start starts a process for a job.
func (ps *processes) start(s *Service, j *job, revision string) (*environment, error) {
	dir, err := s.taskDir(j)
	if err != nil {
		return nil, err
	}
	bootstrap := filepath.Join(dir, "bootstrap")
	if info, err := os.Stat(bootstrap); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")
	} else if info.Mode().Perm()&0o100 == 0 {
		return nil, fmt.Errorf("fork/exec /var/task/bootstrap: permission denied")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the function: %w", err)
	}
	out, err := newOutput()
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	e := &environment{revision: revision, api: newRuntimeAPI(j.key.arn()), output: out, exited: make(chan struct{})}
	e.server = &http.Server{Handler: e.api, ReadHeaderTimeout: 10 * time.Second}
	e.cmd = exec.Command(bootstrap)
	e.cmd.Dir = dir
	e.cmd.Env = environ(s, j, dir, listener.Addr().String())
	e.cmd.Stdout, e.cmd.Stderr = out.in, out.in
	ownGroup(e.cmd)
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.closed {
		err = fmt.Errorf("the endpoint is closing")
	} else {
		err = e.cmd.Start()
	}
	if err != nil {
		_ = listener.Close()
		out.close()
		return nil, err
	}
	ps.live[e] = true
	ps.ended.Add(1)
	go func() { _ = e.server.Serve(listener) }() // ends when the server is closed
	go func() {
		defer ps.ended.Done()
		err := e.cmd.Wait()
		switch {
		case err != nil:
			e.status = "Runtime exited with error: " + err.Error()
		default:
			e.status = "Runtime exited without providing a reason"
		}
		close(e.exited)
		e.kill() // what it has started
		ps.mu.Lock()
		delete(ps.live, e)
		ps.mu.Unlock()
		out.close()
		<-ps.room
	}()
	return e, nil
}

// environ are the environment variables of a process: none of this process's, but for
// where programs and temporary files are. [Lambda developer guide, "Defined runtime
// environment variables"]
func environ(s *Service, j *job, dir, api string) []string {
	env := map[string]string{
		"PATH": os.Getenv("PATH"), "TMPDIR": os.TempDir(), "HOME": dir, "LANG": "en_US.UTF-8", "TZ": ":UTC",
		"_HANDLER": j.spec.Handler, "LAMBDA_TASK_ROOT": dir, "LAMBDA_RUNTIME_DIR": dir,
		"AWS_LAMBDA_RUNTIME_API": api, "AWS_LAMBDA_FUNCTION_NAME": j.key.name, "AWS_LAMBDA_FUNCTION_VERSION": latest,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(j.spec.MemorySize), "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME": j.spec.Logging.LogGroup, "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
		"AWS_REGION": j.key.region, "AWS_DEFAULT_REGION": j.key.region,
		// an access key id that is an account makes calls in that account
		"AWS_ACCESS_KEY_ID": j.key.account, "AWS_SECRET_ACCESS_KEY": "function", "AWS_SESSION_TOKEN": "function",
		"AWS_ENDPOINT_URL": s.opts.Endpoint, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "NO_PROXY": "127.0.0.1,localhost,::1",
	}
	for name, value := range j.spec.Variables {
		env[name] = value
	}
	list := make([]string, 0, len(env))
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	return list
}

// invoke hands the process a job, and waits for what becomes of it.
func (e *environment) invoke(ctx context.Context, j *job) (out outcome, end ending) {
	w := &work{job: j, done: make(chan outcome, 1)}
	defer func() { out.output = e.output.take() }()
	start := time.NewTimer(initTime)
	defer start.Stop()
	select {
	case e.api.next <- w:
	case out := <-e.api.broken:
		return out, broken
	case <-e.exited:
		return e.died(j), untaken
	case <-start.C:
		return failure("Sandbox.Timedout", "RequestId: %s Error: Task timed out after %d.00 seconds", j.id, int(initTime.Seconds())), broken
	case <-ctx.Done():
		return failure("Runtime.ExitError", "RequestId: %s Error: %v", j.id, context.Cause(ctx)), broken
	}
	limit := time.NewTimer(j.timeout())
	defer limit.Stop()
	select {
	case out := <-w.done:
		return out, answered
	case <-e.exited:
		select {
		case out := <-w.done: // it answered first
			return out, broken
		default:
			return e.died(j), broken
		}
	case <-limit.C:
		return j.timedOut(), broken
	case <-ctx.Done():
		return failure("Runtime.ExitError", "RequestId: %s Error: %v", j.id, context.Cause(ctx)), broken
	}
}

func (e *environment) died(j *job) outcome {
	return failure("Runtime.ExitError", "RequestId: %s Error: %s", j.id, e.status)
}

// output collects what a process prints, both ways in one.
type output struct {
	in    *os.File // what the process writes to
	token []byte   // what marks, in between, how far it is to be read
	mark  chan struct{}
	done  chan struct{}

	mu    sync.Mutex
	lines []string
	size  int
}

func newOutput() (*output, error) {
	from, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe for the function's output: %w", err)
	}
	o := &output{in: in, token: []byte("\x00" + wire.NewUUID() + "\x00"), mark: make(chan struct{}, 1), done: make(chan struct{})}
	go o.read(from)
	return o, nil
}

func (o *output) read(from io.ReadCloser) {
	defer close(o.done)
	defer from.Close()
	var rest []byte
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		rest = append(rest, buf[:n]...)
		for {
			if i := bytes.Index(rest, o.token); i >= 0 {
				o.add(rest[:i], true)
				rest = append([]byte{}, rest[i+len(o.token):]...)
				o.mark <- struct{}{}
				continue
			}
			i := bytes.LastIndexByte(rest, '\n')
			if i < 0 && len(rest) > maxLine {
				i = len(rest) - len(o.token) // a token may have begun
			}
			if i >= 0 {
				o.add(rest[:i], false)
				rest = append([]byte{}, bytes.TrimPrefix(rest[i:], []byte("\n"))...)
			}
			break
		}
		if err != nil {
			o.add(rest, true)
			return
		}
	}
}

// add keeps lines, up to maxOutput.
func (o *output) add(text []byte, partial bool) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	if len(text) == 0 && partial {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for line := range strings.SplitSeq(string(text), "\n") {
		if o.size += len(line); o.size > maxOutput {
			return
		}
		o.lines = append(o.lines, strings.TrimSuffix(line, "\r"))
	}
}

// take returns what was printed since it was last called, to the last byte.
func (o *output) take() []string {
	if _, err := o.in.Write(o.token); err == nil {
		select {
		case <-o.mark:
		case <-o.done:
		}
	} else {
		<-o.done
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	lines := o.lines
	o.lines, o.size = nil, 0
	return lines
}

func (o *output) close() { _ = o.in.Close() }
