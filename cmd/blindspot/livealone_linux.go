package main

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// alone warns where another sensor writes to the store: handshakes that both
// see count twice there. What it returns must stay open until the store is
// closed: with any descriptor of the file, SQLite's locks on it are closed.
func (l *live) alone() *os.File {
	f, err := os.Open(l.flags.db)
	if err != nil {
		return nil // it was opened just now: who may write and not read has other worries
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		l.log.Warn("another sensor writes to this store: what both see counts twice; give each a store of its own, and 'blindspot db merge' them", "store", l.flags.db)
	}
	return f
}
