package quic

import (
	"bytes"
	"errors"
	"fmt"

	"blindspot/tlsparse/internal/protect"
)

// Bounds of the Handshake packets that a connection keeps until its secrets are
// known: more than a server may send to a client that it cannot be sure of.
const (
	maxSealed      = 64
	maxSealedBytes = 64 << 10
)

// ErrSuite says that Handshake packets cannot be opened: a cipher suite that is
// not known here, or a secret that does not fit it.
var ErrSuite = errors.New("packets of this cipher suite cannot be opened")

// sealed is what a Reader knows of a connection's Handshake packets, where
// somebody wants them.
type sealed struct {
	keys    [2]*keys // by side
	largest [2]int64 // packet numbers, +1
	streams [2]stream
	held    [][]byte // packets that came before the keys
	bytes   int64    // of held
}

// Unlock gives the Reader what opens the Handshake packets of a connection: the
// handshake traffic secrets of both sides, of which one may be empty, and the
// cipher suite that the ServerHello chose (RFC 9001 §5). The secrets are not
// kept. Packets that came before, and were kept because of KeepHandshake, are
// opened now, and the Event tells of them; their messages come from Next, like
// those of the packets that follow.
func (r *Reader) Unlock(c *Conn, suite uint16, client, server []byte) (Event, error) {
	var ev Event
	if !c.opened {
		return ev, errors.New("unlock: no Initial packet was opened, so the version is not known")
	}
	var k [2]*keys
	for i, secret := range [...][]byte{client, server} {
		if len(secret) == 0 {
			continue
		}
		var err error
		if k[i], err = sealedKeys(c.scheme, suite, secret); err != nil {
			return ev, err
		}
	}
	if c.sealed == nil {
		c.sealed = &sealed{}
	}
	c.sealed.keys = k
	held := c.sealed.held
	r.unseal(c)
	for _, b := range held {
		if h, ok := parseHeader(b, c.known(b)); ok {
			r.openHandshake(c, &h, b, c.sender(&h), &ev)
		}
	}
	c.seen |= ev.Seen
	return ev, nil
}

// Unlocked reports whether secrets were given for the connection.
func (c *Conn) Unlocked() bool { return c.sealed != nil && c.sealed.keys != [2]*keys{} }

// sealedKeys derives the keys of one side's Handshake packets.
func sealedKeys(s schemeID, suite uint16, secret []byte) (*keys, error) {
	p, ok := protect.SuiteOf(suite)
	if !ok || suite == 0x1305 { // RFC 9001 §5.3: CCM with short tags has no header protection
		return nil, fmt.Errorf("cipher suite %#04x: %w", suite, ErrSuite)
	}
	if len(secret) != p.Hash().Size() {
		return nil, fmt.Errorf("secret of %d bytes for cipher suite %#04x: %w", len(secret), suite, ErrSuite)
	}
	prefix := "quic "
	if schemes[s].v2Types {
		prefix = "quicv2 " // RFC 9369 §3.3.2
	}
	key := protect.ExpandLabel(p.Hash, secret, prefix+"key", p.KeyLen)
	hp := protect.ExpandLabel(p.Hash, secret, prefix+"hp", p.KeyLen)
	defer clear(key)
	defer clear(hp)
	aead, err := p.AEAD(key)
	if err != nil {
		return nil, err
	}
	mask, err := protect.MaskOf(suite, hp)
	if err != nil {
		return nil, err
	}
	k := &keys{aead: aead, hp: maskBlock{mask}}
	copy(k.iv[:], protect.ExpandLabel(p.Hash, secret, prefix+"iv", ivLen))
	return k, nil
}

// maskBlock is the header protection of any suite in the shape of a block
// cipher: a sample goes in, a mask comes out.
type maskBlock struct{ mask protect.Mask }

// BlockSize implements cipher.Block.
func (maskBlock) BlockSize() int { return sampleLen }

// Encrypt implements cipher.Block.
func (m maskBlock) Encrypt(dst, src []byte) {
	out := m.mask((*[sampleLen]byte)(src))
	copy(dst, out[:])
}

