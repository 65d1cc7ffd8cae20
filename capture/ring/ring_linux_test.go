package ring_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"blindspot/capture"
	"blindspot/capture/ring"
)

// open opens and maps a ring.
func open(t testing.TB, cfg ring.Config) *ring.Ring {
	t.Helper()
	fd, err := ring.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return mapped(t, fd, cfg)
}

func mapped(t testing.TB, fd int, cfg ring.Config) *ring.Ring {
	t.Helper()
	r, err := ring.New(fd, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

var _ capture.Source = (*ring.Ring)(nil)

// frame makes an Ethernet frame with a UDP datagram; number is in its last
// bytes, and flow decides its ports.
func frame(size, flow, number int) []byte {
	f := make([]byte, max(size, 46))
	copy(f, "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00")
	ip := f[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	copy(ip[12:], "\x0a\x00\x00\x01\x0a\x00\x00\x02")
	binary.BigEndian.PutUint16(ip[20:], uint16(1024+flow))
	binary.BigEndian.PutUint16(ip[22:], 443)
	binary.BigEndian.PutUint16(ip[24:], uint16(len(ip)-20))
	binary.BigEndian.PutUint32(f[len(f)-4:], uint32(number))
	return f
}

// collect reads until want packets have come, or nothing comes for a second.
func collect(t testing.TB, r *ring.Ring, want int) []capture.Packet {
	t.Helper()
	var got []capture.Packet
	batch := make([]capture.Packet, 64)
	for idle := 0; len(got) < want && idle < 10; {
		n, err := r.Next(batch)
		if err != nil {
			t.Fatal(err)
		}
		idle++
		if n > 0 {
			idle = 0
		}
		for _, p := range batch[:n] {
			p.Data = bytes.Clone(p.Data)
			got = append(got, p)
		}
	}
	return got
}

// TestFrames sends frames of many sizes over many blocks: each is seen once,
// in order, whole.
func TestFrames(t *testing.T) {
	pair(t)
	cfg := ring.Config{Interface: "rx0", BlockSize: 256 << 10, Blocks: 64}
	r := open(t, cfg)
	if info := r.Info(); info.Link != capture.LinkEthernet || info.Index <= 0 || info.Interface != "rx0" {
		t.Errorf("got %+v, want an Ethernet interface", info)
	}
	s := newSender(t, "tx0")
	begin := time.Now().UnixNano()
	var sent [][]byte
	for i := range 3000 {
		size := 46 + i%1468
		if i%100 == 0 {
			size = 65000
		}
		sent = append(sent, frame(size, i, i))
		s.send(t, sent[i])
	}
	got := collect(t, r, len(sent))
	end := time.Now().UnixNano()
	if len(got) != len(sent) {
		t.Fatalf("got %d packets, want %d", len(got), len(sent))
	}
	total := 0
	for i, p := range got {
		total += len(sent[i])
		if !bytes.Equal(p.Data, sent[i]) {
			t.Fatalf("packet %d: got %d bytes %x, want %d bytes %x", i, len(p.Data), p.Data[:46], len(sent[i]), sent[i][:46])
		}
		if p.Length != len(sent[i]) || p.Link != capture.LinkEthernet || p.Number != uint64(i+1) {
			t.Fatalf("packet %d: got length %d, link %v, number %d", i, p.Length, p.Link, p.Number)
		}
		if p.Time < begin || p.Time > end {
			t.Fatalf("packet %d: got time %d, want one from %d to %d", i, p.Time, begin, end)
		}
		begin = p.Time
	}
	want := capture.Stats{Packets: 3000, Bytes: uint64(total), Received: 3000}
	if stats := r.Stats(); stats != want {
		t.Errorf("got %+v, want %+v", stats, want)
	}
}

// TestSnaplen cuts frames.
func TestSnaplen(t *testing.T) {
	pair(t)
	r := open(t, ring.Config{Interface: "rx0", Snaplen: 60})
	s := newSender(t, "tx0")
	for i, size := range []int{50, 60, 61, 1500} {
		s.send(t, frame(size, 0, i))
	}
	got := collect(t, r, 4)
	for i, want := range []int{50, 60, 60, 60} {
		if len(got[i].Data) != want {
			t.Errorf("packet %d: got %d bytes, want %d", i, len(got[i].Data), want)
		}
	}
	if stats := r.Stats(); got[3].Length != 1500 || stats.Truncated != 2 {
		t.Errorf("got a length of %d and %d packets cut, want 1500 and 2", got[3].Length, stats.Truncated)
	}
}

// TestTags sends frames with VLAN tags through interfaces that take tags off
// by themselves and others: what is read is what was sent. The sending side is
// read as well.
func TestTags(t *testing.T) {
	plain := frame(300, 0, 0)
	tagged := func(tags string) []byte {
		return append(append(bytes.Clone(plain[:12]), tags...), plain[12:]...)
	}
	frames := [][]byte{
		plain,
		tagged("\x81\x00\x00\x05"),
		tagged("\x81\x00\xef\xff"),
		tagged("\x81\x00\x00\x00"),
		tagged("\x88\xa8\x00\x07\x81\x00\x00\x08"),
		tagged("\x81\x00\x00\x07\x81\x00\x00\x08"),
		tagged("\x91\x00\x00\x07\x81\x00\x00\x08"),
		tagged("\x88\xa8\x00\x07\x88\xa8\x00\x08\x81\x00\x00\x09"),
	}
	pair(t)
	for _, offload := range []string{"on", "off"} {
		for _, name := range []string{"tx0", "rx0"} {
			run(t, "ethtool", "-K", name, "rxvlan", offload, "txvlan", offload)
		}
		receiving, sending := open(t, ring.Config{Interface: "rx0"}), open(t, ring.Config{Interface: "tx0"})
		s := newSender(t, "tx0")
		for _, f := range frames {
			s.send(t, f)
		}
		for side, r := range map[string]*ring.Ring{"receiving": receiving, "sending": sending} {
			got := collect(t, r, len(frames))
			if len(got) != len(frames) {
				t.Fatalf("offload %s, %s: got %d packets, want %d", offload, side, len(got), len(frames))
			}
			for i, p := range got {
				if !bytes.Equal(p.Data, frames[i]) || p.Length != len(frames[i]) {
					t.Errorf("offload %s, %s, frame %d: got %x (length %d)\nwant %x", offload, side, i, p.Data, p.Length, frames[i])
				}
			}
		}
	}
}

// TestDrops sends more than a small ring takes, without reading: what was read
// and what was dropped is what was sent.
func TestDrops(t *testing.T) {
	pair(t)
	cfg := ring.Config{Interface: "rx0", BlockSize: 64 << 10, Blocks: 4}
	r := open(t, cfg)
	s := newSender(t, "tx0")
	const sent = 20000
	for i := range sent {
		s.send(t, frame(200, i, i))
		if i == sent/2 {
			if fill := r.Fill(); fill != 1 {
				t.Errorf("got a ring that is filled to %v, want 1", fill)
			}
			collect(t, r, 500) // and then it takes more
		}
	}
	collect(t, r, sent)
	stats := r.Stats()
	if stats.Packets+stats.KernelDrops != sent || stats.Received != sent || stats.KernelDrops == 0 || stats.QueueFreezes == 0 {
		t.Errorf("got %+v, want %d packets read or dropped", stats, sent)
	}
	if fill := r.Fill(); fill > 0.25 {
		t.Errorf("got a ring that is filled to %v after reading", fill)
	}
	if again := r.Stats(); again != stats {
		t.Errorf("counters that were read once changed: %+v, %+v", stats, again)
	}
}

// TestFilter sees only what the filter lets through, and nothing from before
// the filter.
func TestFilter(t *testing.T) {
	pair(t)
	s := newSender(t, "tx0")
	program, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 34, Size: 2}, // source port
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 1024 + 3, SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 18},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 20 {
		s.send(t, frame(100, 1, 0))
		fd, err := ring.Open(ring.Config{Interface: "rx0", Filter: program})
		if err != nil {
			t.Fatal(err)
		}
		r := mapped(t, fd, ring.Config{Interface: "rx0", Timeout: 10 * time.Millisecond})
		for i := range 10 {
			s.send(t, frame(100, i, i))
		}
		got := collect(t, r, 2)
		if len(got) != 1 || got[0].Data[99] != 3 {
			t.Fatalf("round %d: got %d packets, want the one of flow 3", round, len(got))
		}
		if stats := r.Stats(); stats.Received != 1 || stats.KernelDrops != 0 {
			t.Errorf("got %+v, want one packet received", stats)
		}
		// Nobody can look at more than was decided when it was opened.
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0); !errors.Is(err, unix.EPERM) {
			t.Errorf("got %v when the filter was taken off, want EPERM", err)
		}
		r.Close()
	}
}

