package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestLiveReload: SIGHUP puts a new configuration in force and opens the event
// log anew; a broken configuration is told with its file and line, and what was
// in force stays so.
func TestLiveReload(t *testing.T) {
	w := newWire(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	os.Chmod(dir, 0o777)
	write("hosts.txt", "shop.example\n")
	conf := write("blindspot.yml", "monitored:\n  - {kind: hosts, path: hosts.txt}\n")
	s := w.listenIn(t, dir, "--config", conf)
	hangUp := func(want string) {
		t.Helper()
		before := strings.Count(s.stderr.String(), want)
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		await(t, want, func() bool { return strings.Count(s.stderr.String(), want) > before })
	}
	const good, broken = "the configuration was read again", "what was in force stays so"

	write("blindspot.yml", "monitored:\n  - {kind: hosts, path: hosts.txt}\nmonitor_sources: [10.77.3.9/32]\n")
	hangUp(good)

	write("blindspot.yml", "monitored:\n  - {kind: hots, path: hosts.txt}\n")
	hangUp(broken)
	if text := s.stderr.String(); !strings.Contains(text, "blindspot.yml:2:") || !strings.Contains(text, "hots") {
		t.Errorf("the file and line are not named:\n%s", text)
	}

	write("blindspot.yml", "monitored:\n  - {kind: hosts, path: hosts.txt}\nlive:\n  workers: 3\n")
	hangUp("when the sensor is started anew")

	// Under Landlock, a file in a folder that nothing named at the start stays
	// closed; without, it is read.
	elsewhere := filepath.Join(t.TempDir(), "other.txt")
	if err := os.WriteFile(elsewhere, []byte("api.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	write("blindspot.yml", "monitored:\n  - {kind: hosts, path: "+elsewhere+"}\n")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(t, "an answer", func() bool {
		text := s.stderr.String()
		return strings.Count(text, good) > 2 || strings.Contains(text, "permission denied: after the start, only what was named then can be read")
	})
	write("blindspot.yml", "monitored:\n  - {kind: hosts, path: hosts.txt}\n")

	if err := os.Rename(s.events, s.events+".1"); err != nil {
		t.Fatal(err)
	}
	hangUp(good)
	await(t, "a new event log", func() bool { _, err := os.Stat(s.events); return err == nil })
	s.stop(t)
}
