package coverage

import (
	"net/netip"
	"slices"

	"blindspot/discover"
)

// What makes a client a scanner, and a name a stray one.
const (
	// scannerTargets is how many names and endpoints a client has to try in
	// passing, most of all that it does, to be a scanner.
	scannerTargets = 10
	// passing is the most handshakes of one client that are "in passing".
	passing = 2
	// giveaways is how many of these have to be more than the lack of a name,
	// which programs that dial addresses share with scanners.
	giveaways = 2
	// scatter is how many names without a certificate a client has to ask one
	// endpoint for, in passing, to be guessing.
	scatter = 3
	// busy is how many handshakes by right names make an endpoint one that
	// works, where a single wrong one is the client's error.
	busy = 10
	// maxClients bounds the clients that are looked at.
	maxClients = 100_000
)

// odd reports whether a cell is what scanners leave behind: one client in
// passing, without a name, or, as a giveaway, with a name that is not served
// there, by an old version, or given up.
func (a *analysis) odd(c *cell) (client netip.Prefix, odd, giveaway bool) {
	client, one := c.soleClient()
	if !one || c.use == 0 || c.use > passing {
		return client, false, false
	}
	giveaway = !c.established() || legacy[c.version] != "" || c.name != nil && a.uncovered(c.name, c.endpoint)
	return client, giveaway || c.name == nil && c.kind != discover.NamePublic, giveaway
}

// uncovered reports whether certificates are known at e and none fits n.
func (a *analysis) uncovered(n *name, e *endpoint) bool {
	if len(e.leaves) == maxLeaves {
		return false
	}
	no := false
	for _, l := range e.leaves {
		switch l.fits(n.text) {
		case discover.Yes:
			return false
		case discover.No:
			no = true
		}
	}
	return no
}

type target struct {
	name     *name
	endpoint *endpoint
}

// markProbes finds the clients that try many servers in passing and marks the
// cells that only they made. A client that also does ordinary things is none.
func (a *analysis) markProbes() {
	scanners := a.scanners(a.tries())
	if len(scanners) == 0 {
		return
	}
	a.scanning = scanners
	a.summary.Scanners = len(scanners)
	for _, c := range a.order {
		if c.use > 0 && onlyBy(c, scanners) {
			c.probe = true
			a.summary.ScannerHandshakes += c.use
		}
	}
}

// try is what a client did in passing.
type try struct {
	targets   map[target]struct{}
	giveaways int
}

func (a *analysis) tries() map[netip.Prefix]*try {
	tried := map[netip.Prefix]*try{}
	for _, c := range a.order {
		client, odd, giveaway := a.odd(c)
		if !odd {
			continue
		}
		t := tried[client]
		if t == nil {
			if len(tried) >= maxClients {
				continue
			}
			t = &try{targets: map[target]struct{}{}}
			tried[client] = t
		}
		if len(t.targets) < scannerTargets {
			t.targets[target{c.name, c.endpoint}] = struct{}{}
		}
		if giveaway {
			t.giveaways++
		}
	}
	return tried
}

// scanners keeps the clients that tried enough, and for which that is at least
// half of what they do. Who makes most of the traffic is none: a small capture
// of one client that meets one fault after the other is no scan.
func (a *analysis) scanners(tried map[netip.Prefix]*try) map[netip.Prefix]bool {
	type balance struct {
		odd, all   int
		handshakes uint64
	}
	candidates := map[netip.Prefix]*balance{}
	for client, t := range tried {
		if len(t.targets) >= scannerTargets && t.giveaways >= giveaways {
			candidates[client] = &balance{}
		}
	}
	out := map[netip.Prefix]bool{}
	if len(candidates) == 0 {
		return out
	}
	for _, c := range a.order {
		_, odd, _ := a.odd(c)
		for i := range c.clients.Exact {
			if b := candidates[c.clients.Exact[i].Addr]; b != nil {
				b.all++
				b.handshakes += c.clients.Exact[i].Count
				if odd {
					b.odd++
				}
			}
		}
	}
	for client, b := range candidates {
		if 2*b.odd >= b.all && 2*b.handshakes < a.total {
			out[client] = true
		}
	}
	return out
}

