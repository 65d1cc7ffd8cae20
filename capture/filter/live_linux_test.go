package filter

import (
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"blindspot/capture"
)

// loopback makes a network namespace with a loopback interface, which the rest
// of the test sees alone.
func loopback(t *testing.T) {
	t.Helper()
	runtime.LockOSThread() // the thread ends with the test
	err := unix.Unshare(unix.CLONE_NEWNET)
	if errors.Is(err, unix.EPERM) {
		t.Skip("this needs CAP_SYS_ADMIN, to make a network namespace")
	}
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ifr, _ := unix.NewIfreq("lo")
	ifr.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr); err != nil {
		t.Fatal(err)
	}
}

// tap opens a socket at the loopback interface, with a filter if there is one.
func tap(t *testing.T, program []bpf.RawInstruction) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 64<<20); err != nil {
		t.Fatal(err)
	}
	if len(program) > 0 {
		list := make([]unix.SockFilter, len(program))
		for i, in := range program {
			list[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
		}
		if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(list)), Filter: &list[0]}); err != nil {
			t.Fatalf("the kernel does not take the filter: %v", err)
		}
	}
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: 1}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// received empties a socket and returns the hashes of what was in it.
func received(fd int) (list []uint64) {
	buf := make([]byte, 1<<16)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return list
		}
		sum := uint64(14695981039346656037)
		for _, b := range buf[:n] {
			sum = (sum ^ uint64(b)) * 1099511628211
		}
		list = append(list, sum)
	}
}

// tagged returns packets as they are, and with one and with two VLAN tags.
func tagged(packets [][]byte) (frames [][]byte) {
	for i, data := range packets {
		if len(data) < 40 || len(data) > 1500 {
			continue
		}
		for _, tags := range []string{"", "\x81\x00\x00\x0c", "\x81\x00\xe0\x64", "\x88\xa8\x00\x64\x81\x00\x00\x0c", "\x81\x00\x00\x0c\x81\x00\x00\x64"} {
			f := append([]byte(nil), data[:12]...)
			frames = append(frames, append(append(f, tags...), data[12:]...))
		}
		if i > 4000 {
			break
		}
	}
	return frames
}

// TestLive has the kernel run our programs and libpcap's beside each other, on
// frames with tags in them (as they are sent) and beside them (as they are
// received): both see the same.
func TestLive(t *testing.T) {
	var sample [][]byte
	all := packets(t, capture.LinkEthernet, 60)
	for i := 0; i < len(all); i += len(all)/40 + 1 {
		sample = append(sample, all[i])
	}
	frames := tagged(sample)
	loopback(t)
	everything := tap(t, nil)
	type pair struct {
		expr     string
		us, them int
	}
	var pairs []pair
	for _, o := range readOracles(t) {
		program, err := Compile(o.Expr, capture.LinkEthernet, 0)
		if err != nil {
			t.Fatal(err)
		}
		pairs = append(pairs, pair{o.Expr, tap(t, program), tap(t, readProgram(t, o.Live))})
	}
	sender, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Fatal(err)
	}
	last := frames[len(frames)-1] // when it has come, the others are in every socket
	for _, f := range append(frames, last) {
		if err := unix.Sendto(sender, f, 0, &unix.SockaddrLinklayer{Ifindex: 1}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for end := time.Now().Add(10 * time.Second); n < 2*len(frames)+2 && time.Now().Before(end); {
		n += len(received(everything))
	}
	if n != 2*len(frames)+2 {
		t.Fatalf("got %d packets without a filter, want each of %d sent and received", n, len(frames))
	}
	matched := 0
	for _, p := range pairs {
		got, want := received(p.us), received(p.them)
		got, want = got[:min(len(got), 2*len(frames))], want[:min(len(want), 2*len(frames))]
		matched += len(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %d packets, libpcap's program %d", p.expr, len(got), len(want))
		}
	}
	t.Logf("%d frames, sent and received, %d expressions: %d matches", len(frames), len(pairs), matched)
	for _, p := range pairs {
		_ = unix.Close(p.us)
		_ = unix.Close(p.them)
	}
	_ = unix.Close(everything)
	_ = unix.Close(sender)
}
