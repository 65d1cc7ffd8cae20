//go:build linux

package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A lab is the place of one scenario: a network namespace for servers and one
// for clients with a wire between them, a temporary directory, the capture
// under way, and the truth collected so far.
type lab struct {
	*generator
	scenario
	tmp      string
	srv, cli string // namespaces; the wire's ends in them are both called wire0
	mirror   string // namespace of the bridge br0, where the wire is a switch
	spaces   []string
	truth    truth
	checked  string // what the cross-check did, for the table

	mu       sync.Mutex
	addrs    map[string]bool
	port     int
	procs    []*proc
	closers  []func()
	dump     *proc
	raw      string // what tcpdump writes
	final    []byte // written instead of the capture where a scenario makes it from others
	keys     string // file of logged TLS secrets
	lenient  bool   // tshark may see less than the truth
	opened   bool   // the capture brings its keys along
	realTime bool   // packets keep the time when they were captured
	decodeAs []string
	mixed    bool   // with keys tshark mixes connections up
	again    bool   // clients begin again with another hello: the one that was answered is the handshake's
	device   string // that gets the addresses; "" for the wire
	filter   string // what tcpdump takes; "" for TCP
}

const (
	serverIP = "10.77.0.10"
	clientIP = "10.77.1.1"
)

// captureStart is the time of the first packet of each capture: packets keep
// their real distances, and the captures do not depend on when they were made.
var captureStart = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

func newLab(g *generator, s scenario) (*lab, error) {
	l := &lab{generator: g, scenario: s, addrs: map[string]bool{}, port: 40000}
	l.truth = truth{Capture: s.name, Stack: s.stack, Point: s.point}
	tmp, err := os.MkdirTemp("", "pcapgen-")
	if err != nil {
		return nil, err
	}
	l.tmp = tmp
	_ = os.Chmod(tmp, 0o755) //nolint:gosec // servers that drop privileges read their configuration here
	l.raw, l.keys = filepath.Join(tmp, "raw.pcap"), filepath.Join(tmp, "keys")
	return l, nil
}

// network makes the two namespaces and the wire. Offloads are off, so that
// frames look as on a wire, unless offload is set.
func (l *lab) network(offload bool) error {
	suffix := make([]byte, 4)
	_, _ = rand.Read(suffix)
	l.srv, l.cli = "bs-s-"+hex.EncodeToString(suffix), "bs-c-"+hex.EncodeToString(suffix)
	l.spaces = []string{l.srv, l.cli}
	steps := [][]string{
		{"ip", "netns", "add", l.srv},
		{"ip", "netns", "add", l.cli},
		{"ip", "-n", l.srv, "link", "add", "wire0", "type", "veth", "peer", "name", "wire0", "netns", l.cli},
	}
	for _, ns := range []string{l.srv, l.cli} {
		steps = append(steps, []string{"ip", "-n", ns, "link", "set", "lo", "up"},
			[]string{"ip", "-n", ns, "link", "set", "wire0", "up"})
		if !offload {
			steps = append(steps, []string{"ip", "netns", "exec", ns, "ethtool", "-K", "wire0", "tso", "off", "gso", "off", "gro", "off", "tx", "off", "rx", "off"})
		}
	}
	for _, s := range steps {
		if out, err := exec.Command(s[0], s[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(s, " "), err, bytes.TrimSpace(out))
		}
	}
	return l.addr(l.srv, serverIP)
}

// addr gives a namespace an address, once.
func (l *lab) addr(ns, ip string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.addrs[ip] {
		return nil
	}
	l.addrs[ip] = true
	device := cmp.Or(l.device, "wire0")
	args := []string{"-n", ns, "addr", "add", ip + "/16", "dev", device}
	if strings.Contains(ip, ":") {
		args = []string{"-n", ns, "addr", "add", ip + "/64", "dev", device, "nodad"}
	}
	return ipCommand(args...)
}

