package quic

import (
	"slices"
	"testing"
)

// TestPick keeps apart connections that share a pair of addresses, by ids and,
// where these are empty, by keys.
func TestPick(t *testing.T) {
	hello, answer := rfcHello(t), rfcAnswer(t)
	n := len(hello)
	client := func(keyed, dcid, scid string) *maker {
		return &maker{version: Version1, keyed: keyed, side: Client, dcid: dcid, scid: scid}
	}
	server := func(keyed, dcid, scid string) *maker {
		return &maker{version: Version1, keyed: keyed, side: Server, dcid: dcid, scid: scid}
	}
	a, b := client("connectA", "connectA", ""), client("connectB", "connectB", "")
	tests := []struct {
		name     string
		b        []byte
		want     int
		messages []uint8
	}{
		{"A begins", a.packet(cryptoFrame(hello, 0, 100)), 0, nil},
		{"B begins", b.packet(cryptoFrame(hello, 0, 100)), 1, nil},
		{"A goes on", a.packet(cryptoFrame(hello, 100, 200)), 0, nil},
		{"A's server, to an empty id", server("connectA", "", "serverA").packet(ack), 0, nil},
		{"B's server, to an empty id", server("connectB", "", "serverB").packet(ack), 1, nil},
		{"A with the server's id", client("connectA", "serverA", "").packet(cryptoFrame(hello, 200, n)), 0, []uint8{ch}},
		{"B with the server's id", client("connectB", "serverB", "").packet(cryptoFrame(hello, 100, n)), 1, []uint8{ch}},
		{"B's server answers", server("connectB", "", "serverB").packet(whole(answer)), 1, []uint8{sh}},
		{"Handshake of A's server", server("", "", "serverA").protected(2, 100), 0, nil},
		{"Handshake of B's client", client("", "serverB", "").protected(2, 100), 1, nil},
		{"short header to A's server", append([]byte("\x40serverA"), make([]byte, 40)...), 0, nil},
		{"0-RTT of C", client("", "connectC", "").protected(1, 100), 2, nil},
		{"C begins", client("connectC", "connectC", "").packet(whole(hello)), 2, []uint8{ch}},
		{"D's server comes first", server("connectD", "clientD", "serverD").packet(whole(answer)), 2, nil},
		{"an Initial that nothing opens", flip(client("connectE", "connectE", "").packet(ping), 39), 2, nil},
	}
	var r Reader
	var conns []*Conn
	for _, tt := range tests {
		got := r.Pick(conns, tt.b, 0)
		if got < 0 {
			conns = append(conns, new(Conn))
			got = len(conns) - 1
		}
		if got != tt.want {
			t.Fatalf("%s: connection %d, want %d", tt.name, got, tt.want)
		}
		r.Datagram(conns[got], tt.b, 0, Unknown)
		if got := messages(&r, conns[got]); !slices.Equal(got, tt.messages) {
			t.Errorf("%s: messages %v, want %v", tt.name, got, tt.messages)
		}
	}
}

// TestPickHeld gives a hello to the connection whose answer came first, even
// where the client has no id of its own.
func TestPickHeld(t *testing.T) {
	var r Reader
	conns := []*Conn{new(Conn)}
	answer := &maker{version: Version1, keyed: rfcID, side: Server, scid: "server"}
	r.Datagram(conns[0], answer.packet(whole(rfcAnswer(t))), 0, Unknown)
	b := (&maker{version: Version1, keyed: rfcID, side: Client, dcid: rfcID}).packet(whole(rfcHello(t)))
	if i := r.Pick(conns, b, 0); i != 0 {
		t.Fatalf("connection %d, want 0", i)
	}
	r.Datagram(conns[0], b, 0, Unknown)
	if got := messages(&r, conns[0]); !slices.Equal(got, []uint8{ch, sh}) {
		t.Errorf("messages %v, want hello and answer", got)
	}
}