// TestLoopback sees each packet once, alone and in a fan-out.
func TestLoopback(t *testing.T) {
	inNamespace(t)
	run(t, "ip", "link", "set", "lo", "up")
	for _, mode := range []ring.Mode{ring.Alone, ring.ByHash} {
		r := open(t, ring.Config{Interface: "lo", Fanout: ring.Fanout{Mode: mode}})
		s := newSender(t, "lo")
		for i := range 10 {
			s.send(t, frame(100, 0, i))
		}
		if got := collect(t, r, 11); len(got) != 10 {
			t.Errorf("mode %d: got %d packets, want 10", mode, len(got))
		}
		r.Close()
	}
}

// TestOutgoing leaves out what the host sends, if asked to.
func TestOutgoing(t *testing.T) {
	pair(t)
	for _, mode := range []ring.Mode{ring.Alone, ring.ByHash} {
		cfg := ring.Config{Interface: "rx0", Fanout: ring.Fanout{Mode: mode}}
		all := open(t, cfg)
		cfg.IgnoreOutgoing = true
		others := open(t, cfg)
		newSender(t, "tx0").send(t, frame(100, 0, 1))
		newSender(t, "rx0").send(t, frame(100, 0, 2))
		if got := collect(t, all, 3); len(got) != 2 {
			t.Errorf("mode %d: got %d packets, want both", mode, len(got))
		}
		if got := collect(t, others, 2); len(got) != 1 || got[0].Data[99] != 1 {
			t.Errorf("mode %d: got %d packets, want the one that came in", mode, len(got))
		}
		all.Close()
		others.Close()
	}
}

