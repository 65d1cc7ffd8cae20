package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"blindspot/capture"
	"blindspot/store"

	"golang.org/x/sys/unix"
)

// liveReport is what these tests read of "gap -o json" over a sensor's store.
type liveReport struct {
	Summary struct{ Hostnames, Certificates int }
	Sensor  struct {
		Packets, Handshakes uint64
		KernelDrops         uint64 `json:"kernel_drops"`
		CutOff              uint64 `json:"cut_off"`
		Lost                map[string]uint64
	}
}

// report asks the store of a sensor.
func (s *liveSensor) report(t testing.TB) liveReport {
	t.Helper()
	program := programOf(t)
	cmd := exec.Command(program, "gap", "--quiet", "-o", "json", "--scope", "all", "--db", s.db)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("gap: %v: %s", err, errs.String())
	}
	var r liveReport
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// eventsOf returns what "blindspot pcap" tells of a capture.
func eventsOf(t testing.TB, path string) []string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "events")
	if code := run([]string{"pcap", "--quiet", "--db", filepath.Join(t.TempDir(), "file.db"), "--events", log, path}); code != 0 {
		t.Fatalf("pcap %s: exit %d", path, code)
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return comparableEvents(t, b)
}

// told returns what a sensor wrote into its event log.
func (s *liveSensor) told(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile(s.events)
	if err != nil {
		t.Fatal(err)
	}
	return comparableEvents(t, b)
}

// sameEvents compares two lists, and shows where they differ first.
func sameEvents(t testing.TB, got, want []string) {
	t.Helper()
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("got %d events, want %d", len(got), len(want))
	for _, e := range want {
		if !slices.Contains(got, e) {
			t.Errorf("missing: %s", e)
			break
		}
	}
	for _, e := range got {
		if !slices.Contains(want, e) {
			t.Errorf("invented: %s", e)
			break
		}
	}
}

// unlike captures hold what no wire carries.
var unlike = map[string]string{"format-dsb.pcapng": "has secrets in the file"}

// TestLiveReplay sends each shipped Ethernet capture over a wire: a sensor tells
// of the same handshakes as reading the file does.
func TestLiveReplay(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("replays every capture: left out with -short and -race")
	}
	newWire(t) // skips here where that cannot be
	files, err := filepath.Glob(filepath.Join(pcaps, "*.pcap*"))
	if err != nil {
		t.Fatal(err)
	}
	slots := make(chan struct{}, 3)
	sent := 0
	for _, path := range files {
		frames, reason := framesOf(t, path)
		if reason == "" {
			reason = unlike[filepath.Base(path)]
		}
		if reason != "" {
			continue
		}
		sent++
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			w := newWire(t)
			s := w.listen(t)
			w.send(t, frames)
			s.stop(t)
			sameEvents(t, s.told(t), eventsOf(t, path))
			if r := s.report(t); r.Sensor.Packets+r.Sensor.CutOff+r.Sensor.KernelDrops != uint64(len(frames)) {
				t.Errorf("%d packets handled, %d cut off and %d dropped of %d sent", r.Sensor.Packets, r.Sensor.CutOff, r.Sensor.KernelDrops, len(frames))
			}
		})
	}
	if sent < 100 {
		t.Errorf("%d captures were sent, want 100 at least", sent)
	}
}

