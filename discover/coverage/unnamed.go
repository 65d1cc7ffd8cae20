package coverage

import (
	"fmt"
	"slices"
	"strings"

	"blindspot/discover"
)

func init() { register(kind{name: "unnamed-endpoint", rank: 17, find: findUnnamed}) }

// findUnnamed finds TLS that clients use without asking for a name; what the
// endpoint is called, its certificate says. It is a notice.
//
// It must not appear for scanners and the checks; where a check dials the
// endpoint by its address; where a check covers a name of the certificate that
// is used or checked at this endpoint, or seen at no other; nor where the
// certificate is hidden and a covered name is in use at the endpoint (health
// checks of a load balancer ask for no name). More than maxSeparate of one issuer
// in one surface are one finding.
func findUnnamed(a *analysis) []discover.Finding {
	bare := filter(a.sifted.unnamed, func(c *cell) bool {
		return !a.covered(c) && !a.vouchedByName(c)
	})
	var out []discover.Finding
	for _, kin := range groupBy(bare, func(c *cell) (issuerKey, bool) { return issuerOf(c), true }) {
		groups := groupBy(kin, func(c *cell) (leafKeyAt, bool) { return leafKeyAtOf(c), true })
		if len(groups) > maxSeparate {
			groups = [][]*cell{kin}
		}
		for _, cells := range groups {
			out = append(out, a.unnamed(cells))
		}
	}
	return out
}

// issuerKey is what certificates without names have in common where there are
// more than maxSeparate of them.
type issuerKey struct {
	surface int
	issuer  string
}

func issuerOf(c *cell) issuerKey {
	if l := c.leaf(); l != nil {
		return issuerKey{c.surface, l.Issuer}
	}
	return issuerKey{c.surface, ""}
}

func leafKeyAtOf(c *cell) leafKeyAt {
	k := leafKeyAt{leafKey: leafKey{c.leaf(), c.surface}}
	if k.leaf == nil {
		k.endpoint = c.endpoint
	}
	return k
}

// leafKeyAt is a certificate, or the endpoint where it was not seen.
type leafKeyAt struct {
	leafKey
	endpoint *endpoint
}

// vouchedByName reports whether a check of a name looks at the certificate that
// the endpoint presents without one.
func (a *analysis) vouchedByName(c *cell) bool {
	l := c.leaf()
	for _, o := range c.endpoint.cells {
		if o.name == nil || !o.name.cover.on(c.endpoint.port()) {
			continue
		}
		if l == nil || o.leaf() == l || l.fits(o.name.text) == discover.Yes {
			return true
		}
	}
	return l != nil && slices.ContainsFunc(l.names, func(host string) bool { return a.checkedOnlyHere(host, c) })
}

// checkedOnlyHere reports whether a check covers host on the cell's port, and
// host was seen at no other endpoint that it could reach instead.
func (a *analysis) checkedOnlyHere(host string, c *cell) bool {
	if strings.HasPrefix(host, "*.") {
		return false
	}
	cover := a.checks.of(host)
	if !cover.on(c.endpoint.port()) {
		return false
	}
	n := a.names.find(host)
	return n == nil || !slices.ContainsFunc(n.cells, func(o *cell) bool { return o.endpoint.port() == c.endpoint.port() })
}

func (a *analysis) unnamed(cells []*cell) discover.Finding {
	f := a.finding("unnamed-endpoint", cells)
	f.Severity = discover.Notice
	l := topLeaf(cells)
	what := "its certificate is hidden, so what it is called is not known"
	if notLogged(cells) {
		what = "the log does not name its certificate, so what it is called is not known"
	}
	if l != nil {
		what = "its certificate is for " + describe(l)
		f.Evidence["certificate_names"] = bounded(l.names, maxListed)
	}
	f.Detail = fmt.Sprintf("Clients use TLS at %s without asking for a name, and no check looks at it: %s; %s.",
		some(f.Endpoints), used(&f), what)
	f.Remedy = shows(fmt.Sprintf("Add a check of %s by its address, or let clients send a server name.", mostUsed(cells).endpoint.text()), cells)
	return f
}
