package kernel_test

import (
	"encoding/binary"
	"errors"
	"os/exec"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"blindspot/capture"
	"blindspot/capture/kernel"
	"blindspot/capture/ring"
)

// pair moves the test into a network namespace with the interfaces tx0 and rx0,
// each of which receives what the other sends, and returns a socket that sends.
func pair(t *testing.T) (send func(frame []byte)) {
	t.Helper()
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); errors.Is(err, unix.EPERM) {
		t.Skip("this needs CAP_SYS_ADMIN, to make a network namespace")
	} else if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"link", "add", "tx0", "type", "veth", "peer", "name", "rx0"},
		{"link", "set", "tx0", "mtu", "9000", "arp", "off", "addrgenmode", "none", "up"},
		{"link", "set", "rx0", "mtu", "9000", "arp", "off", "addrgenmode", "none", "up"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Skip("CAP_NET_RAW is missing: ", err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	ifr, err := unix.NewIfreq("tx0")
	if err == nil {
		err = unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr)
	}
	if err != nil {
		t.Fatal(err)
	}
	to := &unix.SockaddrLinklayer{Ifindex: int(ifr.Uint32())}
	return func(frame []byte) {
		if err := unix.Sendto(fd, frame, 0, to); err != nil {
			t.Fatal(err)
		}
	}
}

// rings opens a fan-out.
func rings(t *testing.T, cfg ring.Config, n int) []*ring.Ring {
	t.Helper()
	cfg.BlockSize, cfg.Blocks, cfg.Retire, cfg.Timeout = 64<<10, 16, time.Millisecond, 30*time.Millisecond
	fds, err := ring.OpenAll(cfg, n)
	if err != nil {
		t.Fatal(err)
	}
	var list []*ring.Ring
	for i, fd := range fds {
		cfg.Worker = i
		r, err := ring.New(fd, cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		list = append(list, r)
	}
	return list
}

// drain reads what is in a ring.
func drain(t *testing.T, r *ring.Ring, do func(p *capture.Packet)) (n int) {
	t.Helper()
	batch := make([]capture.Packet, 64)
	for empty := 0; empty < 2; {
		got, err := r.Next(batch)
		if err != nil {
			t.Fatal(err)
		}
		for i := range batch[:got] {
			do(&batch[i])
		}
		if n += got; got == 0 {
			empty++
		}
	}
	return n
}

// frame is Ethernet with IPv4 and TCP between 10.0.x.y and 192.168.0.1.
func frame(client uint16, back bool, payload string) []byte {
	b := make([]byte, 54, 54+len(payload))
	b[6], b[0] = 2, 2
	b[12], b[13] = 8, 0
	copy(b[14:], []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, byte(client >> 8), byte(client), 192, 168, 0, 1, 0x90, 0, 1, 187})
	binary.BigEndian.PutUint16(b[16:], uint16(40+len(payload)))
	b[46], b[47] = 5<<4, 16
	if back {
		copy(b[26:], []byte{192, 168, 0, 1, 10, 0, byte(client >> 8), byte(client), 1, 187, 0x90, 0})
	}
	return append(b, payload...)
}

// tagged puts VLAN tags in front.
func tagged(b []byte, ids ...uint16) []byte {
	for _, id := range slices.Backward(ids) {
		b = slices.Concat(b[:12], []byte{0x81, 0, byte(id >> 8), byte(id)}, b[12:])
	}
	return b
}

// tunnelled puts a frame into VXLAN between 172.16.0.1 and 172.16.0.2.
func tunnelled(b []byte, vni uint32, port uint16, back bool) []byte {
	o := make([]byte, 50)
	o[6], o[0] = 4, 4
	o[12], o[13] = 8, 0
	copy(o[14:], []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 172, 16, 0, 1, 172, 16, 0, 2})
	if back {
		o[29], o[33] = 2, 1
	}
	binary.BigEndian.PutUint16(o[16:], uint16(36+len(b)))
	binary.BigEndian.PutUint16(o[34:], port)
	binary.BigEndian.PutUint16(o[36:], 4789)
	binary.BigEndian.PutUint16(o[38:], uint16(16+len(b)))
	o[42] = 8
	binary.BigEndian.PutUint32(o[46:], vni<<8)
	return append(o, b...)
}

