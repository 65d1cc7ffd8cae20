package opener

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// onePress is how soon after a signal to end another is the same: timeout(1)
// and others signal a process and then its group. A second one ends the reader
// at once.
const onePress = 300 * time.Millisecond

// forwarding passes signals on to the reader.
type forwarding struct {
	signals chan os.Signal
	last    atomic.Int32 // signal that was to end the reader
}

// forwardSignals begins to forward what a service manager, a terminal or a user
// sends.
func forwardSignals(pid int) *forwarding {
	f := &forwarding{signals: make(chan os.Signal, 8)}
	signal.Notify(f.signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		var ended time.Time
		for s := range f.signals {
			number, ok := s.(syscall.Signal)
			if !ok {
				continue
			}
			if number == syscall.SIGINT || number == syscall.SIGTERM {
				if time.Since(ended) < onePress {
					continue
				}
				ended = time.Now()
				f.last.Store(int32(number))
			}
			_ = syscall.Kill(pid, number) // it may have ended
		}
	}()
	return f
}

// wait waits for the reader's end and returns its exit code.
func (f *forwarding) wait(pid int) (code int, err error) {
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(pid, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("wait for the process that reads packets: %w", err)
		}
		break
	}
	signal.Stop(f.signals)
	switch {
	case status.Exited():
		return status.ExitStatus(), nil
	case int32(status.Signal()) == f.last.Load():
		return 128 + int(status.Signal()), nil
	case status.Signal() == syscall.SIGSYS:
		return 0, fmt.Errorf("the process that reads packets made a system call that the sandbox forbids: please report this; --no-sandbox goes without")
	}
	return 0, fmt.Errorf("the process that reads packets was ended by a signal (%v)", status.Signal())
}

// inherited takes over what split left to this process.
func inherited(word string) (conn *net.UnixConn, pid int, err error) {
	fd, pid, err := wordInherited(word)
	if err != nil {
		return nil, 0, err
	}
	conn, err = inherit(fd)
	return conn, pid, err
}

// raise makes effective what is permitted to the calling thread: capabilities
// of a file need not be effective.
func raise() error {
	have, err := permitted()
	if err != nil {
		return err
	}
	return capset(have)
}
