package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"blindspot/discover"
)

// hours writes some hours of many names.
func hours(t testing.TB, w *Writer, n, names int) {
	t.Helper()
	for hour := range n {
		b := benchBatch(names, 1)
		for _, s := range b.Sightings {
			s.Bucket = t0.Add(time.Duration(hour) * time.Hour)
			s.First, s.Last, s.Count = s.Bucket, s.Bucket.Add(time.Minute), 9
		}
		b.Visibility = visibilityOf(b.Sightings)
		write(t, w, b)
	}
}

// TestFoldKilledChild is the child: it folds, merges and folds again.
func TestFoldKilledChild(t *testing.T) {
	path := os.Getenv(killedEnv)
	if path == "" {
		t.Skip("only as the child of TestFoldKilled")
	}
	db := open(t, path)
	fmt.Println("begins")
	foldNow(t, db, Policy{Hours: 48 * time.Hour}, later)
	if _, err := db.Merge(context.Background(), path+".other"); err != nil {
		t.Fatal(err)
	}
	foldNow(t, db, Policy{Hours: 48 * time.Hour, Days: 72 * time.Hour}, later)
	if _, err := db.Sweep(context.Background(), later); err != nil {
		t.Fatal(err)
	}
}

// TestFoldKilled kills a process at moments of folding and merging: no
// handshake is lost and none counts twice, and the next run ends the work.
func TestFoldKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	first, other := open(t, filepath.Join(dir, "first.db")), open(t, filepath.Join(dir, "other.db"))
	hours(t, start(t, first, live), 5, 2000)
	source := live
	source.Sensor = "edge-2"
	hours(t, start(t, other, source), 3, 2000)
	mine, both := total(t, first), total(t, first)+total(t, other)
	for round := range 5 {
		path := filepath.Join(dir, fmt.Sprint("round-", round, ".db"))
		for to, db := range map[string]*DB{path: first, path + ".other": other} {
			if err := db.CopyTo(to); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestFoldKilledChild$")
		cmd.Env = append(os.Environ(), killedEnv+"="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(60+90*round)*time.Millisecond, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it may have come to its end
		db := open(t, path)
		whole(t, db)
		if got := total(t, db); got != mine && got != both {
			t.Errorf("round %d: got %d handshakes, want %d or %d", round, got, mine, both)
		}
		if c := checked(t, db, true); len(c.Problems) > 0 {
			t.Errorf("round %d: got %+v", round, c.Problems)
		}
		merged(t, db, other)
		foldNow(t, db, Policy{Hours: 48 * time.Hour, Days: 72 * time.Hour}, later)
		if got := total(t, db); got != both || scalar(t, db, "SELECT count(*) FROM buckets") != 2 {
			t.Errorf("round %d: ended: got %d handshakes in %s, want %d", round, got, rowCounts(t, db), both)
		}
		db.Close()
	}
}

// TestFoldBesideWriter folds while another process's connection writes every
// moment: no write waits for long, and nothing is lost.
func TestFoldBesideWriter(t *testing.T) {
	db := temp(t)
	hours(t, start(t, db, live), 8, 3000)
	sensor := open(t, db.path)
	w := start(t, sensor, discover.Source{Kind: "live", Name: "eth1", Sensor: "edge-1"})
	want := total(t, db)
	ctx, cancel := context.WithCancel(context.Background())
	var longest time.Duration
	var flushes uint64
	var writer sync.WaitGroup
	writer.Go(func() {
		for ctx.Err() == nil {
			b := batch(flushes + 1)
			b.Sightings[0].Bucket, b.Visibility[0].Bucket = later, later
			b.Sightings[0].First, b.Sightings[0].Last = later, later
			began := time.Now()
			if err := w.Write(b); err != nil {
				t.Error(err)
				return
			}
			longest = max(longest, time.Since(began))
			flushes++
			time.Sleep(5 * time.Millisecond)
		}
	})
	f := foldNow(t, db, Policy{Hours: 48 * time.Hour}, later)
	cancel()
	writer.Wait()
	if got := total(t, db); got != want+flushes || flushes < 3 {
		t.Errorf("got %d handshakes, want %d and %d that were written meanwhile", got, want, flushes)
	}
	t.Logf("%d rows in %d transactions; of %d writes the longest took %v", f.Rows, f.Transactions, flushes, longest)
	if longest > 3*time.Second {
		t.Errorf("a write waited for %v", longest)
	}
}

// TestLockedStore: who cannot write says so, and has changed nothing.
func TestLockedStore(t *testing.T) {
	db := temp(t)
	hours(t, start(t, db, live), 3, 100)
	want := total(t, db)
	other := temp(t)
	write(t, start(t, other, live), batch(3))
	impatient, err := Open(db.path, Options{BusyTimeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer impatient.Close()
	if err := db.writer.script("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for name, do := range map[string]func() error{
		"fold":   func() error { _, err := impatient.Fold(ctx, Policy{Hours: 48 * time.Hour}, later); return err },
		"shrink": func() error { _, err := impatient.Shrink(ctx, Bound{Bytes: 1}, later); return err },
		"merge":  func() error { _, err := impatient.Merge(ctx, other.path); return err },
		"vacuum": func() error { return impatient.Vacuum() },
	} {
		if err := do(); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), db.path) {
			t.Errorf("%s: got %v, want %v with the path", name, err, ErrBusy)
		}
	}
	if c, err := impatient.Check(ctx, true); err != nil || len(c.Problems) > 0 {
		t.Errorf("check: got %+v, %v: it only reads", c, err)
	}
	if err := db.writer.script("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if got := total(t, db); got != want {
		t.Errorf("got %d handshakes, want %d", got, want)
	}
	foldNow(t, impatient, Policy{Hours: 48 * time.Hour}, later)
	if got := total(t, db); got != want {
		t.Errorf("folded: got %d handshakes, want %d", got, want)
	}
}

// TestDiskFullLife: on a full disk the work on a store breaks off, names what
// is missing, and goes on when there is room.
func TestDiskFullLife(t *testing.T) {
	dir := tmpfs(t, "size=4m")
	path := filepath.Join(dir, "test.db")
	db := open(t, path)
	hours(t, start(t, db, live), 4, 800)
	other := open(t, filepath.Join(t.TempDir(), "other.db"))
	source := live
	source.Sensor = "edge-2"
	hours(t, start(t, other, source), 3, 9000)
	want := total(t, db)
	ctx := context.Background()
	if _, err := db.Merge(ctx, other.path); !errors.Is(err, ErrFull) {
		t.Errorf("merge: got %v, want %v", err, ErrFull)
	}
	if got := total(t, db); got != want {
		t.Errorf("merge: got %d handshakes, want %d", got, want)
	}
	if err := db.CopyTo(filepath.Join(dir, "copy.db")); !errors.Is(err, ErrFull) {
		t.Errorf("copy: got %v, want %v", err, ErrFull)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "copy.db*")); len(left) > 0 {
		t.Errorf("copy: %v is left", left)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=200m"); err != nil {
		t.Fatal(err)
	}
	merged(t, db, other)
	if got := total(t, db); got != want+total(t, other) {
		t.Errorf("with room: got %d handshakes, want %d", got, want+total(t, other))
	}
	foldNow(t, db, Policy{Hours: 48 * time.Hour}, later)
	whole(t, db)
}
