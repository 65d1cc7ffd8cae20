package coverage

import (
	"cmp"
	"net/netip"
	"slices"

	"blindspot/discover"
	"blindspot/discover/trust"
)

const (
	// substantial is the part of the traffic that makes one endpoint a surface
	// of its own beside others in its network.
	substantial = 0.2
	// maxAddresses is how many servers a suggestion lists one by one.
	maxAddresses = 64
	// maxJudged bounds the chains of a suggestion that the stores are asked about.
	maxJudged = 50
)

// Suggestion is a surface that traffic suggests, with what speaks for it.
type Suggestion struct {
	Surface Surface

	Endpoints   int
	Ports       []uint16
	Handshakes  uint64
	Share       float64
	Hostnames   []string // most used first
	Authorities []string // issuers of what is presented, most used first
	// ClientAuthorities and TrustDomains are of the clients' certificates.
	ClientAuthorities, TrustDomains []string
	// TrustedBy are the loaded stores that trust all that was seen there.
	TrustedBy []string
}

// Suggest proposes surfaces from the traffic in scope alone: endpoints of one
// network (IPv4 /24, IPv6 /64) belong together, apart by whether they ask
// clients for certificates and by SPIFFE trust domain, and by issuer and port
// where several endpoints, or a good part of the traffic, have these in common.
// Pools of one name, issuer and port over several networks are one surface.
//
// Surfaces of cfg are not looked at. Used as configuration, in the order in
// which they come, the suggestions take every endpoint that was seen.
func Suggest(inv *discover.Inventory, cfg Config) ([]Suggestion, error) {
	cfg.Surfaces = nil
	a := newAnalysis(inv, nil, cfg)
	if err := a.gather(); err != nil {
		return nil, err
	}
	a.settle()
	clusters := a.clusters()
	out := make([]Suggestion, 0, len(clusters))
	for _, c := range clusters {
		out = append(out, a.suggestion(c))
	}
	a.nameAll(clusters, out)
	return out, nil
}

// profile is what an endpoint is clustered by.
type profile struct {
	*endpoint
	issuer string // of the certificate that is presented most
	domain string // SPIFFE trust domain, of server or clients
	use    uint64
	names  map[*name]uint64
}

func (a *analysis) profiles() []*profile {
	var out []*profile
	for _, e := range a.epList {
		cells := filter(e.cells, (*cell).shows)
		if len(cells) == 0 || e.target != "" {
			continue
		}
		p := &profile{endpoint: e, names: map[*name]uint64{}}
		for _, c := range cells {
			p.use += c.use
			if c.name != nil {
				p.names[c.name] += c.use
			}
			if l := c.leaf(); l != nil && p.domain == "" {
				p.domain = trustDomain(l)
			}
			if c.client != nil && p.domain == "" {
				p.domain = trustDomain(c.client.leaf)
			}
		}
		if l := topLeaf(cells); l != nil {
			p.issuer = l.Issuer
		}
		out = append(out, p)
	}
	fillIssuers(out)
	return out
}

// fillIssuers takes for endpoints that hide their certificate the issuer that
// others show for the same name on the same port.
func fillIssuers(list []*profile) {
	type service struct {
		network string
		name    *name
		port    uint16
	}
	shown := map[service]string{}
	of := func(p *profile) service { return service{p.network, p.topName(), p.server.Port()} }
	for _, p := range list {
		if k := of(p); k.name != nil && p.issuer != "" && shown[k] == "" {
			shown[k] = p.issuer
		}
	}
	for _, p := range list {
		if p.issuer == "" {
			p.issuer = shown[of(p)]
		}
	}
}

// cluster is a surface in the making.
type cluster struct {
	members []*profile
	// whole: nothing else is in its networks. nature: others there differ in
	// whether they ask clients for certificates.
	whole, nature bool
}

type netKey struct {
	network string
	prefix  netip.Prefix
}

