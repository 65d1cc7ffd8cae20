package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"blindspot/discover"

	"github.com/mattn/go-sqlite3"
)

// applicationID marks a SQLite file as a store (PRAGMA application_id, "blsp").
const applicationID = 0x626c7370

// defaultBusyTimeout is how long a writer waits for another one's transaction.
const defaultBusyTimeout = 15 * time.Second

// Page cache of a connection in KiB. A writer's holds a flush; a reader's also
// bounds the memory of a sort, which goes to a temporary file beyond it.
const (
	writeCacheKiB = 64 << 10
	readCacheKiB  = 32 << 10
)

// maxIdleReaders bounds the read connections that are kept for the next
// question.
const maxIdleReaders = 4

// Options say how to open a store. The zero value reads and writes, and
// creates the file where there is none.
type Options struct {
	ReadOnly  bool // never writes; the file must exist
	MustExist bool // an error where there is no file, instead of a new one
	// BusyTimeout is how long to wait for another writer; 0 is 15 s.
	BusyTimeout time.Duration
	// SketchKey is the key of a new store's client sketches; zero makes one at
	// random. Only sketches with the same key can be added up exactly.
	SketchKey discover.SketchKey
}

// DB is an open store.
type DB struct {
	path     string // as given, for messages
	file     string // absolute
	readOnly bool
	mode     string // how read connections are opened
	more     string
	busy     string // pragma
	sketch   discover.SketchKey

	writing sync.Mutex // held for a transaction
	writer  *conn      // nil where the store is read-only
	// Guarded by writing.
	fresh    bool // a new store's first batch is to come
	profiles *numbers[profile]
	choices  *numbers[choice]

	mu     sync.Mutex // guards what follows
	idle   []*conn
	closed bool

	certificates *lru[discover.Fingerprint, *discover.Certificate]
	chains       *lru[discover.ChainID, []discover.Fingerprint]
}

