package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"blindspot/capture"
	"blindspot/capture/decode"
	"blindspot/tlsparse"
	"blindspot/tlsparse/dtls"
	"blindspot/tlsparse/quic"
	"blindspot/tlsparse/starttls"
)

// TestDecoder holds the Viewer against the decoder: where it sees a flow, its
// ends are the decoder's; what it calls data begins no handshake.
func TestDecoder(t *testing.T) {
	for _, dir := range []string{ourCaptures, corpus} {
		v, d := NewViewer(Config{}), decode.New(decode.Config{})
		seen, segments := 0, 0
		eachPacket(t, dir, func(name string, p *capture.Packet) {
			if p.Link != capture.LinkEthernet {
				return
			}
			k, w := v.View(p)
			var s decode.Segment
			ok := d.Decode(p, &s)
			if ok {
				segments++
			}
			if w < SYN || !ok {
				if w >= SYN {
					t.Errorf("%s packet %d: the decoder has no segment", name, p.Number)
				}
				return
			}
			seen++
			if why := differs(k, w, &s); why != "" {
				t.Errorf("%s packet %d: %s", name, p.Number, why)
			}
		})
		t.Logf("%s: %d of %d segments are seen", dir, seen, segments)
	}
}

func differs(k *Key, w What, s *decode.Segment) string {
	sent := k.Lo == s.Src && k.Hi == s.Dst && swapped(k.LoPort) == s.SrcPort && swapped(k.HiPort) == s.DstPort
	back := k.Lo == s.Dst && k.Hi == s.Src && swapped(k.LoPort) == s.DstPort && swapped(k.HiPort) == s.SrcPort
	switch {
	case !sent && !back || k.Proto != uint32(s.Proto):
		return "another flow than the decoder's"
	case s.Proto == decode.TCP && (s.Flags&decode.SYN != 0) != (w == SYN):
		return "a SYN, or none"
	case s.Proto == decode.TCP && w == Data && s.Flags&(decode.FIN|decode.RST) != 0:
		return "FIN or RST taken for data"
	case w == Data && beginsHandshake(s):
		return "the beginning of a handshake taken for data"
	}
	return ""
}

func swapped(port uint16) uint16 {
	var b [2]byte
	b[0], b[1] = byte(port), byte(port>>8) // tests run where that is how the host has it
	return be16(b[:])
}

// beginsHandshake is what flow.Table asks of a segment of a flow that is
// answered.
func beginsHandshake(s *decode.Segment) bool {
	p := s.Payload
	if s.Proto == decode.TCP {
		return len(p) > 10 && p[0] == tlsparse.RecordHandshake && p[1] == 3 &&
			max(tlsparse.ProbeClientHello(p), tlsparse.ProbeServerHello(p)) == tlsparse.Yes
	}
	if len(p) == 0 {
		return false
	}
	inner, _ := dtls.Strip(p)
	_, _, openvpn := starttls.OpenVPNReset(p)
	return openvpn || quic.Probe(p) != tlsparse.No || dtls.Probe(inner) == tlsparse.Yes
}

// TestMutations holds program, Viewer and decoder together on packets in which
// some bytes were changed.
func TestMutations(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	r, v, d := newRunner(t, Config{}), NewViewer(Config{}), decode.New(decode.Config{})
	var seen [countAll]int
	count := 0
	eachPacket(t, ourCaptures, func(name string, p *capture.Packet) {
		if count++; p.Link != capture.LinkEthernet || count%4 != 0 || t.Failed() || len(p.Data) < 40 {
			return
		}
		frame := slices.Clone(p.Data)
		for range 1 + random.IntN(3) {
			frame[12+random.IntN(min(len(frame)-12, 100))] ^= 1 << random.IntN(8)
		}
		if random.IntN(4) == 0 {
			frame = frame[:14+random.IntN(len(frame)-14)]
		}
		m := *p
		m.Data, m.Length = frame, len(frame)
		w := r.agree(v, name, &m)
		seen[w]++
		var s decode.Segment
		if w == Data && d.Decode(&m, &s) {
			k, _ := v.View(&m)
			if why := differs(k, w, &s); why != "" {
				t.Errorf("%s packet %d: %s: %x", name, p.Number, why, frame)
			}
		}
	})
	t.Logf("%d of them are data", seen[Data])
}

// TestMadeDatagrams tries what begins a handshake over UDP, with random bytes
// around.
func TestMadeDatagrams(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	r, v, d := newRunner(t, Config{}), NewViewer(Config{}), decode.New(decode.Config{})
	starts := [][]byte{
		{0x16, 0xfe, 0xfd}, {0x15, 0xfe, 0xff}, {0x16, 1, 0}, {0x17, 0xfe, 0xfd}, {0x19, 0xfe, 0xfd}, {0x38}, {0x40}, {0x50},
		{0x00, 0x16}, {0x00, 0x17}, {0x40, 0x00, 0x00, 0x10, 0x16, 0xfe, 0xfd}, {0x7f, 0xff, 0x00, 0x20, 0x15, 0xfe, 0xfd},
		{0xc0, 0, 0, 0, 1}, {0x80}, {0x2f}, {0, 0, 0, 0, 0, 0, 0, 8}, {0, 0, 0, 0, 0, 0, 0, 12, 0, 3}, {0, 0, 0, 0, 0, 0, 1, 12, 0, 3},
	}
	var seen [countAll]int
	for i := range 20000 {
		size := random.IntN(120)
		b := make([]byte, size)
		for j := range b {
			b[j] = byte(random.Uint32())
			if random.IntN(4) == 0 {
				b[j] = 0
			}
		}
		copy(b, starts[i%len(starts)])
		if random.IntN(2) == 0 && size > 40 {
			copy(b[16+4*random.IntN(4):], []byte{0x16, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0})
			clear(b[size-4:])
		}
		p := capture.Packet{Data: udpFrame(b), Link: capture.LinkEthernet}
		p.Length = len(p.Data)
		w := r.agree(v, "made", &p)
		seen[w]++
		var s decode.Segment
		if w == Data && d.Decode(&p, &s) && beginsHandshake(&s) {
			t.Fatalf("begins a handshake, and taken for data: %x", b)
		}
		if t.Failed() {
			t.Fatalf("%x", b)
		}
	}
	t.Logf("data %d, exempt %d, openers %d and %d", seen[Data], seen[Exempt], seen[LongForm], seen[DTLS])
}

// udpFrame puts a payload into Ethernet, IPv4 and UDP.
func udpFrame(payload []byte) []byte {
	n := len(payload)
	b := slices.Concat(make([]byte, 12), []byte{8, 0},
		[]byte{0x45, 0, byte((28 + n) >> 8), byte(28 + n), 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2},
		[]byte{0x30, 1, 0x30, 2, byte((8 + n) >> 8), byte(8 + n), 0, 0}, payload)
	return b
}
