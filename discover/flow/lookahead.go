package flow

import "blindspot/capture/decode"

// segmentBatch is how many segments are looked up together.
const segmentBatch = 64

// lookAhead hashes the flows of segments. Where the table is too large for the
// caches it reads what taking them will read, of all at once: memory delivers
// many at a time as fast as one. No loop branches on what it waits for: after a
// wrong guess the loads behind it would begin anew.
func (t *Table) lookAhead(list []decode.Segment) {
	for i := range list {
		t.hashes[i] = t.hashOf(&list[i])
	}
	if t.used < cachedFlows {
		return
	}
	var slots [segmentBatch]slot
	mask := uint32(len(t.index) - 1)
	for i := range list {
		slots[i] = t.index[t.hashes[i]&mask]
	}
	var sum uint32
	for i := range list {
		s, at := slots[i], t.hashes[i]
		for s != 0 && s.hash() != t.hashes[i] { // taken by another flow: its own is near
			at++
			s = t.index[at&mask]
		}
		slots[i] = s
		if k := s.entry(); k != 0 {
			sum += t.entry(k).hs
		}
	}
	t.ahead = sum
	var open [segmentBatch]*entry
	n := 0
	for _, s := range slots[:len(list)] {
		if k := s.entry(); k != 0 {
			if e := t.entry(k); e.hs != 0 && e.key.proto == decode.TCP {
				open[n] = e
				n++
			}
		}
	}
	if n > 0 {
		t.ahead += t.handshakesAhead(open[:n])
	}
}

// handshakesAhead reads what the next segments of handshakes under way will
// touch: the handshakes, their streams, and the neighbours of their entries in
// the list. It returns something of each, so that the loads are made.
func (t *Table) handshakesAhead(open []*entry) (sum uint32) {
	var streams [2 * segmentBatch]uint32
	n := 0
	for _, e := range open {
		hs := t.hs.get(e.hs)
		streams[n], streams[n+1] = hs.streams[0], hs.streams[1]
		n += 2
		sum += uint32(hs.nflight) + uint32(hs.first)
		if e.prev != 0 {
			sum += t.entry(e.prev).next
		}
		if e.next != 0 {
			sum += t.entry(e.next).prev
		}
	}
	for _, sn := range streams[:n] {
		if sn != 0 {
			st := t.streams.get(sn)
			sum += st.base + uint32(st.deframe.Consumed())
		}
	}
	return sum
}
