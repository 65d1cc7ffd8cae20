package quic

import (
	"bytes"
	"slices"
	"testing"

	"blindspot/tlsparse"
)

// step is one datagram and what it must give.
type step struct {
	b        []byte
	from     Side
	seen     Seen
	messages []uint8
}

// TestConversations plays connections datagram by datagram. The packets come
// from the maker, the rules from RFC 9000, 9001, 9368 and 9369.
func TestConversations(t *testing.T) {
	hello, answer := rfcHello(t), rfcAnswer(t)
	other := bytes.Clone(hello)
	other[6] ^= 0xff // another random
	n := len(hello)
	client, server := newClient(Version1), newServer(Version1)
	tests := map[string][]step{
		"one datagram each": {
			{newClient(Version1).packet(whole(hello), pad), Client, SeenInitial, []uint8{ch}},
			{newServer(Version1).packet(ack, whole(answer)), Server, SeenInitial, []uint8{sh}},
		},
		"frames in any order, with others between": {
			{newClient(Version1).packet(pad, cryptoFrame(hello, 100, n), ping, cryptoFrame(hello, 0, 20), ackECN, cryptoFrame(hello, 20, 100), pad), Client, SeenInitial, []uint8{ch}},
		},
		"overlaps: the first copy counts": {
			{newClient(Version1).packet(cryptoFrame(hello, 0, 90), cryptoFrame(other, 0, 120), cryptoFrame(hello, 80, n)), Client, SeenInitial, []uint8{ch}},
		},
		"datagrams in the wrong order, doubled": {
			{b: client.packet(cryptoFrame(hello, 200, n)), from: Client, seen: SeenInitial},
			{b: client.packet(cryptoFrame(hello, 60, 210)), from: Client, seen: SeenInitial},
			{b: client.packet(cryptoFrame(hello, 60, 210)), from: Client, seen: SeenInitial},
			{client.packet(cryptoFrame(hello, 0, 61)), Client, SeenInitial, []uint8{ch}},
			{b: client.packet(whole(hello)), from: Client, seen: SeenInitial},
		},
		"the second half goes to the server's own id, with the same keys": {
			{b: client.packet(cryptoFrame(hello, 0, 50)), from: Client, seen: SeenInitial},
			{b: server.packet(ack), from: Server, seen: SeenInitial},
			{(&maker{version: Version1, keyed: rfcID, side: Client, dcid: "server", scid: "client", number: 7}).packet(cryptoFrame(hello, 50, n)), Client, SeenInitial, []uint8{ch}},
		},
		"the answer comes before the hello": {
			{b: newServer(Version1).packet(ack, whole(answer)), seen: SeenUnopened | SeenHeld},
			{newClient(Version1).packet(whole(hello)), Client, SeenInitial, []uint8{ch, sh}},
		},
		"0-RTT comes before the hello": {
			{b: newClient(Version1).protected(1, 60), from: Client, seen: SeenZeroRTT},
			{newClient(Version1).packet(whole(hello)), Client, SeenInitial, []uint8{ch}},
		},
		"coalesced": {
			{newClient(Version1).packet(whole(hello)), Client, SeenInitial, []uint8{ch}},
			{slices.Concat(newServer(Version1).packet(whole(answer)), server.protected(2, 300), []byte("\x40client"), make([]byte, 30)), Server, SeenInitial | SeenHandshake | SeenOneRTT, []uint8{sh}},
		},
		"trailing bytes that are no packet": {
			{slices.Concat(newClient(Version1).packet(whole(hello)), []byte{0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9}), Client, SeenInitial | SeenGarbage, []uint8{ch}},
		},
		"padding outside of the packet": {
			{slices.Concat(newClient(Version1).packet(whole(hello)), make([]byte, 700)), Client, SeenInitial, []uint8{ch}},
		},
		"a packet for another connection behind the first": {
			{slices.Concat(newClient(Version1).packet(whole(hello)), (&maker{version: Version1, dcid: "else"}).protected(2, 40)), Client, SeenInitial | SeenGarbage, []uint8{ch}},
		},
		"retry without a tag, the hello differs": {
			{newClient(0xff000018).packet(whole(hello)), Client, SeenInitial, []uint8{ch}},
			{b: (&maker{version: 0xff000018, dcid: "client", scid: "retried"}).retry("token"), from: Server, seen: SeenRetry},
			{b: newClient(0xff000018).packet(whole(hello)), from: Client, seen: SeenInitial}, // late
			{(&maker{version: 0xff000018, keyed: "retried", side: Client, dcid: "retried", scid: "client", token: "token", number: 1}).packet(whole(other)), Client, SeenInitial | SeenRestart, []uint8{ch}},
			{b: newClient(0xff000018).packet(whole(hello)), seen: SeenUnopened}, // too late
			{(&maker{version: 0xff000018, keyed: "retried", side: Server, dcid: "client", scid: "server"}).packet(whole(answer)), Server, SeenInitial, []uint8{sh}},
		},
		"retry of the RFC": {
			{(&maker{version: Version1, keyed: rfcID, side: Client, dcid: rfcID}).packet(whole(hello)), Client, SeenInitial, []uint8{ch}},
			{b: flip(vectors(t)["9001 A.4 packet"], 30)},
			{b: vectors(t)["9001 A.4 packet"], from: Server, seen: SeenRetry},
			{(&maker{version: Version1, keyed: "\xf0\x67\xa5\x50\x2a\x42\x62\xb5", side: Client, dcid: "\xf0\x67\xa5\x50\x2a\x42\x62\xb5", token: "token"}).packet(whole(hello)), Client, SeenInitial | SeenRestart, []uint8{ch}},
		},
		"retry not captured": {
			{newClient(Version1).packet(whole(hello)), Client, SeenInitial, []uint8{ch}},
			{(&maker{version: Version1, keyed: "retried", side: Client, dcid: "retried", scid: "client", token: "token"}).packet(whole(hello)), Client, SeenInitial | SeenRestart, []uint8{ch}},
		},
		"version negotiation, the same id": {
			{(&maker{version: 0x1a2a3a4a, scheme: schemeV1, keyed: rfcID, side: Client, dcid: rfcID, scid: "client"}).packet(whole(hello), make([]byte, 900)), Client, SeenInitial, []uint8{ch}},
			{b: append((&maker{dcid: "client", scid: rfcID}).ids(longForm), 0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf), from: Server, seen: SeenNegotiation},
			{newClient(Version2).packet(whole(other)), Client, SeenInitial | SeenRestart, []uint8{ch}},
			{b: (&maker{version: 0x1a2a3a4a, scheme: schemeV1, keyed: rfcID, side: Client, dcid: rfcID, scid: "client"}).packet(whole(hello), make([]byte, 900))}, // doubled by a mirror
			{newServer(Version2).packet(whole(answer)), Server, SeenInitial, []uint8{sh}},
		},
		"version negotiation for somebody else": {
			{newClient(Version1).packet(whole(hello)), Client, SeenInitial, []uint8{ch}},
			{b: append((&maker{dcid: "client", scid: "nonsense"}).ids(longForm), 0, 0, 0, 1)},
		},
		"compatible negotiation goes on in version 2": {
			{b: newClient(Version1).packet(cryptoFrame(hello, 0, 100)), from: Client, seen: SeenInitial},
			{newServer(Version2).packet(whole(answer)), Server, SeenInitial, []uint8{sh}},
			{(&maker{version: Version2, keyed: rfcID, side: Client, dcid: "server", scid: "client", number: 1}).packet(cryptoFrame(hello, 100, n)), Client, SeenInitial, []uint8{ch}},
		},
		"another connection with the same ids": {
			{newClient(Version1).packet(whole(hello)), Client, SeenInitial, []uint8{ch}},
			{newServer(Version1).packet(whole(answer)), Server, SeenInitial, []uint8{sh}},
			{(&maker{version: Version1, keyed: "nextconn", side: Client, dcid: "nextconn", scid: "client"}).packet(whole(other)), Client, SeenInitial | SeenAnother, []uint8{ch}},
		},
		"hello retry request and second hello": {
			{newClient(Version1).packet(whole(hello)), Client, SeenInitial, []uint8{ch}},
			{newServer(Version1).packet(whole(answer)), Server, SeenInitial, []uint8{sh}},
			{newClient(Version1).packet(cryptoFrame(slices.Concat(hello, other), n, 2*n)), Client, SeenInitial, []uint8{ch}},
			{newServer(Version1).packet(whole(slices.Concat(answer, answer))), Server, SeenInitial, []uint8{sh}},
		},
		"two messages at once": {
			{newClient(Version1).packet(whole(slices.Concat(hello, other))), Client, SeenInitial, []uint8{ch, ch}},
		},
		"close without an answer": {
			{newClient(Version1).packet(whole(hello)), Client, SeenInitial, []uint8{ch}},
			{b: newServer(Version1).packet([]byte{frameClose, 0x41, 0x78, 0x06, 0x03, 'n', 'o', '!'}), from: Server, seen: SeenInitial | SeenClose},
		},
		"what is no TLS": {
			{b: newClient(0x51303530).packet([]byte("\x08\x00\x04CHLO")), from: Client, seen: SeenInitial | SeenNotTLS},
			{b: newClient(0x51303530).packet(whole(hello)), from: Client, seen: SeenInitial},
		},
		"a frame that may not stand here ends the packet": {
			{newClient(Version1).packet(whole(hello), []byte{0x1e, 1, 2, 3}), Client, SeenInitial, []uint8{ch}},
		},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			var r Reader
			var c Conn
			for i, s := range steps {
				ev := r.Datagram(&c, s.b, 0, Unknown)
				if ev.Seen != s.seen || ev.From != s.from {
					t.Errorf("datagram %d: seen %v from %v, want %v from %v", i+1, ev.Seen, ev.From, s.seen, s.from)
				}
				if got := messages(&r, &c); !slices.Equal(got, s.messages) {
					t.Errorf("datagram %d: messages %v, want %v", i+1, got, s.messages)
				}
			}
			r.Release(&c)
			if r.Buffered() != 0 {
				t.Errorf("%d bytes are buffered after Release", r.Buffered())
			}
		})
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// TestFirstCopyWins checks the bytes of overlapping frames, not only their number.
func TestFirstCopyWins(t *testing.T) {
	hello := rfcHello(t)
	wrong := bytes.Repeat([]byte{0xee}, len(hello))
	var r Reader
	var c Conn
	r.Datagram(&c, newClient(Version1).packet(cryptoFrame(hello, 0, 50), cryptoFrame(hello, 100, 150), cryptoFrame(wrong, 20, 50),
		cryptoFrame(hello, 40, 120), cryptoFrame(wrong, 60, 130), cryptoFrame(hello, 149, len(hello))), 0, Client)
	m, ok := r.Next(&c)
	if !ok || !bytes.Equal(m.Raw, hello) {
		t.Errorf("got %x, want %x", m.Raw, hello)
	}
}

