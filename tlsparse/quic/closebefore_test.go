package quic

import (
	"slices"
	"testing"
)

// TestCloseBeforeHello: a hello counts whatever comes before it: a
// CONNECTION_CLOSE (RFC 9000 §19.19) in the same packet, in an earlier one of
// the same datagram, or in a datagram that overtook it; and acknowledgements.
func TestCloseBeforeHello(t *testing.T) {
	hello := rfcHello(t)
	n := len(hello)
	gone := []byte{frameClose, 0x01, 0x06, 0x02, 'n', 'o'}
	client, server := newClient(Version1), newServer(Version1)
	for _, test := range []struct {
		name      string
		datagrams [][]byte
		closed    Side
	}{
		{"in the packet", [][]byte{newClient(Version1).packet(gone, whole(hello))}, Client},
		{"in the packet, behind an acknowledgement", [][]byte{newClient(Version1).packet(ack, gone, ackECN, whole(hello))}, Client},
		{"in the datagram", [][]byte{slices.Concat(client.packet(gone), client.packet(whole(hello)))}, Client},
		{"in a datagram before", [][]byte{client.packet(gone), client.packet(whole(hello))}, Client},
		{"between its parts", [][]byte{client.packet(cryptoFrame(hello, 100, n)), client.packet(gone), client.packet(cryptoFrame(hello, 0, 100))}, Client},
		{"the server's, between its parts", [][]byte{client.packet(cryptoFrame(hello, 100, n)), server.packet(gone), client.packet(cryptoFrame(hello, 0, 100))}, Server},
		{"the server's, before it", [][]byte{server.packet(gone), client.packet(whole(hello))}, Server},
		{"only an acknowledgement", [][]byte{client.packet(ack), client.packet(whole(hello))}, Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			var c Conn
			var got []uint8
			closed := Unknown
			for _, b := range test.datagrams {
				if ev := r.Datagram(&c, b, 0, Unknown); ev.Seen&SeenClose != 0 {
					closed = ev.Close.From
				}
				got = append(got, messages(&r, &c)...)
			}
			if !slices.Equal(got, []uint8{ch}) || c.Seen()&SeenClose == 0 != (test.closed == Unknown) {
				t.Errorf("messages %v, seen %v; want a client hello, closed by %v", got, c.Seen(), test.closed)
			}
			if closed != Unknown && closed != test.closed {
				t.Errorf("closed by %v, want %v", closed, test.closed)
			}
		})
	}
}
