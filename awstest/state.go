package awstest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/gofrs/flock"
)

// StateFile makes the endpoint keep its state in a file: queues with their messages,
// alarms, topics, schedules, roles, and the time of the clock. The file is read at the
// start, if it exists, and written when the endpoint stops and, after changes, every few
// seconds. What time has passed since is caught up with at the start: the clock goes on
// where it stopped, and on to the current time if that is later. Injected faults, planted
// defects and the log of calls are not kept.
//
// New returns an error, and leaves the file as it is, if it isn't a state file, is
// damaged, comes from a newer version, or is in use by another endpoint.
func StateFile(path string) Option { return func(o *options) { o.stateFile = path } }

// OnError has f told what goes wrong in the background: state that can't be written. It
// is tried again after a few seconds.
func OnError(f func(error)) Option { return func(o *options) { o.onError = f } }

// A state file is a line of JSON, the header; a sequence of CBOR items, the records that
// the services make of what they hold; and a checksum of all that.
const (
	stateFormat  = "sqs-dlq endpoint state"
	stateVersion = 1
	// maxHeader bounds the header line, in bytes.
	maxHeader = 4 << 10
	// sumBytes is the length of the checksum at the end: a line of eight hex digits.
	sumBytes = 10
	// saveEvery is how often changes are written.
	saveEvery = 2 * time.Second
	// catchUp bounds how much time is caught up with after a restart: nothing that is
	// kept, messages and metrics, outlasts it.
	catchUp = 15 * 24 * time.Hour
)

// stateHeader is the first line of a state file.
type stateHeader struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Clock   time.Time `json:"clock"` // the endpoint's time
}

// stateFile is a state file that this endpoint alone uses.
type stateFile struct {
	path string
	lock *flock.Flock
}

// openState locks the file and reads its header. header is nil if there is no such file.
func openState(path string) (f *stateFile, header *stateHeader, err error) {
	// the file itself is replaced with every write, so that it can't hold the lock
	lock := flock.New(path+".lock", flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("locking state file %s: %w", path, err)
	case !locked:
		return nil, nil, fmt.Errorf("state file %s is in use by another endpoint", path)
	}
	f = &stateFile{path: path, lock: lock}
	in, header, err := f.open()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f, nil, nil
	case err != nil:
		return nil, nil, errors.Join(err, lock.Unlock())
	}
	return f, header, in.Close()
}

func (f *stateFile) close() error { return f.lock.Unlock() }

// open opens the file and reads its header.
func (f *stateFile) open() (*os.File, *stateHeader, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, nil, fmt.Errorf("opening state file: %w", err)
	}
	h, err := readHeader(in)
	if err != nil {
		_ = in.Close()
		return nil, nil, fmt.Errorf("state file %s: %w; it is left as it is", f.path, err)
	}
	return in, h, nil
}

func readHeader(in io.Reader) (*stateHeader, error) {
	line, err := bufio.NewReaderSize(io.LimitReader(in, maxHeader), maxHeader).ReadString('\n')
	var h stateHeader
	if err != nil || json.Unmarshal([]byte(line), &h) != nil || h.Format != stateFormat {
		return nil, errors.New("not the state of an endpoint")
	}
	if h.Version != stateVersion {
		return nil, fmt.Errorf("written in version %d of the format, of which this program reads %d", h.Version, stateVersion)
	}
	return &h, nil
}

// load hands the file's records to restore.
func (f *stateFile) load(restore func(get func(any) error) error) error {
	in, _, err := f.open()
	if err != nil {
		return err
	}
	defer in.Close()
	records, err := verify(in)
	if err != nil {
		return fmt.Errorf("state file %s is damaged: %w; it is left as it is", f.path, err)
	}
	mode, err := cbor.DecOptions{
		MaxArrayElements: 1 << 31 / 2, MaxMapPairs: 1 << 31 / 2,
		UTF8: cbor.UTF8DecodeInvalid, // bodies are what callers sent
	}.DecMode()
	if err != nil {
		return err
	}
	if err := restore(mode.NewDecoder(records).Decode); err != nil {
		return fmt.Errorf("reading state file %s: %w; it is left as it is", f.path, err)
	}
	return nil
}

// verify checks the file's checksum, and returns its records.
func verify(in *os.File) (io.Reader, error) {
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	length := info.Size() - sumBytes
	if length < 0 {
		return nil, io.ErrUnexpectedEOF
	}
	sum := crc32.New(castagnoli())
	if _, err := io.Copy(sum, io.NewSectionReader(in, 0, length)); err != nil {
		return nil, err
	}
	var end [sumBytes]byte
	if _, err := in.ReadAt(end[:], length); err != nil {
		return nil, err
	}
	if string(end[:]) != trailer(sum.Sum32()) {
		return nil, errors.New("its checksum is wrong")
	}
	whole := bufio.NewReaderSize(io.NewSectionReader(in, 0, length), 1<<20)
	if _, err := whole.ReadString('\n'); err != nil {
		return nil, err
	}
	return whole, nil
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func trailer(sum uint32) string { return fmt.Sprintf("\n%08x\n", sum) }

// save replaces the file by one with the records that write puts. Whatever happens on the
// way, there is either the old file or the new one.
func (f *stateFile) save(at time.Time, write func(put func(any) error) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("saving state: %w", err)
		}
	}()
	// a name of its own isn't needed: the lock is held. What a killed process left goes.
	temporary := f.path + ".tmp"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = out.Close() // it may be closed already
			_ = os.Remove(temporary)
		}
	}()
	if err := writeState(out, at, write); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	if err := os.Rename(temporary, f.path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(f.path))
}