func netOf(p *profile) netKey {
	return netKey{p.network, neighbourhood(p.server.Addr().Unmap().WithZone(""))}
}

func (a *analysis) clusters() []*cluster {
	var out []*cluster
	for _, group := range groupProfiles(a.profiles(), netOf) {
		natures := groupProfiles(group, func(p *profile) natureKey { return natureKey{p.mutual, p.domain} })
		mixed := slices.ContainsFunc(group, func(p *profile) bool { return p.mutual != group[0].mutual })
		var here []*cluster
		for _, n := range natures {
			for _, members := range a.cleave(n) {
				here = append(here, &cluster{members: members, nature: mixed})
			}
		}
		for _, c := range here {
			c.whole = len(here) == 1
		}
		out = append(out, here...)
	}
	out = mergePools(out)
	slices.SortStableFunc(out, func(x, y *cluster) int {
		return cmp.Or(cmp.Compare(x.width(), y.width()), x.members[0].endpoint.compare(y.members[0].endpoint))
	})
	return out
}

type natureKey struct {
	mutual bool
	domain string
}

// width orders clusters: what takes least comes first, as the first match wins.
func (c *cluster) width() int {
	switch {
	case len(c.addresses()) == 1:
		return 0
	case !c.whole:
		return 1
	}
	return 2
}

type kinKey struct {
	issuer string
	port   uint16
}

// cleave parts endpoints of one network and nature by issuer and port where
// that makes at least two parts that are substantial; what is not is one part.
func (a *analysis) cleave(list []*profile) [][]*profile {
	var parts [][]*profile
	var rest []*profile
	for _, g := range groupProfiles(list, func(p *profile) kinKey { return kinKey{p.issuer, p.server.Port()} }) {
		var use uint64
		for _, p := range g {
			use += p.use
		}
		if len(addresses(g)) > 1 || share(use, a.total) >= substantial {
			parts = append(parts, g)
		} else {
			rest = append(rest, g...)
		}
	}
	if len(parts) < 2 {
		return [][]*profile{list}
	}
	if len(rest) > 0 {
		parts = append(parts, rest)
	}
	return parts
}

func groupProfiles[K comparable](list []*profile, key func(*profile) K) [][]*profile {
	var out [][]*profile
	at := map[K]int{}
	for _, p := range list {
		k := key(p)
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], p)
	}
	return out
}

// poolKey is what clusters of different networks must have in common to be one
// pool; a cluster that is not of one kind has none.
type poolKey struct {
	network string
	kinKey
	natureKey
	name *name
}

func (c *cluster) pool() (poolKey, bool) {
	first := c.members[0]
	k := poolKey{first.network, kinKey{first.issuer, first.server.Port()}, natureKey{first.mutual, first.domain}, first.topName()}
	for _, p := range c.members {
		if p.issuer != k.issuer || p.server.Port() != k.port || p.topName() != k.name {
			return k, false
		}
	}
	return k, k.name != nil
}

func (p *profile) topName() *name {
	var best *name
	for n, use := range p.names {
		if best == nil || use > p.names[best] || use == p.names[best] && n.id < best.id {
			best = n
		}
	}
	return best
}

func mergePools(list []*cluster) []*cluster {
	var out []*cluster
	at := map[poolKey]*cluster{}
	for _, c := range list {
		k, ok := c.pool()
		if into := at[k]; ok && into != nil {
			into.members = append(into.members, c.members...)
			into.whole, into.nature = into.whole && c.whole, into.nature || c.nature
			continue
		}
		if ok {
			at[k] = c
		}
		out = append(out, c)
	}
	return out
}

func (c *cluster) addresses() []netip.Addr { return addresses(c.members) }

