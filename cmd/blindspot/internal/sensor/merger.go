package sensor

import (
	"container/heap"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"blindspot/discover"
)

const (
	// maxMerging bounds the observations that wait for those of other workers.
	maxMerging = 1 << 16
	// maxRecent is how many handshakes are remembered, as in a flow table.
	maxRecent = 1 << 16
	// hopWithin is how far apart the two sides of a hop may show the same hello.
	hopWithin = time.Second
	// mergeWait is how long an observation waits by the wall clock, where the
	// clock of a worker stands still.
	mergeWait = 3 * time.Second
)

// merger brings the observations of several workers into the order in which the
// handshakes ended, and finds those that are the same handshake: seen twice, on
// two interfaces, or on its way through a NAT or a load balancer whose sides
// have other addresses, which fan-out gave to another worker. Within a worker
// its flow table has done both.
//
// An observation waits until no worker can tell of an earlier one, and a second
// longer, which is how late the other side of a hop may come.
type merger struct {
	emit   func(*discover.Observation)
	clocks []int64 // packet time of each worker
	queue  queue
	number uint64
	recent []recentHandshake

	repeated, hops uint64
}

type merging struct {
	o      *discover.Observation
	worker int
	number uint64    // of arrival
	came   time.Time // by the wall clock
}

// recentHandshake is a handshake that was told.
type recentHandshake struct {
	random uint64 // hash of the client random, 0 for none
	answer uint64 // of the server random
	at     time.Time
	worker int
	client netip.AddrPort
	server netip.AddrPort
	o      *discover.Observation // nil once it was told
}

func newMerger(workers int, emit func(*discover.Observation)) *merger {
	m := &merger{emit: emit, clocks: make([]int64, workers)}
	if workers > 1 {
		m.recent = make([]recentHandshake, maxRecent)
	}
	return m
}

func (m *merger) held() int { return len(m.queue) }

// take takes what a worker tells.
func (m *merger) take(b *batch) {
	m.clocks[b.worker] = b.clock
	if len(m.clocks) == 1 {
		for _, o := range b.observations {
			m.emit(o)
		}
		return
	}
	now := time.Now()
	for _, o := range b.observations {
		if m.known(o, b.worker) {
			continue
		}
		m.number++
		heap.Push(&m.queue, merging{o, b.worker, m.number, now})
	}
	m.release(m.reached())
	for len(m.queue) > maxMerging {
		m.next()
	}
}

// reached is the packet time before which nothing comes any more, but for the
// other sides of hops.
func (m *merger) reached() int64 { return slices.Min(m.clocks) - int64(hopWithin) }

func (m *merger) release(until int64) {
	for len(m.queue) > 0 && m.queue[0].o.Ended.UnixNano() <= until {
		m.next()
	}
}

// age lets go what has waited too long for a worker that stands still.
func (m *merger) age(now time.Time) {
	for len(m.queue) > 0 && now.Sub(m.queue[0].came) > mergeWait {
		m.next()
	}
}

// end lets go everything.
func (m *merger) end() {
	for len(m.queue) > 0 {
		m.next()
	}
}

// next tells the first observation in the queue.
func (m *merger) next() {
	x := heap.Pop(&m.queue).(merging)
	if slot := m.slot(x.o); slot != nil && slot.o == x.o {
		slot.o = nil // it is told: nothing about it can be changed any more
	}
	m.emit(x.o)
}

// slot is where a handshake is remembered, nil for none.
func (m *merger) slot(o *discover.Observation) *recentHandshake {
	if len(o.ClientRandom) < 16 || o.Offer != "" {
		return nil
	}
	return &m.recent[hashOf(o.ClientRandom)>>32%maxRecent]
}

// known looks for the same handshake, seen by another worker. It reports true
// where it was seen with the same ends, and marks the far side of a hop.
func (m *merger) known(o *discover.Observation, worker int) bool {
	slot := m.slot(o)
	if slot == nil || o.HopFrom.IsValid() {
		return false
	}
	mine := recentHandshake{hashOf(o.ClientRandom), hashOf(o.ServerRandom), o.Time, worker, o.Client, o.Server, o}
	same, hop := slot.same(&mine)
	switch {
	case same && slot.worker == worker: // its table has looked
	case same && !hop:
		m.repeated++
		return true
	case same && slot.o != nil && o.Time.Before(slot.at): // this one was first, and told later
		slot.o.HopFrom = o.Server
		m.hops++
	case same:
		o.HopFrom = slot.server
		m.hops++
		return false
	case slot.random == mine.random && mine.at.Sub(slot.at) < hopWithin:
		return false // the first one stays
	}
	*slot = mine
	return false
}

// same reports whether b is the same handshake as a, and whether it is on other
// ends.
func (a *recentHandshake) same(b *recentHandshake) (same, hop bool) {
	if a.random == 0 || a.random != b.random {
		return false, false
	}
	if a.client == b.client && a.server == b.server {
		return true, false
	}
	d := b.at.Sub(a.at)
	if d < -hopWithin || d > hopWithin || a.answer != b.answer || a.answer == 0 && a.server != b.server {
		return false, false
	}
	return true, true
}

// hashOf hashes a random, 0 for none.
func hashOf(random []byte) uint64 {
	if len(random) < 16 {
		return 0
	}
	h := binary.LittleEndian.Uint64(random) * 0x9e3779b97f4a7c15
	return (h^h>>29^binary.LittleEndian.Uint64(random[len(random)-8:]))*0xd6e8feb86659fd93 | 1
}

// queue is a heap by the end in packet time, then by the packet that ended it,
// then by arrival.
type queue []merging

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	a, b := q[i].o, q[j].o
	if c := a.Ended.Compare(b.Ended); c != 0 {
		return c < 0
	}
	if q[i].worker == q[j].worker {
		return q[i].number < q[j].number
	}
	if c := a.Time.Compare(b.Time); c != 0 {
		return c < 0
	}
	return q[i].number < q[j].number
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(merging)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	old[len(old)-1] = merging{}
	*q = old[:len(old)-1]
	return x
}
