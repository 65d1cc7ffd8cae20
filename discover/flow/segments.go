package flow

import (
	"blindspot/capture/decode"
	"blindspot/tlsparse"
)

// syn notes where a direction begins, and ends the flow's previous connection.
func (t *Table) syn(n uint32, e *entry, dir int, s *decode.Segment) {
	mark := uint8(flagISN0 << dir)
	if s.Flags&decode.ACK == 0 && t.reused(n, e, dir, s.Seq) {
		if e.hs != 0 {
			t.finish(n, e, t.clock)
		}
		e.flags, t.rest(n).random = 0, 0
		t.touch(n, e, listSYN)
	}
	t.rest(n).isn[dir] = s.Seq
	e.flags |= mark
	if s.Flags&decode.ACK == 0 {
		e.flags = e.flags&^(flagOpened0|flagOpened1) | uint8(flagOpened0<<dir)
	}
}

// reused reports whether a SYN begins another connection than the entry's.
func (t *Table) reused(n uint32, e *entry, dir int, seq uint32) bool {
	if e.flags&uint8(flagISN0<<dir) != 0 {
		return t.rest(n).isn[dir] != seq
	}
	if e.hs == 0 {
		return e.list == listDone
	}
	hs := t.hs.get(e.hs)
	if hs.streams[dir] == 0 {
		return false
	}
	ahead := t.streams.get(hs.streams[dir]).base - (seq + 1)
	return ahead >= maxPrefix // else the SYN came late
}

// quiet takes a segment of an entry that has no handshake under way.
func (t *Table) quiet(n uint32, e *entry, dir int, s *decode.Segment) {
	if len(s.Payload) == 0 {
		switch {
		case e.list == listSYN && s.Flags&decode.RST != 0:
			t.remove(n)
		case e.list == listDone:
			t.useless(s)
		}
		return
	}
	if e.list == listDone {
		if t.clock-e.last >= int64(touchEvery) {
			t.touch(n, e, listDone)
		}
		if !startsHello(s.Payload) || randomOf(s.Payload) == t.rest(n).random {
			t.useless(s)
			return
		}
		e.flags &^= flagForeign
	}
	t.begin(n, e, s)
	t.segment(n, e, dir, s)
}

// startsHello is a quick look before the strict probe.
func startsHello(p []byte) bool {
	return len(p) > 10 && p[0] == tlsparse.RecordHandshake && p[1] == 3 && p[5] == tlsparse.TypeClientHello &&
		tlsparse.ProbeClientHello(p) == tlsparse.Yes
}

// randomOf hashes the random of a hello at the start of p, 0 where it is not
// whole.
func randomOf(p []byte) uint32 {
	const at = tlsparse.RecordHeaderLen + tlsparse.HandshakeHeaderLen + 2
	if len(p) < at+32 {
		return 0
	}
	return hashRandom(p[at : at+32])
}

func hashRandom(r []byte) uint32 {
	if len(r) < 32 {
		return 0
	}
	h := mix(be64(r)^be64(r[16:]), be64(r[8:])^be64(r[24:])^0x9e3779b97f4a7c15)
	return uint32(h^h>>32) | 1
}

// begin starts to collect a handshake.
func (t *Table) begin(n uint32, e *entry, s *decode.Segment) {
	e.hs = t.hs.take()
	hs := t.hs.get(e.hs)
	hs.client = noDir
	hs.first = s.Time
	hs.random = t.rest(n).random
	hs.tunnel = t.tunnels.number(&s.Tunnel)
	t.touch(n, e, listOpen)
}

// segment takes a segment of a handshake under way.
func (t *Table) segment(n uint32, e *entry, dir int, s *decode.Segment) {
	hs := t.hs.get(e.hs)
	hs.number = t.number
	hs.flags |= dir0Seen << dir
	if e.list == listOpen {
		t.touch(n, e, listOpen)
	}
	if s.Flags&decode.ACK != 0 {
		if hs.flags&(dir0Acked<<dir) == 0 {
			hs.flags |= dir0Acked << dir
			hs.acks[dir] = ackRange{first: s.Ack, last: s.Ack}
		}
		hs.acks[dir].see(s.Ack)
	}
	if s.Missing > 0 {
		hs.flags |= cutShort
	}
	if len(s.Payload) > 0 && !t.payload(n, e, hs, dir, s) {
		return
	}
	if s.Flags&decode.FIN != 0 {
		hs.flags |= dir0FIN << dir
	}
	if s.Flags&decode.RST != 0 {
		hs.flags |= sawRST
	}
	t.settle(n, e, hs)
}

