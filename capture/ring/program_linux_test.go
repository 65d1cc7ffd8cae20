package ring_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"blindspot/capture/ring"
)

// returns loads a program that returns a byte of the packet.
func returns(t *testing.T, offset int32) *ebpf.Program {
	t.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, License: "GPL",
		Instructions: asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.LoadAbs(offset, asm.Byte),
			asm.Return(),
		},
	})
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("this needs CAP_BPF, to load a program: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program
}

// netOffset counts from the network layer (SKF_NET_OFF in linux/filter.h): a
// program that shares packets sees those that are received from there on, and
// those that are sent from the link layer on.
const netOffset = -0x100000

// TestFanoutProgram shares packets by what a program returns, modulo the number
// of rings.
func TestFanoutProgram(t *testing.T) {
	program := returns(t, netOffset+21) // the lower byte of the source port
	pair(t)
	cfg := ring.Config{Interface: "rx0", Fanout: ring.Fanout{Mode: ring.ByProgram, Program: program.FD()}}
	fds, err := ring.OpenAll(cfg, 3)
	if err != nil {
		t.Fatal(err)
	}
	s := newSender(t, "tx0")
	for i := range 300 {
		s.send(t, frame(100, i, i))
	}
	for worker, fd := range fds {
		got := collect(t, mapped(t, fd, cfg), 300)
		if len(got) < 80 {
			t.Errorf("worker %d got %d packets", worker, len(got))
		}
		for _, p := range got {
			if int(p.Data[35])%3 != worker { // ports begin at 1024, of which the lower byte is 0
				t.Fatalf("worker %d got a packet from port %x", worker, p.Data[34:36])
			}
		}
	}
}

// TestProgram filters by a program: it says how much is kept of a packet.
func TestProgram(t *testing.T) {
	program := returns(t, 35)
	pair(t)
	r := open(t, ring.Config{Interface: "rx0", Program: program.FD()})
	s := newSender(t, "tx0")
	for i := range 100 {
		s.send(t, frame(200, i, i))
	}
	got := collect(t, r, 100)
	if len(got) != 99 {
		t.Fatalf("got %d packets, want all but the first", len(got))
	}
	for i, p := range got {
		if len(p.Data) != i+1 || p.Length != 200 {
			t.Errorf("packet %d: got %d of %d bytes, want %d of 200", i, len(p.Data), p.Length, i+1)
		}
	}
}