func ipCommand(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// clientAddr returns an address and a port for one connection.
func (l *lab) clientAddr(ip string) (netip.AddrPort, error) {
	if ip == "" {
		ip = clientIP
	}
	if err := l.addr(l.cli, ip); err != nil {
		return netip.AddrPort{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.port++
	return netip.AddrPortFrom(netip.MustParseAddr(ip), uint16(l.port)), nil
}

// capture starts tcpdump at the servers' end of the wire, or on the switch.
func (l *lab) capture(args ...string) error {
	ns, device := l.srv, "wire0"
	if l.mirror != "" {
		ns, device = l.mirror, "br0"
	}
	if len(args) == 0 {
		args = []string{"-i", device}
	}
	// Without immediate mode what is still in the ring at the end would be
	// lost; in it each packet takes the place of the largest one.
	args = append([]string{"tcpdump", "-n", "-U", "--immediate-mode", "-B", "32768", "-Z", "root", "-w", l.raw}, append(args, cmp.Or(l.filter, "tcp"))...)
	p, err := l.spawn(ns, nil, args...)
	if err != nil {
		return err
	}
	l.dump = p
	return p.waitOutput("listening on", 5*time.Second)
}

// The marker is a SYN from a port of its own to a closed one. It says that
// tcpdump has written everything before it; it does not stay in the capture.
const markerFrom, markerTo = 39999, 9

// stopCapture ends tcpdump once everything on the wire has reached the file.
func (l *lab) stopCapture() error {
	if l.dump == nil {
		return nil
	}
	if err := l.addr(l.cli, clientIP); err != nil {
		return err
	}
	time.Sleep(200 * time.Millisecond) // last FINs
	_ = l.inNS(l.cli, func() error {
		d := net.Dialer{LocalAddr: &net.TCPAddr{Port: markerFrom}, Timeout: 5 * time.Second}
		_, err := d.Dial("tcp", net.JoinHostPort(serverIP, strconv.Itoa(markerTo)))
		return err // refused, of course
	})
	deadline := time.Now().Add(10 * time.Second)
	for ; ; time.Sleep(50 * time.Millisecond) {
		if c, err := readPcap(l.raw); err == nil && slices.ContainsFunc(c.packets, packet.isMarker) {
			break
		}
		if time.Now().After(deadline) {
			return errors.New("tcpdump did not write the end of the capture")
		}
	}
	l.dump.interrupt()
	if out := l.dump.output(); !strings.Contains(out, "\n0 packets dropped by kernel") {
		return fmt.Errorf("tcpdump lost packets, try again:\n%s", out)
	}
	l.dump = nil
	return nil
}

func (p packet) isMarker() bool {
	to := be.AppendUint16(be.AppendUint16(nil, markerFrom), markerTo)
	from := be.AppendUint16(be.AppendUint16(nil, markerTo), markerFrom)
	head := p.data[:min(len(p.data), 128)] // it can be inside a tunnel
	return bytes.Contains(head, to) || bytes.Contains(head, from)
}

// inNS runs fn on a thread inside a namespace: sockets that fn opens stay there.
// The thread is not given back.
func (l *lab) inNS(ns string, fn func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		f, err := os.Open("/var/run/netns/" + ns)
		if err == nil {
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
			_ = f.Close()
		}
		if err == nil {
			err = fn()
		}
		done <- err
	}()
	return <-done
}

// listen opens a TCP listener among the servers.
func (l *lab) listen(addr string) (net.Listener, error) {
	var ln net.Listener
	err := l.inNS(l.srv, func() (err error) {
		ln, err = net.Listen("tcp", addr)
		return err
	})
	if err == nil {
		l.closers = append(l.closers, func() { _ = ln.Close() })
	}
	return ln, err
}

// dial opens a TCP connection from a client's own address.
func (l *lab) dial(from netip.AddrPort, to string) (net.Conn, error) {
	var c net.Conn
	err := l.inNS(l.cli, func() (err error) {
		d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(from), Timeout: 5 * time.Second}
		c, err = d.Dial("tcp", to)
		return err
	})
	return c, err
}

// file writes a temporary file and returns its path.
func (l *lab) file(name, content string) string {
	p := filepath.Join(l.tmp, name)
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil { //nolint:gosec // throw-away keys
		panic(err)
	}
	return p
}

// finish ends the capture, writes it with its truth, and holds one against the other.
func (l *lab) finish() error {
	if err := l.stopCapture(); err != nil {
		return err
	}
	out := filepath.Join(l.dir, l.name)
	if l.final == nil {
		f, err := readPcap(l.raw)
		if err != nil {
			return err
		}
		f.packets = slices.DeleteFunc(f.packets, packet.isMarker)
		if !l.realTime {
			f.shift(captureStart)
		}
		l.final = f.encode()
	}
	if strings.HasSuffix(l.name, ".gz") && !bytes.HasPrefix(l.final, []byte{0x1f, 0x8b}) {
		l.final = gzipped(l.final)
	}
	if err := os.WriteFile(out, l.final, 0o644); err != nil { //nolint:gosec // checked in
		return err
	}
	if err := l.saveKeys(); err != nil {
		return err
	}
	if err := l.crossCheck(out); err != nil {
		return err
	}
	l.truth.Tshark = l.checked
	return l.truth.write(l.base() + ".truth.json")
}

// base is the path of the capture without any extension.
func (l *lab) base() string {
	name, _, _ := strings.Cut(l.name, ".")
	return filepath.Join(l.dir, name)
}

// saveKeys keeps the logged secrets beside the capture, sorted.
func (l *lab) saveKeys() error {
	b, err := os.ReadFile(l.keys)
	if err != nil {
		_ = os.Remove(l.base() + ".keys")
		return nil
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" || s[0] == '#' })
	slices.Sort(lines)
	lines = slices.Compact(lines)
	return os.WriteFile(l.base()+".keys", []byte(strings.Join(lines, "\n")+"\n"), 0o644) //nolint:gosec // checked in
}

// close ends every process and namespace of the lab.
func (l *lab) close() {
	for _, f := range l.closers {
		f()
	}
	for _, p := range slices.Backward(l.procs) {
		p.kill()
	}
	for _, ns := range l.spaces {
		if ns != "" {
			_ = exec.Command("ip", "netns", "del", ns).Run()
		}
	}
	_ = os.RemoveAll(l.tmp)
}
