package kernel

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// loaded skips, naming what is missing, or fails with what the verifier said.
func loaded(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, unix.EPERM) {
		t.Skip("CAP_BPF is missing")
	}
	if err != nil {
		var v *ebpf.VerifierError
		if errors.As(err, &v) {
			t.Fatalf("%+v", v)
		}
		t.Fatal(err)
	}
}

// load loads a cut-off, or skips naming what is missing.
func load(t testing.TB, cfg Config) *Cutoff {
	t.Helper()
	if cfg.Entries == 0 {
		cfg.Entries = 1 << 14
	}
	c, err := Load(cfg)
	loaded(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func loadFanout(t testing.TB, cfg Config) *Fanout {
	t.Helper()
	f, err := LoadFanout(cfg)
	loaded(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func program(t testing.TB, fd int) *ebpf.Program {
	t.Helper()
	own, err := own(fd)
	if err != nil {
		t.Fatal(err)
	}
	p, err := ebpf.NewProgramFromFD(own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestLoad loads what can be asked for: every link type, tunnels turned off,
// on other ports, and more of them than a program compares with.
func TestLoad(t *testing.T) {
	many := make([]uint16, maxPorts+1)
	for i := range many {
		many[i] = uint16(20000 + i)
	}
	for name, cfg := range map[string]Config{
		"default":     {},
		"raw IP":      {Link: capture.LinkRaw},
		"802.11":      {Link: capture.LinkRadiotap},
		"no VXLAN":    {UDPPorts: map[string][]uint16{"vxlan": {}}},
		"no tunnels":  {UDPPorts: none()},
		"other ports": {UDPPorts: map[string][]uint16{"vxlan": {4790}, "geneve": {1, 2, 3}}},
	} {
		c := load(t, cfg)
		f := loadFanout(t, cfg)
		if info, err := program(t, c.fds.Program).Info(); err == nil {
			n, _ := info.VerifiedInstructions()
			ins, _ := info.TranslatedSize()
			t.Logf("%s: cut-off: %d instructions, %d verified", name, ins/8, n)
		}
		if info, err := program(t, f.FD()).Info(); err == nil {
			n, _ := info.VerifiedInstructions()
			ins, _ := info.TranslatedSize()
			t.Logf("%s: fan-out: %d instructions, %d verified", name, ins/8, n)
		}
	}
	for name, cfg := range map[string]Config{
		"too many ports":    {UDPPorts: map[string][]uint16{"vxlan": many}},
		"negative entries":  {Entries: -1},
		"a filter of X":     {Filter: []bpf.RawInstruction{{Op: 6, K: 1}, {Op: 7}}},
		"a jump too far":    {Filter: []bpf.RawInstruction{{Op: 5, K: 7}, {Op: 6, K: 1}}},
		"an unknown offset": {Filter: []bpf.RawInstruction{{Op: 0x20, K: 0xfffff00c}, {Op: 6, K: 1}}},
	} {
		if _, err := Load(cfg); err == nil {
			t.Errorf("%s: no error", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

// none turns every tunnel over UDP off.
func none() map[string][]uint16 {
	off := make(map[string][]uint16)
	for _, name := range decode.UDPTunnels() {
		off[name] = nil
	}
	return off
}

// BenchmarkCutoff is the time that the program takes for a packet.
func BenchmarkCutoff(b *testing.B) {
	data, syn := tcpFrame(false, flagACK, "some data of a flow"), tcpFrame(false, flagSYN, "")
	other := tcpFrame(false, flagACK, "some data of a flow")
	other[26] = 11
	tagged := slices.Concat(data[:12], []byte{0x81, 0, 0, 7}, data[12:])
	tunnel := udpFrame(slices.Concat([]byte{8, 0, 0, 0, 0, 0, 9, 0}, data))
	tunnel[36], tunnel[37] = 4789>>8, 4789&255
	for _, bench := range []struct {
		name  string
		frame []byte
		mark  bool
	}{
		{"miss", other, false}, {"cut", data, true}, {"syn", syn, false}, {"cut in a VLAN", tagged, true}, {"cut in VXLAN", tunnel, true},
		{"QUIC, cut", udpFrame(bytes.Repeat([]byte{0x41}, 1200)), true},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := newRunner(b, Config{Entries: 1 << 20})
			if bench.mark {
				k, w := NewViewer(Config{}).View(packetOf(bench.frame))
				if w != Data {
					b.Fatal(w)
				}
				r.c.Answered(k, 1)
				r.c.Flush()
			}
			_, d, err := r.prog.Benchmark(append(make([]byte, 14), bench.frame...), max(b.N, 1), nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(d.Nanoseconds()), "ns/op")
		})
	}
	b.Run("fan-out", func(b *testing.B) {
		prog := program(b, loadFanout(b, Config{}).FD())
		_, d, err := prog.Benchmark(data, max(b.N, 1), nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(d.Nanoseconds()), "ns/op")
	})
}

// BenchmarkView is what the Viewer takes for a packet of a flow's data, and
// BenchmarkAnswered what it takes to note a mark and to write it.
func BenchmarkView(b *testing.B) {
	p, v := packetOf(tcpFrame(false, flagACK, "some data of a flow")), NewViewer(Config{})
	b.ReportAllocs()
	for b.Loop() {
		v.View(p)
	}
}

func BenchmarkAnswered(b *testing.B) {
	c := load(b, Config{Entries: 1 << 16})
	k, _ := NewViewer(Config{}).View(packetOf(tcpFrame(false, flagACK, "data")))
	key := *k
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		key.IDs[0] = uint32(i)
		c.Answered(&key, 1)
	}
}

// BenchmarkLoad is what the programs take to load: the kernel follows all their
// paths.
func BenchmarkLoad(b *testing.B) {
	b.Run("cut-off", func(b *testing.B) {
		for b.Loop() {
			c, err := Load(Config{Entries: 1 << 19})
			if err != nil {
				b.Skip(err)
			}
			c.Close()
		}
	})
	b.Run("fan-out", func(b *testing.B) {
		for b.Loop() {
			f, err := LoadFanout(Config{})
			if err != nil {
				b.Skip(err)
			}
			f.Close()
		}
	})
}
