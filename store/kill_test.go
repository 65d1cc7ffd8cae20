package store

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// killedEnv names the store that the child of TestKilled writes to.
const killedEnv = "STORE_TEST_KILLED"

// TestKilledChild is the child: it writes part after part, and says so after
// each.
func TestKilledChild(t *testing.T) {
	path := os.Getenv(killedEnv)
	if path == "" {
		t.Skip("only as the child of TestKilled")
	}
	db := open(t, path)
	w := start(t, db, pcap)
	for part := uint32(0); ; part++ {
		b := benchBatch(2000, 2)
		b.Part = part
		write(t, w, b)
		fmt.Printf("committed %d\n", part+1)
	}
}

// TestKilled kills a process in the middle of writing. What it had committed
// is there, and the store is whole.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), "test.db")
	for round := range 3 {
		committed := killChild(t, path, time.Duration(1+7*round)*time.Millisecond)
		db := open(t, path)
		whole(t, db)
		var parts uint64
		err := db.read("count", func(c *conn) error {
			_, err := c.one("SELECT count(DISTINCT part), count(*) FROM sightings WHERE source = (SELECT max(id) FROM sources)", func(r *rows) {
				parts = r.uint(0)
				if rows := r.uint(1); rows != 2000*parts {
					t.Errorf("got %d rows of %d parts: a transaction is torn", rows, parts)
				}
			})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if parts < committed || parts > committed+1 {
			t.Errorf("got %d parts, want the %d that were committed", parts, committed)
		}
		if got := len(seen(t, db, Query{})); got != 1000 {
			t.Errorf("got %d sightings, want 1000", got)
		}
		db.Close()
	}
	db := open(t, path)
	w := start(t, db, pcap)
	write(t, w, benchBatch(2000, 2))
	finish(t, w, "id", false)
	if s, err := db.Sources(); err != nil || len(s) != 1 {
		t.Errorf("got %d sources, %v, want 1: what was killed is superseded", len(s), err)
	}
	whole(t, db)
}

// TestKilledAtFirst kills a process in the middle of the first batch of a new
// store, of which it keeps a rollback journal: all of the batch is there, or
// nothing.
func TestKilledAtFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	none := 0
	for round := range 6 {
		path := filepath.Join(t.TempDir(), "test.db")
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledFirstChild$")
		cmd.Env = append(os.Environ(), killedEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if lines := bufio.NewScanner(out); !lines.Scan() || lines.Text() != "begins" {
			t.Fatalf("child says %q", lines.Text())
		}
		time.AfterFunc(time.Duration(20+60*round)*time.Millisecond, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it may have come to its end
		db := open(t, path)
		whole(t, db)
		switch got := len(seen(t, db, Query{})); got {
		case 0:
			none++
		case 20_000:
		default:
			t.Errorf("round %d: got %d sightings, want all or none", round, got)
		}
		write(t, start(t, db, pcap), batch(3))
		db.Close()
	}
	if none == 0 {
		t.Log("no child was killed before its commit")
	}
}

// TestKilledFirstChild is the child: its first batch is larger than the page
// cache, so that the database file is written to before the commit.
func TestKilledFirstChild(t *testing.T) {
	path := os.Getenv(killedEnv)
	if path == "" {
		t.Skip("only as the child of TestKilledAtFirst")
	}
	db := open(t, path)
	if err := db.writer.script("PRAGMA cache_size = -1000"); err != nil {
		t.Fatal(err)
	}
	w := start(t, db, pcap)
	b := benchBatch(20_000, 1)
	fmt.Println("begins")
	write(t, w, b)
}

// killChild lets a child commit some parts, kills it after a further moment and
// returns how many it reported.
func killChild(t *testing.T, path string, moment time.Duration) (committed uint64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledChild$")
	cmd.Env = append(os.Environ(), killedEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if n, ok := strings.CutPrefix(lines.Text(), "committed "); ok {
			fmt.Sscan(n, &committed)
		}
		if committed == 3 {
			time.AfterFunc(moment, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || committed < 3 {
		t.Fatalf("child: %v after %d parts, want it killed", err, committed)
	}
	return committed
}

// whole runs SQLite's own checks.
func whole(t testing.TB, db *DB) {
	t.Helper()
	err := db.read("check", func(c *conn) error {
		if _, err := c.one("PRAGMA integrity_check", func(r *rows) {
			if r.text(0) != "ok" {
				t.Errorf("integrity_check: %s", r.text(0))
			}
		}); err != nil {
			return err
		}
		found, err := c.one("PRAGMA foreign_key_check", func(r *rows) { t.Errorf("foreign_key_check: %s", r.text(0)) })
		if found {
			t.Error("foreign keys are broken")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
