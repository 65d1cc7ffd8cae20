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

// isOdd reports whether a cell is what scanners leave behind: one client in
// passing, without a name, or, as a giveaway, with a name that is not served
// there, by an old version, or given up.
func (c *cell) isOdd() (odd, giveaway bool) {
	if len(c.clients.Exact) != 1 || c.clients.More > 0 || c.use == 0 || c.use > passing {
		return false, false
	}
	giveaway = !c.established() || c.retired || c.name != nil && c.uncovered()
	return giveaway || c.name == nil && c.kind != discover.NamePublic, giveaway
}

// uncovered reports whether certificates are known at the cell's endpoint and
// none fits its name.
func (c *cell) uncovered() bool {
	if c.foreign == discover.Unknown {
		c.foreign = discover.TriOf(c.name.uncovered(c.endpoint))
	}
	return c.foreign == discover.Yes
}

type target struct {
	name     *name
	endpoint *endpoint
}

// markProbes finds the clients that try many servers in passing and marks the
// cells that only they made. A client that also does ordinary things is none.
func (a *analysis) markProbes() {
	t := a.tries()
	a.scanning = a.scanners(t)
	a.summary.Scanners = len(a.scanning)
	if len(a.scanning) == 0 {
		return
	}
	for c := range a.folds.all {
		if c.use == 0 {
			continue
		}
		if len(c.clients.Exact) == 1 && c.clients.More == 0 {
			x := t.of(c.sole)
			c.probe = x != nil && x.scanner
		} else {
			c.probe = onlyBy(c, a.scanning)
		}
		if c.probe {
			a.summary.ScannerHandshakes += c.use
		}
	}
}

// try is what a client did in passing.
type try struct {
	client    netip.Prefix
	targets   []target // scannerTargets of them
	giveaways int

	odd, all   int // cells
	handshakes uint64
	scanner    bool
}

// tries are those of all clients.
type tries struct {
	list     []try
	byClient []uint32 // number in list by number of the client, both from 1
}

// of returns the try of a client, nil where it has none.
func (t *tries) of(client uint32) *try {
	if client == 0 || t.byClient[client-1] == 0 {
		return nil
	}
	return &t.list[t.byClient[client-1]-1]
}

// add is of, with a new one where there is none, and a place for it.
func (t *tries) add(client uint32) *try {
	if x := t.of(client); x != nil || len(t.list) >= maxClients {
		return x
	}
	t.list = append(t.list, try{})
	t.byClient[client-1] = uint32(len(t.list))
	return &t.list[len(t.list)-1]
}

func (a *analysis) tries() *tries {
	t := &tries{byClient: make([]uint32, len(a.clients.list))}
	for c := range a.folds.all {
		odd, giveaway := c.isOdd()
		if !odd || c.sole == 0 {
			continue
		}
		x := t.add(c.sole)
		if x == nil {
			continue
		}
		c.odd = true
		x.client = a.clients.list[c.sole-1]
		if k := (target{c.name, c.endpoint}); len(x.targets) < scannerTargets && !slices.Contains(x.targets, k) {
			x.targets = append(x.targets, k)
		}
		if giveaway {
			x.giveaways++
		}
	}
	return t
}

func (t *try) candidate() bool { return len(t.targets) >= scannerTargets && t.giveaways >= giveaways }

// scanners keeps the clients that tried enough, and for which that is at least
// half of what they do. Who makes most of the traffic is none: a small capture
// of one client that meets one fault after the other is no scan.
func (a *analysis) scanners(t *tries) map[netip.Prefix]bool {
	out := map[netip.Prefix]bool{}
	if !slices.ContainsFunc(t.list, func(x try) bool { return x.candidate() }) {
		return out
	}
	for c := range a.folds.all {
		for i := range c.clients.Exact {
			k := &c.clients.Exact[i]
			n := c.sole
			if i > 0 || len(c.clients.Exact) > 1 {
				n = a.clients.find(k.Addr)
			}
			x := t.of(n)
			if x == nil {
				continue
			}
			x.all++
			x.handshakes += k.Count
			if c.odd {
				x.odd++
			}
		}
	}
	for i := range t.list {
		x := &t.list[i]
		if x.candidate() && 2*x.odd >= x.all && 2*x.handshakes < a.total {
			x.scanner = true
			out[x.client] = true
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
	if len(passed) == 0 {
		return
	}
	right := rights{}
	for _, n := range a.nameList {
		if p, ok := passed[n]; ok && slices.ContainsFunc(n.endpoints(), func(e *endpoint) bool {
			return p.strays(guesses[guess{p.client, e}], right.of(e, passed).but(p.client))
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
		if !sole || use > passing || ok && one != p.client || !hidden && !c.uncovered() {
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

func (m rights) of(e *endpoint, passed map[*name]passer) *right {
	if r := m[e]; r != nil {
		return r
	}
	r := &right{sole: map[netip.Prefix]uint64{}}
	m[e] = r
	for _, c := range e.cells {
		if c.use == 0 || c.probe || !c.established() || c.name == nil || c.uncovered() {
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

// fewCells is how many cells of a name are compared with each other.
const fewCells = 16

// endpoints returns where clients use the name.
func (n *name) endpoints() []*endpoint {
	out := make([]*endpoint, 0, 1)
	seen := map[*endpoint]bool{}
	for _, c := range n.cells {
		if c.use == 0 {
			continue
		}
		if len(n.cells) > fewCells {
			if seen[c.endpoint] {
				continue
			}
			seen[c.endpoint] = true
		} else if slices.Contains(out, c.endpoint) {
			continue
		}
		out = append(out, c.endpoint)
	}
	return out
}
