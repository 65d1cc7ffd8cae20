package coverage

import (
	"cmp"
	"slices"

	"blindspot/discover"
)

// settle links the cells once all are there: what checks cover, which clients
// are scanners, which names are stray, what each surface serves.
func (a *analysis) settle() {
	a.cells = nil // its keys are out of date from here on
	a.sort()
	for _, n := range a.nameList {
		n.cover = a.checks.of(n.text)
	}
	looks := a.lend()
	for _, c := range a.order {
		a.link(c)
	}
	for _, c := range a.order {
		c.surface = a.surfaceOf(c)
	}
	for _, e := range a.epList {
		if addr := e.server.Addr().Unmap(); len(a.checks.byAddr[addr]) > 0 {
			a.byServer[addr] = append(a.byServer[addr], e)
		}
	}
	a.witnessBySight()
	a.markProbes()
	a.markStray()
	a.admit(looks)
	for _, c := range a.order {
		a.tally(c)
	}
	a.settleOffers()
	a.courts = a.convene()
	for _, n := range a.nameList {
		if d := registrable(n.text); n.use > 0 {
			if _, ok := a.checks.domains[d]; ok {
				a.checks.domains[d] = true
			}
		}
	}
}

// link gives a cell to its endpoint and name, and tells the checks of it.
func (a *analysis) link(c *cell) {
	c.endpoint.cells = append(c.endpoint.cells, c)
	if c.name != nil {
		c.name.cells = append(c.name.cells, c)
	}
	if c.checks > 0 {
		a.checks.witness(c)
	}
	a.vouch(c)
	if l := c.leaf(); l != nil && len(c.endpoint.leaves) < maxLeaves && !slices.Contains(c.endpoint.leaves, l) {
		c.endpoint.leaves = append(c.endpoint.leaves, l)
	}
}

// leafAt is a certificate on an endpoint.
type leafAt struct {
	leaf     *cert
	endpoint *endpoint
}

// vouch notes that a check of the cell's name sees its certificate there.
func (a *analysis) vouch(c *cell) {
	at := leafAt{c.leaf(), c.endpoint}
	if at.leaf == nil || c.name == nil || a.vouchers[at] != nil {
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
// sightings, so that the same traffic gives the same report.
func (a *analysis) sort() {
	slices.SortFunc(a.nameList, func(x, y *name) int { return cmp.Compare(x.text, y.text) })
	for i, n := range a.nameList {
		n.id = uint32(i + 1)
	}
	slices.SortFunc(a.epList, (*endpoint).compare)
	for i, e := range a.epList {
		e.id = uint32(i + 1)
	}
	slices.SortFunc(a.order, (*cell).compare)
}

// tally counts a cell for the summary and its surface.
func (a *analysis) tally(c *cell) {
	if !c.real() {
		a.total -= c.use // probes and stray names are no traffic of ours
		return
	}
	c.endpoint.use += c.use
	if !c.asked.IsZero() {
		a.summary.Verified += c.use
	}
	a.inUse[c.endpoint.server.Addr().Unmap()] = struct{}{}
	s := &a.surfaces[c.surface]
	s.endpoints[c.endpoint] = struct{}{}
	if c.name != nil {
		c.name.use += c.use
		s.names[c.name] = struct{}{}
	}
	if l := c.leaf(); l != nil {
		s.leaves[l] = struct{}{}
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