// Open opens the store at path. Its errors name the file and what to do.
func Open(path string, o Options) (*DB, error) {
	o.MustExist = o.MustExist || o.ReadOnly
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = defaultBusyTimeout
	}
	if err := inspect(path, o); err != nil {
		return nil, err
	}
	file, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	db := &DB{
		path: path, file: file, readOnly: o.ReadOnly,
		busy:         "busy_timeout = " + strconv.FormatInt(o.BusyTimeout.Milliseconds(), 10),
		profiles:     newNumbers[profile]("profiles", profileColumns),
		choices:      newNumbers[choice]("choices", choiceColumns),
		certificates: newLRU[discover.Fingerprint, *discover.Certificate](maxCachedCertificates),
		chains:       newLRU[discover.ChainID, []discover.Fingerprint](maxCachedChains),
	}
	if o.ReadOnly {
		err = db.openReader()
	} else {
		db.sketch = o.SketchKey
		err = db.openWriter()
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Close closes the store. Iterators that are under way end by themselves and
// release their connection then.
func (db *DB) Close() error {
	db.mu.Lock()
	idle := db.idle
	db.idle, db.closed = nil, true
	db.mu.Unlock()
	var err error
	for _, c := range idle {
		err = errors.Join(err, c.close())
	}
	db.writing.Lock()
	defer db.writing.Unlock()
	if db.writer != nil {
		err = errors.Join(err, db.settle(), db.writer.close())
		db.writer = nil
	}
	return db.explain("close", err)
}

// SketchKey returns the key of the store's client sketches. It is random, made
// with the store and kept in it.
func (db *DB) SketchKey() discover.SketchKey { return db.sketch }

// openWriter opens the write connection, and brings the schema to this
// program's version.
//
// synchronous=NORMAL: a transaction is whole or absent whatever happens. A
// killed process loses none that was committed; a power cut may lose the last
// seconds, which a sensor loses anyhow. FULL would wait for the disk at every
// flush and with it hold up capture. (It is kept until settle, because a
// rollback journal is safe against power cuts only with it.)
//
// No mmap_size: reading a mapped page that the disk cannot give kills the
// process.
func (db *DB) openWriter() error {
	c, err := dial(db.file, "rwc", "", db.busy)
	if err != nil {
		return db.explain("open", err)
	}
	db.writer, db.mode = c, "rw"
	v, err := db.identify(c)
	if err != nil {
		return err
	}
	for _, p := range []string{
		"synchronous = FULL", "foreign_keys = ON", "journal_size_limit = 67108864", "cache_size = -" + strconv.Itoa(writeCacheKiB),
	} {
		if err := c.script("PRAGMA " + p); err != nil {
			return db.explain("open", err)
		}
	}
	if db.fresh = v == 0; !db.fresh {
		if err := writeAhead(c); err != nil {
			return db.explain("open", err)
		}
	}
	if v < len(steps) {
		if err := migrate(c, steps); err != nil {
			return db.explain("prepare", err)
		}
	}
	if v == 0 && db.sketch != (discover.SketchKey{}) {
		if err := c.exec("UPDATE settings SET value = ? WHERE name = 'sketch_key'", db.sketch[:]); err != nil {
			return db.explain("prepare", err)
		}
	}
	return db.loadSketchKey(c)
}

// settle ends the beginning of a new store, in which a rollback journal is kept.
// Of what a transaction adds to a file such a journal holds nothing, so that
// each page is written once, and to its place. With a write-ahead log the first
// batch, which may be all of a capture, takes three times the writes (267,030
// sightings: 39,741 against 13,337) and reads all of it once. For that time
// questions wait for the writer, as there is nothing yet to ask for.
//
// Where somebody reads, the next write tries again.
func (db *DB) settle() error {
	if !db.fresh || db.writer == nil {
		return nil
	}
	err := writeAhead(db.writer)
	var e sqlite3.Error
	if errors.As(err, &e) && (e.Code == sqlite3.ErrBusy || e.Code == sqlite3.ErrLocked) {
		return nil
	}
	db.fresh = err != nil
	return err
}

func (db *DB) settled() error {
	db.writing.Lock()
	defer db.writing.Unlock()
	return db.explain("settle", db.settle())
}

// writeAhead lets questions be answered during writes.
func writeAhead(c *conn) error {
	return errors.Join(c.script("PRAGMA journal_mode = WAL"), c.script("PRAGMA synchronous = NORMAL"))
}

// openReader opens a store that must not be written. Its connections refuse to
// (query_only), but may touch the files beside it: SQLite could not clear them
// away behind mode=ro. In a directory where it cannot keep its -shm file, a
// store without a journal, which no writer has open, is read as immutable.
func (db *DB) openReader() error {
	db.mode = "rw"
	c, err := db.reader()
	if err == nil {
		_, err = pragma(c, "user_version")
	}
	var e sqlite3.Error
	if errors.As(err, &e) && (e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrReadonly) && size(db.file+"-wal") == 0 && size(db.file+"-journal") == 0 {
		if c != nil {
			c.close()
		}
		db.mode, db.more = "ro", "&immutable=1"
		c, err = db.reader()
	}
	if err != nil {
		return db.explain("open", err)
	}
	defer db.release(c)
	v, err := db.identify(c)
	if err != nil {
		return err
	}
	if v < len(steps) {
		return fmt.Errorf("store %s has %w %d, this blindspot reads version %d: open it once for writing (blindspot pcap --db %s FILE), which brings it up to date", db.path, ErrOlder, v, len(steps), db.path)
	}
	return db.loadSketchKey(c)
}

// ErrOlder is in the chain of the error for a store of an older version, which is
// brought up to date when it is opened for writing.
var ErrOlder = errors.New("version")

// identify returns the store's version, 0 for an empty database.
func (db *DB) identify(c *conn) (version int, err error) {
	id, err := pragma(c, "application_id")
	if err != nil {
		return 0, db.explain("open", err)
	}
	v, err := pragma(c, "user_version")
	if err != nil {
		return 0, db.explain("open", err)
	}
	var tables int64
	if _, err = c.one("SELECT count(*) FROM sqlite_schema", func(r *rows) { tables = r.int(0) }); err != nil {
		return 0, db.explain("open", err)
	}
	switch {
	case id == 0 && v == 0 && tables == 0:
		return 0, nil
	case id != applicationID:
		return 0, otherProgram(db.path)
	case int(v) > len(steps):
		return 0, fmt.Errorf("store %s has version %d, this blindspot knows versions up to %d: use the newer blindspot that wrote it, or give another --db", db.path, v, len(steps))
	}
	return int(v), nil
}

func pragma(c *conn, name string) (v int64, err error) {
	_, err = c.one("PRAGMA "+name, func(r *rows) { v = r.int(0) })
	return v, err
}

func (db *DB) loadSketchKey(c *conn) error {
	var key []byte
	_, err := c.one("SELECT value FROM settings WHERE name = 'sketch_key'", func(r *rows) { key = r.blob(0) })
	if err != nil {
		return db.explain("open", err)
	}
	if len(key) != len(db.sketch) {
		return fmt.Errorf("store %s is damaged: it has no key for its client sketches: restore a copy", db.path)
	}
	copy(db.sketch[:], key)
	return nil
}

// reader returns a read connection, to be given back with release.
func (db *DB) reader() (*conn, error) {
	db.mu.Lock()
	if db.closed {
		db.mu.Unlock()
		return nil, errors.New("the store is closed")
	}
	if n := len(db.idle); n > 0 {
		c := db.idle[n-1]
		db.idle = db.idle[:n-1]
		db.mu.Unlock()
		return c, nil
	}
	db.mu.Unlock()
	return dial(db.file, db.mode, db.more, db.busy, "query_only = ON", "cache_size = -"+strconv.Itoa(readCacheKiB))
}

func (db *DB) release(c *conn) {
	db.mu.Lock()
	keep := !db.closed && len(db.idle) < maxIdleReaders
	if keep {
		db.idle = append(db.idle, c)
	}
	db.mu.Unlock()
	if !keep {
		_ = c.close() // it only read
	}
}

// read runs f with a read connection.
func (db *DB) read(doing string, f func(*conn) error) error {
	c, err := db.reader()
	if err != nil {
		return db.explain(doing, err)
	}
	defer db.release(c)
	return db.explain(doing, f(c))
}

// write runs f in a transaction on the write connection.
func (db *DB) write(doing string, f func(*conn) error) error {
	return db.transact(doing, (*conn).transact, f)
}

func (db *DB) transact(doing string, transact func(*conn, func() error) error, f func(*conn) error) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	if db.writer == nil {
		if db.readOnly {
			return fmt.Errorf("%s: store %s was opened for reading only", doing, db.path)
		}
		return fmt.Errorf("%s: store %s is closed", doing, db.path)
	}
	err := transact(db.writer, func() error { return f(db.writer) })
	if err != nil {
		db.profiles.forget()
		db.choices.forget()
	}
	return db.explain(doing, err)
}