func writeState(out io.Writer, at time.Time, write func(put func(any) error) error) error {
	sum := crc32.New(castagnoli())
	buffered := bufio.NewWriterSize(io.MultiWriter(out, sum), 1<<20)
	header, err := json.Marshal(stateHeader{Format: stateFormat, Version: stateVersion, Clock: at})
	if err != nil {
		return err
	}
	if _, err := buffered.Write(append(header, '\n')); err != nil {
		return err
	}
	mode, err := cbor.EncOptions{Time: cbor.TimeRFC3339Nano}.EncMode()
	if err != nil {
		return err
	}
	if err := write(mode.NewEncoder(buffered).Encode); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	_, err = io.WriteString(out, trailer(sum.Sum32()))
	return err
}

// syncDir makes a rename last. Where directories can't be synced, the system sees to it.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// snapshot takes down what the services hold, and the time of that.
func (s *Server) snapshot() (at time.Time, write func(put func(any) error) error) {
	type section struct {
		name  string
		write func(put func(any) error) error
	}
	var sections []section
	taken := make(chan struct{})
	// As an event, so that no other one runs meanwhile: all events up to this instant have
	// run then, and none after it. The scheduler comes last: what is due when it is restored
	// calls the others.
	s.Clock.clock.After(0, func(now time.Time) {
		defer close(taken)
		at = now
		sections = []section{
			{"sqs", s.services.sqs.Snapshot()}, {"sns", s.services.sns.Snapshot()},
			{"cloudwatch", s.services.cloudwatch.Snapshot()}, {"iam", s.services.iam.Snapshot()},
			{"kms", s.services.kms.Snapshot()}, {"s3", s.services.s3.Snapshot()},
			{"events", s.services.events.Snapshot()}, {"logs", s.services.logs.Snapshot()},
			{"dynamodb", s.services.dynamodb.Snapshot()},
			{"lambda", s.services.lambda.Snapshot()}, {"scheduler", s.services.scheduler.Snapshot()},
		}
	})
	<-taken
	return at, func(put func(any) error) error {
		for _, section := range sections {
			if err := put(section.name); err != nil {
				return err
			}
			if err := section.write(put); err != nil {
				return fmt.Errorf("%s: %w", section.name, err)
			}
		}
		return nil
	}
}

// restore fills the services with a snapshot taken at the given instant, in the order that
// it was written in. A service that is newer than the snapshot has no section in it.
func (s *services) restore(get func(any) error, since time.Time) error {
	sections := map[string]func(get func(any) error) error{
		"sqs": s.sqs.Restore, "sns": s.sns.Restore, "cloudwatch": s.cloudwatch.Restore, "iam": s.iam.Restore,
		"s3": s.s3.Restore, "kms": s.kms.Restore, "logs": s.logs.Restore, "lambda": s.lambda.Restore, "dynamodb": s.dynamodb.Restore,
		"events":    func(get func(any) error) error { return s.events.Restore(get, since) },
		"scheduler": func(get func(any) error) error { return s.scheduler.Restore(get, since) },
	}
	for {
		var name string
		if err := get(&name); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		read, ok := sections[name]
		if !ok {
			return fmt.Errorf("%.40q stands where a service should", name)
		}
		delete(sections, name)
		if err := read(get); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

// keeper saves an endpoint's state.
type keeper struct {
	file    *stateFile
	every   time.Duration
	onError func(error)
	stop    chan struct{}
	stopped chan struct{}

	changes uint64    // of the server, when its state was saved last
	clock   time.Time // when that was
}

// changed notes that a call may have changed something.
func (s *Server) changed(operation string) {
	for _, reading := range []string{"Get", "Head", "List", "Describe"} {
		if strings.HasPrefix(operation, reading) {
			return
		}
	}
	s.changes.Add(1)
}

// keep saves the server's state after changes until it is told to stop.
func (k *keeper) keep(s *Server) {
	defer close(k.stopped)
	wait := k.every
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-k.stop:
			return
		case <-timer.C:
		}
		wait = k.every
		// passing time changes things too: metrics, alarms, what schedules do
		if s.changes.Load() != k.changes || s.Clock.Now().Sub(k.clock) >= time.Minute {
			began := time.Now()
			if err := k.save(s); err != nil && k.onError != nil {
				k.onError(err)
			}
			// a large state must not keep the endpoint from its work
			wait = max(wait, 10*time.Since(began))
		}
		timer.Reset(wait)
	}
}

func (k *keeper) save(s *Server) error {
	changes := s.changes.Load()
	at, write := s.snapshot()
	if err := k.file.save(at, write); err != nil {
		return err
	}
	k.changes, k.clock = changes, at
	return nil
}

// finish saves the state a last time and lets go of the file. No call is under way.
func (k *keeper) finish(s *Server) error {
	close(k.stop)
	<-k.stopped
	return errors.Join(k.save(s), k.file.close())
}
