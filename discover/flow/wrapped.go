package flow

import (
	"blindspot/capture/decode"
	"blindspot/tlsparse/starttls"
)

// wrapped takes TLS out of the packets of the protocol around it, where that
// does not end before TLS begins. The handshake's streams then hold what was
// taken out; raw are the streams on the wire.
type wrapped struct {
	raw    [2]uint32
	unwrap [2]starttls.Unwrapper
}

// wrap turns the streams of a handshake, cut to where the packets begin, into
// raw ones, and opens what they hold so far.
func (t *Table) wrap(hs *handshake, kind starttls.Wrapping) {
	w := &t.prefaces.get(hs.preface).wrap
	w.raw, hs.streams = hs.streams, [2]uint32{}
	hs.flags |= isWrapped
	for dir := range w.unwrap {
		w.unwrap[dir].Wrapping = kind
	}
}

// wrappedPayload takes the bytes of a segment in, like payload.
func (t *Table) wrappedPayload(n uint32, e *entry, hs *handshake, dir int, s *decode.Segment) bool {
	w := &t.prefaces.get(hs.preface).wrap
	if w.raw[dir] == 0 {
		w.raw[dir] = t.streams.take()
		t.streams.get(w.raw[dir]).start(e, t.rest(n), dir, s.Seq)
	}
	raw := t.streams.get(w.raw[dir])
	if raw.state == streamBroken {
		return true
	}
	switch t.accept(n, e, raw, s.Seq, s.Payload) {
	case acceptedNoRoom:
		return false
	case acceptedOver:
		raw.lost++
		t.stats.OverPrefix++
	case acceptedMore:
		return t.unwrap(n, e, hs, dir)
	}
	return true
}

// unwrap opens what has become contiguous in a raw stream. It reports false
// where that ended the handshake.
func (t *Table) unwrap(n uint32, e *entry, hs *handshake, dir int) bool {
	w := &t.prefaces.get(hs.preface).wrap
	raw := t.streams.get(w.raw[dir])
	tls, used := w.unwrap[dir].Unwrap(t.parse.unwrapped[:0], t.buffers.bytes(raw.buf)[:raw.have])
	t.parse.unwrapped = tls
	if used > 0 {
		t.cut(raw, used)
	}
	if w.unwrap[dir].Broken() {
		raw.state = streamBroken
		t.stats.Broken++
	}
	if len(tls) == 0 {
		return true
	}
	if hs.streams[dir] == 0 {
		hs.streams[dir] = t.streams.take()
		t.streams.get(hs.streams[dir]).synced = true
	}
	st := t.streams.get(hs.streams[dir])
	if st.state == streamClosed || st.state == streamBroken {
		return true
	}
	seq := st.base + st.have
	switch t.accept(n, e, st, seq, tls) {
	case acceptedNoRoom:
		return false
	case acceptedOver:
		st.state = streamBroken
		t.stats.OverPrefix++
	case acceptedMore:
		return t.read(n, e, hs, st, dir, seq, tls)
	}
	return true
}

// unwrapBoth opens what both raw streams held when they were found to be such.
func (t *Table) unwrapBoth(n uint32, e *entry, hs *handshake) bool {
	for dir := range hs.streams {
		if raw := t.prefaces.get(hs.preface).wrap.raw[dir]; raw != 0 && t.streams.get(raw).have > 0 && !t.unwrap(n, e, hs, dir) {
			return false
		}
	}
	return true
}

// unwrapped gives the raw streams back.
func (t *Table) unwrapped(p *preface) {
	for _, sn := range p.wrap.raw {
		if sn != 0 {
			t.giveStream(sn)
		}
	}
	*p = preface{}
}

// missing returns the holes that were never filled in either direction.
func (t *Table) missing(hs *handshake) (n int) {
	count := func(list [2]uint32) {
		for _, sn := range list {
			if sn != 0 {
				n += t.streams.get(sn).missing()
			}
		}
	}
	count(hs.streams)
	if hs.flags&isWrapped != 0 {
		count(t.prefaces.get(hs.preface).wrap.raw)
	}
	return n
}