// TestTunnel reads a device without a link layer.
func TestTunnel(t *testing.T) {
	pair(t)
	run(t, "ip", "addr", "add", "10.9.0.1/24", "dev", "rx0")
	run(t, "ip", "tuntap", "add", "dev", "tun0", "mode", "tun")
	run(t, "ip", "link", "set", "tun0", "up")
	r := open(t, ring.Config{Interface: "tun0", IgnoreOutgoing: true})
	if link := r.Info().Link; link != capture.LinkRaw {
		t.Errorf("got link type %v, want raw IP", link)
	}
	for name, want := range map[string]capture.LinkType{"tun0": capture.LinkRaw, "rx0": capture.LinkEthernet, "lo": capture.LinkEthernet} {
		if link, err := ring.Link(name); link != want || err != nil {
			t.Errorf("%s: got link type %v and %v, want %v", name, link, err, want)
		}
	}
	if _, err := ring.Link("eth9"); !errors.Is(err, ring.ErrNoInterface) {
		t.Errorf("got %v, want ErrNoInterface", err)
	}
	tun, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no tun device: ", err)
	}
	defer unix.Close(tun)
	ifr, _ := unix.NewIfreq("tun0")
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(tun, unix.TUNSETIFF, ifr); err != nil {
		t.Fatal(err)
	}
	packet := frame(100, 0, 0)[14:]
	if _, err := unix.Write(tun, packet); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, r, 1); len(got) != 1 || !bytes.Equal(got[0].Data, packet) || got[0].Link != capture.LinkRaw {
		t.Errorf("got %+v, want the packet", got)
	}
}

// TestDownAndGone follows an interface that goes down, comes up and goes away.
func TestDownAndGone(t *testing.T) {
	pair(t)
	r := open(t, ring.Config{Interface: "rx0", Timeout: 20 * time.Millisecond})
	s := newSender(t, "tx0")
	batch := make([]capture.Packet, 8)
	until := func(want error) {
		t.Helper()
		for range 100 {
			_, err := r.Next(batch)
			if errors.Is(err, want) {
				return
			}
			if err != nil && !errors.Is(err, ring.ErrDown) { // a removed interface goes down first
				t.Fatalf("got %v, want %v", err, want)
			}
		}
		t.Fatalf("never got %v", want)
	}
	for range 3 {
		s.send(t, frame(100, 0, 1))
		run(t, "ip", "link", "set", "rx0", "down")
		until(ring.ErrDown)
		until(ring.ErrDown) // again with each call
		if _, err := ring.Open(ring.Config{Interface: "rx0"}); !errors.Is(err, ring.ErrDown) {
			t.Errorf("got %v from Open, want ErrDown", err)
		}
		run(t, "ip", "link", "set", "rx0", "up")
		for n, err := 0, error(nil); n == 0; n, err = r.Next(batch) {
			if err != nil && !errors.Is(err, ring.ErrDown) {
				t.Fatal(err)
			}
			s.send(t, frame(100, 0, 2))
		}
	}
	before := r.Stats() // the pair drops packets for a while after it came up
	for i := 0; i < 500 && r.Stats().Received == before.Received; i++ {
		s.send(t, frame(100, 0, 3))
		time.Sleep(10 * time.Millisecond)
	}
	run(t, "ip", "link", "del", "rx0")
	until(ring.ErrGone)
	if stats := r.Stats(); stats.Packets != stats.Received {
		t.Errorf("got %+v: packets from before it was removed are lost", stats)
	}
	until(ring.ErrGone)
	_, err := ring.Open(ring.Config{Interface: "rx0"})
	if !errors.Is(err, ring.ErrNoInterface) || !strings.Contains(err.Error(), "there is lo") {
		t.Errorf("got %v, want that there is lo", err)
	}
}