// TestCutoffTags sends the same flow bare, in VLANs and in tunnels, and marks
// one of them by what the ring has delivered: with the tag that the kernel had
// taken off and the ring put back. Only that one may be cut off.
func TestCutoffTags(t *testing.T) {
	send := pair(t)
	bare := frame(7, false, "some data")
	variants := map[string]func(b []byte) []byte{
		"bare":       func(b []byte) []byte { return b },
		"vlan 7":     func(b []byte) []byte { return tagged(b, 7) },
		"vlan 8":     func(b []byte) []byte { return tagged(b, 8) },
		"priority":   func(b []byte) []byte { return tagged(b, 0) },
		"vlan 7, 8":  func(b []byte) []byte { return tagged(b, 7, 8) },
		"vxlan 7":    func(b []byte) []byte { return tunnelled(b, 7, 1000, false) },
		"vxlan 8":    func(b []byte) []byte { return tunnelled(b, 8, 1000, false) },
		"vlan vxlan": func(b []byte) []byte { return tagged(tunnelled(tagged(b, 9), 7, 1000, false), 7) },
	}
	same := map[string]string{"priority": "bare", "bare": "priority"} // VLAN 0 is none
	for marked, wrap := range variants {
		cutoff, err := kernel.Load(kernel.Config{Entries: 1 << 10})
		if err != nil {
			t.Skip(err)
		}
		list := rings(t, ring.Config{Interface: "rx0", Program: cutoff.FDs().Program}, 1)
		viewer := kernel.NewViewer(kernel.Config{})
		send(wrap(bare))
		n := drain(t, list[0], func(p *capture.Packet) {
			k, w := viewer.View(p)
			if w != kernel.Data {
				t.Errorf("%s: taken for %d", marked, w)
				return
			}
			cutoff.Answered(k, p.Time)
		})
		cutoff.Flush()
		if n != 1 {
			t.Errorf("%s: %d packets instead of 1", marked, n)
		}
		for name, other := range variants {
			send(other(frame(7, false, "more data")))
			send(other(frame(7, true, "an answer")))
			want := 2
			if name == marked || same[name] == marked {
				want = 0
			}
			if n := drain(t, list[0], func(*capture.Packet) {}); n != want {
				t.Errorf("%s is marked: of %s %d packets came, want %d", marked, name, n, want)
			}
		}
		cutoff.Close()
	}
}

// TestFanoutRings sends both directions of flows, bare, in VLANs and in VXLAN
// with source ports that differ for each direction, to four rings: both must
// reach one. With the kernel's hash they do not.
func TestFanoutRings(t *testing.T) {
	const flows, workers = 200, 4
	send := pair(t)
	program, err := kernel.LoadFanout(kernel.Config{})
	if err != nil {
		t.Skip(err)
	}
	defer program.Close()
	torn := make(map[ring.Mode]int)
	for _, mode := range []ring.Mode{ring.ByProgram, ring.ByHash} {
		list := rings(t, ring.Config{Interface: "rx0", Fanout: ring.Fanout{Mode: mode, Program: program.FD()}}, workers)
		for i := range uint16(flows) {
			for _, back := range []bool{false, true} {
				f := frame(i, back, "some data")
				send(f)
				send(tagged(f, 12))
				port := 50000 + i
				if back {
					port = 3000 + 7*i
				}
				send(tunnelled(f, 5, port, back))
			}
		}
		where := make(map[uint16]map[int]int) // flow to rings
		for worker, r := range list {
			drain(t, r, func(p *capture.Packet) {
				b := p.Data[len(p.Data)-49:] // IPv4 and nine bytes
				id := binary.BigEndian.Uint16(b[14:])
				if b[12] == 192 {
					id = binary.BigEndian.Uint16(b[18:])
				}
				if where[id] == nil {
					where[id] = make(map[int]int)
				}
				where[id][worker]++
			})
			r.Close()
		}
		total := 0
		for _, at := range where {
			for _, n := range at {
				total += n
			}
			if len(at) > 1 {
				torn[mode]++
			}
		}
		if total != flows*6 || len(where) != flows {
			t.Errorf("mode %d: %d packets of %d flows", mode, total, len(where))
		}
	}
	t.Logf("of %d flows the program tears %d apart, the kernel's hash %d", flows, torn[ring.ByProgram], torn[ring.ByHash])
	if torn[ring.ByProgram] != 0 || torn[ring.ByHash] == 0 {
		t.Error("want none with the program, and some without: else this test shows nothing")
	}
}
