package flow

import "blindspot/tlsparse"

// maxHoles bounds the islands of bytes that are kept behind a hole.
const maxHoles = 6

// maxBefore is how far before the first segment that was seen an earlier one
// may begin, where no SYN told the start of the stream.
const maxBefore = 32 << 10

// stream is the prefix of one direction. It holds no pointer; its bytes are in
// the table's arena, and so is what few streams need: islands and messages.
// Index 0 of the buffer stands for sequence number base.
type stream struct {
	base    uint32 // sequence number of index 0
	sealed  uint32 // index up to which the bytes were copied for opening
	have    uint32 // contiguous bytes from index 0
	want    uint32 // parsing is worth it once have reaches it
	last    uint32 // end of the last island, 0 without one
	buf     buffer
	islesAt uint32 // +1 in the arena's isles, 0 for none
	notesAt uint32 // +1 in the arena's notes, 0 for none
	holes   uint8  // islands in use
	lost    uint8  // islands that were given up
	nmsgs   uint8
	state   streamState
	keep    bool // all bytes go into the buffer, to be sealed
	synced  bool // a SYN or a hello told where the stream begins
	deframe tlsparse.Deframer
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
	at      uint32
	lenType uint32 // length in the upper 24 bits, as in its header
}

func (m message) typ() uint8  { return uint8(m.lenType) }
func (m message) end() uint32 { return m.at + m.lenType>>8 }

// note remembers a message that ended at index end.
func (s *stream) note(a *arena, typ uint8, end, length int) {
	if int(s.nmsgs) >= maxMessages {
		return
	}
	if s.notesAt == 0 {
		s.notesAt = a.notes.take()
	}
	a.notes.get(s.notesAt)[s.nmsgs] = message{at: uint32(end - length), lenType: uint32(length)<<8 | uint32(typ)}
	s.nmsgs++
}

// messages returns those that were noted.
func (s *stream) messages(a *arena) []message {
	if s.notesAt == 0 {
		return nil
	}
	return a.notes.get(s.notesAt)[:s.nmsgs]
}

// find returns the n-th message of a type (from 0).
func find(list []message, typ uint8, n int) (message, bool) {
	for _, m := range list {
		if m.typ() == typ {
			if n == 0 {
				return m, true
			}
			n--
		}
	}
	return message{}, false
}

// islands returns the runs of bytes behind holes, in order.
func (s *stream) islands(a *arena) []island {
	if s.islesAt == 0 {
		return nil
	}
	return a.isles.get(s.islesAt)[:s.holes]
}

// setIslands replaces them.
func (s *stream) setIslands(a *arena, list []island) {
	if len(list) == 0 {
		if s.islesAt != 0 {
			a.isles.give(s.islesAt)
		}
		s.islesAt, s.holes, s.last = 0, 0, 0
		return
	}
	if s.islesAt == 0 {
		s.islesAt = a.isles.take()
	}
	s.holes = uint8(copy(a.isles.get(s.islesAt)[:], list))
	s.last = list[s.holes-1].hi
}

// top returns the end of what was seen, holes included.
func (s *stream) top() uint32 { return max(s.have, s.last) }

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
		size := s.room(int(end))
		if a.full(size) {
			return acceptedNoRoom
		}
		s.buf = a.grow(s.buf, size, int(s.top()))
	}
	return s.place(a, a.bytes(s.buf), uint32(at), p)
}

// maxAnnounced bounds the room that is made for bytes that are only announced.
const maxAnnounced = 8 << 10

// room returns how large a buffer is made that has to hold end bytes: a message
// of which the length is known comes next, and its bytes are moved once.
func (s *stream) room(end int) int {
	if s.state == streamTLS && s.want <= maxAnnounced {
		return max(end, int(s.want))
	}
	return end
}

// place copies p to index at, around the islands that are there, and joins
// what became contiguous.
func (s *stream) place(a *arena, buf []byte, at uint32, p []byte) accepted {
	lo, hi := at, at+uint32(len(p))
	if s.holes == 0 && lo == s.have {
		copy(buf[lo:], p)
		s.have = hi
		return acceptedMore
	}
	if lo > s.have && !s.keepIsland(a, lo, hi) {
		return acceptedOver
	}
	cur := lo
	for _, is := range s.islands(a) {
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
	return s.join(a, lo, hi)
}

// keepIsland reports whether an island lo–hi would fit in the list.
func (s *stream) keepIsland(a *arena, lo, hi uint32) bool {
	if int(s.holes) < maxHoles {
		return true
	}
	for _, is := range s.islands(a) {
		if is.lo <= hi && lo <= is.hi {
			return true
		}
	}
	return false
}

// join adds lo–hi to the islands, melts those that touch, and moves have over
// the first where it is contiguous now.
func (s *stream) join(a *arena, lo, hi uint32) accepted {
	var merged [maxHoles + 1]island
	n := 0
	placed := false
	for _, is := range s.islands(a) {
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
	s.setIslands(a, rest)
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
	list := make([]island, 0, maxHoles+1)
	if s.have > 0 {
		list = append(list, island{0, s.have})
		s.have = 0
	}
	list = append(list, s.islands(a)...)
	for i := range list {
		list[i].lo += shift
		list[i].hi += shift
	}
	s.setIslands(a, list)
	s.base = seq
	if len(p) > int(top+shift) {
		p = p[:top+shift] // what lies behind comes with its own segment
	}
	return s.place(a, buf, 0, p)
}

// restart makes index 0 stand for seq and forgets everything else.
func (s *stream) restart(a *arena, seq uint32) {
	s.release(a)
	*s = stream{base: seq, synced: true}
}

// release gives back what the arena holds of s.
func (s *stream) release(a *arena) {
	a.release(s.buf)
	if s.islesAt != 0 {
		a.isles.give(s.islesAt)
	}
	if s.notesAt != 0 {
		a.notes.give(s.notesAt)
	}
}

// missing returns the holes that are open.
func (s *stream) missing() int { return int(s.holes) + int(s.lost) }