// payload takes the bytes of a segment in. It reports false where that ended
// the handshake.
func (t *Table) payload(n uint32, e *entry, hs *handshake, dir int, s *decode.Segment) bool {
	seq := s.Seq
	if s.Flags&decode.SYN != 0 {
		seq++ // TCP Fast Open
	}
	if hs.flags&isWrapped != 0 {
		return t.wrappedPayload(n, e, hs, dir, s)
	}
	if hs.streams[dir] == 0 {
		hs.streams[dir] = t.streams.take()
		t.streams.get(hs.streams[dir]).start(e, t.rest(n), dir, seq)
	}
	st := t.streams.get(hs.streams[dir])
	switch st.state {
	case streamClosed, streamBroken:
		return true
	case streamClear:
		return t.lateHello(n, e, hs, st, dir, seq, s.Payload)
	}
	if st.state == streamNew && st.have == 0 && seq != st.base && startsTLS(s.Payload) {
		st.restart(&t.buffers, seq) // what was before it does not matter
	}
	switch t.accept(n, e, st, seq, s.Payload) {
	case acceptedNoRoom:
		return false
	case acceptedOver:
		st.lost++
		t.stats.OverPrefix++
		if st.top() > maxPrefix/2 {
			st.state = streamBroken
		}
	case acceptedMore:
		return t.read(n, e, hs, st, dir, seq, s.Payload)
	case acceptedIsland:
		return t.unsynced(n, e, hs, st)
	}
	return true
}

// startsTLS reports whether a segment begins with a hello of either side.
func startsTLS(p []byte) bool {
	return len(p) > 10 && p[0] == tlsparse.RecordHandshake && p[1] == 3 &&
		(tlsparse.ProbeClientHello(p) == tlsparse.Yes || tlsparse.ProbeServerHello(p) == tlsparse.Yes)
}

// start sets where a direction begins: behind its SYN if that was seen, else
// with its first segment.
func (s *stream) start(e *entry, r *rest, dir int, seq uint32) {
	s.base = seq
	if e.flags&uint8(flagISN0<<dir) != 0 && seq-(r.isn[dir]+1) < maxPrefix {
		s.base = r.isn[dir] + 1
		s.synced = true
	}
}

// accept takes bytes in, and makes room by ending the handshakes that wait
// longest.
func (t *Table) accept(n uint32, e *entry, st *stream, seq uint32, p []byte) accepted {
	for {
		r := st.accept(&t.buffers, seq, p)
		if r != acceptedNoRoom {
			return r
		}
		t.stats.NoBuffer++
		victim := t.lists[listClosing].head
		if victim == 0 {
			victim = t.lists[listOpen].head
		}
		t.finish(victim, t.entry(victim), t.clock)
		if victim == n {
			return acceptedNoRoom
		}
	}
}

// lateHello looks for a hello at the start of a segment of a direction that
// began with something else.
func (t *Table) lateHello(n uint32, e *entry, hs *handshake, st *stream, dir int, seq uint32, p []byte) bool {
	if !startsTLS(p) {
		return true
	}
	if hs.client == noDir {
		t.endInClear(e, hs, dir, seq-st.base) // what came before is over
		hs.first = t.now
	}
	st.restart(&t.buffers, seq)
	if t.accept(n, e, st, seq, p) == acceptedNoRoom {
		return false
	}
	return t.read(n, e, hs, st, dir, seq, p)
}

// read looks at what has become contiguous. It reports false where that ended
// the handshake.
func (t *Table) read(n uint32, e *entry, hs *handshake, st *stream, dir int, seq uint32, p []byte) bool {
	if st.state == streamNew {
		switch t.probe(hs, st, dir) {
		case tlsparse.Maybe:
			return true
		case tlsparse.No:
			if hs.client == noDir {
				found, decided := t.preface(e, hs)
				if found {
					hs.first = t.now
					return t.resume(n, e, hs)
				}
				if !decided && !startsTLS(p) {
					return true
				}
			} else if found, decided := t.otherSide(hs, dir); found {
				return t.resume(n, e, hs)
			} else if !decided && !startsTLS(p) {
				return true
			}
			if startsTLS(p) && seq != st.base {
				return t.lateHello(n, e, hs, st, dir, seq, p)
			}
			return t.clear(n, e, hs, st, dir)
		}
	}
	if st.state == streamTLS && st.have >= st.want {
		t.deframe(e, hs, st, dir)
	}
	return true
}

