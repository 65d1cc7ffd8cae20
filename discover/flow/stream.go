package flow

import "blindspot/tlsparse"

// maxHoles bounds the islands of bytes that are kept behind a hole.
const maxHoles = 6

// maxBefore is how far before the first segment that was seen an earlier one
// may begin, where no SYN told the start of the stream.
const maxBefore = 32 << 10

// stream is the prefix of one direction. It holds no pointer; its bytes are in
// the table's arena. Index 0 of the buffer stands for sequence number base.
type stream struct {
	base    uint32 // sequence number of index 0
	sealed  uint32 // index up to which the bytes were copied for opening
	have    uint32 // contiguous bytes from index 0
	want    uint32 // parsing is worth it once have reaches it
	buf     buffer
	holes   uint8 // islands in use
	lost    uint8 // islands that were given up
	state   streamState
	keep    bool   // all bytes go into the buffer, to be sealed
	synced  bool   // a SYN or a hello told where the stream begins
	acks    bool   // firstAck and lastAck are known
	first   uint32 // acknowledgement numbers of this side, first and last
	last    uint32
	islands [maxHoles]island
	deframe tlsparse.Deframer
	msgs    [maxMessages]message
	nmsgs   uint8
}

// streamState says what a direction is known to carry.
type streamState uint8

const (
	streamNew    streamState = iota // nothing decided
	streamTLS                       // index 0 is where TLS begins
	streamClear                     // something else
	streamClosed                    // nothing more is needed of it
	streamBroken                    // it was TLS, and then nonsense or too long
)

// island is a run of bytes behind a hole, in buffer indexes.
type island struct{ lo, hi uint32 }

// maxMessages bounds the handshake messages that a direction is read for: more
// than the clear part of any version has.
const maxMessages = 8

// message is a whole handshake message in a stream's buffer.
type message struct {
	at  uint32
	len uint32
	typ uint8
}

// note remembers a message that ended at index end.
func (s *stream) note(typ uint8, end, length int) {
	if int(s.nmsgs) < maxMessages {
		s.msgs[s.nmsgs] = message{at: uint32(end - length), len: uint32(length), typ: typ}
		s.nmsgs++
	}
}

// find returns the n-th message of a type (from 0).
func (s *stream) find(typ uint8, n int) (message, bool) {
	for _, m := range s.msgs[:s.nmsgs] {
		if m.typ == typ {
			if n == 0 {
				return m, true
			}
			n--
		}
	}
	return message{}, false
}

// top returns the end of what was seen, holes included.
func (s *stream) top() uint32 {
	if s.holes > 0 {
		return max(s.have, s.islands[s.holes-1].hi)
	}
	return s.have
}

// accept results.
type accepted uint8

const (
	acceptedNothing accepted = iota // duplicate, or not needed
	acceptedMore                    // have went up
	acceptedIsland                  // kept behind a hole
	acceptedOver                    // beyond maxPrefix, or too many holes
	acceptedNoRoom                  // the arena's limit is reached
)

// accept takes a segment's payload in. The first copy of a byte wins.
func (s *stream) accept(a *arena, seq uint32, p []byte) accepted {
	at := int64(int32(seq - s.base))
	if at < 0 {
		if !s.synced && s.state == streamNew && at >= -maxBefore && s.top() > 0 {
			return s.rebase(a, seq, p)
		}
		if int64(len(p)) <= -at {
			return acceptedNothing
		}
		p = p[-at:]
		at = 0
	}
	if at < int64(s.have) {
		known := int64(s.have) - at
		if known >= int64(len(p)) {
			return acceptedNothing
		}
		p = p[known:]
		at = int64(s.have)
	}
	if at == int64(s.have) && s.holes == 0 && s.state == streamTLS && !s.keep && int(s.have) == s.deframe.Consumed() {
		if n := s.deframe.Skip(len(p)); n > 0 {
			s.base += uint32(n)
			s.want -= min(uint32(n), s.want-s.have) // it counts bytes of the stream
			if p = p[n:]; len(p) == 0 {
				return acceptedMore
			}
		}
	}
	end := at + int64(len(p))
	if end > maxPrefix {
		if at >= maxPrefix || at > int64(s.have) {
			return acceptedOver
		}
		p = p[:maxPrefix-at]
		end = maxPrefix
	}
	if int(end) > s.buf.size() {
		if a.full(int(end)) {
			return acceptedNoRoom
		}
		s.buf = a.grow(s.buf, int(end), int(s.top()))
	}
	return s.place(a.bytes(s.buf), uint32(at), p)
}

