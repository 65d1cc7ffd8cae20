package quic

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestCut reads what is left of packets that a snaplen has cut: what is there of
// a hello, and nothing out of packets that are not what they seem.
func TestCut(t *testing.T) {
	hello := rfcHello(t)
	var r Reader
	var c Conn
	b := newClient(Version1).packet(whole(hello), pad)
	const kept = 150
	ev := r.Datagram(&c, b[:kept], len(b)-kept, Unknown)
	if ev.Seen != SeenInitial|SeenTruncated || ev.From != Client {
		t.Errorf("seen %v from %v", ev.Seen, ev.From)
	}
	got := r.Partial(&c, Client)
	if len(got) < 100 || !bytes.HasPrefix(hello, got) {
		t.Errorf("got %d bytes, %x", len(got), got)
	}
	b = newServer(Version1).packet(ack, pad)
	if ev := r.Datagram(&c, b[:len(b)-10], 10, Unknown); ev.Seen != SeenUnopened {
		t.Errorf("an ACK that is cut: seen %v", ev.Seen)
	}
	// A whole packet that claims to be longer is none.
	if ev := r.Datagram(&c, b[:len(b)-10], 0, Unknown); ev.Seen != SeenGarbage {
		t.Errorf("a packet longer than its datagram: seen %v", ev.Seen)
	}
}

// TestCutNoise counts how often noise passes for a packet that was cut, which
// nothing can prove: well below one in a hundred.
func TestCutNoise(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	head := append(newClient(Version1).ids(longForm|fixedBit), 0, 0x44, 0x00) // no token, 1024 bytes
	passed := 0
	const tries = 20000
	var r Reader
	for range tries {
		b := bytes.Clone(head)
		b[0] |= byte(rnd.Uint32() & 15)
		for range 200 {
			b = append(b, byte(rnd.Uint32()))
		}
		var c Conn
		switch ev := r.Datagram(&c, b, 1024-200, Unknown); {
		case ev.Seen&SeenInitial != 0:
			passed++
		case ev.Seen != SeenUnopened:
			t.Fatalf("seen %v", ev.Seen)
		}
	}
	if passed > tries/100 {
		t.Errorf("%d of %d pass", passed, tries)
	}
	t.Logf("%d of %d pass", passed, tries)
}
