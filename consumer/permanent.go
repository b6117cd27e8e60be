package consumer

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Permanent marks an error as one that no retry can mend: an order that doesn't exist, a
// body that is no JSON. The message is recorded in the sink given to Quarantine and then
// acknowledged. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// IsPermanent says whether the error, or one that it wraps, was made by Permanent.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// PanicError is the error of a handler that panicked. It is retriable.
type PanicError struct {
	// Value is what the handler panicked with.
	Value any
	// Stack is the goroutine's stack at the panic.
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("the handler panicked: %v", e.Value) }

// Unwrap is the error that the handler panicked with, if it was one.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errExited is the error of a handler that ended its goroutine (runtime.Goexit).
var errExited = errors.New("the handler ended its goroutine")

// sheltered returns what fn returns, or its panic as an error. If fn ends its goroutine it
// doesn't return: who called sees to that, see workUnit and workLane.
func sheltered(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn()
}
