package coverage

import (
	"cmp"
	"encoding/binary"
	"slices"

	"blindspot/discover"
)

// settle links the cells once all are there: what checks cover, which clients
// are scanners, which names are stray, what each surface serves.
func (a *analysis) settle() {
	a.sort()
	if len(a.checks.byName) > 0 {
		for _, n := range a.nameList {
			n.cover = a.checks.of(n.text)
		}
	}
	looks := a.lend()
	a.roomForNames()
	for _, c := range a.order {
		a.link(c)
		c.surface = a.surfaceOf(c)
	}
	for _, e := range a.epList {
		if addr := e.server.Addr().Unmap(); len(a.checks.byAddr) > 0 && len(a.checks.byAddr[addr]) > 0 {
			a.byServer[addr] = append(a.byServer[addr], e)
		}
	}
	a.witnessBySight()
	a.markProbes()
	a.markStray()
	a.admit(looks)
	for _, c := range a.order {
		a.tally(c)
		a.sift(c)
	}
	a.tallyNames()
	a.settleOffers()
	a.courts = a.convene()
	a.noteDomains()
}

// noteDomains notes which domains that checks name are in use.
func (a *analysis) noteDomains() {
	if len(a.checks.domains) == 0 {
		return
	}
	for _, n := range a.nameList {
		if n.use == 0 {
			continue
		}
		if d := registrable(n.text); !a.checks.domains[d] {
			if _, ok := a.checks.domains[d]; ok {
				a.checks.domains[d] = true
			}
		}
	}
}

// link gives a cell to its name, notes what it shows at its endpoint, and tells
// the checks of it.
func (a *analysis) link(c *cell) {
	if c.name != nil {
		c.name.cells = append(c.name.cells, c)
	}
	if c.checks > 0 {
		a.checks.witness(c)
	}
	a.vouch(c)
	if l := c.leaf(); l != nil && len(c.endpoint.leaves) < maxLeaves && !slices.Contains(c.endpoint.leaves, l) {
		a.present(c.endpoint, l)
	}
}

// leafAt is a certificate on an endpoint.
type leafAt struct {
	leaf     *cert
	endpoint *endpoint
}

// vouch notes that a check of the cell's name sees its certificate there.
func (a *analysis) vouch(c *cell) {
	if c.name == nil || len(c.name.cover.strong) == 0 {
		return
	}
	at := leafAt{c.leaf(), c.endpoint}
	if at.leaf == nil || a.vouchers[at] != nil {
		return
	}
	for _, k := range c.name.cover.strong {
		if k.onPort(c.endpoint.port()) && (!k.addr.IsValid() || k.dials(c.endpoint)) {
			a.vouchers[at] = k
			return
		}
	}
}

// sort puts everything into an order that does not depend on the order of the
// sightings, so that the same traffic gives the same report. The indexes of
// gather end here.
func (a *analysis) sort() {
	a.names.sort()
	a.nameList = a.names.list
	at := make([]int32, len(a.epList)+1) // where the next cell of an endpoint goes, by its number from gather
	sortEndpoints(a.epList)
	for _, c := range a.order {
		at[c.endpoint.id]++
	}
	from := int32(0)
	for _, e := range a.epList {
		n := at[e.id]
		at[e.id] = from
		from += n
	}
	order := make([]*cell, len(a.order))
	for _, c := range a.order {
		order[at[c.endpoint.id]] = c
		at[c.endpoint.id]++
	}
	a.order = order
	from = 0
	for i, e := range a.epList {
		e.cells = order[from:at[e.id]:at[e.id]]
		from = at[e.id]
		e.id = uint32(i + 1)
		if !slices.IsSortedFunc(e.cells, (*cell).compare) {
			slices.SortStableFunc(e.cells, (*cell).compare)
		}
	}
	a.cells, a.endpoints = numbers{}, numbers{}
}

// sortEndpoints sorts by address first, of which most comparisons need no more.
func sortEndpoints(list []*endpoint) {
	type item struct {
		bits, high, low uint64
		*endpoint
	}
	items := make([]item, len(list))
	for i, e := range list {
		ip := e.server.Addr().As16()
		items[i] = item{uint64(e.server.Addr().BitLen()), binary.BigEndian.Uint64(ip[:8]), binary.BigEndian.Uint64(ip[8:]), e}
	}
	slices.SortFunc(items, func(x, y item) int {
		switch {
		case x.bits != y.bits:
			return cmp.Compare(x.bits, y.bits)
		case x.high != y.high:
			return cmp.Compare(x.high, y.high)
		case x.low != y.low:
			return cmp.Compare(x.low, y.low)
		}
		return x.compare(y.endpoint)
	})
	for i := range items {
		list[i] = items[i].endpoint
	}
}

// roomForNames makes room for the cells of each name, in one piece.
func (a *analysis) roomForNames() {
	all := make([]*cell, 0, len(a.order))
	for _, n := range a.nameList {
		n.cells, all = all[:0:n.folds], all[n.folds:n.folds]
	}
}

// tally counts a cell for the summary and its surface.
func (a *analysis) tally(c *cell) {
	if !c.real() {
		a.total -= c.use // probes and stray names are no traffic of ours
		return
	}
	c.endpoint.use += c.use
	if c.asked != 0 {
		a.summary.Verified += c.use
	}
	s := &a.surfaces[c.surface]
	if s.lastEndpoint != c.endpoint { // those of one endpoint follow each other
		s.lastEndpoint = c.endpoint
		s.endpoints++
	}
	if l := c.leaf(); l != nil && l != s.lastLeaf {
		s.lastLeaf = l
		s.leaves[l] = struct{}{}
	}
}

// tallyNames counts the use of names, and the surfaces' names.
func (a *analysis) tallyNames() {
	for _, n := range a.nameList {
		for _, c := range n.cells {
			if !c.real() {
				continue
			}
			n.use += c.use
			if s := &a.surfaces[c.surface]; s.lastName != n {
				s.lastName = n
				s.names++
			}
		}
	}
}

// covered reports whether a check asks for the cell's name on its port as
// clients do, or, without a name, dials the endpoint and sees what they see.
func (a *analysis) covered(c *cell) bool {
	if c.name != nil {
		return c.name.cover.on(c.endpoint.port())
	}
	if c.kind != discover.NameNone {
		return false
	}
	l := c.leaf()
	return slices.ContainsFunc(a.checks.dialling(c.endpoint), func(k *check) bool {
		return verifiesAtAll(k) && (k.Hostname == "" || l == nil || l.fits(k.Hostname) == discover.Yes)
	})
}