// probe decides what a direction begins with, from its first bytes.
func (t *Table) probe(hs *handshake, st *stream, dir int) tlsparse.Answer {
	b := t.buffers.bytes(st.buf)[:st.have]
	client, server := tlsparse.No, tlsparse.No
	if hs.client == noDir || int(hs.client) == dir {
		client = tlsparse.ProbeClientHello(b)
	}
	if hs.client == noDir || int(hs.client) != dir {
		server = max(tlsparse.ProbeServerHello(b), tlsparse.ProbeAlert(b))
	}
	switch {
	case client == tlsparse.Yes:
		hs.client = uint8(dir)
	case server == tlsparse.Yes:
		hs.client = uint8(1 - dir)
	default:
		if hs.client == noDir && max(client, server) == tlsparse.No {
			return t.probeCertificate(hs, st, dir, b)
		}
		return max(client, server)
	}
	if hs.preface != 0 && !t.begun(hs) {
		hs.first = t.now // what came before was no handshake
	}
	st.state = streamTLS
	st.synced = true
	return tlsparse.Yes
}

// begun reports whether a direction is known to carry TLS.
func (t *Table) begun(hs *handshake) bool {
	for _, sn := range hs.streams {
		if sn != 0 && t.streams.get(sn).state == streamTLS {
			return true
		}
	}
	return false
}

// probeCertificate takes a Certificate message for the start of a handshake
// whose hellos were not captured. Until a later message tells, it is taken for
// the server's.
func (t *Table) probeCertificate(hs *handshake, st *stream, dir int, b []byte) tlsparse.Answer {
	ans := tlsparse.ProbeCertificate(b)
	if ans == tlsparse.Yes {
		hs.client = uint8(1 - dir)
		st.state = streamTLS
		st.synced = true
	}
	return ans
}

// clear handles a direction that does not begin with TLS.
func (t *Table) clear(n uint32, e *entry, hs *handshake, st *stream, dir int) bool {
	if hs.client != noDir { // the other side speaks TLS
		b := t.buffers.bytes(st.buf)[:st.have]
		if _, ans := tlsparse.ParseRecordHeader(b); ans == tlsparse.Yes {
			st.state = streamTLS // its hello was not captured
			t.deframe(e, hs, st, dir)
			return true
		}
		if int(hs.client) != dir {
			hs.flags |= serverClear
		}
		st.state = streamClear
		return true
	}
	if !st.synced {
		return t.unsynced(n, e, hs, st)
	}
	t.foreign(n, e, hs)
	return false
}

// unsynced gives a flow whose start was not seen a few segments to show one.
func (t *Table) unsynced(n uint32, e *entry, hs *handshake, st *stream) bool {
	if st.synced || st.state != streamNew || hs.client != noDir {
		return true
	}
	if hs.tries++; hs.tries < maxUnsynced {
		return true
	}
	t.foreign(n, e, hs)
	return false
}

// foreign gives a flow up as not ours. A hello at the start of a later segment
// will be seen even so.
func (t *Table) foreign(n uint32, e *entry, hs *handshake) {
	t.countForeign(e, hs)
	hs.random = 0
	t.release(n, e)
}

// countForeign counts a flow in which no handshake was seen.
func (t *Table) countForeign(e *entry, hs *handshake) {
	switch {
	case t.helloBegan(hs):
		t.stats.HalfHello++
	case t.midStream(hs):
		t.stats.MidStream++
	default:
		t.stats.Foreign++
	}
	e.flags |= flagForeign
}

// midStream reports whether a direction's first bytes are a TLS record of a
// connection that was there before the capture.
func (t *Table) midStream(hs *handshake) bool {
	for _, n := range hs.streams {
		if n == 0 {
			continue
		}
		st := t.streams.get(n)
		b := t.buffers.bytes(st.buf)[:st.have]
		if r, ans := tlsparse.ParseRecordHeader(b); ans == tlsparse.Yes && r.Length > 0 && r.Version <= tlsparse.VersionTLS13 {
			return true
		}
	}
	return false
}

// helloBegan reports whether a direction begins as a ClientHello does, of which
// too little was captured to be sure.
func (t *Table) helloBegan(hs *handshake) bool {
	for _, n := range hs.streams {
		if n == 0 {
			continue
		}
		st := t.streams.get(n)
		b := t.buffers.bytes(st.buf)[:st.have]
		if len(b) > tlsparse.RecordHeaderLen && b[tlsparse.RecordHeaderLen] == tlsparse.TypeClientHello && tlsparse.ProbeClientHello(b) == tlsparse.Maybe {
			return true
		}
	}
	return false
}