// Decrypt implements cipher.Block. Nobody needs it.
func (m maskBlock) Decrypt(dst, src []byte) { m.Encrypt(dst, src) }

// handshake takes a Handshake packet: it is opened where there are keys, and
// else kept where they may come.
func (r *Reader) handshake(c *Conn, h *Header, b []byte, ev *Event) {
	ev.Seen |= SeenHandshake
	ev.HandshakeBytes += h.Length
	from := c.sender(h)
	if from != Unknown {
		ev.From = from
	}
	switch {
	case h.End > len(b): // cut: nothing can be proved, and little is left
	case c.Unlocked():
		r.openHandshake(c, h, b[:h.End], from, ev)
	case r.KeepHandshake:
		r.seal(c, b[:h.End])
	}
}

// seal keeps a copy of a packet for which there are no keys yet.
func (r *Reader) seal(c *Conn, packet []byte) {
	if c.sealed == nil {
		c.sealed = &sealed{}
	}
	s, n := c.sealed, int64(len(packet))
	if len(s.held) == maxSealed || s.bytes+n > maxSealedBytes {
		r.stats.SealedLost++
		return
	}
	if r.buffered+n > r.limit() {
		r.stats.NoBuffer++
		return
	}
	r.buffered += n
	s.bytes += n
	s.held = append(s.held, bytes.Clone(packet))
}

// unseal lets the packets go that were kept.
func (r *Reader) unseal(c *Conn) {
	r.buffered -= c.sealed.bytes
	c.sealed.held, c.sealed.bytes = nil, 0
}

// openHandshake opens a whole Handshake packet with the keys of the side that
// sent it, or of either.
func (r *Reader) openHandshake(c *Conn, h *Header, packet []byte, from Side, ev *Event) {
	s := c.sealed
	if len(packet) < h.End || len(packet) < h.Number+minProtected {
		r.stats.Unopened++
		return
	}
	for _, side := range [...]Side{from.other(), from.other().other()} {
		if from != Unknown {
			side = side.other() // its own keys first
		}
		i := side.index()
		if s.keys[i] == nil {
			continue
		}
		pn, ok := r.opener.open(s.keys[i], packet, h.Number, h.End, s.largest[i]-1)
		if !ok {
			continue
		}
		r.stats.Unsealed++
		ev.Seen |= SeenUnsealed
		ev.From = side
		s.largest[i] = max(s.largest[i], pn+1)
		r.sealedFrames(c, side, ev)
		return
	}
	r.stats.StillSealed++
}

// sealedFrames takes the frames of the Handshake packet opened last.
func (r *Reader) sealedFrames(c *Conn, side Side, ev *Event) {
	google := schemes[c.scheme].googleTypes
	for b := r.opener.plain; len(b) > 0; {
		f, rest, ok := nextFrame(b, google)
		switch {
		case !ok:
			r.stats.Malformed++
			return
		case f.typ == frameCrypto:
			r.add(&c.sealed.streams[side.index()], f.offset, f.data)
		case f.typ == frameClose:
			ev.Seen |= SeenClose
			ev.Close = Close{From: side, Code: f.code, Reason: bytes.Clone(f.data[:min(len(f.data), maxReason)])}
		}
		b = rest
	}
}

// nextSealed returns the next message of the Handshake packets, the server's
// first.
func (r *Reader) nextSealed(c *Conn) (Message, bool) {
	if c.sealed == nil {
		return Message{}, false
	}
	for _, side := range [...]Side{Server, Client} {
		if raw, ok := r.message(&c.sealed.streams[side.index()]); ok {
			r.stats.Messages++
			return Message{From: side, Type: raw[0], Raw: raw, Body: raw[4:], Encrypted: true}, true
		}
	}
	return Message{}, false
}

// releaseSealed gives back what the Handshake packets hold, and forgets their
// keys.
func (r *Reader) releaseSealed(c *Conn) {
	if c.sealed == nil {
		return
	}
	for i := range c.sealed.streams {
		c.sealed.streams[i].took = 0
		r.release(&c.sealed.streams[i])
	}
	r.unseal(c)
	c.sealed = nil
}