// TestFixedBit reads packets whose fixed bit is greased (RFC 9287).
func TestFixedBit(t *testing.T) {
	m := newClient(Version1)
	k := deriveKeys(&schemes[schemeV1], []byte(rfcID), Client)
	b := m.ids(longForm | 1)
	b = append(b, 0, 0x44, 0x00)
	number := len(b)
	b = append(b, 0, 0)
	payload := append(whole(rfcHello(t)), make([]byte, 1024)...)[:1024-2-tagLen]
	b = k.aead.Seal(b, k.iv[:], payload, b)
	var mask [sampleLen]byte
	k.hp.Encrypt(mask[:], b[number+4:number+20])
	b[0] ^= mask[0] & 0x0f
	b[number], b[number+1] = b[number]^mask[1], b[number+1]^mask[2]
	if got := Probe(b); got != tlsparse.Yes {
		t.Errorf("probe says %v", got)
	}
	var r Reader
	var c Conn
	r.Datagram(&c, b, 0, Unknown)
	if got := messages(&r, &c); !slices.Equal(got, []uint8{ch}) {
		t.Errorf("messages %v, want a client hello", got)
	}
}

// TestClose reads who closed, and why.
func TestClose(t *testing.T) {
	tests := []struct {
		name  string
		frame []byte
		code  uint64
		alert uint8
		isTLS bool
	}{
		{"handshake_failure", []byte{frameClose, 0x41, 0x28, 0x06, 0}, 0x128, 40, true},
		{"no_application_protocol", []byte{frameClose, 0x41, 0x78, 0x06, 2, 'o', 'k'}, 0x178, 120, true},
		{"connection_refused", []byte{frameClose, 0x02, 0x00, 0}, 2, 2, false},
	}
	for _, tt := range tests {
		var r Reader
		var c Conn
		r.Datagram(&c, newClient(Version1).packet(whole(rfcHello(t))), 0, Unknown)
		ev := r.Datagram(&c, newServer(Version1).packet(tt.frame), 0, Unknown)
		alert, isTLS := ev.Close.Alert()
		if ev.Close.From != Server || ev.Close.Code != tt.code || alert != tt.alert || isTLS != tt.isTLS {
			t.Errorf("%s: got %+v, alert %d %v", tt.name, ev.Close, alert, isTLS)
		}
	}
}

// TestPartial keeps what there is of a hello whose end was lost.
func TestPartial(t *testing.T) {
	hello := rfcHello(t)
	var r Reader
	var c Conn
	r.Datagram(&c, newClient(Version1).packet(cryptoFrame(hello, 0, 99), cryptoFrame(hello, 101, 200)), 0, Unknown)
	if got := messages(&r, &c); got != nil {
		t.Errorf("messages %v of half a hello", got)
	}
	if got := r.Partial(&c, Client); !bytes.Equal(got, hello[:99]) {
		t.Errorf("got %d bytes, want 99", len(got))
	}
	if got := r.Partial(&c, Server); got != nil {
		t.Errorf("got %d bytes of the server", len(got))
	}
}
