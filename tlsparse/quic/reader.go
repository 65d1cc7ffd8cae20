package quic

// maxPackets bounds the packets that are read of one datagram.
const maxPackets = 16

// Reader reads the datagrams of any number of connections, one after the other.
// It holds what they share: working space, the keys of late, counters. The zero
// value works. It belongs to one goroutine.
type Reader struct {
	// MaxBuffered bounds the bytes that all connections together keep of
	// messages that are not whole. 0: DefaultMaxBuffered.
	MaxBuffered int64
	// KeepHandshake keeps Handshake packets until Unlock or Release: it is for
	// those who may come to know a connection's secrets.
	KeepHandshake bool

	stats    Stats
	buffered int64
	spare    []*assembly
	opener   opener
	ring     keyRing
}

// Stats returns the counters so far.
func (r *Reader) Stats() Stats { return r.stats }

// Buffered returns the bytes that wait in all connections.
func (r *Reader) Buffered() int64 { return r.buffered }

// Datagram takes the next datagram of a connection. missing is the number of
// its bytes that were not captured: with 0, a packet that is longer than the
// datagram is none; else it is read without proof. from says who sent it, and
// may be Unknown: it saves work, but the keys decide.
func (r *Reader) Datagram(c *Conn, b []byte, missing int, from Side) Event {
	ev := Event{From: from}
	r.stats.Datagrams++
	if len(b) > 0 && b[0]&longForm == 0 {
		ev.Seen = SeenOneRTT
		c.seen |= SeenOneRTT
		return ev
	}
	before := c.opened
	r.datagram(c, b, missing, &ev)
	if c.opened && !before && c.held != nil {
		r.replay(c, &ev)
	}
	c.seen |= ev.Seen
	return ev
}

// Next returns the next whole handshake message of a connection: those of the
// Initial packets, the client's first, then those that were encrypted, the
// server's first.
func (r *Reader) Next(c *Conn) (Message, bool) {
	for _, side := range [...]Side{Client, Server} {
		if raw, ok := r.message(&c.streams[side.index()]); ok {
			r.stats.Messages++
			return Message{From: side, Type: raw[0], Raw: raw, Body: raw[4:]}, true
		}
	}
	return r.nextSealed(c)
}

// Partial returns what is there, without a gap, of the message of a side that is
// not whole: all that is left of a hello of which a datagram was lost. It
// aliases the Reader's buffer until the next call for the same connection.
func (r *Reader) Partial(c *Conn, side Side) []byte {
	s := &c.streams[side.index()]
	r.settle(s)
	return s.asm.prefix()
}

// Release gives back what a connection holds of the Reader. The connection can
// be dropped or go on.
func (r *Reader) Release(c *Conn) {
	for i := range c.streams {
		c.streams[i].took = 0
		r.release(&c.streams[i])
	}
	r.unhold(c)
	r.releaseSealed(c)
}

// datagram reads the packets of a datagram.
func (r *Reader) datagram(c *Conn, b []byte, missing int, ev *Event) {
	var dcid []byte // of the first packet: the others must have it (RFC 9000 §12.2)
	whole := b
	for n := 0; len(b) > 0; n++ {
		if n == maxPackets {
			r.stats.ManyParts++
			return
		}
		if n > 0 && b[0]&longForm == 0 {
			r.trailer(b, dcid, ev)
			return
		}
		h, ok := parseHeader(b, c.known(b))
		if !ok || n > 0 && string(h.DCID) != string(dcid) || h.Type <= Handshake && !h.possible(b, missing) {
			r.garbage(ev)
			return
		}
		if n == 0 {
			dcid, ev.Version = h.DCID, h.Version
		}
		r.packet(c, &h, b, whole, missing, ev)
		b = b[min(h.End, len(b)):]
	}
}

// known returns the scheme of the packet at b, if it has the version for which
// the connection has found it out.
func (c *Conn) known(b []byte) schemeID {
	if c.opened && len(b) > 4 && c.version == uint32(b[1])<<24|uint32(b[2])<<16|uint32(b[3])<<8|uint32(b[4]) {
		return c.scheme
	}
	return 0
}

// possible reports whether a protected packet's length can be true.
func (h *Header) possible(b []byte, missing int) bool {
	return h.Type == Other || h.Length >= minProtected && h.End <= len(b)+missing
}

// garbage notes bytes that are no packet: behind packets, or instead of any.
func (r *Reader) garbage(ev *Event) {
	r.stats.Garbage++
	ev.Seen |= SeenGarbage
}

// trailer looks at what follows the long headers: a short-header packet, which
// begins with the same connection id, or bytes that are none.
func (r *Reader) trailer(b, dcid []byte, ev *Event) {
	if padding(b) {
		return
	}
	if len(b) < 1+len(dcid)+minProtected || string(b[1:1+len(dcid)]) != string(dcid) ||
		len(dcid) == 0 && b[0]&fixedBit == 0 {
		r.garbage(ev)
		return
	}
	ev.Seen |= SeenOneRTT
}

// padding reports whether b is all zero: some pad a datagram so, outside of any
// packet.
func padding(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// packet takes one packet with a long header at the start of b.
func (r *Reader) packet(c *Conn, h *Header, b, whole []byte, missing int, ev *Event) {
	switch h.Type {
	case Initial:
		if !r.initial(c, h, b, missing, ev) {
			r.hold(c, whole, missing, ev)
		}
	case ZeroRTT:
		ev.Seen |= SeenZeroRTT
		ev.From = Client
		if !c.begun {
			c.learn(h, Client)
			c.version = h.Version
		}
	case Handshake:
		r.handshake(c, h, b, ev)
	case Retry:
		r.retry(c, h, b, ev)
	case VersionNegotiation:
		r.negotiation(c, h, ev)
	}
}

// retry takes a Retry packet. The client's next Initial packets have keys from
// the id that it brings; they prove themselves, and until then nothing changes.
func (r *Reader) retry(c *Conn, h *Header, b []byte, ev *Event) {
	if genuine, known := verifyRetry(b[:h.End], c.first.Bytes()); known && c.begun && !genuine {
		r.stats.FalseRetries++
		return
	}
	r.stats.Retries++
	ev.Seen |= SeenRetry
	ev.From = Server
	if c.seen&SeenRetry == 0 { // of several, the client takes the first
		c.learn(h, Server)
	}
}

// negotiation takes a Version Negotiation packet, which must echo the client's
// ids (RFC 9000 §17.2.1).
func (r *Reader) negotiation(c *Conn, h *Header, ev *Event) {
	if c.begun && (!c.client.is(h.DCID) || !c.first.is(h.SCID)) {
		return
	}
	ev.Seen |= SeenNegotiation
	ev.From = Server
}
