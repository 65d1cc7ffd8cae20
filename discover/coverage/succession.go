package coverage

import (
	"bytes"
	"cmp"
	"net/netip"
	"slices"
	"time"

	"blindspot/discover"
)

const (
	// grace is how long the endpoints of one name may take to rotate, from
	// when the new certificate was first seen, and how long one endpoint may
	// show both.
	grace = time.Hour
	// settling is how long after its beginning a certificate may take to
	// arrive where it was issued for.
	settling = 24 * time.Hour
	// ephemeral certificates rotate by themselves, each instance at its own
	// time: SPIRE's live an hour, Istio's a day, Consul's three, the short ones
	// of Let's Encrypt six.
	ephemeral = 7 * 24 * time.Hour
	// maxServed bounds the different certificates of one name and port that
	// are compared with each other.
	maxServed = 32
	// maxCompared bounds the endpoints of one certificate that are.
	maxCompared = 500
	// crowd is how many clients an endpoint has to have to be none that only a
	// load balancer comes to.
	crowd = 3
)

// served is one name within a surface and network, with all that its endpoints
// showed, on one port or, as for successors, on all of them.
type served struct {
	a        *analysis
	name     *name
	surface  int
	showings []*showing
}

type servedKey struct {
	surface int
	network string
	port    uint16
}

// servedOf returns what is served for n, by surface, network and (with ports)
// port, where several certificates are. Certificates that do not fit the name
// are a name-mismatch and left out; so is what is behind a proxy.
func (a *analysis) servedOf(n *name, ports bool) []*served {
	if !several(n) {
		return nil
	}
	var out []*served
	for _, cells := range groupBy(n.cells, func(c *cell) (servedKey, bool) {
		k := servedKey{surface: c.surface, network: c.endpoint.network}
		if ports {
			k.port = c.endpoint.port()
		}
		l := c.leaf()
		return k, l != nil && l.known && c.endpoint.target == "" && l.fits(n.text) != discover.No
	}) {
		if several(&name{cells: cells}) {
			s := &served{a: a, name: n, surface: cells[0].surface}
			s.collect(cells)
			out = append(out, s)
		}
	}
	return out
}

// several reports whether cells of n show more than one certificate.
func several(n *name) bool {
	var one *cert
	for _, c := range n.cells {
		if l := c.leaf(); l != nil {
			if one != nil && l != one {
				return true
			}
			one = l
		}
	}
	return false
}

func (s *served) collect(cells []*cell) {
	for _, g := range groupBy(cells, func(c *cell) (leafAt, bool) { return leafAt{c.leaf(), c.endpoint}, true }) {
		w := &showing{leaf: g[0].leaf(), endpoint: g[0].endpoint, cells: g}
		for _, c := range g {
			widen(&w.first, &w.last, c.shown.first.time(), c.shown.last.time())
		}
		s.showings = append(s.showings, w)
	}
}

// leaves are the certificates that clients met, oldest first.
func (s *served) leaves() []*cert {
	var out []*cert
	for _, w := range s.showings {
		if w.met() && !slices.Contains(out, w.leaf) && len(out) < maxServed {
			out = append(out, w.leaf)
		}
	}
	slices.SortFunc(out, older)
	return out
}

func older(x, y *cert) int {
	return cmp.Or(x.NotBefore.Compare(y.NotBefore), x.NotAfter.Compare(y.NotAfter), bytes.Compare(x.SHA256[:], y.SHA256[:]))
}

func (s *served) of(l *cert) []*showing {
	var out []*showing
	for _, w := range s.showings {
		if w.leaf == l {
			out = append(out, w)
		}
	}
	return out
}

// relation is how two certificates of one name stand to each other.
type relation uint8

const (
	apart    relation = iota // not one deployment, a pair, or a rotation that went well
	fresh                    // the newer one is so new that it may be on its way
	together                 // both are served, and that is no rotation
)

// relate says how the older certificate and the newer one stand, and where the
// older one is still served. An endpoint that shows both by turns, to the same
// clients, passes them on to servers that differ; one that gives this to some
// and that to others does so by who they are.
func (s *served) relate(old, renewed *cert) (relation, []*showing) {
	if !s.distinct(old, renewed) || s.tiers(old, renewed) {
		return apart, nil
	}
	olds, news := s.of(old), s.of(renewed)
	var behind []*showing
	turned := false // an endpoint was seen to go from the one to the other
	for _, w := range bounded(olds, maxCompared) {
		if !w.met() || !slices.ContainsFunc(bounded(news, maxCompared), func(n *showing) bool { return s.alike(w, n) }) {
			continue
		}
		switch same := showingAt(news, w.endpoint); {
		case same == nil:
			behind = append(behind, w)
		case w.last.After(same.first.Add(grace)) || w.last.After(same.last):
			if s.sharesClient(w, same) {
				behind = append(behind, w)
			}
		default:
			turned = true
		}
	}
	since := earliest(news)
	behind = slices.DeleteFunc(behind, func(w *showing) bool { return s.inTime(w, old, since, turned) })
	switch {
	case len(behind) == 0:
		return apart, nil
	case !turned && latest(behind).Sub(renewed.NotBefore) < settling && !issuedTogether(old, renewed) && !s.over(old, latest(behind)):
		return fresh, behind
	}
	return together, behind
}

