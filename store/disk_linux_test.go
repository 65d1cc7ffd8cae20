package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// tmpfs mounts a small file system of its own.
func tmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mount a small file system: %v: needs CAP_SYS_ADMIN", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return dir
}

func TestDiskFull(t *testing.T) {
	dir := tmpfs(t, "size=3m")
	path := filepath.Join(dir, "test.db")
	db := open(t, path)
	w := start(t, db, pcap)
	write(t, w, batch(3))
	big := benchBatch(20_000, 1)
	if err := w.Write(big); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), path) {
		t.Fatalf("got %v, want %v with the path", err, ErrFull)
	}
	if got := total(t, db); got != 3 {
		t.Errorf("on the full disk: got %d handshakes, want the 3 from before", got)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=100m"); err != nil {
		t.Fatal(err)
	}
	write(t, w, big)
	if got := len(seen(t, db, Query{})); got != 20_001 {
		t.Errorf("with room: got %d sightings, want 20001", got)
	}
	whole(t, db)
}

// TestReadOnlyDisk opens what nobody can write, not even root.
func TestReadOnlyDisk(t *testing.T) {
	for _, name := range []string{"closed", "left with a journal"} {
		t.Run(name, func(t *testing.T) {
			dir := tmpfs(t, "size=30m")
			path := filepath.Join(dir, "test.db")
			db := open(t, filepath.Join(t.TempDir(), "source.db"))
			write(t, start(t, db, pcap), batch(3))
			if name == "closed" {
				db.Close()
			}
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if b, err := os.ReadFile(db.file + suffix); err == nil {
					put(t, path+suffix, string(b))
				}
			}
			if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			ro, err := Open(path, Options{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			defer ro.Close()
			if got := total(t, ro); got != 3 {
				t.Errorf("got %d handshakes, want 3", got)
			}
			rw, err := Open(path, Options{})
			if err == nil {
				_, err = rw.Start(pcap)
				defer rw.Close()
			}
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "writable") {
				t.Errorf("for writing: got %v, want advice", err)
			}
			_, err = Open(filepath.Join(dir, "new.db"), Options{})
			if err == nil || !strings.Contains(err.Error(), "new.db") {
				t.Errorf("new file: got %v, want an error that names it", err)
			}
		})
	}
}
