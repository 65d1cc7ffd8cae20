package coverage

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"blindspot/discover"
	"blindspot/discover/trust"
)

// cellKey is what makes handshakes alike for every finding: indexes of name,
// endpoint and chains, and how the handshake went.
type cellKey struct {
	name, endpoint, chain, client uint32
	how, lengths                  uint32
	class                         uint64 // see parts.go
	kind                          discover.NameKind
	phase                         phase
	clientExpired                 bool
}

// cell is the fold of all sightings that no finding tells apart.
type cell struct {
	*how
	name     *name // nil without a valid hostname
	endpoint *endpoint
	chain    *chain       // nil where the certificate was not seen
	client   *chain       // certificates of the client, nil for none
	lengths  *lengthWords // of encrypted records, nil where they tell nothing
	class    uint64       // see parts.go
	surface  int

	kind          discover.NameKind
	phase         phase
	clientExpired bool
	foreign       discover.Tri // see uncovered
	odd           bool         // see isOdd
	probe         bool         // only scanners made it
	stray         bool         // its name was asked for in passing
	// vouches says that findings may rest on the look that the cell is.
	vouches bool
	// lasting says that the clients are the inventory's own, not to be changed.
	lasting bool

	use    uint64 // handshakes of clients
	checks uint64 // handshakes of the checks themselves
	ech    uint64
	// forwarded are far sides of handshakes that are counted elsewhere: they
	// show what the endpoint presents, and are no use of it.
	forwarded uint64
	// mismatched are handshakes whose key proof failed, also the checks'.
	mismatched uint64

	met stretch // of the clients' handshakes, of the checks' where there are none
	// shown is when the endpoint presented the chain, to whomever.
	shown   stretch
	clients discover.Clients

	// ruled are the verdicts of the surface's store on chain and client, nil
	// for none.
	ruled, ruledClient *trust.Verdict

	// asked is when our own look was last shown the chain, zero for a chain that
	// the handshakes showed; see looks.go.
	asked moment
	sole  uint32 // number of the client, as long as it is the only one
}

// leaf returns the certificate presented, nil where it was not seen.
func (c *cell) leaf() *cert {
	if c.chain == nil {
		return nil
	}
	return c.chain.leaf
}

// real reports whether the cell is use by clients that findings may rest on.
func (c *cell) real() bool { return c.use > 0 && !c.probe && !c.stray }

func (c *cell) established() bool { return c.outcome == discover.Established }

// soleClient returns the client where the cell knows of exactly one.
func (c *cell) soleClient() (netip.Prefix, bool) {
	if len(c.clients.Exact) != 1 || c.clients.More > 0 {
		return netip.Prefix{}, false
	}
	return c.clients.Exact[0].Addr, true
}

// compare orders cells; names and endpoints are numbered in order by then.
func (c *cell) compare(o *cell) int {
	if c.endpoint.id != o.endpoint.id {
		return cmp.Compare(c.endpoint.id, o.endpoint.id)
	}
	if n, m := c.name.number(), o.name.number(); n != m {
		return cmp.Compare(n, m)
	}
	if d := cmp.Or(c.chain.compare(o.chain), c.client.compare(o.client)); d != 0 {
		return d
	}
	return cmp.Or(
		cmp.Compare(c.class, o.class), cmp.Compare(c.kind, o.kind), cmp.Compare(c.version, o.version), cmp.Compare(c.outcome, o.outcome),
		cmp.Compare(c.alert.Description, o.alert.Description), cmp.Compare(c.alert.Level, o.alert.Level),
		cmp.Compare(c.known, o.known), cmp.Compare(c.lengths.String(), o.lengths.String()), cmp.Compare(c.phase, o.phase), cmp.Compare(c.use, o.use), cmp.Compare(c.met.first, o.met.first),
	)
}

// widen makes the window from..to hold first..last too.
func widen(from, to *time.Time, first, last time.Time) {
	if from.IsZero() || first.Before(*from) {
		*from = first
	}
	if last.After(*to) {
		*to = last
	}
}

// name is a hostname in use, or asked for by checks.
type name struct {
	id    uint32
	folds int32 // how many cells are gathered
	// How certificates are compared with it, if it is hashed.
	exact, wild pattern
	hashed      bool
	first       *cell // see cellOf
	// Scratch of nameCounts.
	sum     uint64
	counted bool
	text    string
	use     uint64 // handshakes of clients, without probes
	cells   []*cell
	cover   *cover
}

func (n *name) number() uint32 {
	if n == nil {
		return 0
	}
	return n.id
}

type endpointKey struct {
	network, target string
	transport       discover.Transport
	server          netip.AddrPort
}

// endpoint is a server ip:port and transport in one network; within a proxy's
// tunnel, also the target asked for.
type endpoint struct {
	endpointKey
	id      uint32
	preface string
	inScope bool
	mutual  bool // it was seen to ask clients for a certificate
	use     uint64
	cells   []*cell // by name
	leaves  []*cert // seen there, without names that nobody else uses
	// Of the leaves: what names they have, and whether one is known whole.
	patterns []pattern
	refuses  bool
}

func (e *endpoint) compare(o *endpoint) int {
	return cmp.Or(
		e.server.Compare(o.server), cmp.Compare(e.network, o.network),
		cmp.Compare(e.target, o.target), cmp.Compare(e.transport, o.transport),
	)
}

// under returns the endpoint's cells of one name, or of none.
func (e *endpoint) under(n *name) []*cell {
	by := func(c *cell, id uint32) int { return cmp.Compare(c.name.number(), id) }
	from, _ := slices.BinarySearchFunc(e.cells, n.number(), by)
	to, _ := slices.BinarySearchFunc(e.cells, n.number()+1, by)
	return e.cells[from:to]
}

// text is the endpoint as the report writes it.
func (e *endpoint) text() string { return e.server.String() }

// port is what a check has to name: behind a proxy, the target's.
func (e *endpoint) port() uint16 {
	if e.target != "" {
		if _, p, err := net.SplitHostPort(e.target); err == nil {
			if n, err := strconv.ParseUint(p, 10, 16); err == nil {
				return uint16(n)
			}
		}
	}
	return e.server.Port()
}

func targetHost(target string) string {
	if h, _, err := net.SplitHostPort(target); err == nil {
		return h
	}
	return target
}
