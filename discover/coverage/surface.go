package coverage

import (
	"net/netip"
	"slices"
	"strings"

	"blindspot/discover"
)

// unassigned is the surface of what no configured surface matches.
const unassigned = "unassigned"

// Surface is a named class of endpoints. Every condition that is given must
// hold; a Surface without conditions matches everything.
type Surface struct {
	Name, Owner, TrustStore string

	Servers []netip.Prefix
	Ports   []uint16
	// Names are hostnames; "*.shop.example" stands for everything under it.
	Names []string
	// Networks are names that the configuration gives to capture networks.
	Networks []string
	// Issuers are common names of issuing authorities, or any part of their
	// distinguished names. Where the certificate is hidden, one that the
	// endpoint showed for the same name in another handshake counts.
	Issuers []string
	// Clients are client networks. Use by clients of others, and by those that
	// are not known one by one, is of another surface, on the same endpoint too.
	Clients []netip.Prefix
	// STARTTLS are words of prefaces ("smtp"), of which one led to TLS.
	STARTTLS []string
	// MTLS: Yes takes endpoints that were seen to ask clients for a
	// certificate, No the others.
	MTLS discover.Tri
}

// place is what surfaces are told apart by.
type place struct {
	hostname string
	endpoint *endpoint
	leaf     *cert // nil where it is not known
	clients  []discover.ClientCount
}

func (s *Surface) matches(p *place) bool {
	e := p.endpoint
	return (len(s.Servers) == 0 || contains(s.Servers, e.server.Addr())) &&
		(len(s.Ports) == 0 || slices.Contains(s.Ports, e.server.Port())) &&
		(len(s.Networks) == 0 || slices.Contains(s.Networks, e.network)) &&
		(len(s.Names) == 0 || slices.ContainsFunc(s.Names, func(n string) bool { return matchesPattern(n, p.hostname) })) &&
		(s.MTLS == discover.Unknown || (s.MTLS == discover.Yes) == e.mutual) &&
		(len(s.STARTTLS) == 0 || s.startsBy(e.preface)) &&
		(len(s.Clients) == 0 || s.servesOnly(p.clients)) &&
		(len(s.Issuers) == 0 || s.issued(p.leaf))
}

func (s *Surface) startsBy(preface string) bool {
	return slices.ContainsFunc(strings.Split(preface, "+"), func(w string) bool { return w != "" && slices.Contains(s.STARTTLS, w) })
}

func (s *Surface) servesOnly(clients []discover.ClientCount) bool {
	return len(clients) > 0 && !slices.ContainsFunc(clients, func(c discover.ClientCount) bool { return !contains(s.Clients, c.Addr.Addr()) })
}

func (s *Surface) issued(leaf *cert) bool {
	return leaf != nil && leaf.Issuer != "" &&
		slices.ContainsFunc(s.Issuers, func(i string) bool { return i != "" && strings.Contains(leaf.Issuer, i) })
}

// matchesPattern matches a name of the configuration: "*." covers any depth.
func matchesPattern(pattern, host string) bool {
	if rest, ok := strings.CutPrefix(pattern, "*"); ok {
		return host != "" && strings.HasPrefix(rest, ".") && strings.HasSuffix(host, strings.ToLower(rest))
	}
	n, ok := discover.Hostname(pattern)
	return ok && n == host
}

// surfaceUse is a surface with what uses it; the last one is unassigned.
type surfaceUse struct {
	Surface
	endpoints int
	names     int
	leaves    map[*cert]struct{}

	lastEndpoint *endpoint // that was counted
	lastName     *name
	lastLeaf     *cert
}

func newSurfaces(list []Surface) []surfaceUse {
	out := make([]surfaceUse, 0, len(list)+1)
	for _, s := range append(slices.Clone(list), Surface{Name: unassigned}) {
		out = append(out, surfaceUse{
			Surface: s,
			leaves:  map[*cert]struct{}{},
		})
	}
	return out
}

// surfaceOf returns the index of the first surface that matches a cell.
func (a *analysis) surfaceOf(c *cell) int {
	if len(a.surfaces) == 1 {
		return 0
	}
	p := place{endpoint: c.endpoint, leaf: c.leaf(), clients: c.clients.Exact}
	if c.name != nil {
		p.hostname = c.name.text
	}
	if p.leaf == nil && a.byIssuer {
		p.leaf = c.presumed()
	}
	return a.surfaceAt(&p)
}

func (a *analysis) surfaceAt(p *place) int {
	last := len(a.surfaces) - 1
	for i := range a.surfaces[:last] {
		if a.surfaces[i].matches(p) {
			return i
		}
	}
	return last
}

// configured reports whether i is a surface of the configuration.
func (a *analysis) configured(i int) bool { return i < len(a.surfaces)-1 }
