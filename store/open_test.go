package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"blindspot/discover"
)

// sqlite makes a SQLite file with statements.
func sqlite(t *testing.T, path string, statements ...string) {
	t.Helper()
	c, err := dial(path, "rwc", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, s := range statements {
		if err := c.script(s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, path string) string // returns what to open
		o    Options
		want []string // parts of the message, beside the path
	}{
		{"missing", nil, Options{MustExist: true}, []string{"does not exist", "blindspot pcap --db"}},
		{"missing, to be read", nil, Options{ReadOnly: true}, []string{"does not exist"}},
		{"missing directory", func(t *testing.T, path string) string { return path + "/x/y.db" }, Options{}, []string{"directory", "mkdir -p"}},
		{"a file as directory", func(t *testing.T, path string) string {
			put(t, path, "x")
			return path + "/y.db"
		}, Options{}, []string{"not a directory"}},
		{"a directory", func(t *testing.T, path string) string { return filepath.Dir(path) }, Options{}, []string{"is a directory"}},
		{"text", func(t *testing.T, path string) string { return put(t, path, strings.Repeat("hello world ", 100)) }, Options{}, []string{"not a SQLite database"}},
		{"short text", func(t *testing.T, path string) string { return put(t, path, "x") }, Options{}, []string{"not a SQLite database"}},
		{"a broken header", func(t *testing.T, path string) string {
			return put(t, path, "SQLite format 3\x00"+strings.Repeat("\xff", 4096))
		}, Options{}, []string{"not a SQLite database"}},
		{"empty, to be read", func(t *testing.T, path string) string { return put(t, path, "") }, Options{ReadOnly: true}, []string{"is empty"}},
		{"another program's, with an id", func(t *testing.T, path string) string {
			sqlite(t, path, "PRAGMA application_id = 7", "CREATE TABLE x (a)")
			return path
		}, Options{}, []string{"another program"}},
		{"another program's, without an id", func(t *testing.T, path string) string {
			sqlite(t, path, "CREATE TABLE x (a)")
			return path
		}, Options{}, []string{"another program"}},
		{"newer", func(t *testing.T, path string) string {
			open(t, path).Close()
			sqlite(t, path, "PRAGMA user_version = 99")
			return path
		}, Options{}, []string{"version 99", "up to " + strconv.Itoa(len(steps)), "newer blindspot"}},
		{"newer, to be read", func(t *testing.T, path string) string {
			open(t, path).Close()
			sqlite(t, path, "PRAGMA user_version = 99")
			return path
		}, Options{ReadOnly: true}, []string{"version 99"}},
		{"truncated", func(t *testing.T, path string) string {
			open(t, path).Close()
			if err := os.Truncate(path, 8192); err != nil {
				t.Fatal(err)
			}
			return path
		}, Options{}, []string{"damaged", ".recover"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a ?#%41.db")
			if tt.make != nil {
				path = tt.make(t, path)
			}
			before, _ := os.ReadFile(path)
			db, err := Open(path, tt.o)
			if err == nil {
				db.Close()
				t.Fatal("got no error")
			}
			for _, want := range append(tt.want, path) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the file was changed")
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "no.db"), Options{MustExist: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: got %v, want fs.ErrNotExist in its chain", err)
	}
}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenAgain(t *testing.T) {
	path := put(t, filepath.Join(t.TempDir(), "50% ?#.db"), "") // an empty file becomes a store
	db := open(t, path)
	key := db.SketchKey()
	write(t, start(t, db, pcap), batch(3))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{}, {ReadOnly: true}, {MustExist: true}} {
		db, err := Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		if db.SketchKey() != key || key == (discover.SketchKey{}) {
			t.Errorf("%+v: got key %x, want %x", o, db.SketchKey(), key)
		}
		if got := total(t, db); got != 3 {
			t.Errorf("%+v: got %d handshakes, want 3", o, got)
		}
		if o.ReadOnly {
			if _, err := db.Start(pcap); err == nil || !strings.Contains(err.Error(), "for reading only") {
				t.Errorf("start: got %v, want an error", err)
			}
		}
		db.Close()
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
			t.Errorf("%+v: left %q behind", o, left)
		}
	}
	if temp(t).SketchKey() == key {
		t.Error("two stores have the same key")
	}
}

func TestClosed(t *testing.T) {
	db := temp(t)
	w := start(t, db, pcap)
	db.Close()
	if err := w.Write(batch(1)); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("write: got %v", err)
	}
	if _, err := db.Inventory(Query{}); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("inventory: got %v", err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestLocked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, path)
	c, err := dial(path, "rw", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	db, err := Open(path, Options{BusyTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := start(t, db, pcap)
	if err := c.script("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	err = w.Write(batch(3))
	if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "another blindspot") {
		t.Errorf("got %v, want %v with path and advice", err, ErrBusy)
	}
	if got := total(t, db); got != 0 {
		t.Errorf("got %d handshakes while locked, want 0", got)
	}
	if err := c.script("COMMIT"); err != nil {
		t.Fatal(err)
	}
	write(t, w, batch(3))
	if got := total(t, db); got != 3 {
		t.Errorf("got %d handshakes afterwards, want 3", got)
	}
}

// TestDamaged overwrites pages in the middle.
func TestDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := open(t, path)
	write(t, start(t, db, pcap), benchBatch(5000, 1))
	db.Close()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at := int64(100 * 4096); at < size(path); at += 3 * 4096 {
		if _, err := f.WriteAt(make([]byte, 4096), at); err != nil {
			t.Fatal(err)
		}
	}
	db = open(t, path)
	inv, err := db.Inventory(Query{})
	for _, e := range inventoryErrors(inv) {
		err = errors.Join(err, e)
	}
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func inventoryErrors(inv *discover.Inventory) (errs []error) {
	if inv == nil {
		return nil
	}
	for _, err := range inv.Sightings {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}
