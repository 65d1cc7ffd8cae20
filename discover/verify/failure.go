package verify

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
)

// Step is how far a look came.
type Step string

// The steps of a look, in their order.
const (
	Connecting Step = "connect"
	Starting   Step = "starttls"
	Handshake  Step = "handshake"
)

// Failure is a look that gave no certificate.
type Failure struct {
	Step Step
	Err  error
}

// Error says how far the look came and why no farther.
func (f *Failure) Error() string { return string(f.Step) + ": " + f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// The words of Failure.Kind.
const (
	Refused     = "refused"     // nothing listens
	Unreachable = "unreachable" // no way there
	TimedOut    = "timeout"     // it did not answer in time
	NoTLS       = "no-tls"      // it does not speak TLS, or not behind this preface
	Rejected    = "rejected"    // it answered our hello with an alert
	Failed      = "failed"      // anything else
	Stopped     = "stopped"     // we were told to stop
)

// Kind is one word for what went wrong.
func (f *Failure) Kind() string {
	var op *net.OpError
	switch err := f.Err; {
	case errors.Is(err, context.Canceled):
		return Stopped
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return TimedOut
	case errors.Is(err, errNoTLS):
		return NoTLS
	case f.Step == Connecting && errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case f.Step == Connecting && errors.As(err, &op):
		if op.Timeout() {
			return TimedOut
		}
		return Unreachable
	case f.Step == Handshake && errors.As(err, &op) && op.Op == "remote error" && strings.HasPrefix(op.Err.Error(), "tls: "):
		return Rejected
	}
	return Failed
}
