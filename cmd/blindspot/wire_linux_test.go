package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"blindspot/capture"

	"golang.org/x/sys/unix"
)

// wire is a pair of interfaces in a network namespace of its own: what is sent
// from tx0 arrives at rx0, where a sensor listens.
type wire struct {
	ns string
	fd int // packet socket of tx0
}

var wires atomic.Int32

func newWire(t testing.TB) *wire {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_RAW) for a network namespace")
	}
	w := &wire{ns: fmt.Sprintf("bslive%d-%d", os.Getpid(), wires.Add(1))}
	if out, err := exec.Command("ip", "netns", "add", w.ns).CombinedOutput(); err != nil {
		t.Skipf("needs network namespaces (CAP_SYS_ADMIN): ip netns add: %v: %s", err, out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", w.ns).Run() })
	w.ip(t, "link", "add", "tx0", "type", "veth", "peer", "name", "rx0")
	for _, file := range []string{"all", "default"} { // no packets but ours
		w.sh(t, "echo 1 >/proc/sys/net/ipv6/conf/"+file+"/disable_ipv6")
	}
	for _, name := range []string{"tx0", "rx0"} {
		w.ip(t, "link", "set", name, "mtu", "65535", "arp", "off", "up")
	}
	w.open(t)
	return w
}

func (w *wire) ip(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", append([]string{"-n", w.ns}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %q: %v: %s", args, err, out)
	}
}

func (w *wire) sh(t testing.TB, line string) {
	t.Helper()
	if out, err := w.command("sh", "-c", line).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", line, err, out)
	}
}

// command runs in the namespace.
func (w *wire) command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", w.ns, name}, args...)...)
}

// within calls f on a thread that is in the namespace.
func (w *wire) within(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with us
		ns, err := os.Open("/run/netns/" + w.ns)
		if err == nil {
			defer ns.Close()
			err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// open makes the socket that packets are sent with.
func (w *wire) open(t testing.TB) {
	t.Helper()
	err := w.within(func() (err error) {
		if w.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		link, err := net.InterfaceByName("tx0")
		if err != nil {
			return err
		}
		return unix.Bind(w.fd, &unix.SockaddrLinklayer{Ifindex: link.Index})
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(w.fd) })
}

// send sends frames in their order, from one core, and pauses where the
// receiver's queue may be full.
func (w *wire) send(t testing.TB, frames [][]byte) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if unix.SchedGetaffinity(0, &before) == nil {
		defer unix.SchedSetaffinity(0, &before) // frames on several cores would overtake each other
		for i := range 1024 {
			if before.IsSet(i) {
				var one unix.CPUSet
				one.Set(i)
				unix.SchedSetaffinity(0, &one)
				break
			}
		}
	}
	for _, f := range frames {
		for {
			err := unix.Send(w.fd, f, 0)
			if errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
				time.Sleep(time.Millisecond)
				continue
			}
			if err != nil {
				t.Fatalf("send %d bytes: %v", len(f), err)
			}
			break
		}
	}
}

// framesOf returns the frames of an Ethernet capture. The reason says why it
// cannot be sent.
func framesOf(t testing.TB, path string) (frames [][]byte, reason string) {
	t.Helper()
	f, err := capture.Open(path, capture.Config{})
	if err != nil {
		return nil, "is damaged"
	}
	defer f.Close()
	batch := make([]capture.Packet, 64)
	for {
		n, err := f.Next(batch)
		if errors.Is(err, io.EOF) {
			return frames, ""
		}
		if err != nil {
			return nil, "is damaged"
		}
		for _, p := range batch[:n] {
			switch {
			case p.Link != capture.LinkEthernet:
				return nil, "is not Ethernet"
			case p.Length != len(p.Data):
				return nil, "has packets that were cut"
			case len(p.Data) < 14:
				return nil, "has packets without an Ethernet header"
			case len(p.Data) > 65535+14:
				return nil, "has packets over any MTU"
			}
			frames = append(frames, slices.Clone(p.Data))
		}
	}
}

// liveSensor is a running "blindspot live".
type liveSensor struct {
	cmd    *exec.Cmd
	db     string
	events string
	stderr *lockedBuffer
	ended  chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// listen starts a sensor at rx0 and waits until it listens.
func (w *wire) listen(t testing.TB, args ...string) *liveSensor {
	t.Helper()
	dir := t.TempDir()
	os.Chmod(dir, 0o777)
	return w.listenIn(t, dir, args...)
}

// programOf returns a path of this test binary under which it is blindspot.
func programOf(t testing.TB) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "blindspot")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	return program
}

// listenIn is listen with the folder of store and event log.
func (w *wire) listenIn(t testing.TB, dir string, args ...string) *liveSensor {
	t.Helper()
	program := programOf(t)
	s := &liveSensor{db: filepath.Join(dir, "live.db"), events: filepath.Join(dir, "events.jsonl"), stderr: &lockedBuffer{}, ended: make(chan error, 1)}
	s.cmd = w.command(program, append([]string{"live", "--interface", "rx0", "--db", s.db, "--events", s.events}, args...)...)
	s.cmd.Stderr = s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	t.Cleanup(func() { s.cmd.Process.Kill() })
	for end := time.Now().Add(30 * time.Second); !strings.Contains(s.stderr.String(), "msg=listening"); time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-s.ended:
			t.Fatalf("live: %v\n%s", err, s.stderr)
		default:
		}
		if time.Now().After(end) {
			t.Fatalf("not ready within 30 s\n%s", s.stderr)
		}
	}
	return s
}

// stop ends a sensor as systemd does, waits for it, and returns how long that
// took.
func (s *liveSensor) stop(t testing.TB) time.Duration {
	t.Helper()
	begin := time.Now()
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		if err != nil {
			t.Errorf("live: %v\n%s", err, s.stderr)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("live did not end within 20 s\n%s", s.stderr)
	}
	took := time.Since(begin)
	if took > 5*time.Second && !raceEnabled {
		t.Errorf("took %v to end, want 5 s at most", took)
	}
	return took
}

// comparableEvents returns the lines of an event log in an order that does not
// depend on time, without what a replay changes: number and times.
func comparableEvents(t testing.TB, log []byte) []string {
	t.Helper()
	var list []string
	for line := range bytes.Lines(log) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("event %q: %v", line, err)
		}
		delete(e, "seq")
		delete(e, "time")
		delete(e, "ended")
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(b))
	}
	slices.Sort(list)
	return list
}
