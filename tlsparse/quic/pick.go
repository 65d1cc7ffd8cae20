package quic

// Pick returns which of the connections that share a pair of addresses, the
// oldest first, a datagram belongs to, or -1 for none: then it begins another
// if Probe does not say no. It goes by the connection ids; where these are empty,
// by whose keys open the packet.
func (r *Reader) Pick(conns []*Conn, b []byte, missing int) int {
	if len(conns) == 0 || len(b) == 0 {
		return -1
	}
	if b[0]&longForm == 0 {
		return pickShort(conns, b)
	}
	h, ok := ParseHeader(b)
	if !ok {
		return -1
	}
	for i := len(conns) - 1; i >= 0; i-- {
		if _, ok := conns[i].Owns(h.DCID); ok {
			return i
		}
	}
	if h.Type == Initial {
		return r.pickInitial(conns, &h, b, missing)
	}
	return pickOther(conns, &h, b)
}

// pickShort goes by the id that follows the first byte of a short header.
func pickShort(conns []*Conn, b []byte) int {
	for i := len(conns) - 1; i >= 0; i-- {
		for _, id := range [...]*ID{&conns[i].client, &conns[i].server} {
			if n := id.Len(); n > 0 && len(b) > n && id.is(b[1:1+n]) {
				return i
			}
		}
	}
	if len(conns) == 1 {
		return 0
	}
	return -1
}

// pickInitial goes by the keys. What opens with no key at all is the last
// connection's trouble; what opens with its own begins another, unless it goes on
// after a Retry or Version Negotiation.
func (r *Reader) pickInitial(conns []*Conn, h *Header, b []byte, missing int) int {
	if !h.possible(b, missing) {
		return -1
	}
	p := newAttempt(h, b)
	waiting := -1
	for i := len(conns) - 1; i >= 0; i-- {
		c := conns[i]
		if c.held != nil {
			waiting = i
		}
		for _, s := range r.candidates(c, h, b[0]) {
			p.scheme = s
			if c.begun && (r.try(&p, &c.keyed, Server, c.largest[1]-1) || r.try(&p, &c.keyed, Client, c.largest[0]-1)) {
				return i
			}
		}
	}
	if waiting >= 0 {
		return waiting
	}
	var fresh Conn
	if !r.unlock(&fresh, h, &p, Unknown) {
		return len(conns) - 1
	}
	for i := len(conns) - 1; i >= 0; i-- {
		if conns[i].opened && conns[i].continues(h) {
			return i
		}
	}
	return -1
}

// pickOther goes by what else a packet tells: the sender's id, a Retry's tag.
func pickOther(conns []*Conn, h *Header, b []byte) int {
	for i := len(conns) - 1; i >= 0; i-- {
		c := conns[i]
		switch h.Type {
		case Retry:
			if genuine, _ := verifyRetry(b, c.first.Bytes()); genuine && c.begun {
				return i
			}
		case VersionNegotiation:
			if c.begun && c.first.is(h.SCID) {
				return i
			}
		case Handshake:
			if c.server.Len() > 0 && c.server.is(h.SCID) || c.client.Len() > 0 && c.client.is(h.SCID) {
				return i
			}
		}
	}
	if h.Type == ZeroRTT || len(h.DCID) > 0 {
		return -1
	}
	return len(conns) - 1
}
