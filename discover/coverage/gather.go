package coverage

import (
	"fmt"
	"net/netip"
	"slices"

	"blindspot/discover"
)

// Bounds on what the traffic can make the comparison hold. What comes beyond
// one is counted in Summary.Beyond, OutOfScope.Handshakes or AskedOnly.Handshakes.
const (
	maxCells      = 4_000_000
	maxAsked      = 500_000
	maxOutOfScope = 50_000
	maxLeaves     = 64 // that one endpoint is known for; with more, no name is uncovered there
)

// gather folds every sighting into cells, in one pass.
func (a *analysis) gather() error {
	if a.inv.Sightings == nil {
		return nil
	}
	for s, err := range a.inv.Sightings {
		if err != nil {
			return fmt.Errorf("compare traffic with checks: %w", err)
		}
		a.add(s)
	}
	if a.cfg.Gathered != nil {
		a.cfg.Gathered()
	}
	return nil
}

func (a *analysis) add(s *discover.Sighting) {
	use, checks := a.split(s)
	a.beside(s, use)
	if len(a.checks.all) > 0 {
		a.checks.note(s, use > 0)
	}
	e := a.endpoint(s)
	ch := a.chainOf(s.Chain)
	if !a.inScope(s, e, ch) {
		a.leaveOut(s, use)
		return
	}
	a.summary.MonitorHandshakes += checks
	if !s.InUse() && s.Class != discover.ClassVerify {
		a.askedFor(s, use)
		return
	}
	for _, x := range a.parts(s, use, checks) {
		a.class = x.class
		if s.Class == discover.ClassVerify { // the last look counts
			p, _ := ch.phaseOf(s.Last, s.Last)
			a.fold(x.Sighting, e, ch, p, 0, 0, false)
		} else if p, some := ch.phaseOf(s.First, s.Last); some {
			a.foldBoundary(x.Sighting, e, ch, p, x.use, x.checks)
		} else {
			a.fold(x.Sighting, e, ch, p, x.use, x.checks, true)
		}
	}
}

// split tells the clients' handshakes of a sighting from those that the checks
// made.
func (a *analysis) split(s *discover.Sighting) (use, checks uint64) {
	switch {
	case s.Class == discover.ClassVerify:
		return 0, 0 // our own look is neither, but it shows a certificate
	case s.Class == discover.ClassMonitor:
		return 0, s.Count
	}
	if len(a.cfg.MonitorSources) == 0 {
		return s.Count, 0
	}
	checks = a.checksAmong(s.Count, &s.Clients)
	return s.Count - checks, checks
}

// checksAmong is how many of n were made by checks among their clients. Where
// every client that is known by address is a monitor, so are those that are
// not.
func (a *analysis) checksAmong(n uint64, clients *discover.Clients) (checks uint64) {
	others := false
	for i := range clients.Exact {
		if c := &clients.Exact[i]; a.monitor(c.Addr) {
			checks += c.Count
		} else {
			others = true
		}
	}
	if checks > 0 && !others || checks > n {
		checks = n
	}
	return checks
}

func (a *analysis) monitor(client netip.Prefix) bool {
	for _, p := range a.cfg.MonitorSources {
		if p.Bits() <= client.Bits() && p.Contains(client.Addr()) {
			return true
		}
	}
	return false
}

func (a *analysis) endpoint(s *discover.Sighting) *endpoint {
	k := endpointKey{network: s.Network, target: s.Target, transport: s.Transport, server: s.Server}
	e := a.endpointAt(&k)
	if e == nil {
		e = a.places.next()
		*e = endpoint{endpointKey: k, id: uint32(len(a.epList) + 1), preface: s.Preface}
		e.inScope = a.scope.endpoint(e)
		a.endpoints.add(a.hash.endpoint(&k), len(a.epList))
		a.epList = append(a.epList, e)
	}
	e.mutual = e.mutual || s.ClientAuth > 0 || !s.ClientChain.IsZero()
	return e
}

// endpointAt returns an endpoint that was seen, nil for another. While sightings
// are gathered only: then the list is sorted.
func (a *analysis) endpointAt(k *endpointKey) *endpoint {
	h := a.hash.endpoint(k)
	for n, at := a.endpoints.next(h, 0); n >= 0; n, at = a.endpoints.next(h, at) {
		if e := a.epList[n]; e.endpointKey == *k {
			return e
		}
	}
	return nil
}

// inScope takes what a server of ours serves and what is asked for by a name
// of ours; without a name, what a certificate of ours is presented for.
func (a *analysis) inScope(s *discover.Sighting, e *endpoint, ch *chain) bool {
	if e.inScope {
		return true
	}
	if s.Hostname != "" { // an ECH provider's public name too: the server is theirs
		return a.scope.name(s.Hostname)
	}
	return ch != nil && a.scope.certificate(ch.leaf)
}

func (a *analysis) leaveOut(s *discover.Sighting, use uint64) {
	if use == 0 {
		return
	}
	a.foreign.Handshakes += use
	k := OutOfScopeEntry{Hostname: s.Hostname, Port: s.Server.Port(), ECHPublic: s.Name == discover.NamePublic}
	if _, ok := a.out[k]; ok || len(a.out) < maxOutOfScope {
		a.out[k] += use
	}
}

func (a *analysis) askedFor(s *discover.Sighting, use uint64) {
	if s.Name != discover.NameValid || use == 0 {
		return
	}
	a.askOnly.Handshakes += use
	if len(a.asked) < maxAsked {
		a.asked[s.Hostname] = struct{}{}
	}
}

