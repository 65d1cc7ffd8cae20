package verify

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"blindspot/discover"
)

const (
	// maxPlaces bounds the places that a plan tells apart; use of further ones
	// is counted in Plan.Beyond.
	maxPlaces = 1_000_000
	// maxALPN bounds the protocols that are offered, as clients did.
	maxALPN = 32
	// acmeALPN is the protocol of ACME's validation (RFC 8737 §3): a server
	// answers it with a certificate that no client gets.
	acmeALPN = "acme-tls/1"
)

// Options say whom to ask. The zero value asks what was never seen.
type Options struct {
	// Now is when the looks begin.
	Now time.Time
	// Due is after which time a place is asked again: since our own last look,
	// or since a certificate was last seen there, by the end of the traffic. 0
	// asks no place again.
	Due time.Duration
	// Network is the network that we are in. The same addresses in another one
	// are other servers, and are not asked.
	Network string
	// Monitors are the sources of the checks' own handshakes.
	Monitors []netip.Prefix
}

// Plan is what would be asked.
type Plan struct {
	Targets []Target // in an order that does not depend on that of the traffic
	// Unasked are places in use, in scope and without a known certificate that
	// cannot be asked.
	Unasked []Unasked

	Seen       int // places whose certificate is known well enough
	OutOfScope int // places that are not ours
	NotUsed    int // places that only the checks use, or where no server went on
	// Beyond counts handshakes at places past the bound.
	Beyond uint64
}

// Unasked is a place that cannot be asked.
type Unasked struct {
	Place
	Transport discover.Transport
	Target    string // host:port behind a proxy
	Why       string // half a sentence
}

// ToAsk goes over the inventory once and says whom to ask and why. Places for
// which scope reports false are not asked; without scope, none are.
func ToAsk(inv *discover.Inventory, scope func(*discover.Sighting) bool, opts Options) (*Plan, error) {
	p := planner{inv: inv, scope: scope, opts: opts, places: map[placeKey]*place{}, leaves: map[discover.ChainID]discover.Fingerprint{}, plan: &Plan{}}
	if scope == nil || inv.Sightings == nil {
		return p.plan, nil
	}
	for s, err := range inv.Sightings {
		if err != nil {
			return nil, fmt.Errorf("plan whom to ask: %w", err)
		}
		p.add(s)
	}
	p.decide()
	return p.plan, nil
}

type placeKey struct {
	Place
	kind      discover.NameKind
	target    string
	transport discover.Transport
}

// place is what is known of a place.
type place struct {
	placeKey
	inScope bool
	use     uint64
	lastUse time.Time
	alpn    string
	alpnAt  time.Time

	hidden bool // no certificate was seen in some handshake of clients
	shown  leafSeen
	looked leafSeen
}

// leafSeen is a certificate and when it was seen last.
type leafSeen struct {
	leaf discover.Fingerprint
	from string
	at   time.Time
}

func (l *leafSeen) see(leaf discover.Fingerprint, from string, at time.Time) {
	if at.After(l.at) {
		*l = leafSeen{leaf, from, at}
	}
}

type planner struct {
	inv    *discover.Inventory
	scope  func(*discover.Sighting) bool
	opts   Options
	places map[placeKey]*place
	leaves map[discover.ChainID]discover.Fingerprint
	plan   *Plan
}

func (p *planner) add(s *discover.Sighting) {
	k := placeKey{
		Place: Place{Network: s.Network, Hostname: s.Hostname, Server: s.Server, Preface: s.Preface},
		kind:  s.Name, target: s.Target, transport: s.Transport,
	}
	x := p.places[k]
	if x == nil {
		if len(p.places) >= maxPlaces {
			p.plan.Beyond += s.Count
			return
		}
		k.Network, k.Hostname, k.Preface, k.target = strings.Clone(k.Network), strings.Clone(k.Hostname), strings.Clone(k.Preface), strings.Clone(k.target)
		x = &place{placeKey: k}
		p.places[k] = x
	}
	x.inScope = x.inScope || p.scope(s)
	leaf, visible := p.leaf(s.Chain)
	switch {
	case s.Class == discover.ClassVerify || s.Known == discover.FromVerify:
		if visible {
			x.looked.see(leaf, discover.FromVerify, s.Last)
		}
		return
	case visible && s.InUse():
		x.shown.see(leaf, strings.Clone(s.Known), s.Last)
	}
	if !s.InUse() || s.Count == 0 || p.byMonitors(s) {
		return
	}
	x.use += s.Count
	x.hidden = x.hidden || !visible && s.Known != ""
	if s.Last.After(x.lastUse) {
		x.lastUse = s.Last
	}
	if s.ALPN != acmeALPN && (x.alpnAt.IsZero() || s.Last.After(x.alpnAt) || s.Last.Equal(x.alpnAt) && s.ALPN > x.alpn) {
		x.alpn, x.alpnAt = strings.Clone(s.ALPN), s.Last
	}
}

