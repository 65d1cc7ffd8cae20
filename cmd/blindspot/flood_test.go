package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// maxFloodMemory is what a flood may make the process grow to.
const maxFloodMemory = 1 << 30

// floodReport is what the tests read of "gap -o json".
type floodReport struct {
	Summary struct{ Hostnames int }
	Sensor  struct {
		Packets, Handshakes uint64
		Lost                map[string]uint64
	}
}

// flood runs "gap" on a capture that make writes into a pipe, and returns its
// report and its peak memory in bytes.
func flood(t *testing.T, make func(*packetWriter)) (floodReport, int64) {
	t.Helper()
	if testing.Short() {
		t.Skip("a flood takes seconds: left out with -short")
	}
	if raceEnabled {
		t.Skip("the race detector has its own memory: left out with -race")
	}
	program := filepath.Join(t.TempDir(), "blindspot")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	hosts := filepath.Join(t.TempDir(), "hosts.txt")
	if err := os.WriteFile(hosts, []byte("checked.shop.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "gap", "--quiet", "-o", "json", "--scope", "all", "--pcap", "-", "--monitored", "hosts:"+hosts)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := newPacketWriter(in)
	make(w)
	if err := w.close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	var r floodReport
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	t.Logf("%d packets, %d handshakes, %d names in use, lost %v, peak %d MiB", r.Sensor.Packets, r.Sensor.Handshakes, r.Summary.Hostnames, r.Sensor.Lost, peak>>20)
	if peak > maxFloodMemory {
		t.Errorf("peak memory: got %d MiB, want at most %d", peak>>20, maxFloodMemory>>20)
	}
	return r, peak
}

// TestFloodOfHalfHellos: a million flows that never finish their hello are told
// of or counted, every one.
func TestFloodOfHalfHellos(t *testing.T) {
	const flows = 1_000_000
	hello := turnsOf(t, "half.shop.example")[0].data
	r, _ := flood(t, func(w *packetWriter) {
		for i := range uint32(flows) {
			w.segment(client(i), server, 1, 0x18, hello[:len(hello)/2])
		}
	})
	if r.Sensor.Packets != flows || r.Sensor.Handshakes+r.Sensor.Lost["half-hello"] != flows {
		t.Errorf("got %d packets, %d handshakes and %d half hellos, want %d and as many together", r.Sensor.Packets, r.Sensor.Handshakes, r.Sensor.Lost["half-hello"], flows)
	}
	if r.Sensor.Lost["table-full"] == 0 {
		t.Error("nothing is said of what ended early for want of room")
	}
}

// TestFloodOfSYNs: bare SYNs beyond the table's bound are counted, every one.
func TestFloodOfSYNs(t *testing.T) {
	const syns, flows = 1_500_000, 1_000_000 // the default of --max-flows
	r, _ := flood(t, func(w *packetWriter) {
		for i := range uint32(syns) {
			w.segment(client(i), server, i, 2, nil)
		}
	})
	if r.Sensor.Packets != syns || r.Sensor.Lost["table-full"] != syns-flows {
		t.Errorf("got %d packets and %d beyond the table, want %d and %d", r.Sensor.Packets, r.Sensor.Lost["table-full"], syns, syns-flows)
	}
}

// TestFloodOfNames: random names that no server answers do not push out the
// real ones, and what was over the bound is counted.
func TestFloodOfNames(t *testing.T) {
	const random, real = 200_000, 1_000
	turns := turnsOf(t, "name-000000.shop.example")
	hello := turns[0].data
	at := bytes.Index(hello, []byte("name-000000"))
	r, _ := flood(t, func(w *packetWriter) {
		for i := range uint32(random) {
			copy(hello[at:], fmt.Sprintf("x%010d", i*2654435761))
			w.segment(client(i), server, 1, 0x18, hello)
			if i%(random/real) == 0 {
				copy(hello[at:], fmt.Sprintf("name-%06d", i/(random/real)))
				w.dialogue(client(random+i), server, turns)
			}
		}
	})
	if r.Summary.Hostnames != real {
		t.Errorf("got %d names in use, want the %d real ones", r.Summary.Hostnames, real)
	}
	if r.Sensor.Handshakes != random+real || r.Sensor.Lost["asked-names"] != random-50_000 {
		t.Errorf("got %d handshakes and %d beyond the bound on names, want %d and %d", r.Sensor.Handshakes, r.Sensor.Lost["asked-names"], random+real, random-50_000)
	}
}

// end is one end of a flow.
type end struct {
	addr uint32
	port uint16
}

var server = end{0x0a800001, 443}

func client(i uint32) end { return end{0x0a000000 + i, uint16(i) | 1024} }

// packetWriter writes Ethernet frames as a classic capture, ten microseconds
// apart.
type packetWriter struct {
	w    *bufio.Writer
	pipe io.WriteCloser
	us   uint64
	err  error
}

func newPacketWriter(pipe io.WriteCloser) *packetWriter {
	w := &packetWriter{w: bufio.NewWriterSize(pipe, 1<<20), pipe: pipe}
	header := make([]byte, 24)
	binary.LittleEndian.PutUint32(header, 0xa1b2c3d4)
	header[4], header[6], header[20] = 2, 4, 1
	binary.LittleEndian.PutUint32(header[16:], 262144)
	w.w.Write(header)
	return w
}

func (w *packetWriter) segment(src, dst end, seq uint32, flags byte, payload []byte) {
	const headers = 14 + 20 + 20
	b := make([]byte, 16+headers, 16+headers+len(payload))
	w.us += 10
	binary.LittleEndian.PutUint32(b, uint32(1_764_000_000+w.us/1e6))
	binary.LittleEndian.PutUint32(b[4:], uint32(w.us%1e6))
	binary.LittleEndian.PutUint32(b[8:], uint32(headers+len(payload)))
	binary.LittleEndian.PutUint32(b[12:], uint32(headers+len(payload)))
	ip := b[16+14:]
	b[16+12] = 8
	ip[0], ip[8], ip[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(ip[2:], uint16(40+len(payload)))
	binary.BigEndian.PutUint32(ip[12:], src.addr)
	binary.BigEndian.PutUint32(ip[16:], dst.addr)
	tcp := ip[20:]
	binary.BigEndian.PutUint16(tcp, src.port)
	binary.BigEndian.PutUint16(tcp[2:], dst.port)
	binary.BigEndian.PutUint32(tcp[4:], seq)
	tcp[12], tcp[13] = 5<<4, flags
	if _, err := w.w.Write(append(b, payload...)); err != nil {
		w.err = err
	}
}

// dialogue writes what both ends said, in turn.
func (w *packetWriter) dialogue(c, s end, turns []said) {
	seq := [2]uint32{1, 1}
	for _, t := range turns {
		src, dst, i := c, s, 0
		if t.server {
			src, dst, i = s, c, 1
		}
		w.segment(src, dst, seq[i], 0x18, t.data)
		seq[i] += uint32(len(t.data))
	}
}

func (w *packetWriter) close() error {
	if err := w.w.Flush(); err != nil {
		return err
	}
	if err := w.pipe.Close(); err != nil {
		return err
	}
	return w.err
}

// said is what one end wrote at a time.
type said struct {
	server bool
	data   []byte
}

// turnsOf lets crypto/tls shake hands with itself in TLS 1.3, where the
// server's flight does not depend on the name, and returns what both wrote.
func turnsOf(t testing.TB, name string) []said {
	t.Helper()
	pem := filepath.Join(pcaps, "pki", "ecdsa.pem") // certificate and key
	cert, err := tls.LoadX509KeyPair(pem, pem)
	if err != nil {
		t.Fatal(err)
	}
	c, s := net.Pipe()
	words := make(chan said, 64)
	go func() {
		srv := tls.Server(listened{s, words, true}, &tls.Config{Certificates: []tls.Certificate{cert}})
		io.Copy(srv, srv)
	}()
	cl := tls.Client(listened{c, words, false}, &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	if _, err := cl.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(cl, make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	c.Close()
	var turns []said
	for len(words) > 0 {
		turns = append(turns, <-words)
	}
	return turns
}

// listened tells what is written through a connection.
type listened struct {
	net.Conn
	words  chan<- said
	server bool
}

func (l listened) Write(p []byte) (int, error) {
	l.words <- said{l.server, bytes.Clone(p)}
	return l.Conn.Write(p)
}
