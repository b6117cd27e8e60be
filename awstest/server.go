// Package awstest is an AWS endpoint for tests, with a clock that can be moved. It
// serves SQS, CloudWatch, SNS and what goes with them, on a loopback address of this
// process: no account, no container, and two weeks of retention pass in a millisecond.
//
//	func TestExpiry(t *testing.T) {
//		srv := awstest.Start(t)
//		client := sqs.NewFromConfig(srv.Config())
//		// … create a queue, send a message …
//		srv.Clock.Advance(4 * 24 * time.Hour) // the message has expired
//	}
//
// The endpoint is told apart from AWS only by its URL: the AWS SDKs, the AWS CLI and
// Terraform's provider use it unmodified. README.md lists what is served.
package awstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/clock"
	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// Server is a running endpoint.
type Server struct {
	// URL is the endpoint's address, e.g. "http://127.0.0.1:49152".
	URL string
	// Clock is the endpoint's time.
	Clock *Clock
	// Account and Region are those of Config and Env. A client with an access key of
	// twelve digits acts in the account of that number, one that signs for another
	// region in that region.
	Account, Region string

	services *services
	client   *http.Client // of Config
	http     *http.Server
	stop     context.CancelFunc
	closing  sync.Once
	served   chan struct{}
	faults   faults
	calls    callLog
	changes  atomic.Uint64 // calls that may have changed something
	keeper   *keeper       // of the state file, nil if there is none
	stopErr  error
}

// Option sets up an endpoint.
type Option func(*options)

type options struct {
	listen    string
	start     time.Time
	stateFile string
	saveEvery time.Duration
	onError   func(error)
	noCallLog bool
	functions bool // run from their zips
	// timeouts of the HTTP server
	header, read, idle time.Duration
}

// Listen makes the endpoint listen on the given host and port instead of a free port
// of 127.0.0.1. Callers are not authenticated: keep it to loopback addresses.
func Listen(address string) Option { return func(o *options) { o.listen = address } }

// StartAt makes the endpoint's clock start at t instead of the current time. With a state
// file it starts where it stopped, if that is later.
func StartAt(t time.Time) Option { return func(o *options) { o.start = t } }

// TB is what Start needs of a *testing.T.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// Start starts an endpoint that is closed when the test ends.
func Start(t TB, opts ...Option) *Server {
	t.Helper()
	s, err := New(opts...)
	if err != nil {
		t.Fatalf("starting the AWS endpoint: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// New starts an endpoint. The caller closes it.
func New(opts ...Option) (*Server, error) {
	o := options{
		listen: "127.0.0.1:0", start: time.Now(), saveEvery: saveEvery,
		header: 10 * time.Second, read: 30 * time.Second, idle: 2 * time.Minute,
	}
	for _, opt := range opts {
		opt(&o)
	}
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", o.listen, err)
	}
	s, err := newServer(&o, urlOf(listener.Addr()))
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.calls.off = o.noCallLog
	router := wire.NewRouter(s.Clock.clock.Now, s.around, s.services.served...)
	s.http = &http.Server{
		Handler:           s.control(router),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: o.header,
		ReadTimeout:       o.read,
		IdleTimeout:       o.idle,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // only clients' misdeeds
	}
	go func() {
		defer close(s.served)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			stop()
		}
	}()
	s.services.lambda.Resume()
	return s, nil
}

// maxHeaderBytes bounds the header of a request, with the query string, in which old
// clients of the Query protocol send messages.
const maxHeaderBytes = 256 << 10

// urlOf is the URL at which this machine reaches an address that is listened on.
func urlOf(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return "http://" + addr.String()
}

// newServer makes the services, with what the state file holds, and the clock. Nothing is
// served yet.
func newServer(o *options, url string) (s *Server, err error) {
	var file *stateFile
	var saved *stateHeader
	if o.stateFile != "" {
		if file, saved, err = openState(o.stateFile); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				_ = file.close()
			}
		}()
	}
	began, target := time.Now(), o.start.UTC()
	start := target
	if saved != nil {
		// what is due on the way from where the clock stopped is caught up with
		start = saved.Clock.UTC()
		if oldest := target.Add(-catchUp); start.Before(oldest) {
			start = oldest
		}
	}
	clk := clock.New(start)
	s = &Server{
		URL: url, Clock: &Clock{clk}, Account: wire.DefaultAccount, Region: wire.DefaultRegion,
		client: newHTTPClient(), served: make(chan struct{}),
	}
	s.services = newServices(clk, s, o.functions)
	if saved != nil {
		err := file.load(func(get func(any) error) error { return s.services.restore(get, start) })
		if err != nil {
			clk.Close()
			return nil, err
		}
	}
	s.services.everyMinute(clk, start)
	clk.AdvanceTo(target.Add(time.Since(began))) // reading the state may have taken a while
	if file != nil {
		s.keeper = &keeper{file: file, every: o.saveEvery, onError: o.onError, stop: make(chan struct{}), stopped: make(chan struct{})}
		go s.keeper.keep(s)
	}
	return s, nil
}

// Close stops the endpoint: waiting receives return, and all it held is gone, unless it
// keeps a state file.
func (s *Server) Close() { _ = s.Stop() }

// Stop is Close for endpoints that keep a state file: the error is that of saving the
// state, or of removing the code of functions.
func (s *Server) Stop() error {
	s.closing.Do(func() {
		s.stop() // ends long polls
		s.stopErr = s.services.lambda.Close()
		// first, or connections that were dialed and not used make Shutdown wait for its limit
		s.client.CloseIdleConnections()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.http.Shutdown(ctx); err != nil {
			_ = s.http.Close()
		}
		<-s.served
		if s.keeper != nil {
			s.stopErr = errors.Join(s.stopErr, s.keeper.finish(s))
		}
		s.Clock.clock.Close()
	})
	return s.stopErr
}

// Config returns a configuration with which the AWS SDK's clients use the endpoint.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region:       s.Region,
		BaseEndpoint: aws.String(s.URL),
		Credentials:  credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
		HTTPClient:   s.client,
	}
}

const (
	accessKey = "test"
	secretKey = "test"
)

// Env returns the environment with which child processes (Terraform, the AWS CLI) use
// the endpoint, and none of the caller's AWS configuration.
func (s *Server) Env() map[string]string {
	return map[string]string{
		"AWS_ENDPOINT_URL":            s.URL,
		"AWS_ACCESS_KEY_ID":           accessKey,
		"AWS_SECRET_ACCESS_KEY":       secretKey,
		"AWS_REGION":                  s.Region,
		"AWS_DEFAULT_REGION":          s.Region,
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		// aws-sdk-go-v2 bypasses proxies for loopback addresses, other SDKs may not
		"NO_PROXY": "127.0.0.1,localhost,::1",
	}
}