// foldBoundary folds a sighting that the beginning or the end of validity cuts
// in two: of one handshake it is known on which side it was, the others are
// taken for valid. Of a sighting that checks have a part in, nothing is known.
func (a *analysis) foldBoundary(s *discover.Sighting, e *endpoint, ch *chain, p phase, use, checks uint64) {
	if use > 0 && checks > 0 {
		a.fold(s, e, ch, phaseValid, use, checks, true)
		return
	}
	one := *s
	if p == phaseNotYet {
		one.Last = s.First
	} else {
		one.First = s.Last
	}
	if use+checks > 1 {
		one.Forwarded = 0 // they are in the rest
	}
	a.fold(&one, e, ch, p, min(use, 1), min(checks, 1), len(s.Clients.Exact) == 1)
	if use+checks > 1 {
		a.fold(s, e, ch, phaseValid, use-min(use, 1), checks-min(checks, 1), true)
	}
}

func (a *analysis) fold(s *discover.Sighting, e *endpoint, ch *chain, p phase, use, checks uint64, clients bool) {
	c := a.cell(s, e, ch, p)
	if c == nil {
		a.summary.Beyond += use
		return
	}
	first, last := momentOf(s.First), momentOf(s.Last)
	if use > 0 && c.use == 0 {
		c.met = stretch{} // until now, only the checks'
	}
	if use > 0 || c.use == 0 {
		c.met.widen(first, last)
	}
	c.shown.widen(first, last)
	a.total += use
	c.use += use
	c.forwarded += s.Forwarded
	c.checks += checks
	c.ech += s.ECH
	c.mismatched += s.KeyMismatch
	if use > 0 && clients {
		a.addClients(c, &s.Clients)
		if c.sole == 0 && len(c.clients.Exact) == 1 {
			c.sole = a.clients.of(c.clients.Exact[0].Addr)
		}
	}
}

// addClients adds the clients of a sighting to a cell. The first ones are not
// copied where the inventory lets them stay.
func (a *analysis) addClients(c *cell, src *discover.Clients) {
	switch {
	case a.inv.Lasting && !c.lasting && len(c.clients.Exact) == 0 && c.clients.More == 0 && !a.monitors(src):
		c.clients, c.lasting = *src, true
		return
	case c.lasting:
		c.clients, c.lasting = c.clients.Clone(), false
	}
	a.mergeClients(&c.clients, src)
}

func (a *analysis) monitors(c *discover.Clients) bool {
	return len(a.cfg.MonitorSources) > 0 && slices.ContainsFunc(c.Exact, func(k discover.ClientCount) bool { return a.monitor(k.Addr) })
}

// mergeClients adds the clients that are no monitors.
func (a *analysis) mergeClients(dst, src *discover.Clients) {
	if a.monitors(src) {
		src = a.withoutMonitors(src)
	}
	if len(dst.Exact) == 0 && dst.More == 0 {
		*dst = src.Clone() // of the right size
		return
	}
	dst.Merge(src, a.cfg.SketchKey)
}

func (a *analysis) withoutMonitors(src *discover.Clients) *discover.Clients {
	c := src.Clone()
	kept := c.Exact[:0]
	for _, e := range c.Exact {
		if !a.monitor(e.Addr) {
			kept = append(kept, e)
		}
	}
	c.Exact = kept
	return &c
}

func (a *analysis) cell(s *discover.Sighting, e *endpoint, ch *chain, p phase) *cell {
	n := a.name(s)
	client := a.chainOf(s.ClientChain)
	went := a.hows.of(s)
	words := a.lengthsAt(lengthsOf(s))
	k := cellKey{
		name: n.number(), endpoint: e.id, chain: ch.number(), client: client.number(),
		how: went.id, lengths: words.number(), class: a.class, kind: s.Name, phase: p,
	}
	if client != nil {
		cp, some := client.phaseOf(s.First, s.Last)
		k.clientExpired = cp == phaseExpired && !some
	}
	c, h := a.cellOf(n, &k)
	if c != nil || len(a.order) >= maxCells {
		return c
	}
	c = a.folds.next()
	*c = cell{
		how: went, name: n, endpoint: e, chain: ch, client: client, class: a.class, kind: s.Name,
		lengths: words, phase: p, clientExpired: k.clientExpired,
	}
	a.enter(n, c, h)
	a.looked = a.looked || went.known == discover.FromVerify
	return c
}

// cellOf returns the cell of a key, nil for none, and the key's hash. The first
// cell of a name is not in the index: most have no other.
func (a *analysis) cellOf(n *name, k *cellKey) (*cell, uint32) {
	switch {
	case n != nil && n.folds == 0:
		return nil, 0
	case n != nil && n.first.is(k):
		return n.first, 0
	}
	h := a.hash.cell(k)
	if n == nil || n.folds > 1 {
		for i, at := a.cells.next(h, 0); i >= 0; i, at = a.cells.next(h, at) {
			if c := a.order[i]; c.is(k) {
				return c, h
			}
		}
	}
	return nil, h
}

// enter puts a new cell where cellOf finds it.
func (a *analysis) enter(n *name, c *cell, h uint32) {
	if n != nil && n.folds == 0 {
		n.first = c
	} else {
		a.cells.add(h, len(a.order))
	}
	if n != nil {
		n.folds++
	}
	a.order = append(a.order, c)
}

// is reports whether the cell is that of k.
func (c *cell) is(k *cellKey) bool {
	return *k == cellKey{
		name: c.name.number(), endpoint: c.endpoint.id, chain: c.chain.number(), client: c.client.number(),
		how: c.how.id, lengths: c.lengths.number(), class: c.class, kind: c.kind, phase: c.phase, clientExpired: c.clientExpired,
	}
}
