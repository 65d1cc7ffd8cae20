package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// alone warns where another sensor writes to the store: handshakes that both
// see count twice there. Where none does, whatever seems to be writing was killed. What it returns must stay open until the store is
// closed: with any descriptor of the file, SQLite's locks on it are closed.
func (l *live) alone() *os.File {
	f, err := os.Open(l.flags.db)
	if err != nil {
		return nil // it was opened just now: who may write and not read has other worries
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		l.log.Warn("another sensor writes to this store: what both see counts twice; give each a store of its own, and 'blindspot db merge' them", "store", l.flags.db)
		return f
	}
	switch n, err := l.db.EndRuns("killed"); {
	case err != nil:
		l.log.Warn("runs that were killed before this one are not marked as ended", "error", err)
	case n > 0:
		l.log.Info("a run before this one was killed; what it had written is kept", "runs", n)
	}
	return f
}