// TestRename goes on under another name.
func TestRename(t *testing.T) {
	pair(t)
	r := open(t, ring.Config{Interface: "rx0", Timeout: 20 * time.Millisecond})
	run(t, "ip", "link", "set", "rx0", "down")
	run(t, "ip", "link", "set", "rx0", "name", "c")
	run(t, "ip", "link", "set", "c", "up")
	s := newSender(t, "tx0")
	batch := make([]capture.Packet, 8)
	for range 100 {
		s.send(t, frame(100, 0, 2))
		if n, _ := r.Next(batch); n > 0 {
			return
		}
	}
	t.Error("no packet came after the interface was renamed")
}

// TestFanout shares flows between two rings: every packet is in one of them,
// those of a flow in the same.
func TestFanout(t *testing.T) {
	pair(t)
	cfg := ring.Config{Interface: "rx0", Fanout: ring.Fanout{Mode: ring.ByHash}}
	fds, err := ring.OpenAll(cfg, 2)
	if err != nil {
		t.Fatal(err)
	}
	s := newSender(t, "tx0")
	for i := range 4000 {
		s.send(t, frame(100, i%50, i))
	}
	owner := map[uint16]int{}
	total := 0
	for worker, fd := range fds {
		got := collect(t, mapped(t, fd, cfg), 4000)
		if len(got) == 0 {
			t.Errorf("worker %d got nothing", worker)
		}
		total += len(got)
		for _, p := range got {
			port := binary.BigEndian.Uint16(p.Data[34:])
			if other, ok := owner[port]; ok && other != worker {
				t.Fatalf("port %d came to both workers, frame %d to %d", port, binary.BigEndian.Uint32(p.Data[96:]), worker)
			}
			owner[port] = worker
		}
	}
	if total != 4000 || len(owner) != 50 {
		t.Errorf("got %d packets of %d flows, want 4000 of 50", total, len(owner))
	}
}

