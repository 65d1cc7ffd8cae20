package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"blindspot/capture"
)

// keeper loads a filter alone: what it returns is what it keeps of a packet.
// BPF_PROG_TEST_RUN cuts off 14 bytes in front.
func keeper(t *testing.T, list []bpf.RawInstruction) *ebpf.Program {
	t.Helper()
	c, err := Load(Config{Entries: 1 << 10, Filter: list, Link: capture.LinkNull}) // no flow is looked for
	if errors.Is(err, unix.EPERM) {
		t.Skip("CAP_BPF is missing")
	}
	if err != nil {
		t.Fatalf("%v: %+v", list, err)
	}
	defer c.Close()
	return program(t, c.fds.Program)
}

func keeps(t *testing.T, p *ebpf.Program, data []byte) uint32 {
	t.Helper()
	n, err := p.Run(&ebpf.RunOptions{Data: append(bytes.Repeat([]byte{0x88}, 14), data...)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestClassicRandom compares translated random programs with the machine of
// golang.org/x/net/bpf.
func TestClassicRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	compared, kept := 0, 0
	for range 80 {
		list := randomProgram(random)
		raw, err := bpf.Assemble(list)
		if err != nil {
			t.Fatal(err)
		}
		vm, err := bpf.NewVM(list)
		if err != nil {
			continue // a division by a constant 0, and the like
		}
		p := keeper(t, raw)
		for range 20 {
			data := make([]byte, 1+random.IntN(80))
			for i := range data {
				data[i] = byte(random.Uint32() >> 7)
			}
			want, err := vm.Run(data)
			if err != nil {
				t.Fatal(err)
			}
			if got := keeps(t, p, data); got != uint32(want) {
				t.Fatalf("got %d, want %d of %x by\n%v", got, want, data, list)
			}
			if compared++; want != 0 {
				kept++
			}
		}
	}
	t.Logf("%d runs, %d kept", compared, kept)
}

// randomProgram makes a program that loads, computes, jumps ahead and returns.
func randomProgram(r *rand.Rand) []bpf.Instruction {
	n := 5 + r.IntN(20)
	list := []bpf.Instruction{}
	for m := range 16 {
		list = append(list, bpf.StoreScratch{Src: bpf.RegA, N: m})
	}
	k := func() uint32 { return []uint32{0, 1, 2, 7, 0xff, 0x800, 1 << 31, r.Uint32()}[r.IntN(8)] }
	offset := func() uint32 { return uint32(r.IntN(24)) }
	size := func() int { return []int{1, 2, 4}[r.IntN(3)] }
	ops := []bpf.ALUOp{bpf.ALUOpAdd, bpf.ALUOpSub, bpf.ALUOpMul, bpf.ALUOpDiv, bpf.ALUOpOr, bpf.ALUOpAnd, bpf.ALUOpMod, bpf.ALUOpXor}
	tests := []bpf.JumpTest{bpf.JumpEqual, bpf.JumpNotEqual, bpf.JumpGreaterThan, bpf.JumpLessThan, bpf.JumpGreaterOrEqual, bpf.JumpLessOrEqual, bpf.JumpBitsSet, bpf.JumpBitsNotSet}
	skip := func(left int) uint8 { return uint8(r.IntN(min(left, 6))) }
	for i := range n {
		left := n - i
		switch r.IntN(16) {
		case 0, 1:
			list = append(list, bpf.LoadAbsolute{Off: offset(), Size: size()})
		case 2:
			list = append(list, bpf.LoadConstant{Dst: bpf.RegX, Val: offset()}, bpf.LoadIndirect{Off: offset(), Size: size()})
		case 3:
			list = append(list, bpf.LoadMemShift{Off: offset()})
		case 4:
			list = append(list, bpf.LoadConstant{Dst: bpf.Register(r.IntN(2)), Val: k()})
		case 5:
			list = append(list, bpf.LoadExtension{Num: bpf.ExtLen})
		case 6:
			list = append(list, bpf.StoreScratch{Src: bpf.Register(r.IntN(2)), N: r.IntN(16)})
		case 7:
			list = append(list, bpf.LoadScratch{Dst: bpf.Register(r.IntN(2)), N: r.IntN(16)})
		case 8:
			list = append(list, bpf.ALUOpX{Op: ops[r.IntN(len(ops))]})
		case 9:
			list = append(list, bpf.ALUOpConstant{Op: ops[r.IntN(len(ops))], Val: k() | 1})
		case 10:
			list = append(list, bpf.ALUOpConstant{Op: []bpf.ALUOp{bpf.ALUOpShiftLeft, bpf.ALUOpShiftRight}[r.IntN(2)], Val: uint32(r.IntN(32))})
		case 11:
			list = append(list, []bpf.Instruction{bpf.TAX{}, bpf.TXA{}}[r.IntN(2)])
		case 12, 13:
			list = append(list, bpf.JumpIf{Cond: tests[r.IntN(len(tests))], Val: k(), SkipTrue: skip(left), SkipFalse: skip(left)})
		case 14:
			list = append(list, bpf.JumpIfX{Cond: tests[r.IntN(len(tests))], SkipTrue: skip(left), SkipFalse: skip(left)})
		case 15:
			list = append(list, bpf.RetConstant{Val: uint32(r.IntN(3)) * 100})
		}
	}
	for range 8 { // what jumps may reach
		list = append(list, bpf.TAX{})
	}
	return append(list, bpf.RetA{})
}

// TestClassicTcpdump compares translated filters of tcpdump with what tcpdump
// itself finds in captures.
func TestClassicTcpdump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("not installed: tcpdump")
	}
	all, err := filepath.Glob(ourCaptures + "/*.pcap")
	if err != nil || len(all) == 0 {
		t.Skip("captures: ", err)
	}
	var files []string
	for i := 0; i < len(all); i += 12 {
		if f, err := os.Open(all[i]); err == nil && len(frames(t, all[i], f)) > 0 {
			files = append(files, all[i])
		}
	}
	for _, expr := range []string{
		"tcp", "udp port 443", "host 10.0.0.1", "net 10.0.0.0/8 and not port 80", "ip6", "tcp[tcpflags] & tcp-syn != 0",
		"portrange 1-1024", "greater 1000", "vlan and tcp", "ip proto 47 or udp port 4789", "src net 192.168.0.0/16 and tcp port 443",
		"icmp or arp", "ether[0] & 1 = 0 and ip[8] > 10", "(tcp[((tcp[12:1] & 0xf0) >> 2):1] = 0x16) and tcp",
	} {
		out, err := exec.Command("tcpdump", "-ddd", "-y", "EN10MB", "-s", "262144", expr).Output()
		if err != nil {
			t.Fatalf("tcpdump -ddd %q: %v", expr, err)
		}
		p := keeper(t, parseDDD(t, string(out)))
		matched := 0
		for _, path := range files {
			matched += againstTcpdump(t, p, path, expr)
		}
		t.Logf("%q: %d packets", expr, matched)
	}
}

