package ring

import "errors"

// What a caller can wait for, in the Err of an *Error.
var (
	// ErrDown says that the interface is there and not up. Open gives it, and
	// Next gives it with each call for as long as it is so; when the
	// interface comes up, Next goes on by itself.
	ErrDown = errors.New("the interface is down")
	// ErrGone says that the interface was removed, or moved to another
	// network namespace. The ring stays empty: close it, and open another
	// when there is an interface of this name again.
	ErrGone = errors.New("the interface is gone")
	// ErrNoInterface says that Open found no interface of this name.
	ErrNoInterface = errors.New("no such interface")
	// ErrClosed is what Next returns after Close.
	ErrClosed = errors.New("the ring is closed")
)

// Error says what could not be done at an interface, and what to do.
type Error struct {
	Interface string
	Reason    string // what was attempted
	Hint      string // what to do
	Err       error  // the error underneath, if any
}

// Error returns one line: interface, what is wrong and what to do.
func (e *Error) Error() string {
	s := e.Reason
	if e.Interface != "" {
		s = e.Interface + ": " + s
	}
	if e.Err != nil {
		if e.Reason != "" {
			s += ": "
		}
		s += e.Err.Error()
	}
	if e.Hint != "" {
		s += " — " + e.Hint
	}
	return s
}

// Unwrap returns the error underneath.
func (e *Error) Unwrap() error { return e.Err }

func (c Config) fault(reason, hint string, err error) *Error {
	return &Error{Interface: c.Interface, Reason: reason, Hint: hint, Err: err}
}
