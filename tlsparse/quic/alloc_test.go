package quic

import "testing"

// TestAllocations: nothing is allocated for short headers, nor for the packets
// of a connection once its keys are there, nor for what is no packet.
func TestAllocations(t *testing.T) {
	hello := rfcHello(t)
	m := newClient(Version1)
	half, rest := m.packet(cryptoFrame(hello, 0, 100), pad), m.packet(cryptoFrame(hello, 100, len(hello)), pad)
	tests := []struct {
		name string
		b    []byte
	}{
		{"short header", append([]byte("\x40server"), make([]byte, 1200)...)},
		{"Initial again", m.packet(whole(hello))},
		{"Initial with an ACK", m.packet(ack)},
		{"Handshake", newClient(Version1).protected(2, 1000)},
		{"0-RTT", newClient(Version1).protected(1, 1000)},
		{"garbage", bytesOf(0xff, 1200)},
	}
	for _, tt := range tests {
		var r Reader
		var c Conn
		r.Datagram(&c, m.packet(whole(hello)), 0, Client)
		messages(&r, &c)
		conns := []*Conn{&c}
		r.Datagram(&c, tt.b, 0, Client)
		if n := testing.AllocsPerRun(100, func() {
			Probe(tt.b)
			r.Pick(conns, tt.b, 0)
			r.Datagram(&c, tt.b, 0, Client)
			r.Next(&c)
		}); n != 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
	var r Reader
	r.Datagram(new(Conn), half, 0, Client)
	if n := testing.AllocsPerRun(100, func() {
		var c Conn
		r.Datagram(&c, half, 0, Client)
		r.Datagram(&c, rest, 0, Client)
		if m, ok := r.Next(&c); !ok || len(m.Raw) != len(hello) {
			t.Fatal("no hello")
		}
		r.Release(&c)
	}); n != 0 {
		t.Errorf("hello in two datagrams, keys known: %v allocations", n)
	}
}

func BenchmarkShortHeader(b *testing.B) {
	var r Reader
	var c Conn
	d := append([]byte("\x40server"), make([]byte, 1200)...)
	b.ReportAllocs()
	for b.Loop() {
		r.Datagram(&c, d, 0, Unknown)
	}
}

// BenchmarkNewConnection is a hello of a connection that was not seen before.
func BenchmarkNewConnection(b *testing.B) {
	d := vectors(b)["9001 A.2 packet"]
	var r Reader
	b.ReportAllocs()
	for b.Loop() {
		r.ring = keyRing{}
		var c Conn
		r.Datagram(&c, d, 0, Unknown)
		if _, ok := r.Next(&c); !ok {
			b.Fatal("no hello")
		}
		r.Release(&c)
	}
}

// BenchmarkInitial is a further Initial packet of 1200 bytes.
func BenchmarkInitial(b *testing.B) {
	d := vectors(b)["9001 A.2 packet"]
	var r Reader
	var c Conn
	r.Datagram(&c, d, 0, Unknown)
	b.SetBytes(int64(len(d)))
	b.ReportAllocs()
	for b.Loop() {
		r.Datagram(&c, d, 0, Unknown)
	}
}

// BenchmarkProbe is what any UDP datagram costs that is not ours.
func BenchmarkProbe(b *testing.B) {
	d := unhex("80010100000100000000000003777777076578616d706c6503636f6d0000010001")
	for b.Loop() {
		Probe(d)
	}
}

func BenchmarkDeriveKeys(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		deriveKeys(&schemes[schemeV1], []byte(rfcID), Client)
	}
}