// tiers reports whether, where no configured surface says otherwise, a server
// of the one certificate is a client of one of the other: an edge and backends,
// some of which may know the edge by another address.
func (s *served) tiers(x, y *cert) bool {
	if s.a.configured(s.surface) {
		return false
	}
	for _, w := range bounded(s.of(x), maxCompared) {
		for _, o := range bounded(s.of(y), maxCompared) {
			if w.endpoint != o.endpoint && (s.calls(w, o) || s.calls(o, w)) {
				return true
			}
		}
	}
	return false
}

// inTime reports whether the last that was seen of the old certificate leaves
// room for a rotation: it was gone before the new one came, or went, or may go,
// within the grace.
func (s *served) inTime(w *showing, old *cert, since time.Time, turned bool) bool {
	switch {
	case !w.last.After(since):
		return true
	case s.over(old, w.last):
		return false
	}
	end := since.Add(grace)
	return !w.last.After(end) && (turned || s.a.inv.Last.After(w.last.Add(grace)))
}

// over reports whether a certificate had ended by t.
func (s *served) over(c *cert, t time.Time) bool {
	return !c.NotAfter.IsZero() && t.After(c.NotAfter.Add(clockSkew))
}

// issuedTogether reports whether two certificates were issued in one go, one
// for each server, so that neither renews the other.
func issuedTogether(x, y *cert) bool { return !renews(x, y) && !renews(y, x) }

// renews reports whether the newer certificate begins so much later that it is
// a renewal of the older one: a day, or a third of a short life.
func renews(old, renewed *cert) bool {
	gap := settling
	if life := old.lifetime() / 3; life > 0 && life < gap {
		gap = life
	}
	return renewed.NotBefore.Sub(old.NotBefore) >= gap
}

// distinct reports whether two certificates for one name are two deployments:
// no pair of key types that are both valid, and no two ephemeral ones of one
// issuer and key type.
func (s *served) distinct(x, y *cert) bool {
	switch {
	case x == y:
		return false
	case x.KeyType != y.KeyType && sameNames(x, y):
		last := latest(append(s.of(x), s.of(y)...))
		return s.over(x, last) != s.over(y, last)
	case x.isEphemeral() && y.isEphemeral():
		return x.Issuer != y.Issuer || x.KeyType != y.KeyType
	}
	return true
}

func (c *cert) isEphemeral() bool {
	life := c.lifetime()
	return life > 0 && life <= ephemeral
}

func sameNames(x, y *cert) bool { return slices.Equal(sorted(x.names), sorted(y.names)) }

// alike reports whether two endpoints are the same deployment. A configured
// surface says so, unless the one is a client of the other: that is an edge
// and a backend. Of what no surface matches, those are alike that share a
// client, and a network too where their issuers differ. Without a common
// client, a network is enough for one issuer where neither has only the few
// clients of a backend.
func (s *served) alike(x, y *showing) bool {
	if x.endpoint == y.endpoint {
		return true
	}
	if s.serves(x, y) || s.serves(y, x) || !s.samePlace(x, y) {
		return false
	}
	if s.a.configured(s.surface) {
		return true
	}
	near := neighbours(x.endpoint.server.Addr(), y.endpoint.server.Addr())
	if x.leaf.Issuer != y.leaf.Issuer {
		return near && s.sharesClient(x, y)
	}
	return s.sharesClient(x, y) || near && len(x.known()) >= crowd && len(y.known()) >= crowd
}

// samePlace compares across ports: a renewal for another port counts on the
// same host, or, in a configured surface, by the same issuer.
func (s *served) samePlace(x, y *showing) bool {
	return x.endpoint.port() == y.endpoint.port() ||
		x.endpoint.server.Addr() == y.endpoint.server.Addr() ||
		s.a.configured(s.surface) && x.leaf.Issuer == y.leaf.Issuer
}

// serves reports whether y's server is a client of x, or passes handshakes on
// to it.
func (s *served) serves(x, y *showing) bool {
	server := y.endpoint.server.Addr().Unmap()
	return s.calls(x, y) || slices.ContainsFunc(s.a.before(x.endpoint), func(f netip.AddrPort) bool { return f.Addr().Unmap() == server })
}

// calls reports whether y's server is a client of x.
func (*served) calls(x, y *showing) bool {
	server := y.endpoint.server.Addr().Unmap()
	return x.known()[netip.PrefixFrom(server, server.BitLen())]
}

// sharesClient reports whether some client, or some load balancer, is known to
// have come to both.
func (s *served) sharesClient(x, y *showing) bool {
	if slices.ContainsFunc(s.a.before(x.endpoint), func(f netip.AddrPort) bool { return slices.Contains(s.a.before(y.endpoint), f) }) &&
		x.endpoint != y.endpoint {
		return true
	}
	for client := range x.known() {
		if y.known()[client] {
			return true
		}
	}
	return false
}

// neighbours reports whether two servers are in one IPv4 /24 or IPv6 /64.
func neighbours(x, y netip.Addr) bool {
	x, y = x.Unmap().WithZone(""), y.Unmap().WithZone("")
	return x.Is4() == y.Is4() && neighbourhood(x).Contains(y)
}

func neighbourhood(a netip.Addr) netip.Prefix {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}
