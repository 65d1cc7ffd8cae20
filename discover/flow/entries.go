package flow

import (
	"math"
	"math/rand/v2"

	"blindspot/capture/decode"
)

const (
	chunkBits = 12 // entries are made in chunks of 4,096, so that growing copies nothing
	never     = math.MaxInt64
)

// listID names the list that an entry is in: what it is, ordered by last use.
type listID uint8

const (
	listSYN     listID = iota // nothing but SYNs
	listOpen                  // a prefix is being collected
	listClosing               // closed, with a part missing; last holds the end of its grace
	listDone                  // answered or foreign
	listCount
)

var idle = [listCount]int64{int64(idleSYN), int64(idleOpen), 0, int64(idleDone)}

// list is a doubly linked list of entries by number, longest unused first.
type list struct {
	head, tail uint32 // +1
	len        int
}

func newSeed() uint64 { return rand.Uint64() | 1 }

func (t *Table) entry(n uint32) *entry {
	return &t.entries[(n-1)>>chunkBits][(n-1)&(1<<chunkBits-1)]
}

func (t *Table) rest(n uint32) *rest {
	return &t.rests[(n-1)>>chunkBits][(n-1)&(1<<chunkBits-1)]
}

// slot is a place in the index: the hash of a flow in the upper half, the number
// of its entry in the lower; 0 where it is free. An entry is read only where
// the hashes agree.
type slot uint64

func slotOf(n, h uint32) slot { return slot(h)<<32 | slot(n) }

func (s slot) hash() uint32  { return uint32(s >> 32) }
func (s slot) entry() uint32 { return uint32(s) }

// cachedFlows is how many flows are found as fast one by one.
const cachedFlows = 1024

// find returns the entry of a segment's flow and the segment's direction, nil
// for none.
func (t *Table) find(s *decode.Segment, h uint32) (uint32, *entry, int) {
	index := t.index
	for i := int(h) & (len(index) - 1); uint(i) < uint(len(index)); i = (i + 1) & (len(index) - 1) {
		at := index[i]
		if at == 0 {
			break
		}
		if at.hash() == h {
			n := at.entry()
			e := t.entry(n)
			if dir, ok := e.key.matches(s); ok {
				return n, e, dir
			}
		}
	}
	return 0, nil, 0
}

// insert makes the entry of a segment's flow, giving up another one where the
// table is full.
func (t *Table) insert(s *decode.Segment, h uint32) (uint32, *entry, int) {
	if t.live >= t.cfg.MaxFlows {
		t.evict()
	}
	if 2*(t.live+1) > len(t.index) {
		t.growIndex()
	}
	n := t.free
	if n != 0 {
		t.free = t.entry(n).next
	} else {
		if t.used&(1<<chunkBits-1) == 0 {
			t.entries = append(t.entries, make([]entry, 1<<chunkBits))
			t.rests = append(t.rests, make([]rest, 1<<chunkBits))
		}
		t.used++
		n = t.used
	}
	e := t.entry(n)
	k, dir := keyOf(s)
	*e = entry{key: k, last: t.clock}
	t.rest(n).random = 0
	t.place(slotOf(n, h))
	t.live++
	t.stats.Flows++
	t.link(n, e, listSYN)
	return n, e, dir
}

func (t *Table) place(s slot) {
	mask := uint32(len(t.index) - 1)
	i := s.hash() & mask
	for t.index[i] != 0 {
		i = (i + 1) & mask
	}
	t.index[i] = s
}

func (t *Table) growIndex() {
	old := t.index
	t.index = fresh[slot](2 * len(old))
	for _, s := range old {
		if s != 0 {
			t.place(s)
		}
	}
}

// remove forgets an entry that has no handshake.
func (t *Table) remove(n uint32) {
	e := t.entry(n)
	t.unlink(n, e)
	t.unindex(n, t.hash(&e.key))
	e.next = t.free
	t.free = n
	t.live--
}

