package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Sweep removes keys that no sighting has any more, and where no sensor may be
// writing, chains and certificates that no key has.
func (db *DB) Sweep(ctx context.Context, now time.Time) (Swept, error) {
	return (&retention{db: db, ctx: ctx, now: now}).sweep()
}

// Room is what Vacuum needs on a disk, for as long as it works.
type Room struct {
	Dir         string // on that disk
	Needs, Free int64
}

// VacuumRoom says what Vacuum needs: a new copy among SQLite's temporary files,
// and one in the write-ahead log beside the store. Where the disk cannot be
// asked, its Free is -1.
func (db *DB) VacuumRoom() ([]Room, error) {
	used, err := db.usedBytes()
	if err != nil {
		return nil, err
	}
	beside := Room{Dir: filepath.Dir(db.file), Needs: used, Free: -1}
	temporary := Room{Dir: temporaryDir(), Needs: used, Free: -1}
	if n, ok := freeBytes(beside.Dir); ok {
		beside.Free = n
	}
	if n, ok := freeBytes(temporary.Dir); ok {
		temporary.Free = n
	}
	if sameDisk(beside.Dir, temporary.Dir) {
		beside.Needs *= 2
		return []Room{beside}, nil
	}
	return []Room{beside, temporary}, nil
}

// temporaryDir is where SQLite keeps temporary files
// (https://sqlite.org/tempfiles.html §5).
func temporaryDir() string {
	for _, dir := range []string{os.Getenv("SQLITE_TMPDIR"), os.Getenv("TMPDIR"), "/var/tmp", "/usr/tmp", "/tmp"} {
		if info, err := os.Stat(dir); dir != "" && err == nil && info.IsDir() {
			return dir
		}
	}
	return "."
}

// Vacuum writes the store anew, so that free pages are given back to the disk.
// It is one transaction: who writes meanwhile waits, and after its time-out
// tries again, as a sensor does; who reads sees the store as it was.
func (db *DB) Vacuum() error {
	db.writing.Lock()
	var err error
	if db.writer == nil {
		err = fmt.Errorf("store %s is not open for writing", db.path)
	} else if err = db.writer.script("VACUUM"); err == nil {
		db.fresh = false
		err = writeAhead(db.writer)
	}
	db.writing.Unlock()
	if err != nil {
		return db.explain("vacuum", err)
	}
	return db.checkpoint()
}

// CopyTo writes a whole, consistent copy of the store to a new file. Writers are
// not held up. What there was until this call is in it.
func (db *DB) CopyTo(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists: name a new file, or move it away", path)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("copy the store: %w", err)
	}
	if err := inspectParent(path); err != nil {
		return err
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a copy that was broken off
		return fmt.Errorf("copy the store: %w", err)
	}
	if err := db.copyTo(part); err != nil {
		_ = os.Remove(part)
		return explain(path, "copy "+db.path, err)
	}
	return os.Rename(part, path)
}

// copyTo uses a connection of its own: one that refuses to write cannot write a
// copy either.
func (db *DB) copyTo(path string) error {
	c, err := dial(db.file, db.mode, db.more, db.busy)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.exec("VACUUM INTO ?", path); err != nil {
		return err
	}
	return syncFile(path)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