// TestWake ends a wait at once, also when it comes first.
func TestWake(t *testing.T) {
	pair(t)
	r := open(t, ring.Config{Interface: "rx0", Timeout: time.Minute})
	batch := make([]capture.Packet, 8)
	r.Wake()
	if n, err := r.Next(batch); n != 0 || err != nil {
		t.Errorf("got %d packets and %v, want none", n, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		time.Sleep(20 * time.Millisecond)
		r.Wake()
	}()
	if n, err := r.Next(batch); n != 0 || err != nil {
		t.Errorf("got %d packets and %v, want none", n, err)
	}
	<-done
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	r.Wake()
	if _, err := r.Next(batch); !errors.Is(err, ring.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// TestInterfaceDrops sends a frame with two tags, of VLANs that the host does
// not have. The kernel adds it to rx_dropped, and yet nothing is lost: we have
// seen it.
func TestInterfaceDrops(t *testing.T) {
	pair(t)
	const file = "/sys/class/net/rx0/statistics/rx_dropped"
	if _, err := os.Stat(file); err != nil {
		t.Skip("no /sys of the namespace: ", err)
	}
	r := open(t, ring.Config{Interface: "rx0"})
	plain := frame(100, 0, 0)
	alien := append(append(bytes.Clone(plain[:12]), "\x88\xa8\x00\x07\x81\x00\x00\x08"...), plain[12:]...)
	newSender(t, "tx0").send(t, alien)
	if got := collect(t, r, 1); len(got) != 1 {
		t.Errorf("got %d packets, want 1", len(got))
	}
	if b, err := os.ReadFile(file); err != nil || string(b) == "0\n" {
		t.Logf("this kernel says rx_dropped %q (%v)", b, err)
	}
	if drops := r.Stats().InterfaceDrops; drops != 0 {
		t.Errorf("got %d drops, want none", drops)
	}
}

const childVariable = "BLINDSPOT_RING_CHILD"

// TestMain is also the child of TestUnprivileged.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	if err := child(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// nobody is the usual number of the user who may do nothing.
const nobody = 65534

// child reads ten packets from descriptor 3 as nobody.
func child() error {
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
		return err
	}
	if _, err := ring.Open(ring.Config{Interface: "rx0"}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "CAP_NET_RAW") {
		return fmt.Errorf("open as nobody: got %w, want that CAP_NET_RAW is missing", err)
	}
	r, err := ring.New(3, ring.Config{Interface: "rx0"})
	if err != nil {
		return err
	}
	batch := make([]capture.Packet, 64)
	for r.Stats().Packets < 10 {
		n, err := r.Next(batch)
		if err != nil {
			return err
		}
		for _, p := range batch[:n] {
			fmt.Println(p.Data[len(p.Data)-1])
		}
	}
	return nil
}

// TestUnprivileged passes a descriptor to a process without any privilege.
func TestUnprivileged(t *testing.T) {
	pair(t)
	fd, err := ring.Open(ring.Config{Interface: "rx0"})
	if err != nil {
		t.Fatal(err)
	}
	s := newSender(t, "tx0")
	for i := range 10 {
		s.send(t, frame(100, 0, i))
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	f := os.NewFile(uintptr(fd), "ring")
	defer f.Close()
	cmd.ExtraFiles = []*os.File{f}
	out, err := cmd.CombinedOutput()
	if want := "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n"; err != nil || string(out) != want {
		t.Errorf("got %q and %v, want %q", out, err, want)
	}
}

func TestConfig(t *testing.T) {
	tests := []struct {
		name string
		cfg  ring.Config
		want string
	}{
		{"no interface", ring.Config{}, "no interface is named"},
		{"block size", ring.Config{Interface: "lo", BlockSize: 100 << 10}, "lo: a block size that is no power of two"},
		{"small blocks", ring.Config{Interface: "lo", BlockSize: 4 << 10}, "below 64 KiB"},
		{"one block", ring.Config{Interface: "lo", Blocks: 1}, "fewer than 2 blocks"},
		{"too big", ring.Config{Interface: "lo", Blocks: 1 << 20}, "over 4 GiB"},
		{"both", ring.Config{Interface: "lo", Program: 5, Filter: []bpf.RawInstruction{{}}}, "a filter and a program"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := ring.Open(test.cfg); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	inNamespace(t)
	run(t, "ip", "link", "set", "lo", "up")
	tests := []struct {
		name string
		cfg  ring.Config
		want string
	}{
		{"no such interface", ring.Config{Interface: "eth9"}, "eth9: no such interface — there is lo"},
		{"a name too long", ring.Config{Interface: "an-interface-of-this-name"}, "an-interface-of-this-name: no such interface — there is lo"},
		{"bad filter", ring.Config{Interface: "lo", Filter: []bpf.RawInstruction{{Op: 0xffff}}}, "lo: attach a filter of 1 instructions: invalid argument — it is too long, or no program for a socket"},
	}
	for _, test := range tests {
		if _, err := ring.Open(test.cfg); err == nil || err.Error() != test.want {
			t.Errorf("%s: got  %v\nwant %s", test.name, err, test.want)
		}
	}
	if _, err := ring.New(0, ring.Config{Interface: "lo"}); err == nil || !strings.Contains(err.Error(), "it must come from Open") {
		t.Errorf("got %v for a descriptor that is no ring", err)
	}
}

// TestWaits counts waits that say something of the packets before, and no
// others.
func TestWaits(t *testing.T) {
	pair(t)
	r := open(t, ring.Config{Interface: "rx0"})
	batch := make([]capture.Packet, 8)
	for _, step := range []struct {
		name          string
		do            func()
		packets, want int
	}{
		{"nothing comes", func() {}, 0, 1},
		{"woken", r.Wake, 0, 1},
		{"a packet", func() { newSender(t, "tx0").send(t, frame(100, 0, 0)) }, 1, 2},
	} {
		step.do()
		n, err := r.Next(batch)
		if err != nil || n != step.packets || r.Waits() != uint64(step.want) {
			t.Errorf("%s: %d packets, %d waits, error %v; want %d and %d", step.name, n, r.Waits(), err, step.packets, step.want)
		}
	}
}
