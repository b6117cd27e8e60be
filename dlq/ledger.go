package dlq

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/gofrs/flock"
)

// LedgerLine is a line of a ledger: a JSON object that says how far messages of a
// dead-letter queue have come. A message that is begun may be stored elsewhere or not; one
// that is stored is for certain, and has only to be deleted; one that is deleted or undone
// is finished with.
type LedgerLine struct {
	Step LedgerStep `json:"step"`
	// DLQ is the ARN of the dead-letter queue, in lines of the step open.
	DLQ string `json:"dlq,omitempty"`
	// Time is when a run opened the ledger (RFC 3339), in lines of the step open.
	Time string `json:"time,omitempty"`
	// Action and To say what was done and where to: the ARN of a queue, or a file.
	Action Action `json:"action,omitempty"`
	To     string `json:"to,omitempty"`
	// Messages are MessageIds in the dead-letter queue; As are those that SQS gave to what
	// was sent of them, in the same order, in lines of the step stored.
	Messages []string `json:"messages,omitempty"`
	As       []string `json:"as,omitempty"`
}

// LedgerStep is how far messages have come.
type LedgerStep string

// The steps.
const (
	LedgerOpen    LedgerStep = "open"    // a run begins
	LedgerBegun   LedgerStep = "begun"   // they are about to be stored
	LedgerStored  LedgerStep = "stored"  // they are stored elsewhere
	LedgerUndone  LedgerStep = "undone"  // they have not been stored
	LedgerDeleted LedgerStep = "deleted" // they are out of the dead-letter queue
)

// ledger keeps an account of what a selective redrive does, so that one that was killed
// can be finished by another. A line is in the file (of the operating system, which
// outlives the process) before the step after it is taken. In memory are only messages
// that are under way: the others are finished with.
//
// Without a file it is what a run knows of its own doings.
type ledger struct {
	mu      sync.Mutex
	file    *os.File // nil: none
	lock    *flock.Flock
	pending map[string]LedgerStep
	late    []byte // lines that go into the file with the next one
}

// openLedger opens the ledger of a dead-letter queue, and creates it if need be. A name
// that is empty keeps the account in memory only. While it is open no other run can open it:
// what that run took for left over would be under way.
func openLedger(name, dlqARN, now string) (*ledger, error) {
	l := &ledger{pending: map[string]LedgerStep{}}
	if name == "" {
		return l, nil
	}
	// A file beside it, since Windows keeps a process from writing what it has locked. It
	// stays, or a run could lock the one that another removes.
	lock := flock.New(name+".lock", flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("opening the ledger: %w", err)
	case !locked:
		return nil, fmt.Errorf("the ledger %s is in use by another run: wait until it has ended, or choose another file with --ledger", name)
	}
	l.lock = lock
	if err := l.open(name, dlqARN, now); err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return l, nil
}

// open opens the file, which is locked, and begins a run in it.
func (l *ledger) open(name, dlqARN, now string) error {
	f, err := openLines(name)
	if err != nil {
		return fmt.Errorf("opening the ledger: %w", err)
	}
	if err := l.read(f, dlqARN); err != nil {
		return errors.Join(fmt.Errorf("reading the ledger %s: %w", name, err), f.Close())
	}
	l.file = f
	if err := l.write(LedgerLine{Step: LedgerOpen, DLQ: dlqARN, Time: now}); err != nil {
		return errors.Join(err, f.Close())
	}
	return nil
}

// read learns what earlier runs left undone.
func (l *ledger) read(f io.Reader, dlqARN string) error {
	return eachLine(f, func(number int, text []byte) error {
		var line LedgerLine
		if err := json.Unmarshal(text, &line); err != nil || line.Step == "" {
			return fmt.Errorf("line %d is not one of a ledger: choose another file with --ledger", number)
		}
		if line.Step == LedgerOpen && line.DLQ != dlqARN {
			return fmt.Errorf("it is the ledger of %s: choose another file with --ledger", line.DLQ)
		}
		if number == 1 && line.Step != LedgerOpen {
			return errors.New("its beginning is missing: choose another file with --ledger")
		}
		l.note(line)
		return nil
	})
}

// note remembers what is under way after a line.
func (l *ledger) note(line LedgerLine) {
	for _, id := range line.Messages {
		switch line.Step {
		case LedgerBegun:
			if l.pending[id] != LedgerStored {
				l.pending[id] = LedgerBegun
			}
		case LedgerStored:
			l.pending[id] = LedgerStored
		case LedgerUndone, LedgerDeleted:
			delete(l.pending, id)
		}
	}
}

// write adds a line.
func (l *ledger) write(line LedgerLine) error {
	text, err := l.text(line)
	if err != nil {
		return err
	}
	l.mu.Lock()
	if len(l.late) > 0 {
		text, l.late = append(l.late, text...), nil
	}
	l.note(line)
	l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	// One write, which the operating system appends as a whole: a kill can at most cut the
	// last line short.
	if _, err := l.file.Write(text); err != nil {
		return fmt.Errorf("writing the ledger: %w", err)
	}
	return nil
}

// writeLate adds a line together with the next one, at the latest when the ledger is
// closed. It is for lines without which nothing is done twice.
func (l *ledger) writeLate(line LedgerLine) error {
	text, err := l.text(line)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late = append(l.late, text...)
	l.note(line)
	return nil
}

// text is the line as it is in the file; nothing if there is no file.
func (l *ledger) text(line LedgerLine) ([]byte, error) {
	if l.file == nil {
		return nil, nil
	}
	text, err := json.Marshal(line)
	if err != nil {
		return nil, fmt.Errorf("writing the ledger: %w", err)
	}
	return append(text, '\n'), nil
}

// step returns how far a message has come, "" for one that isn't under way.
func (l *ledger) step(id string) LedgerStep {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pending[id]
}

func (l *ledger) close() error {
	if l.file == nil {
		return nil
	}
	_, err := l.file.Write(l.late)
	if err != nil {
		err = fmt.Errorf("writing the ledger: %w", err)
	}
	return errors.Join(err, l.file.Close(), l.lock.Unlock())
}

// openLines opens a file of JSON lines to read it and to add to it, readable for its owner
// only, and creates it if need be. A last line that was cut short when its writer was
// killed is removed: nothing was done yet that relies on it.
func openLines(name string) (*os.File, error) {
	_, before := os.Stat(name)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	if errors.Is(before, os.ErrNotExist) {
		// a file is safe only once its name is
		if err := syncDir(filepath.Dir(name)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return f, nil
	}
	if err := cutTornLine(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	return f, nil
}

func syncDir(name string) error {
	if runtime.GOOS == "windows" { // which has no such thing
		return nil
	}
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// cutTornLine removes what comes after the last line break, if that is the beginning of a
// JSON object; a file of another kind is refused.
func cutTornLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	first := make([]byte, 1)
	if _, err := f.ReadAt(first, 0); err != nil {
		return err
	}
	if first[0] != '{' {
		return errors.New("the file holds something other than JSON lines: choose another")
	}
	end, block := info.Size(), make([]byte, 64<<10)
	for end > 0 {
		n := min(int64(len(block)), end)
		if _, err := f.ReadAt(block[:n], end-n); err != nil {
			return err
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			end = end - n + int64(i) + 1
			break
		}
		end -= n
	}
	if end == info.Size() {
		return nil
	}
	return f.Truncate(end)
}

// eachLine calls do with each line that isn't empty. Lines may be of any length.
func eachLine(r io.Reader, do func(number int, text []byte) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for number := 1; ; number++ {
		text, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(text)) > 0 {
			if err := do(number, text); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}