func parseDDD(t *testing.T, text string) (list []bpf.RawInstruction) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		var in bpf.RawInstruction
		if _, err := fmt.Sscan(line, &in.Op, &in.Jt, &in.Jf, &in.K); err != nil {
			t.Fatal(err)
		}
		list = append(list, in)
	}
	return list
}

func againstTcpdump(t *testing.T, p *ebpf.Program, path, expr string) int {
	t.Helper()
	out, err := exec.Command("tcpdump", "-r", path, "-w", "-", expr).Output()
	if err != nil {
		t.Fatalf("tcpdump -r %s %q: %v", path, expr, err)
	}
	want := frames(t, "tcpdump", bytes.NewReader(out))
	var got []string
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, frame := range frames(t, path, f) {
		if keeps(t, p, []byte(frame)) != 0 {
			got = append(got, frame)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s, %q: %d packets, tcpdump has %d", path, expr, len(got), len(want))
	}
	return len(want)
}

func frames(t *testing.T, name string, r interface{ Read([]byte) (int, error) }) (list []string) {
	t.Helper()
	f, err := capture.OpenReader(name, r, capture.Config{})
	if err != nil {
		return nil
	}
	batch := make([]capture.Packet, 64)
	for {
		n, err := f.Next(batch)
		if err != nil {
			return list
		}
		for _, p := range batch[:n] {
			if len(p.Data) <= maxFrame && p.Link == capture.LinkEthernet {
				list = append(list, string(p.Data))
			}
		}
	}
}

// TestClassicKernel has the kernel's own translation of a program that asks for
// what only the kernel knows, and ours, judge the same packets.
func TestClassicKernel(t *testing.T) {
	list := []bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtProto}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x0800, SkipFalse: 6},
		bpf.LoadExtension{Num: bpf.ExtVLANTagPresent}, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0, SkipTrue: 4},
		bpf.LoadExtension{Num: bpf.ExtInterfaceIndex}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 1, SkipFalse: 2},
		bpf.LoadExtension{Num: bpf.ExtType}, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 77, SkipTrue: 1},
		bpf.RetConstant{Val: 0}, bpf.RetConstant{Val: 200},
	}
	raw, err := bpf.Assemble(list)
	if err != nil {
		t.Fatal(err)
	}
	c := load(t, Config{Filter: raw})
	kernels, err := packetSocket(func(fd int) error {
		prog := make([]unix.SockFilter, len(raw))
		for i, in := range raw {
			prog[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
		}
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]})
	})
	if errors.Is(err, unix.EPERM) {
		t.Skip("CAP_NET_RAW is missing")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(kernels)
	ours, err := packetSocket(func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ATTACH_BPF, c.fds.Program)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(ours)
	conn, err := net.Dial("udp4", "127.0.0.1:9")
	if err != nil {
		t.Skip("no loopback: ", err)
	}
	defer conn.Close()
	for i := range 50 {
		fmt.Fprintf(conn, "classic %d", i)
	}
	time.Sleep(50 * time.Millisecond)
	want, got := received(kernels), received(ours)
	if want == 0 || got != want {
		t.Errorf("our program let %d packets pass, the kernel's %d", got, want)
	}
}

// packetSocket opens a packet socket on loopback with a filter.
func packetSocket(attach func(fd int) error) (int, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	if err := attach(fd); err != nil {
		return -1, err
	}
	return fd, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: 0x0300, Ifindex: 1}) // ETH_P_ALL
}

// received counts the packets of a socket that are this test's.
func received(fd int) (n int) {
	b := make([]byte, 2048)
	for {
		size, _, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			return n
		}
		if bytes.Contains(b[:size], []byte("classic ")) {
			n++
		}
	}
}
