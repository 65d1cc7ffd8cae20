package coverage

import (
	"net/netip"
	"slices"

	"blindspot/discover"
)

// maxCrowd bounds the clients that are counted one by one; beyond it they are
// estimated.
const maxCrowd = 200_000

// crowded counts the distinct clients of many cells, IPv6 by /64. It is exact
// as long as the cells know their clients one by one.
type crowded struct {
	key  discover.SketchKey
	one  map[netip.Prefix]struct{}
	rest discover.Clients
	more bool
}

func (a *analysis) newCrowd() *crowded {
	return &crowded{key: a.cfg.SketchKey, one: map[netip.Prefix]struct{}{}}
}

// maxReused is the largest crowd whose space is used again for the next one.
const maxReused = 1000

// clientsOf counts the distinct clients of cells.
func (a *analysis) clientsOf(cells []*cell) uint64 {
	if n, ok := fewClients(cells); ok {
		return n
	}
	if a.crowd == nil || len(a.crowd.one) > maxReused {
		a.crowd = a.newCrowd()
	}
	w := a.crowd
	clear(w.one)
	w.rest, w.more = discover.Clients{}, false
	for _, c := range cells {
		w.add(&c.clients)
	}
	return w.distinct()
}

// fewClients counts the clients of cells where they are at most as many as fit
// into a short list.
func fewClients(cells []*cell) (uint64, bool) {
	var list [8]netip.Prefix
	n := 0
	for _, c := range cells {
		if c.clients.More > 0 {
			return 0, false
		}
		for i := range c.clients.Exact {
			p := counted(c.clients.Exact[i].Addr)
			if slices.Contains(list[:n], p) {
				continue
			}
			if n == len(list) {
				return 0, false
			}
			list[n] = p
			n++
		}
	}
	return uint64(n), true
}

func (w *crowded) add(c *discover.Clients) {
	if c.More > 0 || len(w.one) >= maxCrowd {
		w.rest.Merge(c, w.key)
		w.more = true
	}
	for i := range c.Exact {
		if len(w.one) >= maxCrowd {
			return
		}
		w.one[counted(c.Exact[i].Addr)] = struct{}{}
	}
}

// counted is what a client counts as: its IPv4 address, its IPv6 /64.
func counted(p netip.Prefix) netip.Prefix {
	if p.Addr().Is6() && p.Bits() > 64 {
		p, _ = p.Addr().Prefix(64)
	}
	return p
}

// distinct is the number of clients. Those that only sketches know are
// estimated together with the ones of the same cells.
func (w *crowded) distinct() uint64 {
	n := uint64(len(w.one))
	if w.more {
		for p := range w.one {
			w.rest.Add(p, 1, w.key)
		}
		n = max(n, w.rest.Distinct())
	}
	return n
}
