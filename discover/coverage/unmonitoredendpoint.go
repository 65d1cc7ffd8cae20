package coverage

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"blindspot/discover"
)

func init() {
	register(kind{name: "unmonitored-endpoint", rank: 2, find: findUnmonitoredEndpoints})
}

// findUnmonitoredEndpoints finds names that are checked elsewhere than clients
// reach them: on another port, or on other addresses.
//
// Another port: every port in use that no check that asks for the name is
// about. A check without a port is about all of them.
//
// Other addresses: only where it is known which endpoints the checks reach
// (their own handshakes were seen, or every check dials an address that was
// seen in use), within one surface, and, where the check was seen, only for a
// chain that no endpoint that it reaches shows. It must not appear
//   - where a certificate of either side is hidden, unless the address is written
//     in the check;
//   - for the halves of an RSA/ECDSA pair, and for short-lived certificates of one
//     issuer, which differ from instance to instance by design;
//   - where time allows for a renewal between what the one and the other showed;
//   - for backends: an endpoint whose clients are themselves servers of the name;
//     and, where no configured surface says that two endpoints are alike, one
//     whose clients never reach the checked endpoint though others do.
//
// Where the monitor itself says which certificate it saw, see otherChain.
func findUnmonitoredEndpoints(a *analysis) []discover.Finding {
	var out []discover.Finding
	for _, n := range a.nameList {
		if n.use == 0 || len(n.cover.strong) == 0 {
			continue
		}
		out = append(out, a.otherPorts(n)...)
		if f, ok := a.otherAddresses(n); ok {
			out = append(out, f)
		}
	}
	return out
}

type portKey struct {
	surface int
	port    uint16
}

func (a *analysis) otherPorts(n *name) []discover.Finding {
	var out []discover.Finding
	for _, cells := range groupBy(n.cells, func(c *cell) (portKey, bool) {
		return portKey{c.surface, c.endpoint.port()}, c.real() && !n.cover.on(c.endpoint.port())
	}) {
		f := a.finding("unmonitored-endpoint", cells)
		f.Severity = pick(outOfValidity(cells), true)
		port := cells[0].endpoint.port()
		k := n.cover.strong[0]
		f.Detail = fmt.Sprintf("%s is checked on port %d (%s), and clients also use it on port %d at %s, where nothing checks it: %s.",
			n.text, k.Port, k.Ref, port, some(f.Endpoints), used(&f))
		f.Remedy = shows(addCheck(n.text, cells[0].endpoint.server, port)+fmt.Sprintf(", beside the one at %s.", k.Ref), cells)
		f.Evidence["checks"] = refs(n.cover.strong)
		f.Evidence["port"] = port
		f.Evidence["reason"] = "port"
		out = append(out, f)
	}
	return out
}

// reach is where the checks of a name go, as far as that is known.
type reach struct {
	endpoints []*endpoint
	pinned    bool // every check has the address written in it
}

func (a *analysis) reachOf(n *name) reach {
	r := reach{pinned: true}
	for _, k := range n.cover.strong {
		r.pinned = r.pinned && k.addr.IsValid()
	}
	for _, c := range n.cells {
		witnessed := c.checks > 0 || c.leaf() != nil && slices.ContainsFunc(n.cover.strong, func(k *check) bool { return k.sees == c.leaf().SHA256 })
		dialled := r.pinned && slices.ContainsFunc(n.cover.strong, func(k *check) bool { return k.dials(c.endpoint) })
		if (witnessed || dialled) && !slices.Contains(r.endpoints, c.endpoint) {
			r.endpoints = append(r.endpoints, c.endpoint)
		}
	}
	return r
}

func (a *analysis) otherAddresses(n *name) (discover.Finding, bool) {
	r := a.reachOf(n)
	if len(r.endpoints) == 0 {
		return a.otherChain(n)
	}
	servers := map[netip.Addr]bool{} // of the name
	for _, e := range n.endpoints() {
		servers[e.server.Addr().Unmap()] = true
	}
	var missed []*cell
	other := false // another chain is seen, not only another address
	for _, cells := range groupBy(n.cells, func(c *cell) (*endpoint, bool) {
		return c.endpoint, c.real() && n.cover.on(c.endpoint.port()) && !slices.Contains(r.endpoints, c.endpoint)
	}) {
		differs, known := a.anotherChain(n, r, cells)
		if !a.sameTier(n, r, cells, servers) || !(known && differs || r.pinned) {
			continue
		}
		missed = append(missed, cells...)
		other = other || known && differs
	}
	if len(missed) == 0 {
		return discover.Finding{}, false
	}
	return a.missedAddresses(n, r, missed, other), true
}

