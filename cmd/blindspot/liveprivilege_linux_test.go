package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestLivePrivileges looks at a sensor's processes from outside: the one that
// reads packets has no privilege and is confined, the other has what rings and
// programs need. The words are the kernel's.
func TestLivePrivileges(t *testing.T) {
	w := newWire(t)
	s := w.listen(t)
	all := s.processes()
	if len(all) != 2 {
		t.Fatalf("%d processes, want two", len(all))
	}
	const none = "0000000000000000"
	opener, reader := processStatus(all[0]), processStatus(all[1])
	for name, want := range map[string]string{
		"Name": "blindspot-read", "CapInh": none, "CapPrm": none, "CapEff": none, "CapBnd": none, "CapAmb": none, "NoNewPrivs": "1", "Seccomp": "2",
	} {
		if got := reader[name]; got != want {
			t.Errorf("the reader's %s: got %q, want %q", name, got, want)
		}
	}
	programs := fmt.Sprintf("%016x", 1<<unix.CAP_NET_RAW|1<<unix.CAP_BPF)
	for name, want := range map[string]string{"Name": "blindspot", "CapPrm": programs, "CapBnd": programs, "NoNewPrivs": "1"} {
		if got := opener[name]; got != want {
			t.Errorf("the opener's %s: got %q, want %q", name, got, want)
		}
	}
	s.stop(t)
}

func processStatus(pid int) map[string]string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	m := map[string]string{}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		m[name] = strings.TrimSpace(value)
	}
	return m
}

// TestLiveOpenerKilled kills the opener alone. The reader ends in order, with
// everything stored.
func TestLiveOpenerKilled(t *testing.T) {
	w := newWire(t)
	s := w.listen(t, "--flush", "1h")
	all := s.processes()
	w.send(t, handshakes(t, 0, 500))
	time.Sleep(200 * time.Millisecond) // the last ones are in the ring
	unix.Kill(all[0], unix.SIGKILL)
	<-s.ended
	begin := time.Now()
	await(t, "end of the reader", func() bool {
		return processStatus(all[1])["State"] == "" || strings.HasPrefix(processStatus(all[1])["State"], "Z")
	})
	if took := time.Since(begin); took > 5*time.Second && !raceEnabled {
		t.Errorf("the reader took %v to end, want 5 s at most", took)
	}
	if n := s.names(); n != 500 {
		t.Errorf("%d names are stored, want 500", n)
	}
}

// TestLiveReaderKilled kills the reader alone: the opener ends, and says why, so
// that a service manager starts both anew.
func TestLiveReaderKilled(t *testing.T) {
	w := newWire(t)
	s := w.listen(t)
	unix.Kill(s.processes()[1], unix.SIGKILL)
	if err := <-s.ended; err == nil {
		t.Error("live ended as if all was well")
	}
	if said := s.stderr.String(); !strings.Contains(said, "the process that reads packets was ended by a signal (killed)") {
		t.Errorf("said %q", said)
	}
}
