package discover

import (
	"hash/maphash"
	"math/bits"
	"strings"
)

// indexParts is how many parts an index has, by the upper bits of the hash. They
// grow one by one: no single addition waits for all of a large index to be
// moved.
const indexParts = 64

// index finds numbers by hash, in open addressing. It holds neither the things
// nor all of their hashes: whoever looks up compares. So growing it moves eight
// bytes a thing, where a map with the things as keys moves all of them.
type index struct {
	parts [indexParts]indexPart
}

type indexPart struct {
	slots []uint64 // hash in the upper half, number+1 in the lower; 0 is free
	used  int
}

// next returns the next number with the hash h, -1 where there is no more. The
// first call has at = 0, each further one the at that the last one returned.
func (x *index) next(h, at uint32) (n int, then uint32) {
	slots := x.parts[h%indexParts].slots
	if len(slots) == 0 {
		return -1, at
	}
	mask := uint32(len(slots) - 1)
	for {
		slot := slots[(h/indexParts+at)&mask]
		at++
		switch {
		case slot == 0:
			return -1, at
		case uint32(slot>>32) == h:
			return int(uint32(slot)) - 1, at
		}
	}
}

// add puts a number in. The caller has looked: it is not there.
func (x *index) add(h uint32, n int) {
	p := &x.parts[h%indexParts]
	if 4*(p.used+1) > 3*len(p.slots) {
		p.grow()
	}
	p.used++
	p.put(uint64(h)<<32 | uint64(n+1))
}

// pageSlots are the slots of a page of memory.
const pageSlots = 4096 / 8

func (p *indexPart) grow() {
	old := p.slots
	p.slots = make([]uint64, max(16, 2*len(old)))
	for i := 0; i < len(p.slots); i += pageSlots {
		p.slots[i] = 0 // a new page that is read first costs two faults
	}
	for _, slot := range old {
		if slot != 0 {
			p.put(slot)
		}
	}
}

func (p *indexPart) put(slot uint64) {
	mask := uint32(len(p.slots) - 1)
	at := uint32(slot>>32) / indexParts
	for p.slots[at&mask] != 0 {
		at++
	}
	p.slots[at&mask] = slot
}

const (
	nameChunk = 1024     // names that are listed together
	nameBytes = 32 << 10 // bytes of names that are allocated together
)

// nameSet is a set of strings that were hashed before.
type nameSet struct {
	index  index
	chunks [][]string // each but the last one of nameChunk
	count  int
	text   strings.Builder // of the names that were added last
}

func (s *nameSet) len() int { return s.count }

// has reports whether name, whose hash is h, is in the set, and returns the
// set's own copy of it.
func (s *nameSet) has(h uint32, name string) (string, bool) {
	for n, at := s.index.next(h, 0); n >= 0; n, at = s.index.next(h, at) {
		if own := s.chunks[n/nameChunk][n%nameChunk]; own == name {
			return own, true
		}
	}
	return name, false
}

// add puts a copy of name in, and returns it.
func (s *nameSet) add(h uint32, name string) string {
	if s.text.Cap()-s.text.Len() < len(name) {
		s.text = strings.Builder{}
		s.text.Grow(max(nameBytes, len(name)))
	}
	at := s.text.Len()
	s.text.WriteString(name)
	name = s.text.String()[at:]
	if s.count%nameChunk == 0 {
		s.chunks = append(s.chunks, make([]string, 0, nameChunk))
	}
	last := &s.chunks[len(s.chunks)-1]
	*last = append(*last, name)
	s.index.add(h, s.count)
	s.count++
	return name
}

// seeded hashes under a seed that strangers do not know.
type seeded struct{ seed maphash.Seed }

// name hashes a hostname.
func (s seeded) name(name string) uint32 { return uint32(maphash.String(s.seed, name)) }

// key hashes what tells most keys apart; equal keys have equal hashes. words is
// the hash of the key's words.
func (s seeded) key(k *Key, name uint32, bucket int64, words uint64) uint32 {
	ip := k.Server.Addr().As16()
	h := stir(uint64(name), uint64(bucket))
	h = stir(h^be64(ip[:8]), be64(ip[8:])^uint64(k.Server.Port()))
	h = stir(h^be64(k.Chain[:8]), be64(k.ClientChain[:8])^words)
	return uint32(h ^ h>>32)
}

func (s seeded) words(k *words) uint64 {
	h := uint64(k.name)<<8 ^ uint64(k.transport)
	for _, w := range [...]string{k.known, k.version, string(k.outcome), k.class, k.alert, k.network, k.preface, k.target, k.evidence} {
		h = bits.RotateLeft64(h, 7)
		if w != "" {
			h ^= maphash.String(s.seed, w)
		}
	}
	return h
}

// stir mixes two numbers into one by a multiplication of double width.
func stir(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xd6e8feb86659fd93)
	return hi ^ lo
}

func be64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0])<<56 | uint64(b[1])<<48 | uint64(b[2])<<40 | uint64(b[3])<<32 |
		uint64(b[4])<<24 | uint64(b[5])<<16 | uint64(b[6])<<8 | uint64(b[7])
}
