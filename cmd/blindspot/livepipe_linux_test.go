package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLivePipeClosed: who reads the events on standard output may go. The
// sensor stays, says what it leaves out, and stores.
func TestLivePipeClosed(t *testing.T) {
	w := newWire(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "blindspot")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out.Close()
	s := &liveSensor{db: filepath.Join(t.TempDir(), "live.db"), stderr: &lockedBuffer{}, ended: make(chan error, 1)}
	s.cmd = w.command(program, "live", "--interface", "rx0", "--db", s.db, "--events", "-", "--flush", "100ms")
	s.cmd.Stdout, s.cmd.Stderr = in, s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	t.Cleanup(func() { s.cmd.Process.Kill() })
	says := func(want string) {
		t.Helper()
		await(t, want, func() bool { return strings.Contains(s.stderr.String(), want) })
	}
	says("msg=listening")
	w.send(t, handshakes(t, 0, 20))
	says("events cannot be written")
	time.Sleep(100 * time.Millisecond)
	w.send(t, handshakes(t, 20, 20))
	await(t, "all names", func() bool { return s.names() == 40 })
	s.cmd.Process.Signal(os.Interrupt)
	if err := s.cmd.Wait(); err == nil || strings.Contains(err.Error(), "signal") {
		t.Errorf("it ended with %v, want an exit code that says that events are missing", err)
	}
}