// peersOf are the endpoints that the checks reach in the cells' surface,
// network and port.
func (r *reach) peersOf(n *name, c *cell) []*cell {
	return filter(n.cells, func(o *cell) bool {
		return o.surface == c.surface && o.endpoint.network == c.endpoint.network && o.endpoint.port() == c.endpoint.port() &&
			slices.Contains(r.endpoints, o.endpoint)
	})
}

// anotherChain compares the certificates of one endpoint's cells with all that
// the endpoints reached by checks show for the name.
func (a *analysis) anotherChain(n *name, r reach, cells []*cell) (differs, known bool) {
	peers := r.peersOf(n, cells[0])
	differs = true
	seen, checked := false, false
	for _, c := range cells {
		if c.leaf() == nil || !c.leaf().known {
			continue
		}
		seen = true
		for _, p := range peers {
			if l := p.leaf(); l != nil && l.known {
				checked = true
				differs = differs && a.differ(c.leaf(), l) && !renewal(c, p)
			}
		}
	}
	return differs, seen && checked
}

// differ reports whether two leaves are two deployments: not the same, no pair
// of key types of one set of names, no two short-lived ones of one issuer.
func (a *analysis) differ(x, y *cert) bool {
	switch {
	case x == y:
		return false
	case x.KeyType != y.KeyType && slices.Equal(sorted(x.names), sorted(y.names)):
		return false
	case a.shortLived(x) && a.shortLived(y) && x.Issuer == y.Issuer:
		return false
	}
	return true
}

// renewal reports whether two cells may be the two sides of a renewal: the
// older certificate was last seen before the newer one was first.
func renewal(x, y *cell) bool {
	if x.leaf().NotBefore.After(y.leaf().NotBefore) {
		x, y = y, x
	}
	_, last := x.meeting()
	first, _ := y.meeting()
	return last.Before(first)
}

// meeting is when clients met the cell's chain, or, where they were not seen to, when
// our own look did.
func (c *cell) meeting() (first, last time.Time) {
	s := c.shown
	if c.asked == 0 {
		s = c.met
	}
	return s.first.time(), s.last.time()
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// sameTier reports whether clients reach the cells' endpoint as they would
// reach the checked ones, and not through them.
func (a *analysis) sameTier(n *name, r reach, cells []*cell, servers map[netip.Addr]bool) bool {
	clients := map[netip.Prefix]bool{}
	for _, c := range cells {
		for _, x := range c.clients.Exact {
			if servers[x.Addr.Addr().Unmap()] {
				return false
			}
			clients[x.Addr] = true
		}
	}
	peers := r.peersOf(n, cells[0])
	if len(peers) == 0 {
		return false
	}
	if a.configured(cells[0].surface) {
		return true
	}
	used := false
	for _, p := range peers {
		used = used || p.real()
		for _, x := range p.clients.Exact {
			if clients[x.Addr] {
				return true
			}
		}
	}
	return !used // clients reach only the endpoint that the checks do not
}

func (a *analysis) missedAddresses(n *name, r reach, missed []*cell, other bool) discover.Finding {
	f := a.finding("unmonitored-endpoint", missed)
	f.Severity = pick(outOfValidity(missed), other)
	var reached []string
	for _, e := range r.endpoints {
		reached = append(reached, e.text())
	}
	slices.Sort(reached)
	k := n.cover.strong[0]
	what := "which no check reaches"
	if other {
		what = "which shows another certificate than any endpoint that the check reaches"
	}
	f.Detail = fmt.Sprintf("The check of %s (%s) reaches %s, and clients also reach it at %s, %s: %s.",
		n.text, k.Ref, some(reached), some(f.Endpoints), what, used(&f))
	f.Remedy = shows(fmt.Sprintf("Check each endpoint of %s by its address with the name as server name, beginning with %s (see %s).",
		n.text, mostUsed(missed).endpoint.text(), k.Ref), missed)
	f.Evidence["checks"] = refs(n.cover.strong)
	f.Evidence["checked_endpoints"] = bounded(reached, maxListed)
	f.Evidence["reason"] = "address"
	if other {
		f.Evidence["reason"] = "chain"
	}
	a.addSees(&f, slices.Concat(missed, r.peersOf(n, missed[0])))
	return f
}