// place copies p to index at, around the islands that are there, and joins
// what became contiguous.
func (s *stream) place(buf []byte, at uint32, p []byte) accepted {
	lo, hi := at, at+uint32(len(p))
	if s.holes == 0 && lo == s.have {
		copy(buf[lo:], p)
		s.have = hi
		return acceptedMore
	}
	if lo > s.have && !s.keepIsland(lo, hi) {
		return acceptedOver
	}
	cur := lo
	for _, is := range s.islandsBefore() {
		if is.lo >= hi {
			break
		}
		if is.hi <= cur {
			continue
		}
		if cur < is.lo {
			copy(buf[cur:is.lo], p[cur-lo:])
		}
		cur = is.hi
	}
	if cur < hi {
		copy(buf[cur:hi], p[cur-lo:])
	}
	return s.join(lo, hi)
}

func (s *stream) islandsBefore() []island { return s.islands[:s.holes] }

// keepIsland reports whether an island lo–hi would fit in the list.
func (s *stream) keepIsland(lo, hi uint32) bool {
	if int(s.holes) < maxHoles {
		return true
	}
	for _, is := range s.islands[:s.holes] {
		if is.lo <= hi && lo <= is.hi {
			return true
		}
	}
	return false
}

// join adds lo–hi to the islands, melts those that touch, and moves have over
// the first where it is contiguous now.
func (s *stream) join(lo, hi uint32) accepted {
	var merged [maxHoles + 1]island
	n := 0
	placed := false
	for _, is := range s.islands[:s.holes] {
		switch {
		case is.hi < lo:
			merged[n] = is
			n++
		case is.lo > hi:
			if !placed {
				merged[n] = island{lo, hi}
				n++
				placed = true
			}
			merged[n] = is
			n++
		default:
			lo, hi = min(lo, is.lo), max(hi, is.hi)
		}
	}
	if !placed {
		merged[n] = island{lo, hi}
		n++
	}
	result := acceptedIsland
	rest := merged[:n]
	if rest[0].lo <= s.have {
		s.have = max(s.have, rest[0].hi)
		rest = rest[1:]
		result = acceptedMore
	}
	s.holes = uint8(copy(s.islands[:], rest))
	return result
}

// rebase makes room for a segment that begins before the first one seen.
func (s *stream) rebase(a *arena, seq uint32, p []byte) accepted {
	shift := s.base - seq
	top := s.top()
	if top+shift > maxPrefix || int(s.holes) == maxHoles {
		return acceptedOver
	}
	if a.full(int(top + shift)) {
		return acceptedNoRoom
	}
	s.buf = a.grow(s.buf, int(top+shift), int(top))
	buf := a.bytes(s.buf)
	copy(buf[shift:], buf[:top])
	if s.have > 0 {
		copy(s.islands[1:], s.islands[:s.holes])
		s.islands[0] = island{0, s.have}
		s.holes++
		s.have = 0
	}
	for i := range s.islands[:s.holes] {
		s.islands[i].lo += shift
		s.islands[i].hi += shift
	}
	s.base = seq
	if len(p) > int(top+shift) {
		p = p[:top+shift] // what lies behind comes with its own segment
	}
	return s.place(buf, 0, p)
}

// restart makes index 0 stand for seq and forgets everything else.
func (s *stream) restart(a *arena, seq uint32) {
	a.release(s.buf)
	*s = stream{base: seq, synced: true, acks: s.acks, first: s.first, last: s.last}
}

// missing returns the holes that are open.
func (s *stream) missing() int { return int(s.holes) + int(s.lost) }