// unindex takes an entry out of the index and closes the gap (Knuth, Algorithm
// R).
func (t *Table) unindex(n, h uint32) {
	mask := uint32(len(t.index) - 1)
	i := h & mask
	for t.index[i].entry() != n {
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		m := t.index[j]
		if m == 0 {
			break
		}
		if (j-m.hash())&mask >= (j-i)&mask {
			t.index[i] = m
			i = j
		}
	}
	t.index[i] = 0
}

// evict makes room: first an entry that has nothing to lose.
func (t *Table) evict() {
	switch {
	case t.lists[listDone].len > t.cfg.MaxFlows/2:
		t.stats.EvictedDone++
		t.remove(t.lists[listDone].head)
	case t.lists[listSYN].len > 0:
		t.stats.EvictedSYN++
		t.remove(t.lists[listSYN].head)
	case t.lists[listDone].len > 0:
		t.stats.EvictedDone++
		t.remove(t.lists[listDone].head)
	default:
		n := t.lists[listClosing].head
		if n == 0 {
			n = t.lists[listOpen].head
		}
		t.stats.EvictedOpen++
		t.finish(n, t.entry(n), t.clock)
		t.remove(n)
	}
}

func (t *Table) link(n uint32, e *entry, id listID) {
	l := &t.lists[id]
	e.list, e.prev, e.next = id, l.tail, 0
	if l.tail != 0 {
		t.entry(l.tail).next = n
	} else {
		l.head = n
		t.watch(e)
	}
	l.tail = n
	l.len++
}

func (t *Table) unlink(n uint32, e *entry) {
	l := &t.lists[e.list]
	if e.prev != 0 {
		t.entry(e.prev).next = e.next
	} else {
		l.head = e.next
	}
	if e.next != 0 {
		t.entry(e.next).prev = e.prev
	} else {
		l.tail = e.prev
	}
	l.len--
}

// move puts an entry at the end of a list.
func (t *Table) move(n uint32, e *entry, id listID) {
	if e.list == id && t.lists[id].tail == n {
		return
	}
	t.unlink(n, e)
	t.link(n, e, id)
}

// touch notes the use of an entry and puts it at the end of a list.
func (t *Table) touch(n uint32, e *entry, id listID) {
	e.last = t.clock
	t.move(n, e, id)
}

// watch lowers the deadline to that of an entry that leads its list. It may be
// too early then, never too late.
func (t *Table) watch(e *entry) {
	t.deadline = min(t.deadline, e.last+idle[e.list])
}

// expire ends what has timed out, and finds the next deadline.
func (t *Table) expire() {
	t.deadline = never
	for id := range listCount {
		for {
			n := t.lists[id].head
			if n == 0 {
				break
			}
			e := t.entry(n)
			if due := e.last + idle[id]; due > t.clock {
				t.deadline = min(t.deadline, due)
				break
			} else if e.hs != 0 {
				t.finish(n, e, due)
				continue
			}
			t.remove(n)
		}
	}
}

// slab hands out values by number, and reuses those that were given back.
type slab[T any] struct {
	chunks [][]T
	free   []uint32
	used   uint32
}

const slabChunk = 256

// get returns the value of a number.
func (s *slab[T]) get(n uint32) *T { return &s.chunks[(n-1)/slabChunk][(n-1)%slabChunk] }

// take returns the number of a zero value.
func (s *slab[T]) take() uint32 {
	if k := len(s.free); k > 0 {
		n := s.free[k-1]
		s.free = s.free[:k-1]
		var zero T
		*s.get(n) = zero
		return n
	}
	if s.used%slabChunk == 0 {
		s.chunks = append(s.chunks, make([]T, slabChunk))
	}
	s.used++
	return s.used
}

func (s *slab[T]) give(n uint32) { s.free = append(s.free, n) }

// fresh makes a table of n zero values that is about to be filled in no order. A
// page that is read before it is written costs two faults, and an interrupt of the
// other processors.
func fresh[T any](n int) []T {
	table := make([]T, n)
	clear(table)
	return table
}
