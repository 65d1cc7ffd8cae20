package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/mattn/go-sqlite3"
)

// Bound is how large a store may become.
type Bound struct {
	// Bytes bounds what is used of the store: the database and its write-ahead
	// log without pages that are free to be used again. 0 is no bound.
	Bytes int64
	// Keep is the time that is never dropped, whatever the size; 0 is
	// DefaultKeep.
	Keep time.Duration
}

// DefaultKeep is the time before now that Shrink does not drop.
const DefaultKeep = 7 * 24 * time.Hour

// shrinkSteps is in how many steps rows of all the time before are dropped.
const shrinkSteps = 8

// Shrunk is what Shrink has done.
type Shrunk struct {
	Folded
	Before, Used int64 // bytes in use
	// Over is how far the store is above its bound still: what is left is the
	// time to keep, and what belongs to no time.
	Over int64
}

// Shrink keeps a store within its bound. It gives up as little as will do, in
// this order: the hours of days that are over; the time of old days, the oldest
// first, of which names and certificates in use stay; and at last these, those
// first that were not seen for the longest. What was seen within Keep stays.
//
// What is dropped is counted as Fold does it. The file does not become smaller;
// its free pages are used for what comes next, and Vacuum gives them back.
func (db *DB) Shrink(ctx context.Context, b Bound, now time.Time) (out Shrunk, err error) {
	if b.Keep <= 0 {
		b.Keep = DefaultKeep
	}
	out.Before, err = db.usedBytes()
	if out.Used = out.Before; err != nil || b.Bytes <= 0 || out.Used <= b.Bytes {
		return out, err
	}
	r := &retention{db: db, ctx: ctx, now: now}
	r.enough = func() (_ bool, err error) {
		out.Used, err = db.settledBytes(b.Bytes)
		return out.Used <= b.Bytes, err
	}
	if enough, err := r.enough(); err != nil || enough {
		return out, err
	}
	err = r.shrink(nanos(now.Add(-b.Keep)))
	out.Folded = r.out
	if _, e := r.enough(); err == nil {
		err = e
	}
	out.Over = max(0, out.Used-b.Bytes)
	return out, err
}

// shrink gives up what is before keep, step by step until there is enough room.
func (r *retention) shrink(keep int64) error {
	early := cuts{hours: floorDay(nanos(r.now.Add(-MinHours))), days: never, lag: MinHours}
	if err := r.run(early); err != nil {
		return err
	}
	for after := int64(-maxBucket); ; after = early.days {
		if enough, err := r.enough(); err != nil || enough {
			return err
		}
		oldest, err := r.oldest(after)
		if err != nil {
			return err
		}
		if early.days = floorDay(oldest) + day; early.days > keep {
			break
		}
		if err := r.run(early); err != nil {
			return err
		}
	}
	if _, err := r.sweep(); err != nil {
		return err
	}
	return r.forget(keep)
}

// oldest is the beginning of the first bucket from a time on that has a time to
// lose.
func (r *retention) oldest(after int64) (at int64, err error) {
	at = math.MaxInt64
	err = r.db.read("read buckets", func(c *conn) error {
		return c.each(`SELECT min(b.bucket) FROM sources AS s CROSS JOIN buckets AS b ON b.source = s.id AND b.part >= -1
WHERE s.unlisted = 0 AND b.bucket BETWEEN ? AND 1 << 62 HAVING count(*) > 0`, func(row *rows) error { at = row.int(0); return nil }, after)
	})
	return at, err
}

// forget drops rows of all the time before, those that were not seen for the
// longest first.
func (r *retention) forget(keep int64) error {
	type rest struct{ source, bucket, first int64 }
	var list []rest
	first := keep
	err := r.db.read("read buckets", func(c *conn) error {
		return c.each("SELECT b.source, b.bucket, b.first_seen FROM sources AS s CROSS JOIN buckets AS b ON b.source = s.id AND b.part = -2 WHERE s.unlisted = 0", func(row *rows) error {
			x := rest{row.int(0), row.int(1), row.int(2)}
			list, first = append(list, x), min(first, max(x.first, -maxBucket))
			return nil
		})
	})
	for step := int64(1); err == nil && step <= shrinkSteps; step++ {
		before := first + (keep-first)/shrinkSteps*step
		for _, x := range list {
			if enough, e := r.enough(); e != nil || enough {
				return e
			}
			if err := r.forgetRows(x.source, x.bucket, before); err != nil {
				return err
			}
		}
		_, err = r.sweep()
	}
	return err
}

// forgetRows drops the rows of one rest that were last seen before a time.
func (r *retention) forgetRows(source, bucket, before int64) error {
	from := []byte{}
	for done := false; !done; {
		err := r.transaction(func(c *conn) error {
			n := 0
			var dropped uint64
			err := c.each(`SELECT s.key, s.handshakes * (p.class <> 'verify') FROM sightings AS s CROSS JOIN keys AS k ON k.id = s.key CROSS JOIN profiles AS p ON p.id = k.profile
WHERE s.source = ?1 AND s.part = -2 AND s.bucket = ?2 AND s.key > ?3 AND s.last_seen < ?4 ORDER BY s.key LIMIT ?5`, func(row *rows) error {
				n++
				from, dropped = row.blob(0), dropped+row.uint(1)
				return nil
			}, source, bucket, from, before, int64(foldRows))
			if err != nil {
				return err
			}
			if done = n < foldRows; n == 0 {
				return nil
			}
			if err := c.exec("DELETE FROM sightings WHERE source = ? AND part = -2 AND bucket = ? AND key <= ? AND last_seen < ?", source, bucket, from, before); err != nil {
				return err
			}
			r.out.Dropped += dropped
			return addLost(c, source, bucket, dropped)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// usedBytes is the size of the store without its free pages.
func (db *DB) usedBytes() (n int64, err error) {
	err = db.read("measure", func(c *conn) error {
		var v [3]int64
		for i, name := range []string{"page_count", "freelist_count", "page_size"} {
			if v[i], err = pragma(c, name); err != nil {
				return err
			}
		}
		n = (v[0] - v[1]) * v[2]
		return nil
	})
	return n + size(db.file+"-wal"), err
}

// settledBytes is usedBytes; above a limit the write-ahead log is emptied first.
func (db *DB) settledBytes(limit int64) (int64, error) {
	n, err := db.usedBytes()
	if err != nil || n <= limit {
		return n, err
	}
	if err := db.checkpoint(); err != nil {
		return n, err
	}
	return db.usedBytes()
}

// checkpoint moves what the write-ahead log holds into the database, where
// nobody reads or writes at this moment. It waits for nobody.
func (db *DB) checkpoint() error {
	db.writing.Lock()
	defer db.writing.Unlock()
	if db.writer == nil {
		return fmt.Errorf("checkpoint: store %s is not open for writing", db.path)
	}
	err := db.writer.script("PRAGMA busy_timeout = 0")
	if err == nil {
		_, err = db.writer.one("PRAGMA wal_checkpoint(TRUNCATE)", func(*rows) {})
		var e sqlite3.Error
		if errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked) {
			err = nil
		}
	}
	return db.explain("checkpoint", errors.Join(err, db.writer.script("PRAGMA "+db.busy)))
}
