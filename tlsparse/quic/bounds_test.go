package quic

import (
	"encoding/binary"
	"slices"
	"testing"

	"blindspot/tlsparse"
)

// announced returns the start of a ClientHello that announces n bytes.
func announced(n int) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(n))
	b[0] = tlsparse.TypeClientHello
	return append(b, make([]byte, 1000)...)
}

// TestBounds fills every bound, and wants each to count what is over it, and the
// next connection to be none the worse.
func TestBounds(t *testing.T) {
	piece := func(off int) []byte { return cryptoFrame(make([]byte, off+1), off, off+1) }
	tests := []struct {
		name  string
		limit int64
		feed  func(r *Reader, c *Conn)
		count func(s Stats) uint64
		want  uint64
	}{
		{"maxCrypto", 0, func(r *Reader, c *Conn) {
			r.Datagram(c, newClient(Version1).packet(piece(maxCrypto-1), piece(maxCrypto)), 0, Client)
		}, func(s Stats) uint64 { return s.OverCrypto }, 1},
		{"maxCrypto of 2^62", 0, func(r *Reader, c *Conn) {
			frame := append([]byte{frameCrypto}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0)
			r.Datagram(c, newClient(Version1).packet(frame), 0, Client)
		}, func(s Stats) uint64 { return s.OverCrypto }, 1},
		{"maxRuns", 0, func(r *Reader, c *Conn) {
			m := newClient(Version1)
			for i := range maxRuns + 3 {
				r.Datagram(c, m.packet(piece(2*i+1)), 0, Client)
			}
		}, func(s Stats) uint64 { return s.OverRuns }, 3},
		{"a message longer than maxCrypto", 0, func(r *Reader, c *Conn) {
			r.Datagram(c, newClient(Version1).packet(whole(announced(maxCrypto-3))), 0, Client)
			messages(r, c)
		}, func(s Stats) uint64 { return s.TooLong }, 1},
		{"MaxBuffered, frames", 5 * firstBuffer, func(r *Reader, _ *Conn) {
			for range 7 {
				r.Datagram(new(Conn), newClient(Version1).packet(whole(announced(5000))), 0, Client)
			}
		}, func(s Stats) uint64 { return s.NoBuffer }, 2},
		{"MaxBuffered, one long message", 2 * firstBuffer, func(r *Reader, c *Conn) {
			r.Datagram(c, newClient(Version1).packet(piece(2*firstBuffer)), 0, Client)
			r.Datagram(c, newClient(Version1).packet(piece(2*firstBuffer+1)), 0, Client)
		}, func(s Stats) uint64 { return s.NoBuffer }, 2},
		{"MaxBuffered, held", 1000, func(r *Reader, c *Conn) {
			for range maxHeld {
				r.Datagram(c, newServer(Version1).packet(make([]byte, 300)), 0, Server)
			}
		}, func(s Stats) uint64 { return s.NoBuffer }, 2},
		{"maxHeld", 0, func(r *Reader, c *Conn) {
			for range maxHeld + 2 {
				r.Datagram(c, newServer(Version1).packet(ack), 0, Server)
			}
		}, func(s Stats) uint64 { return s.HeldLost }, 2},
		{"maxHeldSize", 0, func(r *Reader, c *Conn) {
			r.Datagram(c, newServer(Version1).packet(make([]byte, maxHeldSize)), 0, Server)
		}, func(s Stats) uint64 { return s.HeldLost }, 1},
		{"maxPackets", 0, func(r *Reader, c *Conn) {
			var b []byte
			for range maxPackets + 5 {
				b = append(b, newClient(Version1).protected(2, 30)...)
			}
			r.Datagram(c, b, 0, Client)
		}, func(s Stats) uint64 { return s.ManyParts }, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := Reader{MaxBuffered: tt.limit}
			var c Conn
			tt.feed(&r, &c)
			if got := tt.count(r.Stats()); got != tt.want {
				t.Errorf("counted %d, want %d: %+v", got, tt.want, r.Stats())
			}
			if r.Buffered() > r.limit() {
				t.Errorf("%d bytes buffered, the limit is %d", r.Buffered(), r.limit())
			}
			r.Release(&c)
			r.MaxBuffered = 0
			var next Conn
			r.Datagram(&next, newClient(Version1).packet(whole(rfcHello(t))), 0, Client)
			if got := messages(&r, &next); !slices.Equal(got, []uint8{ch}) {
				t.Errorf("the next connection: messages %v", got)
			}
		})
	}
}

// TestLongest takes a message of exactly maxCrypto bytes, in datagrams from the
// last to the first.
func TestLongest(t *testing.T) {
	hello := make([]byte, maxCrypto)
	copy(hello, announced(maxCrypto - 4)[:4])
	var r Reader
	var c Conn
	m := newClient(Version1)
	const part = 1 << 10
	for off := maxCrypto - part; off > 0; off -= part {
		r.Datagram(&c, m.packet(cryptoFrame(hello, off, off+part)), 0, Client)
	}
	if got := messages(&r, &c); got != nil {
		t.Fatalf("messages %v before the first part", got)
	}
	r.Datagram(&c, m.packet(cryptoFrame(hello, 0, part)), 0, Client)
	msg, ok := r.Next(&c)
	if !ok || len(msg.Raw) != maxCrypto {
		t.Errorf("got %d bytes, %v; %+v", len(msg.Raw), ok, r.Stats())
	}
	if messages(&r, &c); r.Buffered() != 0 {
		t.Errorf("%d bytes are still buffered", r.Buffered())
	}
}

// TestCollision makes two connections fall on one place in the ring of keys.
func TestCollision(t *testing.T) {
	var ring keyRing
	a := MakeID([]byte("collide0"))
	for i := range 100000 {
		b := MakeID(binary.BigEndian.AppendUint64(nil, uint64(i)))
		if b.hash()%keySlots != a.hash()%keySlots {
			continue
		}
		ka, _ := ring.get(schemeV1, &a, Client)
		kb, _ := ring.get(schemeV1, &b, Client)
		again, derived := ring.get(schemeV1, &a, Client)
		if ka.iv == kb.iv || again.iv != ka.iv || !derived {
			t.Errorf("keys are mixed up")
		}
		return
	}
	t.Fatal("no collision found")
}

// TestPacketNumber has the example of RFC 9000 §A.3, and the edges.
func TestPacketNumber(t *testing.T) {
	tests := []struct {
		largest int64
		sent    string
		want    int64
	}{
		{0xa82f30ea, "9b32", 0xa82f9b32},
		{-1, "00", 0},
		{-1, "0002", 2},
		{-1, "ff", 0xff},
		{0xfe, "00", 0x100},
		{0xff, "ff", 0xff},
		{0x1ff, "fe", 0x1fe},
		{0x80, "01", 0x101},
	}
	for _, tt := range tests {
		if got := packetNumber(unhex(tt.sent), tt.largest); got != tt.want {
			t.Errorf("after %#x, %s: got %#x, want %#x", tt.largest, tt.sent, got, tt.want)
		}
	}
}