func addresses(list []*profile) []netip.Addr {
	seen := map[netip.Addr]bool{}
	var out []netip.Addr
	for _, p := range list {
		if a := p.server.Addr().Unmap().WithZone(""); !seen[a] {
			seen[a] = true
			out = append(out, a)
		}
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return out
}

func (a *analysis) suggestion(c *cluster) Suggestion {
	s := Suggestion{Endpoints: len(c.members)}
	var cells []*cell
	for _, p := range c.members {
		s.Handshakes += p.use
		if !slices.Contains(s.Ports, p.server.Port()) {
			s.Ports = append(s.Ports, p.server.Port())
		}
		cells = append(cells, filter(p.cells, (*cell).shows)...)
	}
	slices.Sort(s.Ports)
	s.Share = share(s.Handshakes, a.total)
	list := nameCounts(cells)
	slices.SortFunc(list, byUse)
	s.Hostnames = names(list)
	s.Authorities = ranked(cells, func(x *cell) string { return issuerText(x.chain) })
	s.ClientAuthorities = ranked(cells, func(x *cell) string { return issuerText(x.client) })
	s.TrustDomains = ranked(cells, func(x *cell) string {
		for _, ch := range [...]*chain{x.client, x.chain} {
			if ch != nil && trustDomain(ch.leaf) != "" {
				return trustDomain(ch.leaf)
			}
		}
		return ""
	})
	s.Surface = c.surface(&s)
	s.TrustedBy = a.trustedBy(cells)
	return s
}

func issuerText(ch *chain) string {
	if ch == nil {
		return ""
	}
	return ch.leaf.Issuer
}

// ranked lists words of cells, most used first.
func ranked(cells []*cell, word func(*cell) string) []string {
	sum := map[string]uint64{}
	for _, c := range cells {
		if w := word(c); w != "" {
			sum[w] += c.use
		}
	}
	out := make([]string, 0, len(sum))
	for w := range sum {
		out = append(out, w)
	}
	slices.SortFunc(out, func(x, y string) int { return cmp.Or(cmp.Compare(sum[y], sum[x]), cmp.Compare(x, y)) })
	return out
}

// surface says by which conditions the cluster is known.
func (c *cluster) surface(s *Suggestion) Surface {
	var out Surface
	addrs := c.addresses()
	networks := groupProfiles(c.members, netOf)
	switch {
	case len(addrs) == 1 || !c.whole && len(addrs) <= maxAddresses:
		for _, a := range addrs {
			out.Servers = append(out.Servers, netip.PrefixFrom(a, a.BitLen()))
		}
		out.Ports = s.Ports
	default:
		for _, n := range networks {
			out.Servers = append(out.Servers, netOf(n[0]).prefix)
		}
		if !c.whole || len(networks) > 1 {
			out.Ports = s.Ports
		}
	}
	slices.SortFunc(out.Servers, func(x, y netip.Prefix) int {
		return cmp.Or(x.Addr().Compare(y.Addr()), cmp.Compare(x.Bits(), y.Bits()))
	})
	if n := c.members[0].network; n != "" {
		out.Networks = []string{n}
	}
	if c.nature {
		out.MTLS = discover.TriOf(c.members[0].mutual)
	}
	return out
}

// trustedBy asks the stores about the chains of cells.
func (a *analysis) trustedBy(cells []*cell) []string {
	if a.courts == nil {
		return nil
	}
	var chains []*cell
	seen := map[*chain]bool{}
	for _, c := range cells {
		if c.chain != nil && !seen[c.chain] && len(chains) < maxJudged {
			seen[c.chain] = true
			chains = append(chains, c)
		}
	}
	var out []string
	for _, s := range a.courts.stores {
		trusts := func(c *cell) bool {
			return s.Judge(c.hearings()[trust.Server].certificates(), &a.courts.known, c.shown.last.time(), trust.Server).Trusted == discover.Yes
		}
		if len(chains) > 0 && !slices.ContainsFunc(chains, func(c *cell) bool { return !trusts(c) }) {
			out = append(out, s.Name)
		}
	}
	return out
}
