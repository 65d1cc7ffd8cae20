package decode

import (
	"bytes"
	"cmp"
	"slices"
)

const (
	// maxDatagrams bounds the datagrams that wait for fragments.
	maxDatagrams = 4096
	// maxFragmentBytes bounds the memory that they hold together.
	maxFragmentBytes = 16 << 20
	// maxPieces bounds the pieces of one datagram: 64 KB over the smallest
	// path that is in use (576 bytes) are 119.
	maxPieces = 256
	// maxDatagram is the largest datagram that fragments can describe.
	maxDatagram = 65535
	// fragmentTimeout is how long a datagram waits, in packet time: what
	// Linux does (RFC 8200, section 4.5, says 60 seconds).
	fragmentTimeout = 30e9

	datagramOverhead = 256 // accounted for each datagram
	pieceOverhead    = 64  // and for each piece of it
)

// fragmentKey names the datagram that a fragment belongs to.
type fragmentKey struct {
	src, dst [16]byte
	id       uint32
	network  uint16
	proto    uint8 // IPv4 only
	v6       bool
}

func (d *Decoder) fragmentKey(id uint32) fragmentKey {
	k := fragmentKey{src: d.seg.Src, dst: d.seg.Dst, id: id}
	if d.network != nil {
		k.network = d.network(d.iface, d.seg.Tunnel)
	}
	return k
}

// piece is a fragment, or the part of one that was new.
type piece struct {
	at   int // offset in the datagram
	data []byte
	last bool  // no more fragments follow
	next uint8 // protocol of the datagram, where at is 0
}

func (p piece) end() int { return p.at + len(p.data) }

// datagram is a datagram in pieces.
type datagram struct {
	key          fragmentKey
	born         int64
	pieces       []piece // in order, without overlap
	total        int     // length, -1 until the last fragment was seen
	next         uint8
	bytes        int       // accounted
	older, newer *datagram // by the first fragment's arrival
}

// fragments holds the datagrams that are not complete.
type fragments struct {
	datagrams      map[fragmentKey]*datagram
	oldest, newest *datagram
	bytes          int
	whole          []byte // the datagram that was completed last
}

// reassemble adds a fragment. Where that completes its datagram it returns the
// whole, which stays valid until the next call, and its protocol. The first
// copy of a byte wins.
func (d *Decoder) reassemble(k fragmentKey, p piece, missing int) (data []byte, next uint8, ok bool) {
	d.stats.Fragments++
	d.expire()
	if data, next, ok = d.addPiece(k, p, missing); ok {
		d.stats.Reassembled++
	} else {
		d.stats.FragmentsAbsorbed++
	}
	return data, next, ok
}

func (d *Decoder) addPiece(k fragmentKey, p piece, missing int) (data []byte, next uint8, ok bool) {
	switch {
	case missing > 0:
		d.stats.FragmentsCut++
		return nil, 0, false
	case len(p.data) == 0, p.end() > maxDatagram, !p.last && len(p.data)%8 != 0:
		d.stats.FragmentsMalformed++
		return nil, 0, false
	}
	f := &d.fragments
	g := f.datagrams[k]
	if g == nil {
		g = f.begin(k, d.seg.Time)
	}
	before := g.bytes
	fresh := g.add(p)
	f.bytes += g.bytes - before
	switch {
	case !fresh:
		d.stats.FragmentsRepeated++
	case len(g.pieces) > maxPieces:
		d.stats.DatagramsShredded++
		f.remove(g)
	case g.complete():
		f.whole = g.join(f.whole[:0])
		f.remove(g)
		return f.whole, g.next, true
	}
	for len(f.datagrams) > maxDatagrams || f.bytes > maxFragmentBytes {
		d.stats.DatagramsEvicted++
		f.remove(f.oldest)
	}
	return nil, 0, false
}

// expire gives up the datagrams that have waited too long.
func (d *Decoder) expire() {
	f := &d.fragments
	for f.oldest != nil && d.seg.Time-f.oldest.born > fragmentTimeout {
		d.stats.DatagramsTimedOut++
		f.remove(f.oldest)
	}
}

func (f *fragments) begin(k fragmentKey, now int64) *datagram {
	if f.datagrams == nil {
		f.datagrams = make(map[fragmentKey]*datagram)
	}
	g := &datagram{key: k, born: now, total: -1, bytes: datagramOverhead, older: f.newest}
	if f.newest != nil {
		f.newest.newer = g
	} else {
		f.oldest = g
	}
	f.newest = g
	f.datagrams[k] = g
	f.bytes += g.bytes
	return g
}

func (f *fragments) remove(g *datagram) {
	if g.older != nil {
		g.older.newer = g.newer
	} else {
		f.oldest = g.newer
	}
	if g.newer != nil {
		g.newer.older = g.older
	} else {
		f.newest = g.older
	}
	delete(f.datagrams, g.key)
	f.bytes -= g.bytes
}

// add keeps a copy of what is new in p, and reports whether anything is.
func (g *datagram) add(p piece) (fresh bool) {
	if p.last && g.total < 0 {
		g.total, fresh = p.end(), true
	}
	if p.at == 0 && (len(g.pieces) == 0 || g.pieces[0].at != 0) {
		g.next = p.next
	}
	at, known := p.at, len(g.pieces)
	for _, old := range g.pieces[:known] {
		if at < old.at && at < p.end() {
			g.keep(p, at, min(old.at, p.end()))
		}
		at = max(at, old.end())
	}
	if at < p.end() {
		g.keep(p, at, p.end())
	}
	if len(g.pieces) == known {
		return fresh
	}
	slices.SortFunc(g.pieces, func(a, b piece) int { return cmp.Compare(a.at, b.at) })
	return true
}

func (g *datagram) keep(p piece, from, to int) {
	data := bytes.Clone(p.data[from-p.at : to-p.at])
	g.pieces = append(g.pieces, piece{at: from, data: data})
	g.bytes += len(data) + pieceOverhead
}

// complete reports whether every byte up to the end is there.
func (g *datagram) complete() bool {
	at := 0
	for _, p := range g.pieces {
		if p.at != at {
			break
		}
		at = p.end()
	}
	return g.total >= 0 && at >= g.total
}

// join appends the datagram to b.
func (g *datagram) join(b []byte) []byte {
	for _, p := range g.pieces {
		b = append(b, p.data...)
	}
	return b[:g.total]
}
