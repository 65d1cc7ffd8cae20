package coverage

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"net/netip"
)

// numbers finds numbers by hash, in open addressing. It holds neither the things
// nor their keys: whoever looks up compares. A map with the keys in it would
// take ten times the room.
type numbers struct {
	slots []uint64 // hash in the upper half, number+1 in the lower; 0 is free
	used  int
}

// next returns the next number with the hash h, -1 where there is no more. The
// first call has at = 0, each further one the at that the last one returned.
func (x *numbers) next(h, at uint32) (n int, then uint32) {
	if len(x.slots) == 0 {
		return -1, at
	}
	mask := uint32(len(x.slots) - 1)
	for {
		slot := x.slots[(h+at)&mask]
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
func (x *numbers) add(h uint32, n int) {
	if 4*(x.used+1) > 3*len(x.slots) {
		old := x.slots
		x.slots = make([]uint64, max(64, 2*len(old)))
		for _, slot := range old {
			if slot != 0 {
				x.put(slot)
			}
		}
	}
	x.used++
	x.put(uint64(h)<<32 | uint64(n+1))
}

func (x *numbers) put(slot uint64) {
	mask := uint32(len(x.slots) - 1)
	at := uint32(slot >> 32)
	for x.slots[at&mask] != 0 {
		at++
	}
	x.slots[at&mask] = slot
}

// seeded hashes under seeds that strangers do not know.
type seeded struct {
	number uint64
	text   maphash.Seed
}

func newSeeded() seeded { return seeded{rand.Uint64(), maphash.MakeSeed()} }

// stir mixes two numbers into one by a multiplication of double width.
func (s seeded) stir(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^s.number, b^0xd6e8feb86659fd93)
	return hi ^ lo
}

func (s seeded) endpoint(k *endpointKey) uint32 {
	ip := k.server.Addr().As16()
	h := s.stir(binary.LittleEndian.Uint64(ip[:8]), binary.LittleEndian.Uint64(ip[8:]))
	h = s.stir(h^uint64(k.server.Port()), uint64(k.transport))
	if k.network != "" || k.target != "" {
		h = s.stir(h^maphash.String(s.text, k.network), maphash.String(s.text, k.target))
	}
	return uint32(h ^ h>>32)
}

func (s seeded) cell(k *cellKey) uint32 {
	h := s.stir(uint64(k.name)<<32|uint64(k.endpoint), uint64(k.chain)<<32|uint64(k.client))
	h = s.stir(h^k.class, uint64(k.how)<<32|uint64(k.kind)<<16|uint64(k.phase)<<1|uint64(b2i(k.clientExpired)))
	return uint32(h ^ h>>32)
}

func (s seeded) prefix(p netip.Prefix) uint32 {
	ip := p.Addr().As16()
	h := s.stir(binary.LittleEndian.Uint64(ip[:8]), binary.LittleEndian.Uint64(ip[8:])^uint64(p.Bits()))
	return uint32(h ^ h>>32)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// slab hands out values that are allocated many at a time and never given back.
type slab[T any] struct {
	free   []T
	pieces [][]T // all that were allocated
}

// slabSize is how many values a slab allocates together.
const slabSize = 256

// all yields the values in the order in which they were handed out: that of
// memory, in which going over many is a multiple faster.
func (s *slab[T]) all(yield func(*T) bool) {
	for i, piece := range s.pieces {
		if i == len(s.pieces)-1 {
			piece = piece[:len(piece)-len(s.free)]
		}
		for j := range piece {
			if !yield(&piece[j]) {
				return
			}
		}
	}
}

func (s *slab[T]) next() *T {
	if len(s.free) == 0 {
		s.free = make([]T, slabSize)
		s.pieces = append(s.pieces, s.free)
	}
	v := &s.free[0]
	s.free = s.free[1:]
	return v
}