// framesBy returns the frames that write writes.
func framesBy(t testing.TB, write func(*packetWriter)) [][]byte {
	t.Helper()
	out, in := io.Pipe()
	go func() {
		w := newPacketWriter(in)
		write(w)
		in.CloseWithError(errors.Join(w.close(), io.EOF))
	}()
	f, err := capture.OpenReader("made", out, capture.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var frames [][]byte
	for batch := make([]capture.Packet, 256); ; {
		n, err := f.Next(batch)
		if errors.Is(err, io.EOF) {
			return frames
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range batch[:n] {
			frames = append(frames, slices.Clone(p.Data))
		}
	}
}

// handshakes returns the frames of n handshakes of as many names, from the
// first-th on.
func handshakes(t testing.TB, first, n uint32) [][]byte { return handshakesOf(t, first, n, 1<<32-1) }

// handshakesOf is handshakes, of so many different names in all.
func handshakesOf(t testing.TB, first, n, names uint32) [][]byte {
	turns := turnsOf(t, "name-000000.shop.example")
	hello := turns[0].data
	at := bytes.Index(hello, []byte("name-000000"))
	return framesBy(t, func(w *packetWriter) {
		for i := first; i < first+n; i++ {
			copy(hello[at:], fmt.Sprintf("name-%06d", i%names))
			binary.BigEndian.PutUint32(hello[randomAt:], i)
			w.dialogue(client(i), server, turns)
		}
	})
}

// randomAt is where the random of a hello begins in its record (RFC 8446, §4.1.2).
const randomAt = 5 + 4 + 2

// await waits until f is true.
func await(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !f(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("within 30 s there was no %s", what)
		}
	}
}

// names counts the hostnames in a store that is not in the middle of its first
// batch.
func (s *liveSensor) names() int {
	db, err := store.Open(s.db, store.Options{ReadOnly: true})
	if err != nil {
		return 0
	}
	defer db.Close()
	inv, err := db.Inventory(store.Query{})
	if err != nil {
		return 0
	}
	names := make(map[string]bool)
	for sighting, err := range inv.Sightings {
		if err != nil {
			return 0
		}
		names[sighting.Hostname] = true
	}
	return len(names)
}

// TestLiveKill kills a sensor between and in the middle of its flushes. What it
// had flushed is there, and the store is whole.
func TestLiveKill(t *testing.T) {
	w := newWire(t)
	for round := range uint32(3) {
		s := w.listen(t, "--flush", "200ms")
		w.send(t, handshakes(t, 0, 500))
		await(t, "flush", func() bool { return s.names() >= 500 })
		w.send(t, handshakes(t, 500, 5000))
		time.Sleep(time.Duration(37*(round+1)) * time.Millisecond)
		s.kill(t)
		if n := s.names(); n < 500 {
			t.Errorf("%d names are left of 500 that were flushed", n)
		}
		if code := run([]string{"db", "check", "--db", s.db}); code != 0 {
			t.Errorf("db check: exit %d after a kill", code)
		}
		next := w.listenIn(t, filepath.Dir(s.db))
		await(t, "word of the run that was killed", func() bool { return strings.Contains(next.stderr.String(), "was killed") })
		next.stop(t)
		db, err := store.Open(s.db, store.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		sources, err := db.Sources()
		if err != nil {
			t.Fatal(err)
		}
		for i := range sources {
			if sources[i].State == store.Reading {
				t.Errorf("%s is still being read after it was killed", sources[i].Name)
			}
		}
		db.Close()
	}
}

// kill ends all of a sensor's processes at once.
func (s *liveSensor) kill(t testing.TB) {
	t.Helper()
	for _, pid := range s.processes() {
		unix.Kill(pid, unix.SIGKILL)
	}
	s.cmd.Process.Kill()
	<-s.ended
}

// processes lists the sensor's process and its children.
func (s *liveSensor) processes() []int {
	list := []int{s.cmd.Process.Pid}
	for i := 0; i < len(list); i++ {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", list[i]))
		for _, path := range tasks {
			b, _ := os.ReadFile(path)
			for _, word := range strings.Fields(string(b)) {
				var pid int
				if fmt.Sscan(word, &pid); pid > 0 {
					list = append(list, pid)
				}
			}
		}
	}
	return list
}

// memory returns the anonymous memory of all of a sensor's processes, in bytes,
// without what the rings take.
func (s *liveSensor) memory() int64 {
	var sum int64
	for _, pid := range s.processes() {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		for line := range strings.Lines(string(b)) {
			var kib int64
			if n, _ := fmt.Sscanf(line, "RssAnon: %d kB", &kib); n == 1 {
				sum += kib << 10
			}
		}
	}
	return sum
}

// TestLiveDiskFull fills the file system of the store. The sensor goes on, says
// so, and stores everything when there is room again.
func TestLiveDiskFull(t *testing.T) {
	w := newWire(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=12m,mode=777"); err != nil {
		t.Skipf("needs CAP_SYS_ADMIN to mount a small file system: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	s := w.listenIn(t, dir, "--flush", "200ms")
	w.send(t, handshakes(t, 0, 100))
	await(t, "flush", func() bool { return s.names() >= 100 })

	filler := filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			break
		}
	}
	f.Close()
	w.send(t, handshakes(t, 100, 3000))
	await(t, "word of it", func() bool { return strings.Contains(s.stderr.String(), "full") })
	os.Remove(filler)
	await(t, "recovery", func() bool { return s.names() >= 3100 })
	s.stop(t)
	if r := s.report(t); r.Sensor.Handshakes != 3100 {
		t.Errorf("%d handshakes are stored, want 3100", r.Sensor.Handshakes)
	}
}

// TestLiveLocked has somebody else hold the store.
func TestLiveLocked(t *testing.T) {
	w := newWire(t)
	s := w.listen(t, "--flush", "200ms")
	w.send(t, handshakes(t, 0, 100))
	await(t, "flush", func() bool { return s.names() >= 100 })
	unlock := lockStore(t, s.db)
	w.send(t, handshakes(t, 100, 1000))
	await(t, "word of it", func() bool { return strings.Contains(s.stderr.String(), "locked") })
	unlock()
	await(t, "recovery", func() bool { return s.names() >= 1100 })
	s.stop(t)
}

// lockStore writes to a store and does not finish.
func lockStore(t testing.TB, path string) (unlock func()) {
	t.Helper()
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Skip("sqlite3 is not installed")
	}
	cmd := exec.Command("sqlite3", path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(in, ".timeout 5000\nBEGIN IMMEDIATE;\nSELECT 'locked';")
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	return func() { in.Close(); cmd.Wait() }
}

// TestLiveInterfaceGone removes the interface and makes it again.
func TestLiveInterfaceGone(t *testing.T) {
	w := newWire(t)
	s := w.listen(t, "--flush", "200ms")
	w.send(t, handshakes(t, 0, 100))
	await(t, "flush", func() bool { return s.names() >= 100 })
	w.ip(t, "link", "set", "rx0", "down")
	w.ip(t, "link", "set", "rx0", "up")
	time.Sleep(2 * time.Second)
	w.send(t, handshakes(t, 100, 100))
	await(t, "handshake after the interface was down", func() bool { return s.names() >= 200 })
	w.ip(t, "link", "del", "rx0")
	await(t, "word of it", func() bool { return strings.Contains(s.stderr.String(), "rx0") })
	w.ip(t, "link", "add", "tx0", "type", "veth", "peer", "name", "rx0")
	for _, name := range []string{"tx0", "rx0"} {
		w.ip(t, "link", "set", name, "mtu", "65535", "arp", "off", "up")
	}
	w.open(t)
	next := uint32(200)
	await(t, "handshake after the interface was gone", func() bool {
		w.send(t, handshakes(t, next, 10))
		next += 10
		return s.names() > 200
	})
	s.stop(t)
}

// TestLiveFlood sends a million SYNs with as many addresses and a flood of
// random names: memory stays bounded, real names are found, and the counters add
// up to what was sent.
func TestLiveFlood(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("a flood takes seconds: left out with -short and -race")
	}
	const syns, random, real = 1_000_000, 100_000, 500
	w := newWire(t)
	s := w.listen(t)
	turns := turnsOf(t, "name-000000.shop.example")
	hello := turns[0].data
	at := bytes.Index(hello, []byte("name-000000"))
	flood := framesBy(t, func(w *packetWriter) {
		for i := range uint32(syns) {
			w.segment(client(i), server, i, 2, nil)
		}
		for i := range uint32(random) {
			copy(hello[at:], fmt.Sprintf("x%010d", i*2654435761))
			w.segment(client(syns+i), server, 1, 0x18, hello)
		}
	})
	found := handshakes(t, 2_000_000, real)
	w.send(t, flood)
	w.send(t, found)
	s.stopAfter(t, func() { t.Logf("%d MiB of anonymous memory", s.memory()>>20) })
	r := s.report(t)
	t.Logf("%d sent: %d handled, %d cut off, %d dropped, lost %v", len(flood)+len(found), r.Sensor.Packets, r.Sensor.CutOff, r.Sensor.KernelDrops, r.Sensor.Lost)
	if sum := r.Sensor.Packets + r.Sensor.CutOff + r.Sensor.KernelDrops; sum != uint64(len(flood)+len(found)) {
		t.Errorf("%d packets are accounted for, want %d", sum, len(flood)+len(found))
	}
	if r.Sensor.KernelDrops == 0 && r.Summary.Hostnames != real {
		t.Errorf("%d names in use, want %d", r.Summary.Hostnames, real)
	}
}

// stopAfter lets the sensor take what is under way, calls f, and stops it.
func (s *liveSensor) stopAfter(t testing.TB, f func()) {
	t.Helper()
	time.Sleep(time.Second)
	f()
	if m := s.memory(); m > maxFloodMemory {
		t.Errorf("%d MiB of memory, want at most %d", m>>20, maxFloodMemory>>20)
	}
	t.Logf("ended after %v", s.stop(t))
}

// TestLiveCutOff sends bulk transfers, ports used again at once among them:
// with and without the cut-off in the kernel the same handshakes are told, and
// with it few packets reach the program.
func TestLiveCutOff(t *testing.T) {
	const flows, bulk = 8, 7000 // packets after each handshake
	turns := turnsOf(t, "name-000000.shop.example")
	hello := turns[0].data
	at := bytes.Index(hello, []byte("name-000000"))
	data := slices.Concat([]byte{23, 3, 3, 0x40, 0x11}, make([]byte, 1443))
	frames := framesBy(t, func(w *packetWriter) {
		for round := range uint32(2) { // the same ports again
			for i := range uint32(flows) {
				copy(hello[at:], fmt.Sprintf("name-%06d", round*flows+i))
				binary.BigEndian.PutUint32(hello[randomAt:], round*flows+i)
				w.segment(client(i), server, 0, 2, nil)
				w.segment(server, client(i), 0, 0x12, nil)
				w.dialogue(client(i), server, turns)
			}
			for n := range uint32(bulk) {
				for i := range uint32(flows) {
					w.segment(server, client(i), 1_000_000+n*uint32(len(data)), 0x10, data)
				}
			}
		}
	})
	told := make(map[string][]string)
	for _, mode := range []string{"off", "auto"} {
		w := newWire(t)
		s := w.listen(t, "--cutoff", mode)
		for part := range slices.Chunk(frames, 500) { // 0.6 Gbit/s: bulk transfers are no burst
			w.send(t, part)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(300 * time.Millisecond)
		s.stop(t)
		r := s.report(t)
		t.Logf("cut-off %s: %d handled, %d cut off, %d dropped of %d", mode, r.Sensor.Packets, r.Sensor.CutOff, r.Sensor.KernelDrops, len(frames))
		if sum := r.Sensor.Packets + r.Sensor.CutOff + r.Sensor.KernelDrops; sum != uint64(len(frames)) {
			t.Errorf("cut-off %s: %d packets are accounted for, want %d", mode, sum, len(frames))
		}
		told[mode] = s.told(t)
		if mode == "auto" && r.Sensor.Packets*20 > uint64(len(frames)) {
			t.Errorf("user space handled %d of %d packets, want 5 %% at most", r.Sensor.Packets, len(frames))
		}
	}
	if len(told["off"]) != 2*flows {
		t.Errorf("%d handshakes without cut-off, want %d", len(told["off"]), 2*flows)
	}
	sameEvents(t, told["auto"], told["off"])
}

// TestLiveDrops has a sensor stand still while more packets come than its ring
// has room for. What the kernel dropped then is counted, to the packet, and said
// in the report.
func TestLiveDrops(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("sends more than a ring holds: left out with -short and -race")
	}
	const packets = 80_000
	data := slices.Concat([]byte{23, 3, 3, 0x40, 0x11}, make([]byte, 1443))
	bulk := framesBy(t, func(w *packetWriter) {
		for n := range uint32(packets) {
			w.segment(server, client(n%64), 1+n/64*uint32(len(data)), 0x10, data)
		}
	})
	for _, workers := range []string{"1", "2"} {
		t.Run(workers, func(t *testing.T) {
			w := newWire(t)
			s := w.listen(t, "--cutoff", "off", "--workers", workers)
			reader := s.processes()[1]
			unix.Kill(reader, unix.SIGSTOP)
			w.send(t, bulk)
			w.send(t, bulk)
			unix.Kill(reader, unix.SIGCONT)
			time.Sleep(time.Second)
			s.stop(t)
			r := s.report(t)
			t.Logf("%d handled, %d dropped of %d", r.Sensor.Packets, r.Sensor.KernelDrops, 2*packets)
			if r.Sensor.KernelDrops == 0 {
				t.Error("nothing was dropped: the ring is larger than this test takes it for")
			}
			if sum := r.Sensor.Packets + r.Sensor.CutOff + r.Sensor.KernelDrops; sum != 2*packets {
				t.Errorf("%d packets are accounted for, want %d", sum, 2*packets)
			}
		})
	}
}
