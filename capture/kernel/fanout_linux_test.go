package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"blindspot/capture"
	"blindspot/capture/decode"
)

// TestFanout wants one number for all packets of both directions between two
// addresses, in whatever tunnel, as the decoder sees them; fragments too.
func TestFanout(t *testing.T) {
	prog := program(t, loadFanout(t, Config{}).FD())
	for _, dir := range []string{ourCaptures, corpus} {
		d := decode.New(decode.Config{})
		type pair struct {
			name string
			a, b [16]byte
		}
		numbers := make(map[pair]uint32)
		packets, tunnelled := 0, 0
		apart := make(map[string]int)
		eachPacket(t, dir, func(name string, p *capture.Packet) {
			if p.Link != capture.LinkEthernet {
				return
			}
			n, err := prog.Run(&ebpf.RunOptions{Data: p.Data})
			if errors.Is(err, unix.EINVAL) {
				return // too short for what its EtherType promises
			}
			if err != nil {
				t.Fatal(err)
			}
			var s decode.Segment
			if !d.Decode(p, &s) {
				return
			}
			packets++
			if s.Tunnel.Count > 0 {
				tunnelled++
			}
			k := pair{name, s.Src, s.Dst}
			if bytes.Compare(k.a[:], k.b[:]) > 0 {
				k.a, k.b = k.b, k.a
			}
			if before, ok := numbers[k]; ok && before != n {
				apart[name]++
			}
			numbers[k] = n
		})
		for name, n := range apart {
			t.Errorf("%s: %d packets go to other rings than those before of the same addresses", name, n)
		}
		t.Logf("%s: %d packets, %d in tunnels, between %d pairs", dir, packets, tunnelled, len(numbers))
	}
}

// TestFanoutEven wants pairs of addresses spread evenly over rings: within five
// standard deviations.
func TestFanoutEven(t *testing.T) {
	prog := program(t, loadFanout(t, Config{}).FD())
	const pairs = 4000
	addresses := map[string]func(i uint32) (a, b uint32){
		"one server":     func(i uint32) (a, b uint32) { return 0x0a000000 + i, 0xc0a80001 },
		"a subnet":       func(i uint32) (a, b uint32) { return 0x0a000000 + i%64, 0x0a000100 + i/64 },
		"sparse clients": func(i uint32) (a, b uint32) { return i * 65536, 0xc0a80001 },
	}
	for name, of := range addresses {
		for _, rings := range []int{2, 3, 4, 8, 16} {
			got := make([]int, rings)
			for i := range uint32(pairs) {
				frame := udpFrame(make([]byte, 20))
				a, b := of(i)
				binary.BigEndian.PutUint32(frame[26:], a)
				binary.BigEndian.PutUint32(frame[30:], b)
				n, err := prog.Run(&ebpf.RunOptions{Data: frame})
				if err != nil {
					t.Fatal(err)
				}
				got[n%uint32(rings)]++
			}
			mean := float64(pairs) / float64(rings)
			for _, n := range got {
				if math.Abs(float64(n)-mean) > 5*math.Sqrt(mean) {
					t.Errorf("%s over %d rings: %v", name, rings, got)
					break
				}
			}
		}
	}
}
