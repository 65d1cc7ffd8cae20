package coverage

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"blindspot/discover"
)

// hostnames numbers names: as they come, and, once sorted, in their order.
type hostnames struct {
	list  []*name
	index numbers // of list, until it is sorted
	last  *name
	slab  slab[name]
}

func (x *hostnames) named(seeds seeded, text string) *name {
	if x.last != nil && x.last.text == text {
		return x.last
	}
	exact := seeds.exactPattern(text)
	h := uint32(exact)
	for i, at := x.index.next(h, 0); i >= 0; i, at = x.index.next(h, at) {
		if n := x.list[i]; n.text == text {
			x.last = n
			return n
		}
	}
	n := x.slab.next()
	n.id, n.text, n.cover = uint32(len(x.list)+1), text, &nothing
	if n.exact, n.hashed = exact, nominal(text); n.hashed {
		if dot := strings.IndexByte(text, '.'); dot > 0 {
			n.wild = seeds.wildPattern(text[dot:])
		} else {
			n.wild = exact
		}
	}
	x.index.add(h, len(x.list))
	x.list = append(x.list, n)
	x.last = n
	return n
}

// sort puts the names in order, and numbers them by it.
func (x *hostnames) sort() {
	x.index = numbers{}
	type item struct {
		prefix uint64 // most comparisons need no more
		*name
	}
	items := make([]item, len(x.list))
	for i, n := range x.list {
		var b [8]byte
		copy(b[:], n.text)
		items[i] = item{binary.BigEndian.Uint64(b[:]), n}
	}
	slices.SortFunc(items, func(x, y item) int {
		if x.prefix != y.prefix {
			return cmp.Compare(x.prefix, y.prefix)
		}
		return strings.Compare(x.text, y.text)
	})
	for i := range items {
		x.list[i] = items[i].name
		x.list[i].id = uint32(i + 1)
	}
}

// find returns the name with that text, nil where there is none. The names must
// be sorted.
func (x *hostnames) find(text string) *name {
	i, ok := slices.BinarySearchFunc(x.list, text, func(n *name, t string) int { return strings.Compare(n.text, t) })
	if !ok {
		return nil
	}
	return x.list[i]
}

func (a *analysis) name(s *discover.Sighting) *name {
	if s.Name != discover.NameValid {
		return nil
	}
	return a.names.named(a.hash, s.Hostname)
}