func onlyBy(c *cell, clients map[netip.Prefix]bool) bool {
	if len(c.clients.Exact) == 0 || c.clients.More > 0 {
		return false
	}
	for i := range c.clients.Exact {
		if !clients[c.clients.Exact[i].Addr] {
			return false
		}
	}
	return true
}

// markStray finds names that a server's default answered though it has no
// certificate for them: asked for in passing by one client, named by no check.
// They are stray where other clients use the endpoint by right names, often, or
// at all where the client asks for one such name after the other. Where the
// certificates of an endpoint are hidden, it takes as much as for a scanner. On
// an endpoint that serves nothing else, a wrong name is a finding and no stray.
func (a *analysis) markStray() {
	passed := map[*name]passer{}
	guesses := map[guess]int{}
	for _, n := range a.nameList {
		p, ok := a.inPassing(n)
		if !ok {
			continue
		}
		passed[n] = p
		for _, e := range n.endpoints() {
			guesses[guess{p.client, e}]++
		}
	}
	right := rights{}
	for _, n := range a.nameList {
		if p, ok := passed[n]; ok && slices.ContainsFunc(n.endpoints(), func(e *endpoint) bool {
			return p.strays(guesses[guess{p.client, e}], right.of(a, e, passed).but(p.client))
		}) {
			a.dropStray(n)
		}
	}
}

// passer is the one client of a name, and whether the name's certificate, and
// all others of its endpoint, are hidden.
type passer struct {
	client netip.Prefix
	hidden bool
}

type guess struct {
	client   netip.Prefix
	endpoint *endpoint
}

func (p passer) strays(guesses int, right uint64) bool {
	if p.hidden {
		return guesses >= scannerTargets && right >= busy
	}
	return right >= busy || guesses >= scatter && right > 0
}

// inPassing returns the client of a name that may be stray.
func (a *analysis) inPassing(n *name) (p passer, ok bool) {
	if !n.cover.none() {
		return p, false
	}
	var use uint64
	for _, c := range n.cells {
		if c.use == 0 || c.probe {
			continue
		}
		one, sole := c.soleClient()
		use += c.use
		hidden := len(c.endpoint.leaves) == 0
		if !sole || use > passing || ok && one != p.client || !hidden && !a.uncovered(n, c.endpoint) {
			return p, false
		}
		p, ok = passer{one, p.hidden || hidden}, true
	}
	return p, ok
}

// right is the use of an endpoint by names that it serves: in all, and by
// clients that alone made a cell.
type right struct {
	all  uint64
	sole map[netip.Prefix]uint64
}

// but leaves out what one client did.
func (r *right) but(client netip.Prefix) uint64 { return r.all - r.sole[client] }

type rights map[*endpoint]*right

func (m rights) of(a *analysis, e *endpoint, passed map[*name]passer) *right {
	if r := m[e]; r != nil {
		return r
	}
	r := &right{sole: map[netip.Prefix]uint64{}}
	m[e] = r
	for _, c := range e.cells {
		if c.use == 0 || c.probe || !c.established() || c.name == nil || a.uncovered(c.name, e) {
			continue
		}
		if _, ok := passed[c.name]; ok {
			continue
		}
		r.all += c.use
		if client, ok := c.soleClient(); ok {
			r.sole[client] += c.use
		}
	}
	return r
}

func (a *analysis) dropStray(n *name) {
	a.askOnly.Stray++
	for _, c := range n.cells {
		if c.use > 0 && !c.probe {
			c.stray = true
			a.askOnly.StrayHandshakes += c.use
		}
	}
}

// endpoints returns where clients use the name.
func (n *name) endpoints() []*endpoint {
	var out []*endpoint
	seen := map[*endpoint]bool{}
	for _, c := range n.cells {
		if c.use > 0 && !seen[c.endpoint] {
			seen[c.endpoint] = true
			out = append(out, c.endpoint)
		}
	}
	return out
}
