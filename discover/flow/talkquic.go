package flow

import (
	"blindspot/capture/decode"
	"blindspot/discover"
	"blindspot/tlsparse"
	"blindspot/tlsparse/quic"
)

// quicFirst tells short-header packets from DTLS records, where a flow has
// both: a record's first byte is below 64, and a short header has the fixed
// bit.
func (x *talks) quicFirst(p []byte) bool { return p[0]&0x40 != 0 || !x.speaks(discover.DTLS) }

// quicDatagram takes a datagram of a flow that speaks QUIC.
func (t *Table) quicDatagram(e *entry, x *talks, dir int, s *decode.Segment) {
	k := t.quicTalk(e, x, s)
	if k == nil {
		return
	}
	k.handshake.number = t.number
	ev := t.quic.Datagram(k.quic, s.Payload, s.Missing, k.side(dir))
	if ev.From == quic.Unknown {
		ev.From = k.side(dir)
	}
	if k.client == noDir && ev.Seen&(quic.SeenInitial|quic.SeenTruncated) != 0 {
		switch ev.From {
		case quic.Client:
			k.client = uint8(dir)
		case quic.Server:
			k.client = uint8(1 - dir)
		}
	}
	if ev.Seen&quic.SeenAnother != 0 && k.bodies[bodyKey{false, tlsparse.TypeClientHello}] != nil {
		t.observeTalk(e, k, t.clock)
		t.resetTalk(k, s)
	}
	k.answered = k.answered || k.client != noDir && int(k.client) != dir
	k.negotiated = k.negotiated || ev.Seen&quic.SeenNegotiation != 0
	t.quicMessages(e, k)
	t.quicOpened(e, k, dir)
	if t.quicCourse(k, dir, &ev) {
		t.finishTalk(e, x, k, t.clock)
	}
}

// quicTalk finds the connection of a datagram, or begins one.
func (t *Table) quicTalk(e *entry, x *talks, s *decode.Segment) *talk {
	t.conns = t.conns[:0]
	t.connTalks = t.connTalks[:0]
	for _, k := range x.list {
		if k.quic != nil {
			t.conns = append(t.conns, k.quic)
			t.connTalks = append(t.connTalks, k)
		}
	}
	if i := t.quic.Pick(t.conns, s.Payload, s.Missing); i >= 0 {
		return t.connTalks[i]
	}
	if sniff(s) != discover.QUIC {
		return nil
	}
	k := t.newTalk(e, x, discover.QUIC, s)
	k.quic = &quic.Conn{}
	return k
}

func (k *talk) side(dir int) quic.Side {
	switch k.client {
	case noDir:
		return quic.Unknown
	case uint8(dir):
		return quic.Client
	}
	return quic.Server
}

// quicCourse notes what a datagram says of the course of a connection, and
// reports whether its visible part has ended: the client's first packet with
// application keys says that it accepts the server.
func (t *Table) quicCourse(k *talk, dir int, ev *quic.Event) bool {
	if ev.Seen&quic.SeenClose != 0 {
		if d, ok := ev.Close.Alert(); ok {
			server := ev.Close.From == quic.Server
			k.addAlert(alert{level: tlsparse.AlertFatal, description: d, server: server})
			k.refused = refusedByClient
			if server {
				k.refused = refusedByServer
			}
		}
		return k.flags&sawHello != 0
	}
	if ev.Seen&quic.SeenNotTLS != 0 {
		return true
	}
	if ev.Seen&quic.SeenOneRTT != 0 && int(k.client) == dir {
		k.flags |= clientFinished | serverReplied
		return k.flags&sawServerHello != 0 // else the server's side comes late, or never
	}
	return false
}
