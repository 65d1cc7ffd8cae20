package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// conn is one connection with its prepared statements. It is used by one
// goroutine at a time. The driver is called without database/sql: rows are
// many and small, and its conversions and locks are paid for each value.
type conn struct {
	c     *sqlite3.SQLiteConn
	stmts map[string]*stmt
}

// stmt is a prepared statement. Its args may be set in place before run.
type stmt struct {
	s    *sqlite3.SQLiteStmt
	args []driver.NamedValue
}

// uriEscape escapes what SQLite reads in a file: URI.
var uriEscape = strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23")

// dial opens path. mode is one of SQLite's URI modes: ro, rw, rwc. Each
// connection is its goroutine's own, so SQLite's mutexes are not needed.
func dial(path, mode, more string, pragmas ...string) (*conn, error) {
	dc, err := (&sqlite3.SQLiteDriver{}).Open("file:" + uriEscape.Replace(path) + "?mode=" + mode + more + "&_mutex=no")
	if err != nil {
		return nil, err
	}
	c := &conn{c: dc.(*sqlite3.SQLiteConn), stmts: make(map[string]*stmt)}
	for _, p := range pragmas {
		if err := c.script("PRAGMA " + p); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		s.s.Close()
	}
	return c.c.Close()
}

// script runs statements that take no arguments and give nothing back.
func (c *conn) script(text string) error {
	_, err := c.c.Exec(text, nil)
	return err
}

// prepare returns the connection's statement for text. Texts are constants, so
// the number of statements is bounded.
func (c *conn) prepare(text string) (*stmt, error) {
	if s := c.stmts[text]; s != nil {
		return s, nil
	}
	ds, err := c.c.Prepare(text)
	if err != nil {
		return nil, err
	}
	s := &stmt{s: ds.(*sqlite3.SQLiteStmt)}
	s.args = make([]driver.NamedValue, s.s.NumInput())
	for i := range s.args {
		s.args[i].Ordinal = i + 1
	}
	c.stmts[text] = s
	return s, nil
}

// exec runs a statement with args.
func (c *conn) exec(text string, args ...driver.Value) error {
	s, err := c.prepare(text)
	if err != nil {
		return err
	}
	s.set(args)
	return s.run()
}

// query runs a statement and returns its rows, which must be closed.
func (c *conn) query(text string, args ...driver.Value) (*rows, error) {
	s, err := c.prepare(text)
	if err != nil {
		return nil, err
	}
	s.set(args)
	return s.query()
}

// one runs a query and calls scan with its first row, if there is one.
func (c *conn) one(text string, scan func(*rows), args ...driver.Value) (found bool, err error) {
	r, err := c.query(text, args...)
	if err != nil {
		return false, err
	}
	defer r.close()
	if found, err = r.next(); found {
		scan(r)
	}
	return found, err
}

// each runs a query and calls scan with every row.
func (c *conn) each(text string, scan func(*rows) error, args ...driver.Value) error {
	r, err := c.query(text, args...)
	if err != nil {
		return err
	}
	defer r.close()
	for {
		ok, err := r.next()
		if err != nil || !ok {
			return err
		}
		if err := scan(r); err != nil {
			return err
		}
	}
}

// transact runs f in an immediate transaction: the write lock is taken at its
// start, where waiting for it is possible, and not in the middle.
func (c *conn) transact(f func() error) error {
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = c.script("COMMIT")
	}
	if err != nil {
		// SQLite may have rolled back already, as it does on a full disk.
		_ = c.script("ROLLBACK")
	}
	return err
}

// transactRows is transact for statements that change few pages each. What such
// a statement changes is kept in memory, to undo it alone: SQLite would write it
// to a file, three times as much as the rows of a new store are.
func (c *conn) transactRows(f func() error) error {
	if err := c.script("PRAGMA temp_store = MEMORY"); err != nil {
		return err
	}
	return errors.Join(c.transact(f), c.script("PRAGMA temp_store = DEFAULT"))
}

func (s *stmt) set(args []driver.Value) {
	for i, a := range args {
		s.args[i].Value = a
	}
}

// run executes the statement to its first step, which for a statement without
// RETURNING is all of it. It goes through the driver's query path, which binds
// every argument and steps in one call into C, where Exec makes a call for each
// argument.
func (s *stmt) run() error {
	r, err := s.s.QueryContext(context.Background(), s.args)
	if err != nil {
		return err
	}
	return r.Close()
}

func (s *stmt) query() (*rows, error) {
	r, err := s.s.QueryContext(context.Background(), s.args)
	if err != nil {
		return nil, err
	}
	return &rows{r: r, v: make([]driver.Value, len(r.Columns()))}, nil
}

// rows walks a result.
type rows struct {
	r driver.Rows
	v []driver.Value
}

func (r *rows) next() (bool, error) {
	err := r.r.Next(r.v)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}

func (r *rows) close() { _ = r.r.Close() }

func (r *rows) int(i int) int64 {
	v, _ := r.v[i].(int64)
	return v
}

func (r *rows) uint(i int) uint64 { return uint64(r.int(i)) }

func (r *rows) flag(i int) bool { return r.int(i) != 0 }

func (r *rows) text(i int) string {
	v, _ := r.v[i].(string)
	return v
}

func (r *rows) blob(i int) []byte {
	v, _ := r.v[i].([]byte)
	return v
}