// leaf is looked up once for each chain.
func (p *planner) leaf(id discover.ChainID) (discover.Fingerprint, bool) {
	if id.IsZero() || p.inv.Chain == nil {
		return discover.Fingerprint{}, false
	}
	f, ok := p.leaves[id]
	if !ok {
		if chain := p.inv.Chain(id); len(chain) > 0 {
			f = chain[0]
		}
		p.leaves[id] = f
	}
	return f, !f.IsZero()
}

// byMonitors reports whether only the checks made these handshakes.
func (p *planner) byMonitors(s *discover.Sighting) bool {
	if s.Class == discover.ClassMonitor {
		return true
	}
	if len(p.opts.Monitors) == 0 || len(s.Clients.Exact) == 0 || s.Clients.More > 0 {
		return false
	}
	return !slices.ContainsFunc(s.Clients.Exact, func(c discover.ClientCount) bool {
		return !slices.ContainsFunc(p.opts.Monitors, func(m netip.Prefix) bool { return m.Bits() <= c.Addr.Bits() && m.Contains(c.Addr.Addr()) })
	})
}

func (p *planner) decide() {
	list := make([]*place, 0, len(p.places))
	for _, x := range p.places {
		list = append(list, x)
	}
	slices.SortFunc(list, func(x, y *place) int {
		return cmp.Or(x.compare(&y.Place), cmp.Compare(x.kind, y.kind), cmp.Compare(x.target, y.target), cmp.Compare(x.transport, y.transport))
	})
	for _, x := range list {
		p.decideOn(x)
	}
}

func (p *planner) decideOn(x *place) {
	switch {
	case x.use == 0:
		if x.looked.at.IsZero() {
			p.plan.NotUsed++
		}
		return
	case !x.inScope:
		p.plan.OutOfScope++
		return
	}
	why := p.why(x)
	if why == "" {
		p.plan.Seen++
		return
	}
	if obstacle := p.obstacle(x); obstacle != "" {
		p.plan.Unasked = append(p.plan.Unasked, Unasked{Place: x.Place, Transport: x.transport, Target: x.target, Why: obstacle})
		return
	}
	t := Target{Place: x.Place, ALPN: protocols(x.alpn), Why: why, Handshakes: x.use, LastUse: x.lastUse}
	known := x.shown
	if x.looked.at.After(known.at) {
		known = x.looked
	}
	t.Known, t.KnownFrom, t.KnownAt = known.leaf, known.from, known.at
	p.plan.Targets = append(p.plan.Targets, t)
}

// why says why x is asked, "" where its certificate is known well enough, or
// where its handshakes have none by design.
func (p *planner) why(x *place) Reason {
	known := !x.shown.at.IsZero() || !x.looked.at.IsZero()
	if !known {
		if x.hidden {
			return Hidden
		}
		return ""
	}
	if p.opts.Due <= 0 ||
		!x.shown.at.IsZero() && p.inv.Last.Sub(x.shown.at) < p.opts.Due ||
		!x.looked.at.IsZero() && p.opts.Now.Sub(x.looked.at) < p.opts.Due {
		return ""
	}
	return Due
}

// obstacle says why x cannot be asked, "" where it can.
func (p *planner) obstacle(x *place) string {
	switch {
	case x.kind == discover.NamePublic:
		return "the name is an ECH provider's, and not the one that clients ask for"
	case x.kind != discover.NameValid && x.kind != discover.NameNone:
		return "the name that clients ask for is not known whole"
	case x.transport == discover.QUIC:
		tcp := x.placeKey
		tcp.transport = discover.TCP
		if y := p.places[tcp]; y != nil && y.use > 0 {
			return "QUIC is not asked; the same port is asked over TCP, which may present another certificate"
		}
		return "QUIC is not asked, and no use of the port over TCP was seen"
	case x.transport != discover.TCP:
		return strings.ToUpper(x.transport.String()) + " is not asked"
	case x.target != "":
		return "it is behind a proxy, which is not asked to connect"
	case x.Network != p.opts.Network:
		return "it is in " + cmp.Or(x.Network, "the network without a name") + ", where the same address may be another server"
	case x.Server.Port() == 0 || x.Server.Addr().IsUnspecified() || x.Server.Addr().IsMulticast():
		return "its address is none that can be connected to"
	case x.Preface != "" && !CanAsk(x.Preface):
		return "TLS begins behind " + x.Preface + ", which is not spoken here (" + strings.Join(Prefaces(), ", ") + " are)"
	}
	return ""
}

// protocols reads what Sighting.ALPN holds.
func protocols(list string) []string {
	var out []string
	for p := range strings.SplitSeq(list, ",") {
		if p != "" && p != acmeALPN && len(p) <= 255 && len(out) < maxALPN {
			out = append(out, p)
		}
	}
	return out
}
