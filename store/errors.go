package store

import (
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

// ErrBusy is in the chain of an error when another process held the store for
// longer than Options.BusyTimeout. Nothing was written; try again later.
var ErrBusy = errors.New("locked")

// ErrFull is in the chain of an error when there was no room left. The
// transaction was rolled back and the store is whole; try again when there is.
var ErrFull = errors.New("disk full")

// explain turns an error of SQLite into a sentence that names the file and the
// next step. doing says what was attempted.
func (db *DB) explain(doing string, err error) error { return explain(db.path, doing, err) }

func explain(path, doing string, err error) error {
	var e sqlite3.Error
	if err == nil || !errors.As(err, &e) {
		return wrap(path, doing, err)
	}
	switch e.Code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fmt.Errorf("%s: store %s is %w by another writer: another blindspot may be writing to it; wait for it, stop it, or give another --db", doing, path, ErrBusy)
	case sqlite3.ErrFull:
		return fmt.Errorf("%s: %w: no room for store %s: free some or move the store; what was committed before is safe", doing, ErrFull, path)
	case sqlite3.ErrReadonly, sqlite3.ErrPerm, sqlite3.ErrAuth:
		return fmt.Errorf("%s: store %s cannot be written: make the file and its directory writable (SQLite keeps %s-wal beside it), or give another --db (%w)", doing, path, path, e)
	case sqlite3.ErrCantOpen:
		return fmt.Errorf("%s: store %s cannot be opened: the file and its directory must be readable, and writable unless it is only read, because SQLite keeps %s-wal beside it (%w)", doing, path, path, e)
	case sqlite3.ErrCorrupt:
		return fmt.Errorf("%s: store %s is damaged (%w): restore a copy, or save what can be read with: sqlite3 %s .recover", doing, path, e, path)
	case sqlite3.ErrNotADB:
		return notSQLite(path)
	case sqlite3.ErrIoErr:
		return fmt.Errorf("%s: store %s: the disk reports an error (%w, errno %d): check the disk and what is mounted there", doing, path, e, int(e.SystemErrno))
	}
	return wrap(path, doing, err)
}

func wrap(path, doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: store %s: %w", doing, path, err)
}

func notSQLite(path string) error {
	return fmt.Errorf("%s is not a SQLite database, so it is no store: give another --db, or move the file away", path)
}

func otherProgram(path string) error {
	return fmt.Errorf("%s is a SQLite database of another program: give another --db", path)
}
