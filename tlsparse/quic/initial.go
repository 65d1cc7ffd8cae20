package quic

import (
	"bytes"

	"blindspot/tlsparse"
)

// maxReason bounds the words of a farewell that are kept.
const maxReason = 256

// initial takes an Initial packet and reports whether it is dealt with: false
// says that no key opens it.
func (r *Reader) initial(c *Conn, h *Header, b []byte, missing int, ev *Event) bool {
	if c.past != 0 && h.Version == c.past {
		return true // late, or doubled by a mirror
	}
	p := newAttempt(h, b)
	if !r.unlock(c, h, &p, ev.From) {
		r.stats.Unopened++
		ev.Seen |= SeenUnopened
		return false
	}
	r.stats.Opened++
	ev.Seen |= SeenInitial
	ev.From = p.side
	if p.cut {
		r.stats.Truncated++
		ev.Seen |= SeenTruncated
	}
	if c.opened {
		r.restart(c, h, &p, ev)
	}
	if p.own {
		c.begin(h)
	}
	c.opened, c.version, c.scheme = true, h.Version, p.scheme
	c.learn(h, p.side)
	i := p.side.index()
	c.largest[i] = max(c.largest[i], p.pn+1)
	r.frames(c, &p, ev)
	return true
}

// attempt is a packet to open, and what opened it.
type attempt struct {
	packet []byte
	number int
	end    int // past the packet's length where it is cut
	cut    bool

	scheme schemeID
	side   Side
	own    bool // by keys from its own destination id
	pn     int64
}

func newAttempt(h *Header, b []byte) attempt {
	return attempt{packet: b[:min(h.End, len(b))], number: h.Number, end: h.End, cut: h.End > len(b)}
}

// unlock tries the keys that a packet can have: those of the connection, for
// either side, and those of its own destination, with which a client begins, and
// begins again after a Retry (RFC 9001 §5.2).
func (r *Reader) unlock(c *Conn, h *Header, p *attempt, from Side) bool {
	for _, s := range r.candidates(c, h, p.packet[0]) {
		p.scheme = s
		if c.begun {
			order := [...]Side{from, from.other()}
			if from == Unknown {
				order = [...]Side{c.likely(h), c.likely(h).other()}
			}
			for _, side := range order {
				if r.try(p, &c.keyed, side, c.largest[side.index()]-1) {
					return true
				}
			}
		}
		id := MakeID(h.DCID)
		if c.begun && (id == c.keyed || id == c.first) {
			continue // tried; or from before the Retry, and late
		}
		if r.try(p, &id, Client, -1) {
			p.own = true
			return true
		}
	}
	return false
}

// try opens p with the keys of a side.
func (r *Reader) try(p *attempt, id *ID, side Side, largest int64) bool {
	k, derived := r.ring.get(p.scheme, id, side)
	if derived {
		r.stats.Derived++
	}
	pn, ok := r.opener.open(k, p.packet, p.number, p.end, largest)
	p.pn, p.side = pn, side
	return ok && (!p.cut || plausible(r.opener.plain, p))
}

// candidates returns the schemes to try for a packet.
func (r *Reader) candidates(c *Conn, h *Header, first byte) []schemeID {
	if c.opened && h.Version == c.version {
		return one[c.scheme : c.scheme+1]
	}
	if s := schemeOf(h.Version); s != 0 {
		return one[s : s+1]
	}
	r.stats.Guessed++
	if first>>4&3 == 1 {
		return guessesV2[:]
	}
	return guessesV1[:]
}

// one holds every scheme's number, to make a list of one of it.
var one = func() (list [len(schemes)]schemeID) {
	for i := range list {
		list[i] = schemeID(i)
	}
	return list
}()

// likely guesses who sent a packet, by its ids.
func (c *Conn) likely(h *Header) Side {
	if from := c.sender(h); from != Unknown {
		return from
	}
	if len(h.DCID) == 0 {
		return Server
	}
	return Client
}

// restart prepares for an Initial packet that begins the CRYPTO streams anew: a
// client's that has keys of its own, or another version while the server has not
// answered. (Another version after that is RFC 9368's compatible negotiation,
// which goes on.)
func (r *Reader) restart(c *Conn, h *Header, p *attempt, ev *Event) {
	if !p.own && (p.side != Client || h.Version == c.version || !c.keyed.is(h.DCID)) {
		return
	}
	r.stats.Restarts++
	r.Release(c)
	if c.continues(h) {
		ev.Seen |= SeenRestart
		if h.Version != c.version {
			c.past = c.version
		}
		c.retried = c.seen&SeenRetry != 0
		c.streams, c.largest = [2]stream{}, [2]int64{}
		return
	}
	ev.Seen |= SeenAnother
	*c = Conn{Tag: c.Tag}
}

// continues reports whether an Initial packet that begins anew can belong to the
// same connection, which it does after a Retry, once, with the same id of the
// client and the token (RFC 9000 §17.2.5.2), and after a Version Negotiation.
// Where the capture does not have these, a server that has not answered will do.
func (c *Conn) continues(h *Header) bool {
	if c.version != h.Version && c.seen&SeenNegotiation != 0 {
		return true
	}
	if !c.client.is(h.SCID) || c.retried {
		return false
	}
	unanswered := c.server.Len() == 0 && c.seen&SeenHandshake == 0
	return len(h.Token) > 0 && (unanswered || c.seen&SeenRetry != 0) || c.version != h.Version && unanswered
}

// frames takes the frames of the packet opened last.
func (r *Reader) frames(c *Conn, p *attempt, ev *Event) {
	google := schemes[p.scheme].googleTypes
	s := &c.streams[p.side.index()]
	for b := r.opener.plain; len(b) > 0; {
		f, rest, ok := nextFrame(b, google)
		switch {
		case f.typ == frameCrypto:
			r.crypto(s, p, f.offset, f.data, ev)
		case ok && f.typ == frameClose:
			ev.Seen |= SeenClose
			ev.Close = Close{From: p.side, Code: f.code, Reason: bytes.Clone(f.data[:min(len(f.data), maxReason)])}
		}
		if !ok {
			if !p.cut {
				r.stats.Malformed++
			}
			return
		}
		b = rest
	}
}

// crypto takes a CRYPTO frame's data, unless its start shows that it is no TLS.
func (r *Reader) crypto(s *stream, p *attempt, off uint64, data []byte, ev *Event) {
	if off == 0 && s.base == 0 && len(data) > 0 && !s.dead && !hello(data[0], p) {
		r.stats.NotTLS++
		ev.Seen |= SeenNotTLS
		r.kill(s)
		return
	}
	r.add(s, off, data)
}

// hello reports whether a side's stream can begin with a byte.
func hello(typ byte, p *attempt) bool {
	if p.side == Client {
		return typ == tlsparse.TypeClientHello && !schemes[p.scheme].notTLS
	}
	return typ == tlsparse.TypeServerHello || typ == tlsparse.TypeHelloRetryRequest
}

// plausible reports whether b, which nothing proves, can be what an Initial
// packet of a side holds: frames to the end, or to where it was cut, and one of
// them CRYPTO, which at its start holds a hello.
func plausible(b []byte, p *attempt) bool {
	found := false
	for len(b) > 0 {
		f, rest, ok := nextFrame(b, schemes[p.scheme].googleTypes)
		if f.typ == frameCrypto && len(f.data) > 0 {
			if f.offset > maxCrypto || f.offset == 0 && !hello(f.data[0], p) {
				return false
			}
			found = true
		}
		if !ok && f.typ != frameCrypto {
			return false
		}
		b = rest
	}
	return found
}
